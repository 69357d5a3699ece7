//! A bounded memory of keys that tokens have waited for and that did not come.

use std::collections::VecDeque;

use crate::limits;
use portcullis_engine::digest::Sha256;

/// The last [`limits::WAITED_KEYS`] keys that tokens have waited for since the last success and that did not come. They go by
/// their digests, as names are the client's text, of any length.
#[derive(Debug, Default)]
pub(super) struct WaitedKeys(VecDeque<Sha256>);

impl WaitedKeys {
    /// Says whether a token has waited for that key.
    pub(super) fn contains(&self, key: &Sha256) -> bool {
        self.0.contains(key)
    }

    /// Remembers that a token has waited for that key. The oldest key is forgotten where there are too many.
    pub(super) fn insert(&mut self, key: Sha256) {
        if self.contains(&key) {
            return;
        }
        if self.0.len() >= limits::WAITED_KEYS {
            self.0.pop_front();
        }
        self.0.push_back(key);
    }

    /// Forgets all of them, and the room that they took.
    pub(super) fn clear(&mut self) {
        self.0 = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_engine::digest::sha256;

    #[test]
    fn the_last_ones_are_kept_and_each_takes_one_place() {
        let mut waited = WaitedKeys::default();
        let key = |n: usize| sha256(&n.to_be_bytes());
        for n in 0..limits::WAITED_KEYS {
            waited.insert(key(n));
            waited.insert(key(n));
        }
        assert!((0..limits::WAITED_KEYS).all(|n| waited.contains(&key(n))));
        waited.insert(key(limits::WAITED_KEYS));
        assert!(!waited.contains(&key(0)) && waited.contains(&key(1)) && waited.contains(&key(limits::WAITED_KEYS)));
        for n in 0..100_000 {
            waited.insert(key(n));
        }
        assert_eq!(waited.0.len(), limits::WAITED_KEYS);
        assert!(waited.0.capacity() * size_of::<Sha256>() <= 4 * limits::WAITED_KEYS * size_of::<Sha256>());
        waited.clear();
        assert!(!waited.contains(&key(99_999)) && waited.0.capacity() == 0);
    }
}

//! Results that are computed once: thousands of managers may have the same table of routes.

use std::{cell::RefCell, collections::HashMap, hash::Hash};

/// The results of a function so far.
#[derive(Debug)]
pub(crate) struct Memo<K, V>(RefCell<HashMap<K, V>>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    /// Returns the result for a key, which is computed if there is none so far.
    pub(crate) fn get(&self, key: K, compute: impl FnOnce() -> V) -> V {
        let known = self.0.borrow().get(&key).cloned();
        known.unwrap_or_else(|| {
            let value = compute();
            self.0.borrow_mut().insert(key, value.clone());
            value
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_result_is_computed_once_for_each_key() {
        let (memo, count) = (Memo::default(), Cell::new(0));
        let mut all = Vec::new();
        for key in [1, 2, 1, 1, 2] {
            all.push(memo.get(key, || {
                count.set(count.get() + 1);
                key * 10
            }));
        }
        assert_eq!((all, count.get()), (vec![10, 20, 10, 10, 20], 2));
    }
}

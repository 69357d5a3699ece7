//! A cache of which names are those of secrets.

use std::collections::HashMap;

/// A test of names that remembers its answers. A large dump repeats a few hundred names many thousand times, and the test
/// compares each with those of secrets for typing errors, which takes longer than all else that is done with the file.
pub(crate) struct NameCache<'t> {
    is_secret: fn(&str) -> bool,
    answers: HashMap<&'t str, bool>,
}

impl<'t> NameCache<'t> {
    pub(crate) fn new(is_secret: fn(&str) -> bool) -> Self {
        Self { is_secret, answers: HashMap::new() }
    }

    /// Says whether a name is that of a secret.
    pub(crate) fn is_secret(&mut self, name: &'t str) -> bool {
        *self.answers.entry(name).or_insert_with(|| (self.is_secret)(name))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_name_is_tested_once_and_its_answer_stays() {
        thread_local! {
            static TESTED: Cell<usize> = const { Cell::new(0) };
        }
        let mut names = NameCache::new(|name| {
            TESTED.set(TESTED.get() + 1);
            name == "password"
        });
        for _ in 0..3 {
            assert!(names.is_secret("password"));
            assert!(!names.is_secret("cluster"));
        }
        assert_eq!(TESTED.get(), 2);
    }
}

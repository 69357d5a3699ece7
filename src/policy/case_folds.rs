//! The case of letters beyond ASCII, as a table: what a backend compares that ignores case.
//!
//! The standard library searches its tables for each letter and each direction, and folding takes up to five such searches.
//! A path is folded before anything of the request is known to be good, so a path of nothing but such letters must not cost
//! many times what another of its length does.

use std::{array, sync::LazyLock};

/// Letters in one page of the table: those of the same first byte, in a code point of two.
const PAGE: usize = 256;

/// Folds of one letter of the basic multilingual plane, which has all scripts with case but a few historic ones.
#[derive(Debug)]
pub(super) struct CaseFolds {
    /// By first byte, the place in `pages`; beyond them where each letter of the page is its own fold.
    places: [u8; PAGE],
    /// By second byte, the fold; [`SEVERAL`] where it is several letters.
    pages: Vec<[u16; PAGE]>,
}

/// No letter folds to NUL: those of this entry fold to several letters, or to none of this plane.
const SEVERAL: u16 = 0;

/// The table. It takes 20 KiB, and is made in a few milliseconds.
pub(super) static CASE_FOLDS: LazyLock<CaseFolds> = LazyLock::new(CaseFolds::new);

impl CaseFolds {
    fn new() -> Self {
        let mut folds = Self { places: [u8::MAX; PAGE], pages: Vec::new() };
        for (first, place) in (0..=u8::MAX).zip(&mut folds.places) {
            let page =
                array::from_fn(|second| entry(u16::from(first) << 8 | u16::try_from(second).unwrap_or_default()));
            let is_own = |(second, fold): (usize, &u16)| usize::from(*fold) == usize::from(first) << 8 | second;
            if !page.iter().enumerate().all(is_own) {
                *place = u8::try_from(folds.pages.len()).unwrap_or(u8::MAX);
                folds.pages.push(page);
            }
        }
        folds
    }

    /// Returns the fold of a letter if it is one letter, and `None` if it has to be made by [`letters`].
    pub(super) fn one(&self, letter: char) -> Option<char> {
        let [first, second] = u16::try_from(u32::from(letter)).ok()?.to_be_bytes();
        let place = self.places.get(usize::from(first))?;
        match self.pages.get(usize::from(*place)).and_then(|page| page.get(usize::from(second))) {
            None => Some(letter),
            Some(&SEVERAL) => None,
            Some(&fold) => char::from_u32(fold.into()),
        }
    }
}

/// The fold of a letter by the standard library: lower case of the upper case. Lower case comes first for the few, such as the
/// capital sharp s, that have no other upper case but whose lower case has.
pub(super) fn letters(letter: char) -> impl Iterator<Item = char> {
    letter.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

/// The fold of a letter as an entry of the table. Halves of surrogate pairs are no letters, and stay as they are.
fn entry(code: u16) -> u16 {
    let Some(letter) = char::from_u32(code.into()) else { return code };
    let mut folded = letters(letter);
    match (folded.next(), folded.next()) {
        (Some(one), None) => u16::try_from(u32::from(one)).unwrap_or(SEVERAL),
        _ => SEVERAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_the_standard_library_says_of_every_letter() {
        let mut several = 0;
        for letter in char::MIN..=char::MAX {
            let wanted: Vec<char> = letters(letter).collect();
            match CASE_FOLDS.one(letter) {
                Some(fold) => assert_eq!(wanted, [fold], "{letter}"),
                None => several += usize::from(u32::from(letter) <= 0xFFFF),
            }
        }
        assert!((50..200).contains(&several), "the table leaves few to the library: {several}");
        assert!(CASE_FOLDS.pages.len() < 40, "{}", CASE_FOLDS.pages.len());
    }
}

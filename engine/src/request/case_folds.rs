//! The case of letters beyond ASCII, as a table: what a backend compares that ignores case.
//!
//! The standard library searches its tables for each letter and each direction, and folding takes up to five such searches.
//! A path is folded before anything of the request is known to be good, so a path of nothing but such letters must not cost
//! many times what another of its length does.

use std::{array, slice, sync::LazyLock};

/// Letters in one page of the table.
const PAGE: usize = 256;
/// Pages of the planes that have letters with case. A test holds that the others have none.
const PAGES: usize = 512;

/// Folds of letters, by page and by place in the page.
#[derive(Debug)]
pub(crate) struct CaseFolds {
    /// The places in `pages`; beyond them where each letter of the page is its own fold.
    places: [u8; PAGES],
    pages: Vec<[Fold; PAGE]>,
    /// Folds of several letters: there are some 100.
    several: Vec<Box<[char]>>,
}

#[derive(Clone, Copy, Debug)]
enum Fold {
    /// The only letter of a fold.
    One(char),
    /// The place of a fold in `several`.
    Several(u16),
}

/// The table. It takes 80 KiB, and is made in a few milliseconds.
pub(crate) static CASE_FOLDS: LazyLock<CaseFolds> = LazyLock::new(CaseFolds::new);

impl CaseFolds {
    fn new() -> Self {
        let mut folds = Self { places: [u8::MAX; PAGES], pages: Vec::new(), several: Vec::new() };
        for page in 0..PAGES {
            let codes = |place: usize| u32::try_from(page * PAGE + place).unwrap_or_default();
            // Halves of surrogate pairs are no letters, and are never asked about.
            let letters: [char; PAGE] = array::from_fn(|place| char::from_u32(codes(place)).unwrap_or_default());
            if letters.iter().any(|letter| folded(*letter).ne([*letter])) {
                let entries = letters.map(|letter| folds.entry(letter));
                if let (Some(place), Ok(at)) = (folds.places.get_mut(page), u8::try_from(folds.pages.len())) {
                    *place = at;
                    folds.pages.push(entries);
                }
            }
        }
        folds
    }

    fn entry(&mut self, letter: char) -> Fold {
        let letters: Box<[char]> = folded(letter).collect();
        match (&*letters, u16::try_from(self.several.len())) {
            ([one], _) => Fold::One(*one),
            (_, Ok(at)) => {
                self.several.push(letters);
                Fold::Several(at)
            }
            // There is room for many times as many.
            (_, Err(_)) => Fold::One(letter),
        }
    }

    /// Hands over the fold of a letter, letter by letter.
    pub(crate) fn fold(&self, letter: char, push: impl FnMut(&char)) {
        let code = usize::try_from(u32::from(letter)).unwrap_or(usize::MAX);
        let page = self.places.get(code / PAGE).and_then(|place| self.pages.get(usize::from(*place)));
        let letters = match page.and_then(|page| page.get(code % PAGE)) {
            None => slice::from_ref(&letter),
            Some(Fold::One(one)) => slice::from_ref(one),
            Some(Fold::Several(at)) => self.several.get(usize::from(*at)).map_or(&[][..], |letters| letters),
        };
        letters.iter().for_each(push);
    }
}

/// The fold of a letter by the standard library: lower case of the upper case. Lower case comes first for the few, such as the
/// capital sharp s, that have no other upper case but whose lower case has.
fn folded(letter: char) -> impl Iterator<Item = char> {
    letter.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_the_standard_library_says_of_every_letter() {
        for letter in char::MIN..=char::MAX {
            let (mut got, wanted) = (Vec::new(), folded(letter).collect::<Vec<_>>());
            CASE_FOLDS.fold(letter, |letter| got.push(*letter));
            assert_eq!(got, wanted, "{letter}");
        }
        let (pages, several) = (CASE_FOLDS.pages.len(), CASE_FOLDS.several.len());
        assert!((10..80).contains(&pages) && (50..200).contains(&several), "{pages} {several}");
    }
}

//! The readings of a path: what else a lax backend could take it for. No reading may need more than the path itself.
//!
//! Such paths can't be refused outright: `/wiki/C%23` and `/v1.` are good pages. Nor can they be folded, since a reading
//! may have fewer segments, or more. So [`super::Policy::select`] asks what the rule for the reading would be.
//!
//! There are up to eleven readings, and anybody may send a path that has them all. So none of them is written out: but for
//! compatibility forms, which are replaced once, a reading is a part of the path whose segments are trimmed when they are
//! looked at. What each costs is then the search for its pattern, which ends where no pattern goes on.

use super::{effort::look_at, path::CanonicalPath, trie::Look};

/// The characters that a backend drops at the ends of segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trim {
    /// The backend drops nothing.
    Nothing,
    /// Spaces are dropped: by Windows, and by many programs that read configuration or databases.
    Spaces,
    /// Dots at the end of a name are dropped as well: by Windows, also where they are mixed with spaces.
    SpacesAndDots,
}

impl Look for Trim {
    /// Returns what is left of a segment. An empty name is merged with the slash beside it.
    fn look(self, segment: &str) -> Option<&str> {
        if self == Self::Nothing {
            return Some(segment);
        }
        let mut name = segment.as_bytes();
        loop {
            name = match name {
                [shorter @ .., b'%', b'2', b'0'] => shorter,
                [shorter @ .., b'.'] if self == Self::SpacesAndDots => shorter,
                _ => break,
            };
        }
        let end = name.len();
        // Backends that trim names trim both ends.
        while let [b'%', b'2', b'0', shorter @ ..] = name {
            name = shorter;
        }
        look_at(segment.len() - name.len());
        segment.get(end - name.len()..end).filter(|name| !name.is_empty())
    }
}

/// One reading of a path. Trimming and cutting do the same to the folded text as to the text itself: folding touches no
/// slash, space, dot, question or number sign.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading<'r> {
    text: &'r str,
    folded: &'r str,
    /// Says whether the reading ends before the path does.
    is_cut: bool,
    trim: Trim,
}

impl<'r> Reading<'r> {
    /// The segments of the reading, in order.
    pub(super) fn segments(self) -> impl Iterator<Item = &'r str> {
        self.text.split('/').skip(1).filter_map(move |segment| self.trim.look(segment)).filter(|name| !name.is_empty())
    }

    /// The folded text, and how its segments are trimmed: patterns are looked for by these.
    pub(super) fn folded(self) -> (&'r str, Trim) {
        (self.folded, self.trim)
    }

    /// Says whether the reading is a path: none of its segments is one or two dots. Segments before a cut are looked at in
    /// the reading without the cut.
    fn is_path(self) -> bool {
        let is_name = |segment| !matches!(self.trim.look(segment), Some("." | ".."));
        match self.trim {
            Trim::Spaces if !self.is_cut => self.text.split('/').all(is_name),
            Trim::Nothing | Trim::Spaces => !self.is_cut || self.text.rsplit('/').take(1).all(is_name),
            // No dots are left at its end.
            Trim::SpacesAndDots => true,
        }
    }

    /// Says whether trimming changes a segment.
    fn is_trimmed(self) -> bool {
        let is_same = |segment: &str| segment.is_empty() || self.trim.look(segment) == Some(segment);
        !self.text.split('/').all(is_same)
    }
}

/// The readings of a path.
#[derive(Debug)]
pub(super) struct Readings<'p> {
    path: &'p CanonicalPath,
    /// The path with plain ASCII in place of compatibility forms, if it has any.
    fitted: Option<CanonicalPath>,
    /// For `path` and for `fitted`: the lengths of the text before the cut, as it is and folded.
    cuts: [Option<(usize, usize)>; 2],
}

impl<'p> Readings<'p> {
    /// The readings of a path. `None`: it has one that is no path at all, for instance one with a segment of two dots.
    pub(super) fn of(path: &'p CanonicalPath) -> Option<Self> {
        let fitted = path.fitted().map(CanonicalPath::parse).transpose().ok()?;
        // A sign that is cut at has no other spelling: it is as often in one as in the other.
        let cut = |base: &CanonicalPath| cut(base.as_str()).and_then(|end| Some((end, cut(base.folded())?)));
        let cuts = [cut(path), fitted.as_ref().and_then(cut)];
        let readings = Self { path, fitted, cuts };
        let are_paths = readings.iter().all(Reading::is_path);
        are_paths.then_some(readings)
    }

    /// Iterates over all readings. Some may be the same, or the path itself.
    pub(super) fn iter(&self) -> impl Iterator<Item = Reading<'_>> {
        let bases = [Some(self.path), self.fitted.as_ref()].into_iter().flatten().zip(self.cuts);
        bases.flat_map(|(base, cut)| {
            let (text, folded) = (base.as_str(), base.folded());
            let whole = Reading { text, folded, is_cut: false, trim: Trim::Nothing };
            let cut = cut.map(|(end, folded_end)| {
                let (text, folded) = (before(text, end), before(folded, folded_end));
                Reading { text, folded, is_cut: true, ..whole }
            });
            [Some(whole), cut].into_iter().flatten().flat_map(|reading| {
                [Trim::Nothing, Trim::Spaces, Trim::SpacesAndDots].map(|trim| Reading { trim, ..reading })
            })
        })
    }

    /// Says whether the only reading is the path itself.
    pub(super) fn is_empty(&self) -> bool {
        self.fitted.is_none() && self.iter().all(|reading| reading.text == self.path.as_str() && !reading.is_trimmed())
    }
}

/// The end of a path for a backend that first decodes it and then looks for the query: before an escaped question or number
/// sign, if there is one (CVE-2024-38474 and CVE-2024-38475 in Apache).
fn cut(text: &str) -> Option<usize> {
    look_at(text.len());
    text.as_bytes().windows(3).position(|escape| matches!(escape, b"%3F" | b"%23"))
}

/// Returns the path up to `end`. A trailing slash is not significant, but the root has nothing else.
fn before(text: &str, end: usize) -> &str {
    let path = text.get(..end).unwrap_or(text);
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() { "/" } else { path }
}

#[cfg(test)]
mod tests;

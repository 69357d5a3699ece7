//! The readings of a path: what else a lax backend could take it for. No reading may need more than the path itself.
//!
//! Such paths can't be refused outright: `/wiki/C%23` and `/v1.` are good pages. Nor can they be folded, since a reading
//! may have fewer segments, or more. So [`super::Policy::select`] asks what the rule for the reading would be.
//!
//! Anybody may send a path that has all kinds of readings, each of which doubles their number: one with more than
//! [`limits::PATH_READINGS`] has none that is looked at, and is refused. Few of them are written out: compatibility forms,
//! encoded slashes and sessions are replaced once each (the forms twice, where a parameter is among them). All others are a
//! part of such a text whose segments are trimmed when they are looked at. What each costs is then the search for its pattern,
//! which ends where no pattern goes on.

use super::{
    lax_segment::{LaxSegment, Trim, has_stream},
    trie::Look,
};
use crate::{
    limits,
    request::{
        effort::look_at,
        path::{CanonicalPath, has_dubious_part},
        sessions::{has_sessions, without_sessions},
    },
};

/// One reading of a path. Trimming and cutting do the same to the folded text as to the text itself: folding touches no
/// slash, space, dot, question or number sign, and colons and dollar signs count in both their spellings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading<'r> {
    text: &'r str,
    folded: &'r str,
    /// Says whether the reading ends before the path does.
    is_cut: bool,
    has_encoded_slash: bool,
    look: LaxSegment,
}

fn is_no_name(segment: &str) -> bool {
    matches!(segment, "." | "..") || has_dubious_part(segment)
}

impl<'r> Reading<'r> {
    /// The segments of the reading, in order.
    pub(super) fn segments(self) -> impl Iterator<Item = &'r str> {
        self.text.split('/').skip(1).filter_map(move |segment| self.look.look(segment)).filter(|name| !name.is_empty())
    }

    /// The folded text, and how its segments are looked at: patterns are looked for by these.
    pub(super) fn folded(self) -> (&'r str, LaxSegment) {
        (self.folded, self.look)
    }

    /// Says whether the reading is a path: none of its segments is one or two dots. Segments before a cut are looked at in
    /// the reading without the cut.
    fn is_path(self) -> bool {
        if self.has_encoded_slash {
            let is_name = |segment| !matches!(self.look.look(segment), Some(name) if is_no_name(name));
            return self.text.split('/').all(is_name);
        }
        let is_name = |segment| !matches!(self.look.look(segment), Some("." | ".."));
        match self.look {
            // No dots are left at its end.
            LaxSegment { trim: Trim::SpacesAndDots, .. } => true,
            LaxSegment { trim: Trim::Nothing, drops_streams: false } if !self.is_cut => true,
            LaxSegment { trim: Trim::Nothing | Trim::Spaces, .. } if !self.is_cut => self.text.split('/').all(is_name),
            LaxSegment { trim: Trim::Nothing | Trim::Spaces, .. } => self.text.rsplit('/').take(1).all(is_name),
        }
    }

    /// Says whether a segment looks otherwise than it is written.
    fn is_changed(self) -> bool {
        let is_same = |segment: &str| segment.is_empty() || self.look.look(segment) == Some(segment);
        !self.text.split('/').all(is_same)
    }
}

/// The marks of a text beside its segments, which decide how many readings it has.
#[derive(Clone, Copy, Debug)]
struct Marks {
    /// The lengths of the text before the cut, as it is and folded.
    cut: Option<(usize, usize)>,
    has_streams: bool,
}

impl Marks {
    fn of(base: &CanonicalPath) -> Self {
        // A sign that is cut at has no other spelling: it is as often in one as in the other.
        let cut = cut(base.as_str()).and_then(|end| Some((end, cut(base.folded())?)));
        Self { cut, has_streams: has_stream(base.as_str()) }
    }

    /// The number of readings of the text.
    fn readings(self) -> usize {
        TRIMS.len() * (1 + usize::from(self.cut.is_some())) * (1 + usize::from(self.has_streams))
    }
}

const TRIMS: [Trim; 3] = [Trim::Nothing, Trim::Spaces, Trim::SpacesAndDots];

/// The readings of a path.
#[derive(Debug)]
pub(super) struct Readings<'p> {
    path: &'p CanonicalPath,
    marks: Marks,
    /// The path with something in it replaced, in each way in which it can be.
    replaced: Vec<(CanonicalPath, Marks)>,
}

impl<'p> Readings<'p> {
    /// The readings of a path. `None`: there are too many, or one is no path at all, for instance one with a segment of two
    /// dots, or sessions are in each other.
    pub(super) fn of(path: &'p CanonicalPath) -> Option<Self> {
        let mut readings = Self { path, marks: Marks::of(path), replaced: Vec::new() };
        readings.replace(|path| path.fitted().map(|fitted| fitted.without_parameters.to_string()))?;
        readings.replace(|path| path.fitted()?.with_parameters.as_deref().map(str::to_owned))?;
        readings.replace(|path| path.has_encoded_slash().then(|| path.as_str().replace("%2F", "/")))?;
        let before = readings.replaced.len();
        readings.replace(|path| without_sessions(path.as_str()))?;
        // Of sessions in each other, `/(S(/(S(x))y))`, one is left where the other one is taken out.
        if readings.replaced.iter().skip(before).any(|(left, _)| has_sessions(left.as_str())) {
            return None;
        }
        let are_paths = readings.iter().all(Reading::is_path);
        are_paths.then_some(readings)
    }

    /// Adds what becomes of each text that is read so far, where that is another one.
    fn replace(&mut self, replaced: impl Fn(&CanonicalPath) -> Option<String>) -> Option<()> {
        let texts: Vec<String> = self.bases().filter_map(|(base, _)| replaced(base)).collect();
        for text in texts {
            let base = CanonicalPath::parse(text).ok()?;
            let marks = Marks::of(&base);
            self.replaced.push((base, marks));
            let count: usize = self.bases().map(|(_, marks)| marks.readings()).sum();
            if count > limits::PATH_READINGS {
                return None;
            }
        }
        Some(())
    }

    fn bases(&self) -> impl Iterator<Item = (&CanonicalPath, Marks)> {
        [(self.path, self.marks)].into_iter().chain(self.replaced.iter().map(|(base, marks)| (base, *marks)))
    }

    /// Iterates over all readings. Some may be the same, or the path itself.
    pub(super) fn iter(&self) -> impl Iterator<Item = Reading<'_>> {
        self.bases().flat_map(|(base, marks)| {
            let (text, folded) = (base.as_str(), base.folded());
            let look = LaxSegment { trim: Trim::Nothing, drops_streams: false };
            let whole = Reading { text, folded, is_cut: false, has_encoded_slash: base.has_encoded_slash(), look };
            let cut = marks.cut.map(|(end, folded_end)| {
                let (text, folded) = (before(text, end), before(folded, folded_end));
                Reading { text, folded, is_cut: true, ..whole }
            });
            let looks = [false, true].into_iter().filter(move |drops| !drops || marks.has_streams);
            let looks = looks.flat_map(|drops_streams| TRIMS.map(|trim| LaxSegment { trim, drops_streams }));
            [Some(whole), cut]
                .into_iter()
                .flatten()
                .flat_map(move |reading| looks.clone().map(move |look| Reading { look, ..reading }))
        })
    }

    /// Says whether the only reading is the path itself.
    pub(super) fn is_empty(&self) -> bool {
        self.replaced.is_empty()
            && self.iter().all(|reading| reading.text == self.path.as_str() && !reading.is_changed())
    }
}

/// The end of a path for a backend that first decodes it and then looks for the query: before an escaped question or number
/// sign, if there is one (CVE-2024-38474 and CVE-2024-38475 in Apache).
pub(super) fn cut(text: &str) -> Option<usize> {
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

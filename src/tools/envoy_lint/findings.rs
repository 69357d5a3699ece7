//! The problems that lints have found so far.

use std::collections::{BTreeSet, HashMap};

use crate::{
    config::{
        error::{Problem, Severity},
        lint::Lint,
        quoted,
        site::Site,
    },
    document::tree::Place,
};

/// The problems so far, and what could not be looked at.
#[derive(Default)]
pub(super) struct Findings {
    problems: Vec<Problem>,
    /// The part of the configuration that is looked at.
    site: Site,
    /// Parts that were not looked at, in words.
    unseen: BTreeSet<String>,
}

impl Findings {
    /// Returns findings of a part of the configuration, empty so far.
    pub(super) fn of_site(site: &Site) -> Self {
        Self { site: site.clone(), ..Self::default() }
    }

    /// Goes on in another part of the configuration.
    pub(super) fn enter(&mut self, site: &Site) {
        self.site = site.clone();
    }

    /// Reports what certainly can't be meant.
    pub(super) fn error(&mut self, lint: Lint, place: &Place, message: impl Into<String>, help: impl Into<String>) {
        self.push(Problem::error(place, message).help(help).lint(lint));
    }

    /// Reports what undoes some of the policy, or makes trouble.
    pub(super) fn warn(&mut self, lint: Lint, place: &Place, message: impl Into<String>, help: impl Into<String>) {
        self.push(Problem::warning(place, message).help(help).lint(lint));
    }

    /// Reports what lets no request pass, although others of its lint do.
    pub(super) fn warn_closed(
        &mut self,
        lint: Lint,
        place: &Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Problem::warning(place, message).help(help).lint(lint).closed());
    }

    pub(super) fn push(&mut self, problem: Problem) {
        self.problems.push(problem.at(&self.site));
    }

    /// Names something that could not be looked at.
    pub(super) fn unseen(&mut self, what: impl AsRef<str>) {
        let what = what.as_ref();
        let words = if self.site.is_empty() { what.to_owned() } else { format!("{what} ({})", self.site) };
        self.unseen.insert(words);
    }

    /// Names a cluster that is not in the files.
    pub(super) fn unseen_cluster(&mut self, name: &str) {
        self.unseen.insert(format!("the cluster {}, which is not in the files", quoted(name)));
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.problems.extend(other.problems);
        self.unseen.extend(other.unseen);
    }

    pub(super) const fn count(&self) -> usize {
        self.problems.len()
    }

    /// Returns how bad they are: the number of those that let requests pass, and of all.
    pub(super) fn weight(&self) -> (usize, usize) {
        (self.problems.iter().filter(|problem| problem.lets_pass()).count(), self.problems.len())
    }

    /// Returns each problem once, and what was not looked at. An alias repeats what is written in one place, and control planes
    /// write the same into each chain of a listener.
    pub(super) fn finished(self) -> (Vec<Problem>, Vec<String>) {
        let mut kept: Vec<Problem> = Vec::new();
        let mut by_key: HashMap<Key, usize> = HashMap::new();
        let mut counts: HashMap<(Text, Site), usize> = HashMap::new();
        for problem in self.problems {
            let text = (problem.kind(), problem.severity(), problem.message().to_owned());
            let (at, new) = (problem.sort_key(), kept.len());
            let site = problem.sites().first().cloned().unwrap_or_default();
            let mut same = by_key.get(&Key::Place(text.clone(), at)).copied();
            let count = counts.entry((text.clone(), site.clone())).or_default();
            if same.is_none() && site.listener().is_some() {
                *count += 1;
                let chains = site.without_chain();
                same = Some(*by_key.entry(Key::Chains(text.clone(), chains, *count)).or_insert(new));
            }
            let one = *by_key.entry(Key::Place(text, at)).or_insert_with(|| same.unwrap_or(new));
            match kept.get_mut(one) {
                Some(one) => one.add_site(site),
                None => kept.push(problem),
            }
        }
        kept.iter_mut().for_each(Problem::each_site_once);
        (kept, self.unseen.into_iter().collect())
    }
}

/// The words of a problem.
type Text = (Option<Lint>, Severity, String);

/// A property that makes two problems one.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    /// Both say the same of one place in the file.
    Place(Text, (bool, usize)),
    /// Both say the same of two chains of a listener, for the same number of times.
    Chains(Text, Site, usize),
}

//! The verdict on the files of one Envoy: can a request reach an API without the decision of Portcullis?

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;

use super::scene::{Scene, of_host, routes};
use crate::{
    config::{
        error::{ConfigErrors, Problem, Severity},
        lint::Lint,
        site::{Resource, Site},
    },
    document::tree::Node,
};

/// The result of looking at the files of one Envoy.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The problems of each file, in the order in which the files were given.
    pub files: Vec<ConfigErrors>,
    /// The parts that were looked at, and those that were not.
    pub seen: Seen,
    /// The lints of which [`Checked::without`] has left something out that lets requests pass.
    pub allowed: BTreeSet<Lint>,
    /// Says that the configuration of Portcullis beside them has errors: then they were looked at without it.
    pub is_beside_errors: bool,
}

/// The parts of a configuration that were looked at, by number, and those that were not, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// The number of listeners.
    pub listeners: usize,
    /// The number of HTTP connection managers.
    pub managers: usize,
    /// The number of filter chains.
    pub filter_chains: usize,
    /// The number of routes.
    pub routes: usize,
    /// The number of clusters.
    pub clusters: usize,
    /// Parts that could change the verdict and were not looked at, each as a part of a sentence.
    #[serde(skip)]
    pub unseen: Vec<String>,
}

/// A verdict, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything was seen, and every request is checked before it reaches an API.
    Good,
    /// Nothing is wrong with what was seen, and something that could change that was not.
    Unseen,
    /// A request may pass without a decision of Portcullis, or changed after it.
    Open,
    /// The files have errors, or the configuration of Portcullis beside them.
    Wrong,
}

/// A warning that is meant: all of a lint, or those in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The name of the warning.
    pub lint: Lint,
    /// The listener, filter chain or route in which it is meant; everywhere if there is none.
    pub place: Option<String>,
}

impl Seen {
    /// Adds what was looked at of another Envoy.
    pub(super) fn add(&mut self, other: Self) {
        self.listeners = self.listeners.saturating_add(other.listeners);
        self.managers = self.managers.saturating_add(other.managers);
        self.filter_chains = self.filter_chains.saturating_add(other.filter_chains);
        self.routes = self.routes.saturating_add(other.routes);
        self.clusters = self.clusters.saturating_add(other.clusters);
        self.unseen.extend(other.unseen);
    }

    /// Names the Envoy that parts are of, where there are several.
    pub(super) fn within_origin(mut self, origin: Option<&Resource>) -> Self {
        if let Some(origin) = origin {
            self.unseen.iter_mut().for_each(|what| *what = format!("{what}, in the {origin}"));
        }
        self
    }

    pub(super) fn new(scene: &Scene<'_>, unseen: Vec<String>) -> Self {
        let in_managers = scene.managers.iter().flat_map(|manager| manager.tables.iter().copied());
        // A table that several managers name counts once.
        let tables: BTreeMap<*const Node, &Node> =
            in_managers.chain(scene.tables.iter().copied()).map(|table| (std::ptr::from_ref(table), table)).collect();
        let in_tables = tables.values().map(|table| routes(table).len());
        let in_hosts = scene.hosts.iter().map(|host| of_host(None, host, 1).len());
        Self {
            listeners: scene.listeners.len(),
            managers: scene.managers.len(),
            filter_chains: scene.listeners.iter().map(|listener| listener.chains.len()).sum(),
            routes: in_tables.chain(in_hosts).sum(),
            clusters: scene.clusters.len(),
            unseen,
        }
    }
}

impl Checked {
    /// Returns the verdict on all files together.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let any = |is: fn(&Problem) -> bool| self.problems().any(is);
        if self.is_beside_errors || any(|problem| problem.severity() == Severity::Error) {
            Verdict::Wrong
        } else if any(Problem::lets_pass) {
            Verdict::Open
        } else if !self.seen.unseen.is_empty() || any(|problem| problem.kind() == Some(Lint::EnvoyNothingChecked)) {
            Verdict::Unseen
        } else {
            Verdict::Good
        }
    }

    /// Notes that the configuration of Portcullis beside them has errors.
    #[must_use]
    pub fn beside_errors(self) -> Self {
        Self { is_beside_errors: true, ..self }
    }

    /// Returns the lints that let requests pass.
    #[must_use]
    pub fn open(&self) -> BTreeSet<Lint> {
        self.problems().filter(|problem| problem.lets_pass()).filter_map(Problem::kind).collect()
    }

    /// Returns the names of the places in which there is a warning of this lint.
    #[must_use]
    pub fn places(&self, lint: Lint) -> BTreeSet<&str> {
        let of_lint = self.problems().filter(|problem| problem.kind() == Some(lint));
        of_lint.flat_map(Problem::sites).flat_map(|site| site.names()).collect()
    }

    /// Leaves out warnings that are meant. Errors stay.
    #[must_use]
    pub fn without(self, allowed: &[Allowed]) -> Self {
        let Self { files, seen, allowed: before, is_beside_errors } = self;
        let left_out = RefCell::new(before);
        let keep = |problem: Problem| {
            let Some(lint) = problem.kind() else { return Some(problem) };
            let meant = allowed.iter().filter(|one| one.lint == lint);
            let is_meant_at = |site: &Site| {
                let mut places = meant.clone().map(|one| one.place.as_deref());
                places.any(|place| place.is_none_or(|place| site.names().any(|name| name == place)))
            };
            let is_meant = meant.clone().any(|one| one.place.is_none());
            if problem.lets_pass() && (is_meant || problem.sites().iter().any(is_meant_at)) {
                left_out.borrow_mut().insert(lint);
            }
            if is_meant { None } else { problem.without_sites(is_meant_at) }
        };
        let files = files.into_iter().map(|file| file.retain_warnings(keep)).collect();
        Self { files, seen, allowed: left_out.into_inner(), is_beside_errors }
    }

    fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.files.iter().flat_map(ConfigErrors::all)
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        write!(
            f,
            "looked at {}, {}, {}, {}, {}",
            counted(self.listeners, "listener"),
            counted(self.filter_chains, "filter chain"),
            counted(self.managers, "HTTP connection manager"),
            counted(self.routes, "route"),
            counted(self.clusters, "cluster")
        )
    }
}

//! The state of a filter for one route: settings of a weighted cluster count over those of its route, these over those of the
//! virtual host, and these over those of the table.

use super::{chain::Filter, route::Route};
use crate::{
    document::tree::{Entry, Node},
    tools::envoy_lint::{read, types::FILTER_CONFIG},
};

/// The settings of a route for an ext_authz filter.
pub(crate) const PER_ROUTE: &str = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute";
const MATCHER_PER_ROUTE: &str = "envoy.extensions.common.matching.v3.ExtensionWithMatcherPerRoute";
const USUAL_NAME: &str = "envoy.filters.http.ext_authz";

/// Requests that have the same settings: those of a route, or of one of its weighted clusters.
pub(crate) struct Case<'n> {
    /// The parts that may have settings, the most specific one last.
    levels: Vec<&'n Node>,
    /// The name of the weighted cluster, or of the route.
    pub(crate) name: String,
}

/// The state of an ext_authz filter for some requests.
#[derive(Debug, Default)]
pub(crate) struct State<'n> {
    /// Tells whether the filter runs.
    pub(crate) is_on: bool,
    /// Tells whether some setting is for it.
    pub(crate) is_set: bool,
    /// The setting that switches it off, if it is one of a route.
    pub(crate) off: Option<&'n Entry>,
    /// The `check_settings` that apply.
    pub(crate) checks: Vec<&'n Node>,
    /// A matcher that decides for these requests.
    pub(crate) matcher: Option<&'n Entry>,
}

impl<'n> Case<'n> {
    /// Returns the cases of a route.
    pub(crate) fn all(route: &Route<'n>) -> Vec<Self> {
        let levels: Vec<&Node> = route.table.into_iter().chain([route.host, route.node]).collect();
        let weighted = route.weighted_clusters();
        if weighted.iter().all(|cluster| read::field(cluster, SETTINGS).is_none()) {
            return vec![Case { levels, name: route.name.clone() }];
        }
        let of_cluster = |cluster| {
            let name = read::text(cluster, "name").map_or_else(|| route.name.clone(), ToOwned::to_owned);
            Case { levels: levels.iter().copied().chain([cluster]).collect(), name }
        };
        weighted.iter().map(of_cluster).collect()
    }

    /// Returns the state of a filter of a chain.
    pub(crate) fn state(&self, filter: &Filter<'n>) -> State<'n> {
        filter.name.map_or_else(
            || State { is_on: filter.disabled.is_none(), ..State::default() },
            |name| self.state_by_name(name, filter.disabled.is_none()),
        )
    }

    /// Returns the state of the filter of that name, which runs by default or not.
    pub(crate) fn state_by_name(&self, name: &str, by_default: bool) -> State<'n> {
        let mut state = State { is_on: by_default, ..State::default() };
        // Envoy switches off filters by `FilterConfig`, and the filter itself goes by its own settings.
        let (mut by_envoy, mut by_itself) = (None, None);
        for (kind, config) in self.settings(name) {
            let is_wrapped = kind == FILTER_CONFIG;
            let off = if is_wrapped { read::switched_on(config, "disabled") } else { None };
            by_envoy = off;
            (state.is_on, state.is_set) = (off.is_none(), true);
            let inner =
                if is_wrapped { read::value(config, "config").and_then(read::message) } else { Some((kind, config)) };
            match inner {
                Some((PER_ROUTE, config)) => {
                    by_itself = read::switched_on(config, "disabled");
                    state.checks.extend(read::value(config, "check_settings"));
                }
                Some((MATCHER_PER_ROUTE, config)) => {
                    state.matcher = read::field(config, "xds_matcher").or(state.matcher);
                }
                _ => {}
            }
        }
        state.is_on &= by_itself.is_none();
        state.off = by_itself.or(by_envoy);
        state
    }

    /// Returns the names under which there are settings that are certainly for ext_authz.
    pub(crate) fn names(&self) -> Vec<&'n str> {
        let all = self.levels.iter().filter_map(|level| read::value(level, SETTINGS)).flat_map(read::entries);
        let is_meant = |entry: &&Entry| {
            let inner = read::message(&entry.node).and_then(|(kind, config)| {
                if kind == FILTER_CONFIG {
                    read::value(config, "config").and_then(read::message)
                } else {
                    Some((kind, config))
                }
            });
            entry.key == USUAL_NAME || inner.is_some_and(|(kind, _)| kind == PER_ROUTE)
        };
        all.filter(is_meant).map(|entry| entry.key.as_str()).collect()
    }

    /// Returns the settings for a filter, from the least specific to the most specific ones.
    fn settings(&self, name: &str) -> impl Iterator<Item = (&'n str, &'n Node)> {
        self.levels.iter().filter_map(move |level| {
            let entries = read::entries(read::value(level, SETTINGS)?);
            read::message(&entries.iter().rfind(|entry| entry.key == name)?.node)
        })
    }
}

/// The field with the settings for filters by their names.
pub(crate) const SETTINGS: &str = "typed_per_filter_config";

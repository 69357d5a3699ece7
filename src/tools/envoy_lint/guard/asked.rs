//! The services that ext_authz filters ask: which one is Portcullis?

use std::collections::{BTreeSet, HashMap};

use crate::{
    document::tree::Node,
    tools::envoy_lint::{
        read,
        scene::{Scene, chain::Filter},
        types::EXT_AUTHZ,
    },
};

/// The name by which the cluster or the statistics of the filter that asks Portcullis give it away.
const OUR_NAME: &str = "portcullis";

/// The path of the cluster that a filter asks.
const CLUSTER: [&str; 3] = ["grpc_service", "envoy_grpc", "cluster_name"];

/// The name that gRPC's C core has in statistics.
const CORE: [&str; 3] = ["grpc_service", "google_grpc", "stat_prefix"];

/// The paths in a filter's settings of what it asks: a cluster, or an address.
const TARGETS: [&[&str]; 3] =
    [&CLUSTER, &["grpc_service", "google_grpc", "target_uri"], &["http_service", "server_uri", "cluster"]];

/// The services that are certainly Portcullis, if a filter of the files has its name.
#[derive(Debug, Default)]
pub(crate) struct Asked<'n> {
    targets: BTreeSet<&'n str>,
    is_sure: bool,
    /// Tells whether a filter asks something with the name of Portcullis.
    is_target: bool,
}

/// An ext_authz filter of a chain.
#[derive(Clone, Copy)]
pub(crate) struct Authorizer<'f, 'n> {
    pub(crate) filter: &'f Filter<'n>,
    /// The filter of the chain that runs it for some requests: a matcher or a composite filter.
    pub(crate) within: Option<&'f Filter<'n>>,
}

impl<'f, 'n> Authorizer<'f, 'n> {
    /// Returns the filter of the chain itself, which is the one that routes name.
    pub(crate) fn outer(&self) -> &'f Filter<'n> {
        self.within.unwrap_or(self.filter)
    }

    /// Tells whether something in the chain decides which requests it is asked about.
    pub(crate) fn is_conditional(&self) -> bool {
        self.within.is_some() || self.filter.matcher.is_some()
    }
}

/// Returns the ext_authz filters of a chain, those inside of other filters among them.
pub(crate) fn authorizers<'f, 'n>(filters: &'f [Filter<'n>]) -> Vec<Authorizer<'f, 'n>> {
    let mut found = Vec::new();
    for filter in filters {
        if filter.is(EXT_AUTHZ) {
            found.push(Authorizer { filter, within: None });
        }
        inside(filter, filter, &mut found);
    }
    found
}

fn inside<'f, 'n>(filter: &'f Filter<'n>, outer: &'f Filter<'n>, found: &mut Vec<Authorizer<'f, 'n>>) {
    for held in &filter.inside {
        if held.is(EXT_AUTHZ) {
            found.push(Authorizer { filter: held, within: Some(outer) });
        }
        inside(held, outer, found);
    }
}

impl<'n> Asked<'n> {
    pub(crate) fn new(scene: &Scene<'n>) -> Self {
        let all = || scene.managers.iter().flat_map(|manager| authorizers(&manager.filters));
        let targets = || all().filter_map(|one| one.filter.config.and_then(target));
        let mut asked = Self { is_target: targets().any(has_our_name), ..Self::default() };
        for authorizer in all().filter(|one| asked.is_named(one.filter)).collect::<Vec<_>>() {
            asked.is_sure = true;
            asked.targets.extend(authorizer.filter.config.and_then(target));
        }
        asked
    }

    /// Returns the services one of which is Portcullis, where nothing tells that it is or which one, and not every request is sent to
    /// each. A single one may be another service: that Portcullis is not asked at all is the likeliest mistake.
    pub(crate) fn candidates(&self, scene: &Scene<'n>) -> BTreeSet<&'n str> {
        if self.is_sure {
            return BTreeSet::new();
        }
        let of_manager = |filters| -> BTreeSet<&'n str> {
            let ours = self.ours(filters);
            ours.iter().filter_map(|one| one.filter.config.and_then(target)).collect()
        };
        let mut sets: BTreeSet<BTreeSet<&str>> =
            scene.managers.iter().map(|manager| of_manager(&manager.filters)).filter(|set| !set.is_empty()).collect();
        let mut of_routes = BTreeSet::new();
        let in_managers = scene.managers.iter().flat_map(|manager| &manager.tables);
        let all = in_managers.chain(&scene.tables).chain(&scene.hosts).copied();
        // Many managers may have the same table.
        let once: HashMap<*const Node, &Node> = all.map(|node| (std::ptr::from_ref(node), node)).collect();
        once.into_values().for_each(|node| targets_of_routes(node, &mut of_routes));
        sets.extend(of_routes.into_iter().map(|target| BTreeSet::from([target])));
        sets.into_iter().flatten().collect()
    }

    /// Returns the ext_authz filters of a chain that may be the one that asks Portcullis; the others ask other services.
    pub(crate) fn ours<'f>(&self, filters: &'f [Filter<'n>]) -> Vec<Authorizer<'f, 'n>> {
        let all = authorizers(filters);
        let is_ours = |one: &&Authorizer<'_, 'n>| {
            let Some(config) = one.filter.config else { return true };
            self.is_named(one.filter) || target(config).is_some_and(|target| self.targets.contains(target))
        };
        if self.is_sure {
            return all.iter().filter(is_ours).copied().collect();
        }
        let speaks_grpc = |one: &&Authorizer<'_, 'n>| {
            one.filter.config.is_none_or(|config| read::field(config, "http_service").is_none())
        };
        let grpc: Vec<Authorizer<'_, '_>> = all.iter().filter(speaks_grpc).copied().collect();
        if grpc.is_empty() { all } else { grpc }
    }

    /// Tells whether a filter has the name of Portcullis somewhere. Where clusters have it, the name of a filter that asks another
    /// one says nothing.
    fn is_named(&self, filter: &Filter<'_>) -> bool {
        let cluster = filter.config.and_then(|config| read::at(config, &CLUSTER)).and_then(read::as_text);
        if self.is_target && cluster.is_some() {
            return cluster.is_some_and(has_our_name);
        }
        let statistics = filter.config.and_then(|config| read::text(config, "stat_prefix"));
        let core = filter.config.and_then(|config| read::at(config, &CORE)).and_then(read::as_text);
        let texts = [filter.name, statistics, core, filter.config.and_then(target)];
        texts.into_iter().flatten().any(has_our_name)
    }

    /// Tells whether settings that name a service certainly name another one than Portcullis.
    pub(crate) fn is_other(&self, settings: &'n Node) -> bool {
        self.is_sure && target(settings).is_some_and(|target| !self.targets.contains(target) && !has_our_name(target))
    }
}

/// Returns the name or address of the service that is asked.
pub(crate) fn target(settings: &Node) -> Option<&str> {
    TARGETS.iter().find_map(|path| read::at(settings, path).and_then(read::as_text))
}

/// Finds the services that routes have asked in place of the one of the filter.
fn targets_of_routes<'n>(node: &'n Node, found: &mut BTreeSet<&'n str>) {
    for entry in read::entries(node) {
        if read::is_named(&entry.key, "check_settings") {
            found.extend(target(&entry.node));
        } else {
            targets_of_routes(&entry.node, found);
        }
    }
    read::items(node).iter().for_each(|item| targets_of_routes(item, found));
}

/// Tells whether a text has the name of Portcullis in it.
pub(crate) fn has_our_name(text: &str) -> bool {
    text.to_ascii_lowercase().contains(OUR_NAME)
}

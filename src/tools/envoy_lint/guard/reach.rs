//! The upstreams that requests can reach: two ways that lead to the same one, and those that lead to no API.

use std::collections::BTreeSet;

use super::address::Address;
use crate::{
    document::tree::Node,
    tools::envoy_lint::{
        read,
        scene::{self, Destinations, Lookup, Route, Scene, acting, endpoints},
    },
};

const AGGREGATE: &str = "envoy.extensions.clusters.aggregate.v3.ClusterConfig";

/// Pages of Envoy's own and of the agents beside Envoys of service meshes. They have no data of an API.
const AGENT_PAGES: [&str; 3] = ["/stats/prometheus", "/healthz/ready", "/ready"];
/// The pages that Istio writes as a prefix as well.
const AGENT_PREFIXES: [&str; 2] = ["/stats/prometheus", "/healthz/ready"];
/// The fields of a route that change the path.
const REWRITES: [&str; 4] = ["prefix_rewrite", "regex_rewrite", "path_rewrite", "path_rewrite_policy"];

/// The fields of a locality with endpoints, other than `lb_endpoints`.
const OTHER_ENDPOINTS: [&str; 2] = ["load_balancer_endpoints", "leds_cluster_locality_config"];

/// The upstreams that some requests can reach.
#[derive(Debug, Default, Clone)]
pub(crate) struct Upstreams<'n> {
    pub(crate) clusters: BTreeSet<&'n str>,
    /// The addresses of their endpoints.
    addresses: BTreeSet<Address>,
    /// Listeners of this Envoy.
    pub(crate) listeners: BTreeSet<&'n str>,
    /// Tells whether any other upstream may be one as well.
    pub(crate) is_open: bool,
    /// Tells whether some of them have endpoints that are not in the files.
    has_unseen_endpoints: bool,
}

impl<'n> Upstreams<'n> {
    /// Returns what clusters lead to.
    pub(crate) fn new(scene: &Scene<'n>, destinations: &Destinations<'n>) -> Self {
        let mut found = Self { is_open: destinations.is_open, ..Self::default() };
        let mut left: Vec<&str> = destinations.clusters.iter().copied().collect();
        while let Some(name) = left.pop() {
            if found.clusters.insert(name) {
                found.add(scene, name, &mut left);
            }
        }
        found
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        self.clusters.extend(&other.clusters);
        self.addresses.extend(other.addresses.iter().cloned());
        self.listeners.extend(&other.listeners);
        self.is_open |= other.is_open;
        self.has_unseen_endpoints |= other.has_unseen_endpoints;
    }

    /// Tells whether both lead to a common upstream, as far as that can be seen.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        !self.clusters.is_disjoint(&other.clusters) || !self.addresses.is_disjoint(&other.addresses)
    }

    /// Tells whether they lead nowhere but to listeners of this Envoy that are looked at by themselves. The listeners of
    /// `guarded` rely on the checks of those that lead there.
    pub(crate) fn are_judged(&self, scene: &Scene<'n>, guarded: &Self) -> bool {
        let is_judged = |name: &&str| !guarded.listeners.contains(name) && scene.has_listener(name);
        !self.is_open && !self.has_unseen_endpoints && self.addresses.is_empty() && self.listeners.iter().all(is_judged)
    }

    /// Tells whether they are the admin page and nothing else.
    fn are_admin(&self, scene: &Scene<'n>) -> bool {
        let Some(admin) = scene.admin.and_then(Address::new) else { return false };
        let is_seen = !self.is_open && !self.has_unseen_endpoints && self.listeners.is_empty();
        is_seen && !self.addresses.is_empty() && self.addresses.iter().all(|one| admin.serves(one))
    }

    /// Tells whether the admin page may be one of them.
    pub(crate) fn may_be_admin(&self, scene: &Scene<'n>) -> bool {
        let admin = scene.admin.and_then(Address::new);
        admin.is_some_and(|admin| self.addresses.iter().any(|one| one.may_be(&admin)))
    }

    /// Tells whether they are the agent of a mesh beside this Envoy, as far as they are in the files.
    fn are_agent(&self, scene: &Scene<'n>, guarded: &Self) -> bool {
        let is_guarded = self.meets(guarded) || self.may_share_address(guarded);
        scene.is_meshed && self.may_be_local(scene) && !is_guarded
    }

    /// Tells whether nothing rules out that both lead to a common upstream.
    pub(crate) fn may_meet(&self, other: &Self) -> bool {
        let is_unknown = |one: &Self| one.is_open || one.has_unseen_endpoints;
        let leads_on = is_unknown(self) || !self.addresses.is_empty();
        leads_on && (is_unknown(self) || is_unknown(other) || self.may_share_address(other))
    }

    /// Tells whether an address of theirs may be of the same server as one of the others.
    fn may_share_address(&self, other: &Self) -> bool {
        self.addresses.iter().any(|one| other.addresses.iter().any(|other| one.may_be(other)))
    }

    /// Tells whether they are on this machine, as far as they are in the files.
    fn may_be_local(&self, scene: &Scene<'n>) -> bool {
        let is_known = self.clusters.iter().all(|name| !matches!(scene.cluster(name), Lookup::Unknown));
        let is_seen = !self.is_open && self.listeners.is_empty() && !(is_known && self.has_unseen_endpoints);
        is_seen && self.addresses.iter().all(Address::is_loopback)
    }

    fn add(&mut self, scene: &Scene<'n>, name: &'n str, left: &mut Vec<&'n str>) {
        let cluster = match scene.cluster(name) {
            Lookup::Found(cluster) => cluster,
            Lookup::Missing => return,
            Lookup::Unknown => return self.has_unseen_endpoints = true,
        };
        let mirrors = scene::mirrors(cluster);
        left.extend(&mirrors.clusters);
        self.is_open |= mirrors.is_open;
        let kind = read::at(cluster, &["cluster_type", "typed_config"]).and_then(read::message);
        if let Some((AGGREGATE, aggregate)) = kind {
            left.extend(read::list(aggregate, "clusters").iter().filter_map(read::as_text));
        } else if read::field(cluster, "cluster_type").is_some() || endpoints::is_chosen_by_client(cluster) {
            self.is_open = true;
        } else if endpoints::are_listed(cluster) && (has_endpoints(cluster) || read::field(cluster, "type").is_some()) {
            // A static cluster without endpoints leads nowhere: control planes send there what has no destination.
            endpoints::endpoints(cluster).for_each(|endpoint| self.add_endpoint(endpoint));
            self.has_unseen_endpoints |= has_other_endpoints(cluster);
        } else {
            self.has_unseen_endpoints = true;
        }
    }

    fn add_endpoint(&mut self, endpoint: &'n Node) {
        self.is_open |= endpoints::addresses(endpoint).next().is_none();
        endpoints::addresses(endpoint).for_each(|at| self.add_address(at));
    }

    fn add_address(&mut self, at: &'n Node) {
        let listener = read::at(at, &["envoy_internal_address", "server_listener_name"]).and_then(read::as_text);
        match (listener, Address::new(at)) {
            (Some(listener), _) => _ = self.listeners.insert(listener),
            (None, Some(address)) => _ = self.addresses.insert(address),
            (None, None) => self.is_open = true,
        }
    }
}

fn has_endpoints(cluster: &Node) -> bool {
    endpoints::endpoints(cluster).next().is_some()
}

/// Tells whether a cluster has endpoints in fields that are not read here.
fn has_other_endpoints(cluster: &Node) -> bool {
    let groups = read::at(cluster, &["load_assignment", "endpoints"]).map_or(&[][..], read::items);
    groups.iter().any(|group| OTHER_ENDPOINTS.iter().any(|name| read::field(group, name).is_some()))
}

/// Tells whether a route leads to no API: Envoy answers by itself, or its admin page does, or a listener of its own that is
/// looked at by itself, or the agent beside it, and its settings bring no filter that acts by itself.
pub(crate) fn is_harmless(scene: &Scene<'_>, route: &Route<'_>, guarded: &Upstreams<'_>) -> bool {
    if route.answers() {
        return !acting::acts_by_settings(route, &scene.extensions);
    }
    let upstreams = Upstreams::new(scene, &route.destinations());
    if upstreams.are_judged(scene, guarded) {
        return true;
    }
    // The other pages of the admin page show the configuration and change the runtime.
    is_page(route.node) && (upstreams.are_admin(scene) || upstreams.are_agent(scene, guarded))
}

/// Tells whether a route is for a page of an agent and for no other path, also after it has changed the path.
pub(crate) fn is_page(route: &Node) -> bool {
    let action = read::value(route, "route");
    if action.is_some_and(|action| REWRITES.iter().any(|name| read::field(action, name).is_some())) {
        return false;
    }
    let text = |name| read::at(route, &["match", name]).and_then(read::as_text);
    text("path").is_some_and(|path| AGENT_PAGES.contains(&path))
        || text("prefix").is_some_and(|prefix| AGENT_PREFIXES.contains(&prefix))
}

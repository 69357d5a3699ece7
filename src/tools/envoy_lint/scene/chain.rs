//! The HTTP filters that a request passes, in their order, each by the type of its configuration: names are free.

use std::collections::BTreeMap;

use crate::{
    document::tree::{Entry, Node, Place},
    tools::envoy_lint::{read, types::EXT_AUTHZ},
};

pub(crate) const COMPOSITE: &str = "envoy.extensions.filters.http.composite.v3.Composite";
const WITH_MATCHER: &str = "envoy.extensions.common.matching.v3.ExtensionWithMatcher";
const EXECUTE: &str = "envoy.extensions.filters.http.composite.v3.ExecuteFilterAction";
const FILTER_CHAIN: &str = "envoy.extensions.filters.http.filter_chain.v3.FilterChainConfig";
/// Types whose configuration has other filters, ext_authz perhaps among them.
const HOLDERS: [&str; 3] = [COMPOSITE, FILTER_CHAIN, WITH_MATCHER];
const SKIP: &str = "envoy.extensions.filters.common.matcher.action.v3.SkipFilter";
/// The beginning of the types of HTTP filters.
const HTTP_FILTERS: &str = "envoy.extensions.filters.http.";

/// Filters by the name under which they come by discovery.
pub(crate) type Extensions<'n> = BTreeMap<&'n str, &'n Node>;

/// One HTTP filter.
pub(crate) struct Filter<'n> {
    /// The item of the list.
    pub(crate) node: &'n Node,
    pub(crate) name: Option<&'n str>,
    /// The type of its configuration, where it is known.
    pub(crate) kind: Option<&'n str>,
    /// Its configuration; none if it comes from elsewhere.
    pub(crate) config: Option<&'n Node>,
    /// The field that switches it off for every request of a route that does not name it.
    pub(crate) disabled: Option<&'n Entry>,
    /// The matcher that decides which requests pass it.
    pub(crate) matcher: Option<&'n Entry>,
    /// Tells whether that matcher lets requests pass by it.
    pub(crate) is_skipped: bool,
    /// The filters that it runs for some requests: a composite filter has them in the actions of its matcher.
    pub(crate) inside: Vec<Self>,
    /// Tells whether it may run filters that are not in the files.
    pub(crate) hides_some: bool,
}

impl<'n> Filter<'n> {
    fn new(node: &'n Node, extensions: &Extensions<'n>) -> Self {
        let name = read::text(node, "name");
        let discovered = read::value(node, "config_discovery");
        let sent = name.filter(|_| discovered.is_some()).and_then(|name| extensions.get(name));
        let default = discovered.and_then(|discovery| read::value(discovery, "default_config"));
        let known = sent.and_then(|sent| read::value(sent, "typed_config"));
        let mut any = read::value(node, "typed_config").or(known).or(default);
        let wrapper = any.and_then(read::message).filter(|(kind, _)| *kind == WITH_MATCHER).map(|(_, wrapper)| wrapper);
        if let Some(wrapper) = wrapper {
            any = read::at(wrapper, &["extension_config", "typed_config"]);
        }
        let matcher =
            wrapper.and_then(|wrapper| read::field(wrapper, "xds_matcher").or_else(|| read::field(wrapper, "matcher")));
        let message = any.and_then(read::message);
        // Of a filter that comes by discovery only the types that it may have are known.
        let types = discovered.map_or(&[][..], |discovery| read::list(discovery, "type_urls"));
        let kind_of = |url: &'n Node| read::as_text(url).and_then(|url| url.rsplit('/').next());
        let only = if let [only] = types { kind_of(only) } else { None };
        let kind = message.map(|(kind, _)| kind).or(only);
        let is_unseen = discovered.is_some() && known.is_none();
        // The configuration that is there until the discovered one arrives is not the one that counts.
        let config = message.map(|(_, config)| config).filter(|_| !is_unseen);
        let mut inside = Vec::new();
        let mut hides_some = is_unseen && kind.is_none_or(|kind| HOLDERS.contains(&kind));
        if kind != Some(EXT_AUTHZ) {
            for held in [matcher.map(|entry| &entry.node), config].into_iter().flatten() {
                find_inside(held, extensions, &mut inside, &mut hides_some);
            }
        }
        Self {
            node,
            name,
            kind,
            config,
            disabled: read::switched_on(node, "disabled"),
            matcher,
            is_skipped: matcher.is_some_and(|matcher| holds(&matcher.node, SKIP)),
            inside,
            hides_some,
        }
    }

    pub(crate) fn is(&self, kind: &str) -> bool {
        self.kind == Some(kind)
    }

    pub(crate) fn place(&self) -> &'n Place {
        read::place(self.node)
    }
}

/// Returns the filters of a list. `extensions` are those that come by discovery.
pub(crate) fn filters<'n>(list: &'n [Node], extensions: &Extensions<'n>) -> Vec<Filter<'n>> {
    list.iter().map(|node| Filter::new(node, extensions)).collect()
}

/// Returns the HTTP filters that the settings of a route have for another one.
pub(crate) fn inside<'n>(settings: &'n Node, extensions: &Extensions<'n>) -> Vec<Filter<'n>> {
    let mut found = Vec::new();
    find_inside(settings, extensions, &mut found, &mut false);
    found
}

/// Finds the HTTP filters in the configuration of another one.
fn find_inside<'n>(node: &'n Node, extensions: &Extensions<'n>, found: &mut Vec<Filter<'n>>, hides_some: &mut bool) {
    let config = read::value(node, "typed_config");
    let kind = config.and_then(read::message).map(|(kind, _)| kind);
    let is_discovered = read::field(node, "config_discovery").is_some();
    let is_filter = kind.is_some_and(|kind| kind.starts_with(HTTP_FILTERS) && kind != EXECUTE);
    if is_discovered || is_filter || kind == Some(WITH_MATCHER) {
        let filter = Filter::new(node, extensions);
        *hides_some |= filter.hides_some;
        return found.push(filter);
    }
    read::entries(node).iter().for_each(|entry| find_inside(&entry.node, extensions, found, hides_some));
    read::items(node).iter().for_each(|item| find_inside(item, extensions, found, hides_some));
}

/// Tells whether a message of that type stands somewhere in there.
fn holds(node: &Node, kind: &str) -> bool {
    read::message(node).is_some_and(|(name, _)| name == kind)
        || read::entries(node).iter().any(|entry| holds(&entry.node, kind))
        || read::items(node).iter().any(|item| holds(item, kind))
}

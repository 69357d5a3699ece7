//! The HTTP filters that a request passes, in their order, each by the type of its configuration: names are free.

use super::read;
use crate::config::tree::{Node, Place};

pub(super) const EXT_AUTHZ: &str = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz";
const WITH_MATCHER: &str = "envoy.extensions.common.matching.v3.ExtensionWithMatcher";
const COMPOSITE: &str = "envoy.extensions.filters.http.composite.v3.Composite";
const SKIP: &str = "envoy.extensions.filters.common.matcher.action.v3.SkipFilter";

/// One HTTP filter.
pub(super) struct Filter<'n> {
    /// The item of the list.
    pub(super) node: &'n Node,
    pub(super) name: Option<&'n str>,
    /// The type of its configuration, where it is known.
    pub(super) kind: Option<&'n str>,
    /// Its configuration; none if it comes from elsewhere.
    pub(super) config: Option<&'n Node>,
    /// Where a matcher lets requests pass by it.
    pub(super) skipped_at: Option<&'n Place>,
}

impl<'n> Filter<'n> {
    fn of(node: &'n Node) -> Self {
        let name = read::text(node, "name");
        let discovered = read::value(node, "config_discovery");
        let default = discovered.and_then(|discovery| read::value(discovery, "default_config"));
        let mut any = read::value(node, "typed_config").or(default);
        let mut skipped_at = None;
        if let Some((WITH_MATCHER, wrapper)) = any.and_then(read::message) {
            any = read::at(wrapper, &["extension_config", "typed_config"]);
            let matcher = read::field(wrapper, "xds_matcher").or_else(|| read::field(wrapper, "matcher"));
            skipped_at = matcher.filter(|matcher| holds(&matcher.node, SKIP)).map(|matcher| &matcher.place);
        }
        let message = any.and_then(read::message);
        // Of a filter that comes by discovery only the types that it may have are known.
        let types = discovered.map_or(&[][..], |discovery| read::list(discovery, "type_urls"));
        let kind_of = |url: &'n Node| read::as_text(url).and_then(|url| url.rsplit('/').next());
        let kind = message.map(|(kind, _)| kind).or_else(|| types.iter().find_map(kind_of));
        // What is there until the discovered one arrives is not what counts.
        let config = message.map(|(_, config)| config).filter(|_| discovered.is_none());
        Self { node, name, kind, config, skipped_at }
    }

    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind == Some(kind)
    }

    pub(super) fn place(&self) -> &'n Place {
        read::place(self.node)
    }
}

/// The filters of a list.
pub(super) fn filters<'n>(list: &'n [Node]) -> Vec<Filter<'n>> {
    list.iter().map(Filter::of).collect()
}

/// Whether a list may hold an ext_authz filter that can't be seen: inside of another filter, or of a type that nobody
/// names.
pub(super) fn may_hide_one(filters: &[Filter<'_>]) -> bool {
    filters.iter().any(|filter| filter.is(COMPOSITE) || filter.kind.is_none())
}

/// Whether a message of that type stands somewhere in there.
fn holds(node: &Node, kind: &str) -> bool {
    read::message(node).is_some_and(|(name, _)| name == kind)
        || read::entries(node).iter().any(|entry| holds(&entry.node, kind))
        || read::items(node).iter().any(|item| holds(item, kind))
}

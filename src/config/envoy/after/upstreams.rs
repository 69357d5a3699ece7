//! Clusters that judged requests reach, and mirrors of their own.

use super::{Around, Findings, read, routes};
use crate::config::{envoy::scene, site::Site, tree::Node};

/// Lints a cluster to which a manager at that site leads.
pub(super) fn lint(findings: &mut Findings, around: &Around<'_>, cluster: &Node, site: &Site) {
    for options in scene::http_options(cluster) {
        if let Some(mirrors) = read::value(options, "request_mirror_policies") {
            routes::lint(findings, around, mirrors, (site, None));
        }
    }
}

//! The options of a cluster for HTTP.

use super::destinations::Destinations;
use crate::{
    document::tree::Node,
    tools::envoy_lint::{read, types::HTTP_OPTIONS},
};

/// Returns the options of a cluster for HTTP, of which Envoy takes the last.
pub(crate) fn http_options(cluster: &Node) -> impl DoubleEndedIterator<Item = &Node> {
    let options = read::value(cluster, "typed_extension_protocol_options").map_or(&[][..], read::entries);
    let messages = options.iter().filter_map(|entry| read::message(&entry.node));
    messages.filter(|(kind, _)| *kind == HTTP_OPTIONS).map(|(_, options)| options)
}

/// Returns the clusters that get copies of the requests to another one, by its options for HTTP.
pub(crate) fn mirrors(cluster: &Node) -> Destinations<'_> {
    let mut found = Destinations::default();
    http_options(cluster).for_each(|options| found.add_mirrors(options));
    found
}

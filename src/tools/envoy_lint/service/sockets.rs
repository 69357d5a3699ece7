//! The transport sockets of a cluster: what protects the connections to each of its endpoints.

use super::{
    certificates::{self, Trust},
    metadata,
};
use crate::{
    document::tree::{Entry, Node},
    tools::envoy_lint::{
        read,
        scene::{Scene, endpoints::Host},
    },
};

const RAW: &str = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";
const TLS: &str = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
const QUIC: &str = "envoy.extensions.transport_sockets.quic.v3.QuicUpstreamTransport";
/// Sockets that are in the clear unless another one is within: the second begins in the clear, and gRPC leaves it so.
const CLEAR: [&str; 2] = [
    "envoy.extensions.transport_sockets.http_11_proxy.v3.Http11ProxyUpstreamTransport",
    "envoy.extensions.transport_sockets.starttls.v3.UpstreamStartTlsConfig",
];
/// Sockets that look at the server by rules of their own.
const OTHERS: [&str; 2] =
    ["envoy.extensions.transport_sockets.alts.v3.Alts", "envoy.extensions.transport_sockets.s2a.v3.S2AConfiguration"];

/// The protection of some connections.
#[derive(Clone, Copy)]
pub(crate) enum Protection<'n> {
    /// The connections are not encrypted.
    None,
    /// TLS, and the servers that it lets in.
    Tls(&'n Entry, Trust<'n>),
    /// A transport that looks at the server in its own way.
    Other,
    /// A transport of that type, which is not known here.
    Unknown(&'n str),
}

impl Protection<'_> {
    pub(crate) const fn is_clear(&self) -> bool {
        matches!(self, Self::None)
    }
}

/// The sockets of a cluster.
pub(crate) struct Sockets<'n> {
    /// The items of `transport_socket_matches`.
    matches: Vec<(&'n Node, Protection<'n>)>,
    default: Protection<'n>,
    /// Tells whether some connection may have the default.
    has_default: bool,
    /// Tells whether a matcher chooses, which may go by anything.
    is_matched: bool,
}

impl<'n> Sockets<'n> {
    pub(crate) fn new(scene: &Scene<'n>, cluster: &'n Node) -> Self {
        let of_field = |node: &'n Node| {
            read::field(node, "transport_socket").map_or(Protection::None, |socket| of_socket(scene, cluster, socket))
        };
        let matches: Vec<(&Node, Protection<'_>)> =
            read::list(cluster, "transport_socket_matches").iter().map(|one| (one, of_field(one))).collect();
        let matcher = read::value(cluster, "transport_socket_matcher");
        let has_default = match matcher {
            Some(matcher) => read::field(cluster, "transport_socket").is_some() || !names_one(matcher, &matches),
            None => !matches.iter().any(|(one, _)| is_for_all(one)),
        };
        Self { matches, default: of_field(cluster), has_default, is_matched: matcher.is_some() }
    }

    /// Returns all of which some connection may have one.
    pub(crate) fn possible(&self) -> impl Iterator<Item = Protection<'n>> {
        self.matches.iter().map(|(_, protection)| *protection).chain(self.has_default.then_some(self.default))
    }

    /// Returns those that the connections to an endpoint may have.
    pub(crate) fn of_endpoint(&self, host: &Host<'n>) -> Vec<Protection<'n>> {
        if self.is_matched {
            return self.possible().collect();
        }
        let mut found = Vec::new();
        // What the endpoint says counts before what its locality says.
        for node in [host.endpoint, host.locality] {
            let metadata = read::at(node, &["metadata", "filter_metadata", "envoy.transport_socket_match"]);
            for (one, protection) in &self.matches {
                match metadata::has_all(metadata, read::value(one, "match")) {
                    Some(true) => {
                        found.push(*protection);
                        return found;
                    }
                    Some(false) => {}
                    None => found.push(*protection),
                }
            }
        }
        found.push(self.default);
        found
    }
}

/// Tells whether an item of `transport_socket_matches` is for every endpoint.
fn is_for_all(one: &Node) -> bool {
    read::value(one, "match").is_none_or(|wanted| read::entries(wanted).is_empty())
}

/// Tells whether a matcher names one of the sockets whenever nothing else does.
fn names_one(matcher: &Node, matches: &[(&Node, Protection<'_>)]) -> bool {
    let name = read::at(matcher, &["on_no_match", "action", "typed_config", "name"]).and_then(read::as_text);
    name.is_some_and(|name| matches.iter().any(|(one, _)| read::text(one, "name") == Some(name)))
}

fn of_socket<'n>(scene: &Scene<'n>, cluster: &'n Node, socket: &'n Entry) -> Protection<'n> {
    let trust = |context| Protection::Tls(socket, certificates::trust(context, &scene.secrets, cluster));
    match read::value(&socket.node, "typed_config").and_then(read::message) {
        Some((RAW, _)) => Protection::None,
        Some((TLS, context)) => trust(context),
        Some((QUIC, quic)) => {
            read::value(quic, "upstream_tls_context").map_or(Protection::Tls(socket, Trust::Any), trust)
        }
        Some((kind, _)) if OTHERS.contains(&kind) => Protection::Other,
        // Others wrap one, as that of the PROXY protocol does.
        Some((kind, other)) => match read::field(other, "transport_socket") {
            Some(inner) => of_socket(scene, cluster, inner),
            None if CLEAR.contains(&kind) => Protection::None,
            None => Protection::Unknown(kind),
        },
        None => Protection::Unknown(read::text(&socket.node, "name").unwrap_or_default()),
    }
}

//! A real Envoy with a recorder on either side: between it and the service, and as its upstream.

use std::net::SocketAddr;

use super::{backend::Backend, client, middle::Middle, policy::protected_reading};
use crate::support::envoy::Envoy;

/// The sample's configuration with changes.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) name: &'static str,
    pub(crate) changes: Vec<(&'static str, String)>,
}

/// How an outcome begins that must not be.
pub(crate) const HOLE: &str = "HOLE:";

const ESCAPED_SLASHES: &str = "path_with_escaped_slashes_action: REJECT_REQUEST";

impl Setup {
    /// As it is, but that it waits longer on a machine that is busy.
    pub(crate) fn sample() -> Self {
        let timeout = ("\n                        timeout: 1s", "\n                        timeout: 30s".to_owned());
        Self { name: "sample", changes: vec![timeout] }
    }

    /// As it is, with another answer to escaped slashes.
    pub(crate) fn escaped_slashes(action: &'static str) -> Self {
        let mut setup = Self::sample();
        setup.name = action;
        setup.changes.push((ESCAPED_SLASHES, format!("path_with_escaped_slashes_action: {action}")));
        setup
    }

    /// Nothing of a path is normalised, HTTP/1.0 is spoken, CONNECT is forwarded, headers are joined.
    pub(crate) fn bare() -> Self {
        let mut setup = Self::escaped_slashes("KEEP_UNCHANGED");
        setup.name = "bare";
        let lax = "\n                http_protocol_options: { accept_http_10: true }
                upgrade_configs: [{ upgrade_type: CONNECT }]";
        let connect = "routes:
                        - match: { connect_matcher: {} }
                          route: { cluster: upstream }\n";
        setup.changes.extend([
            ("normalize_path: true", "normalize_path: false".to_owned()),
            ("merge_slashes: true", format!("merge_slashes: false{lax}")),
            ("routes:\n", connect.to_owned()),
            ("encode_raw_headers: true", "encode_raw_headers: false".to_owned()),
        ]);
        setup
    }
}

pub(crate) struct Arena {
    pub(crate) envoy: Envoy,
    pub(crate) middle: Middle,
    pub(crate) backend: Backend,
}

impl Arena {
    pub(crate) async fn start(portcullis: SocketAddr, setup: &Setup) -> Self {
        let (middle, backend) = (Middle::start(portcullis).await, Backend::start().await);
        let changes: Vec<(&str, &str)> = setup.changes.iter().map(|(from, to)| (*from, to.as_str())).collect();
        let envoy = Envoy::start(middle.address, backend.address, &changes).await;
        Self { envoy, middle, backend }
    }

    /// Who refused the request, or by which rule it passed. It carries no scope: that something protected arrives is a
    /// [`HOLE`].
    pub(crate) async fn outcome(&self, request: &[u8], case: &str) -> String {
        let outcome = self.outcome_of_any(request, case).await;
        let readings = self.backend.arrived(case).iter().find_map(protected_reading);
        readings.map_or(outcome.clone(), |reading| format!("{HOLE} {outcome}, taken for {reading}"))
    }

    /// The same without the law.
    pub(crate) async fn outcome_of_any(&self, request: &[u8], case: &str) -> String {
        let status = client::exchange(self.envoy.address, request).await;
        let (checked, arrived) = (self.middle.checked(case), self.backend.arrived(case));
        match (checked.as_slice(), arrived.as_slice()) {
            ([], []) => format!("envoy {}", status.map_or("closes".to_owned(), |status| status.to_string())),
            ([one], []) => {
                // An interim answer is a tunnel's or an upgrade's.
                assert!(one.got.status == status.unwrap_or_default(), "{one:?}, and Envoy answers {status:?}");
                format!("portcullis {} {}", one.got.status, one.got.reason)
            }
            ([one], [_]) => format!("upstream by {}", one.got.rule.as_deref().unwrap_or("no rule")),
            (checked, arrived) => panic!("{}: {checked:?} {arrived:?}", request.escape_ascii()),
        }
    }

    pub(crate) fn nothing_arrived_unnamed(&self) {
        assert!(self.backend.arrived("").is_empty(), "{:?}", self.backend.arrived(""));
    }
}

//! The `:authority` of Checks and of health checks. HTTP/2 servers reset calls whose `:authority` can't be one of a URI (RFC 3986
//! section 3.2), and the defaults are not chosen for that: Envoy takes the name of the cluster, gRPC's C core the address.

use std::fmt::Write as _;

use crate::{
    config::lint::Lint,
    document::{
        suggest::quoted,
        tree::{Entry, Node, Place},
    },
    tools::envoy_lint::{findings::Findings, read, scene::endpoints},
};

/// Tells whether a name can be an `:authority`.
pub(crate) fn is_authority(name: &str) -> bool {
    http::uri::Authority::try_from(name).is_ok()
}

/// Lints the `:authority` of Checks that go to a cluster.
pub(crate) fn lint_envoy_grpc(findings: &mut Findings, service: &Node, named: &Entry, name: &str) {
    let set = read::at(service, &["envoy_grpc", "authority"]).and_then(filled);
    let (place, authority) = set.unwrap_or((&named.node.place, name));
    if !is_authority(authority) {
        let default = if set.is_none() { ", the name of the cluster," } else { "" };
        let message = format!(
            "Checks have {}{default} as `:authority`, which can't be one: every request is denied",
            quoted(authority)
        );
        let help = "set `authority: portcullis` beside `cluster_name`";
        findings.error(Lint::EnvoyAuthority, place, message, help);
    }
}

/// Lints the `:authority` of Checks that gRPC's C core sends.
pub(crate) fn lint_google_grpc(findings: &mut Findings, service: &Node) {
    const DEFAULT: &str = "grpc.default_authority";
    let Some(google) = read::value(service, "google_grpc") else { return };
    let arguments = read::at(google, &["channel_args", "args"]).map_or(&[][..], read::entries);
    let argument = |name: &str| arguments.iter().rfind(|entry| entry.key == name);
    let set = argument(DEFAULT).and_then(|entry| read::value(&entry.node, "string_value")).and_then(filled);
    // With TLS, this name takes the place of the default.
    if set.is_none() && argument("grpc.ssl_target_name_override").is_some() {
        return;
    }
    let target = read::field(google, "target_uri");
    let by_default = target.and_then(|entry| Some((&entry.node.place, default_of_core(read::as_text(&entry.node)?)?)));
    let set = set.map(|(place, text)| (place, text.to_owned()));
    let is_default = set.is_none();
    let Some((place, authority)) = set.or(by_default) else { return };
    if !is_authority(&authority) {
        let default = if is_default { ", made of `target_uri`," } else { "" };
        let message = format!(
            "Checks have {}{default} as `:authority`, which can't be one: every request is denied",
            quoted(&authority)
        );
        let help = format!(
            "set `channel_args: {{ args: {{ {DEFAULT}: {{ string_value: portcullis }} }} }}` beside `target_uri`"
        );
        findings.error(Lint::EnvoyAuthority, place, message, help);
    }
}

/// Lints the `:authority` of a cluster's gRPC health check.
pub(crate) fn lint_health_check(findings: &mut Findings, cluster: &Node, check: &Node, name: &str) {
    let Some(grpc) = read::field(check, "grpc_health_check") else { return };
    // Of an endpoint it takes the place of the check's.
    let hostname = |endpoint| read::at(endpoint, &["endpoint", "health_check_config", "hostname"]).and_then(filled);
    let mut report = |place: &Place, authority: &str, default: &str, help: &str| {
        let message = format!(
            "health checks have {}{default} as `:authority`, which can't be one: all of them fail",
            quoted(authority)
        );
        findings.error(Lint::EnvoyAuthority, place, message, help);
    };
    let mut takes_own = endpoints::endpoints(cluster).map(hostname).peekable();
    let is_used =
        takes_own.peek().is_none() || endpoints::endpoints(cluster).any(|endpoint| hostname(endpoint).is_none());
    for (place, own) in takes_own.flatten().filter(|(_, own)| !is_authority(own)) {
        report(place, own, "", "set `hostname: portcullis`, or remove it");
    }
    let set = read::value(&grpc.node, "authority").and_then(filled);
    let (place, authority) = set.unwrap_or((&grpc.place, name));
    if is_used && !is_authority(authority) {
        let default = if set.is_none() { ", the name of the cluster," } else { "" };
        report(place, authority, default, "set `grpc_health_check: { authority: portcullis }`");
    }
}

/// A text that is set: an empty one is as good as absent.
fn filled(node: &Node) -> Option<(&Place, &str)> {
    read::as_text(node).filter(|text| !text.is_empty()).map(|text| (&node.place, text))
}

/// The `:authority` that gRPC's C core makes of a target: what stands behind the scheme and the name of a resolver, without the
/// first slash, percent-encoded. `unix:/run/a.sock` has `run%2Fa.sock`. Nothing for schemes that have another one.
fn default_of_core(target: &str) -> Option<String> {
    const SCHEMES: [&str; 6] = ["unix", "unix-abstract", "dns", "ipv4", "ipv6", "vsock"];
    let path = match target.split_once(':') {
        Some((scheme, rest)) if SCHEMES.contains(&scheme) => match rest.strip_prefix("//") {
            Some(rest) => rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or_default(),
            None => rest,
        },
        Some((_, rest)) if rest.starts_with('/') => return None,
        _ => target,
    };
    let mut authority = String::new();
    // What an authority may have (RFC 3986 section 3.2) is written as it is.
    for byte in path.strip_prefix('/').unwrap_or(path).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:[]@".contains(&byte) {
            authority.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(authority, "%{byte:02X}");
        }
    }
    Some(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_of_grpcs_c_core_is_made_of_the_target() {
        // Those with a Unix socket, an IP address and `dns:///` were seen at a real Envoy, see tests/envoy/authority.rs.
        for (target, authority) in [
            ("unix:/run/portcullis.sock", Some("run%2Fportcullis.sock")),
            ("unix:///run/portcullis.sock", Some("run%2Fportcullis.sock")),
            ("unix:portcullis.sock", Some("portcullis.sock")),
            ("unix-abstract:a b", Some("a%20b")),
            ("127.0.0.1:9191", Some("127.0.0.1:9191")),
            ("portcullis", Some("portcullis")),
            ("dns:///portcullis.default:9191", Some("portcullis.default:9191")),
            ("dns://10.0.0.1/portcullis:9191", Some("portcullis:9191")),
            ("ipv4:127.0.0.1:9191,127.0.0.1:9193", Some("127.0.0.1:9191,127.0.0.1:9193")),
            ("ipv6:[::1]:9191", Some("[::1]:9191")),
            ("xds:///portcullis", None),
        ] {
            assert_eq!(default_of_core(target).as_deref(), authority, "{target}");
        }
    }

    #[test]
    fn names_of_control_planes_are_no_authorities() {
        for bad in
            ["outbound|9191||a.b", "a/b", "a b", "a::9191", "a:b:9191", "run%2Fa.sock", "127.0.0.1:1,127.0.0.1:2", ""]
        {
            assert!(!is_authority(bad), "{bad}");
        }
        for good in ["portcullis", "my_cluster", "portcullis.shop.svc:9191", "[::1]:9191"] {
            assert!(is_authority(good), "{good}");
        }
    }
}

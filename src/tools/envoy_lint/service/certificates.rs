//! The rules for the certificate of a server, of Envoy's TLS: do they refuse strangers?

use std::collections::HashMap;

use crate::{
    document::tree::{Node, Value},
    tools::envoy_lint::{
        read,
        scene::{endpoints, http_options},
    },
};

/// Fields of a `CertificateValidationContext` one of which refuses strangers.
const RULES: [&str; 6] = [
    "trusted_ca",
    "ca_certificate_provider_instance",
    "system_root_certs",
    "verify_certificate_spki",
    "verify_certificate_hash",
    "custom_validator_config",
];
/// Rules that tell the server from others with a certificate of the same authority.
const NAMES: [&str; 6] = [
    "match_typed_subject_alt_names",
    "match_subject_alt_names",
    "verify_subject_alt_name",
    "verify_certificate_spki",
    "verify_certificate_hash",
    "custom_validator_config",
];
/// Fields of a `CommonTlsContext` with rules of a kind that is not known here.
const PROVIDERS: [&str; 2] =
    ["validation_context_certificate_provider", "validation_context_certificate_provider_instance"];
/// The files in which systems keep the public authorities.
const PUBLIC: [&str; 14] = [
    "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
    "/etc/certs/ca-certificates.crt",
    "/etc/openssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-bundle.trust.crt",
    "/etc/ssl/certs/ca-certificates.crt",
    "/usr/local/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// The servers that rules let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust<'n> {
    /// Rules let in the servers that they name.
    Some,
    /// Rules let in each server with a certificate of a public authority, for any name.
    Public,
    /// Rules let in every server.
    Any,
    /// A secret of that name has the rules, and is not in the files.
    Unseen(&'n str),
    /// Rules let in the servers with a certificate of a public authority for the name of their endpoint, and the endpoints are not in
    /// the files.
    UnseenNames,
}

/// Returns the servers that an `UpstreamTlsContext` of a cluster lets in.
pub(crate) fn trust<'n>(context: &'n Node, secrets: &HashMap<&'n str, &'n Node>, cluster: &'n Node) -> Trust<'n> {
    let Some(common) = read::value(context, "common_tls_context") else { return Trust::Any };
    let combined = read::value(common, "combined_validation_context");
    let default = combined.and_then(|combined| read::value(combined, "default_validation_context"));
    let mut rules: Vec<&Node> = read::value(common, "validation_context").into_iter().chain(default).collect();
    // Rules of a secret are merged into these, and take this one back only by naming another.
    if rules.iter().copied().any(takes_any) {
        return Trust::Any;
    }
    let sds = [Some(common), combined].into_iter().flatten();
    let sds = sds.filter_map(|one| read::value(one, "validation_context_sds_secret_config")).next();
    if let Some(sds) = sds {
        let name = read::text(sds, "name").unwrap_or_default();
        let Some(secret) = secrets.get(name) else { return Trust::Unseen(name) };
        rules.extend(read::value(secret, "validation_context"));
    } else if PROVIDERS.iter().any(|name| read::field(common, name).is_some()) {
        return Trust::Some;
    }
    let has = |names: &[&str]| rules.iter().any(|rules| names.iter().any(|name| has_rule(rules, name)));
    if rules.iter().copied().any(takes_any) || !has(&RULES) {
        Trust::Any
    } else if rules.iter().copied().any(trusts_public)
        && !names_server(&rules)
        && !has_option(cluster, "auto_san_validation")
    {
        match checks_sni(context, cluster) {
            Some(true) => Trust::Some,
            Some(false) => Trust::Public,
            None => Trust::UnseenNames,
        }
    } else {
        Trust::Some
    }
}

/// Tells whether a `CertificateValidationContext` takes every certificate, whatever else it asks for.
fn takes_any(rules: &Node) -> bool {
    read::value(rules, "trust_chain_verification").is_some_and(|mode| read::is_enum(mode, "ACCEPT_UNTRUSTED", 1))
}

/// Tells whether a rule is there. An empty list is none.
fn has_rule(rules: &Node, name: &str) -> bool {
    read::value(rules, name).is_some_and(|rule| !matches!(&rule.value, Value::List(items) if items.is_empty()))
}

/// Tells whether rules tell the server from others. Of several matchers of a name, one is enough for a certificate.
fn names_server(rules: &[&Node]) -> bool {
    let takes_any = |name| rules.iter().flat_map(|rules| read::list(rules, name)).any(takes_any_name);
    NAMES.iter().any(|name| rules.iter().any(|rules| has_rule(rules, name)) && !takes_any(name))
}

/// Tells whether a matcher of a name in a certificate takes every name.
fn takes_any_name(matcher: &Node) -> bool {
    const ALL: [&str; 4] = [".*", ".+", "^.*$", "^.+$"];
    let inner = read::value(matcher, "matcher").unwrap_or(matcher);
    let regex = read::at(inner, &["safe_regex", "regex"]).and_then(read::as_text);
    regex.is_some_and(|regex| ALL.contains(&regex))
}

fn trusts_public(rules: &Node) -> bool {
    let file = read::at(rules, &["trusted_ca", "filename"]).and_then(read::as_text);
    read::field(rules, "system_root_certs").is_some()
        || file.is_some_and(|file| PUBLIC.contains(&normalised(file).as_str()))
}

/// Returns a path without empty steps, `.` and `..`.
fn normalised(path: &str) -> String {
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/').filter(|step| !["", "."].contains(step)) {
        if step == ".." {
            steps.pop();
        } else {
            steps.push(step);
        }
    }
    format!("/{}", steps.join("/"))
}

/// Tells whether the certificate must be for the name that Envoy asks for. Without one, Envoy looks at no name. There is no answer
/// where the names are those of endpoints that are not in the files.
fn checks_sni(context: &Node, cluster: &Node) -> Option<bool> {
    if read::switched_on(context, "auto_sni_san_validation").is_none() {
        return Some(false);
    }
    let asks = read::text(context, "sni").is_some_and(|name| !name.is_empty()) || has_option(cluster, "auto_sni");
    if asks || read::switched_on(context, "auto_host_sni").is_none() {
        return Some(asks);
    }
    endpoints::are_named(cluster)
}

/// Tells whether an option of a cluster is on by which Envoy asks for the name of the host of a request, or looks for it.
fn has_option(cluster: &Node, name: &str) -> bool {
    let mut upstream =
        http_options(cluster).filter_map(|options| read::value(options, "upstream_http_protocol_options"));
    upstream.any(|options| read::switched_on(options, name).is_some())
}

//! Help about the connections to Portcullis, followed.

use super::{Case, of_fault};
use crate::envoy_faults::{SAMPLE, changed};

/// The beginning of the cluster of Portcullis.
const CLUSTER: &str = "    - name: portcullis\n";
/// The start of the sample's service, and the beginning of its cluster's name.
const ENVOY_GRPC: &str = "                        envoy_grpc:\n";
const TIMEOUT: &str = "                        timeout: 1s\n";

/// The cluster with a transport socket of TLS with these settings.
fn with_tls(settings: &str) -> String {
    format!(
        "{CLUSTER}      transport_socket: {{ name: tls, typed_config: {{ \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext{settings} }} }}\n"
    )
}

const RULES: &str = ", common_tls_context: { validation_context: { trusted_ca: { filename: /etc/ca.pem }, \
    match_typed_subject_alt_names: [{ san_type: DNS, matcher: { exact: portcullis } }] } }";

/// The sample with gRPC's C core as its client, with these fields.
fn with_google_grpc(fields: &str) -> String {
    let (before, rest) = SAMPLE.split_once(ENVOY_GRPC).unwrap();
    let (_, after) = rest.split_once(TIMEOUT).unwrap();
    format!(
        "{before}                        google_grpc: {{ stat_prefix: portcullis, channel_args: {{ args: {{ grpc.default_authority: {{ string_value: portcullis }} }} }}, {fields} }}\n{TIMEOUT}{after}"
    )
}

pub(super) fn cases() -> Vec<Case> {
    let plain = of_fault("plaintext");
    let unverified = plain.replacen(CLUSTER, &with_tls(""), 1);
    let verified = plain.replacen(CLUSTER, &with_tls(RULES), 1);
    let authority = "trusted_ca: { filename: /etc/ssl/certs/ca-certificates.crt }";
    let of_any = RULES.replace("trusted_ca: { filename: /etc/ca.pem }", authority);
    let any_name = format!(", common_tls_context: {{ validation_context: {{ {authority} }} }}");
    let public = plain.replacen(CLUSTER, &with_tls(&any_name), 1);
    let named = plain.replacen(CLUSTER, &with_tls(&of_any), 1);
    let far = "target_uri: 'portcullis.shop.svc:9191'";
    let secure =
        format!("{far}, channel_credentials: {{ ssl_credentials: {{ root_certs: {{ filename: /etc/ca.pem }} }} }}");
    let near = "target_uri: '127.0.0.1:9191'";
    vec![
        Case::new("plaintext", plain.clone(), verified.clone()),
        Case::new("plaintext, then beside Envoy", plain, changed("beside Envoy", &[])),
        Case::new("any certificate", unverified, verified.clone()),
        Case::new("any certificate of a public authority", public.clone(), named),
        Case::new("any certificate of a public authority, then one of your own", public, verified),
        Case::new("plaintext of the C core", with_google_grpc(far), with_google_grpc(&secure)),
        Case::new("plaintext of the C core, then beside Envoy", with_google_grpc(far), with_google_grpc(near)),
    ]
}

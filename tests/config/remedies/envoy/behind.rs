//! Help about filters behind ext_authz, about those that come by discovery and about rules for mutations, followed.

use portcullis::config::lint::Lint;
use serde_json::{Value, json};

use super::{Case, fault};
use crate::{
    envoy_changes::{FILTER_ROWS, before, behind, filter, with_rules},
    envoy_faults::{changed, sample, with_filter},
};

/// The sample with one change.
fn with((from, to): (String, String)) -> String {
    changed("sample", &[(&from, &to)])
}

/// The sample with a filter behind ext_authz.
fn with_behind(filter: &str) -> String {
    with(behind(&[filter.to_owned()]))
}

/// The sample with a filter before ext_authz.
fn with_before(filter: &str) -> String {
    with(before(&[filter.to_owned()]))
}

pub(super) fn cases() -> Vec<Case> {
    [orders(), rules(), discovered()].into_iter().flatten().collect()
}

fn orders() -> Vec<Case> {
    let injector = FILTER_ROWS.iter().find(|row| row.kind.starts_with("credential_injector")).unwrap();
    let injector = with_behind(&filter("injector", injector.kind, injector.settings));
    let unknown = "{ name: own, typed_config: { '@type': type.googleapis.com/acme.Own } }";
    let other = |rules: &str| {
        filter(
            "other",
            "ext_authz.v3.ExtAuthz",
            &format!("grpc_service: {{ envoy_grpc: {{ cluster_name: upstream }} }}{rules}"),
        )
    };
    let bound = other(", decoder_header_mutation_rules: { disallow_all: true }");
    let cache = with_behind(&filter("cache", "cache.v3.CacheConfig", "disabled: true"));
    let routes = "routes: [{ path: /a, access: authenticated }]\n";
    let removes = format!("{routes}identity: {{ forward_authorization: false }}\n");
    let forwards = format!("{routes}identity: {{ forward_authorization: true }}\n");
    vec![
        Case::with_allow("credentials", injector, Lint::EnvoyFilterOrder),
        Case::new("unknown, moved", with_behind(unknown), with_before(unknown)),
        Case::with_allow("unknown, allowed", with_behind(unknown), Lint::EnvoyFilterOrder),
        Case::new("second authorizer, moved", with_behind(&other("")), with_before(&other(""))),
        Case::new("second authorizer, bound", with_behind(&other("")), with_behind(&bound)),
        Case::new("cache", cache.clone(), cache.clone()).beside(&removes, &forwards),
        Case::new("cache, removed", cache, sample()).beside(&removes, &removes),
    ]
}

fn rules() -> Vec<Case> {
    let rules = |rules: &str| with(with_rules(rules));
    vec![
        Case::new(
            "own headers",
            rules("{ disallow_is_error: true }"),
            rules("{ disallow_is_error: true, allow_envoy: true }"),
        ),
        Case::new("own headers, removed", rules("{}"), sample()),
        fault(
            "mutation-rules",
            &[("                      decoder_header_mutation_rules: { disallow_all: true }\n", "")],
        ),
    ]
}

/// The ext_authz filter of Portcullis, as Envoy's dump has it among what came by discovery.
const SENT: &str = r#"
name: sent
typed_config:
  "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
  encode_raw_headers: true
  status_on_error: { code: 503 }
  grpc_service:
    timeout: 1s
    retry_policy: { retry_on: reset, retry_back_off: { base_interval: 0.005s, max_interval: 1s } }
    envoy_grpc: { cluster_name: portcullis, authority: portcullis }
"#;

/// A filter that comes by discovery and may run others, and the dump that has it.
fn discovered() -> Vec<Case> {
    let text = with_filter(
        "                  - { name: sent, config_discovery: { config_source: { ads: {} }, type_urls: [type.googleapis.com/envoy.extensions.filters.http.composite.v3.Composite] } }\n",
    );
    let read = |text: &str| serde_saphyr::from_str::<Value>(text).unwrap();
    let typed = |kind: &str, mut message: Value| {
        message["@type"] = json!(format!("type.googleapis.com/envoy.{kind}"));
        message
    };
    let resources = read(&text);
    let each = |list: &str, name: &str, kind: &str| -> Vec<Value> {
        let items = resources["static_resources"][list].as_array().unwrap().iter();
        items.map(|item| json!({ name: typed(kind, item.clone()) })).collect()
    };
    let listeners = json!({ "static_listeners": each("listeners", "listener", "config.listener.v3.Listener") });
    let clusters = json!({ "static_clusters": each("clusters", "cluster", "config.cluster.v3.Cluster") });
    let sent = json!({ "ecds_filters": [{ "ecds_filter": typed("config.core.v3.TypedExtensionConfig", read(SENT)) }] });
    let dump = json!({ "configs": [
        typed("admin.v3.ListenersConfigDump", listeners),
        typed("admin.v3.ClustersConfigDump", clusters),
        typed("admin.v3.EcdsConfigDump", sent),
    ] });
    vec![Case::new("discovered", text, dump.to_string())]
}

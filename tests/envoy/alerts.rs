//! The figures of Envoy that alerts are made of: their names are Envoy's.

use std::collections::BTreeSet;

use crate::Stack;

const ALERTS: &str = include_str!("../../envoy/alerts.yaml");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_has_the_figures_that_alerts_ask_for() {
    let stack = Stack::start().await;
    assert_eq!(stack.envoy.get("/api/public", None).await.status, 200);
    let there = stack.envoy.metrics().await;
    let labels = ["envoy_cluster_name", "envoy_http_conn_manager_prefix"];
    let words: BTreeSet<&str> = ALERTS.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect();
    let names: Vec<&str> = words.into_iter().filter(|word| word.starts_with("envoy_")).collect();
    assert!(names.len() > 6, "{names:?}");
    for name in names.into_iter().filter(|name| !labels.contains(name)) {
        let label = if name.starts_with("envoy_http_") { labels[1] } else { labels[0] };
        let series = format!("{name}{{{label}=\"");
        assert!(there.contains(&series), "Envoy has no {series}");
    }
    let ok = "envoy_http_ext_authz_ok{envoy_http_conn_manager_prefix=\"ingress\"} 1\n";
    assert!(there.contains(ok), "the indicator counts Checks");
}

//! An `:authority` that HTTP/2 servers refuse, as clusters with generated names bring it along: what Envoy sends by default, that
//! each denial is counted and logged with its remedy, and that the remedy is one.

use std::path::Path;

use crate::{
    envoy_faults,
    lints::changes,
    support::{self, envoy::Envoy, process::Serve, scoped},
    upstream,
};
use portcullis_demo::issuer::DemoIssuer;

/// The changes of one of the configurations that harm nothing.
fn harmless(name: &str) -> &'static [(&'static str, &'static str)] {
    envoy_faults::HARMLESS.iter().find(|(harmless, _)| *harmless == name).unwrap().1
}

/// A service in a process of its own, which sees the trace events of HTTP/2, and its issuer.
struct Asked {
    issuer: DemoIssuer,
    serve: Serve,
    dir: tempfile::TempDir,
}

impl Asked {
    /// Starts it with `listen.grpc` in a directory of its own, which may hold a socket.
    async fn at(grpc: impl FnOnce(&Path) -> String) -> Self {
        let issuer = support::issuer().await;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("portcullis.yaml");
        let config = support::config(issuer.issuer()).replacen("127.0.0.1:0", &grpc(dir.path()), 1);
        std::fs::write(&file, config).unwrap();
        let serve = Serve::start(&["--config", file.to_str().unwrap()], &[]).await;
        Self { issuer, serve, dir }
    }

    async fn rejected(&self) -> u64 {
        let page = reqwest::get(format!("http://{}/metrics", self.serve.admin)).await.unwrap().text().await.unwrap();
        let line = page.lines().find(|line| line.starts_with("portcullis_calls_rejected_total{part=\"authority\"}"));
        line.and_then(|line| line.rsplit(' ').next()).unwrap().parse().unwrap()
    }

    /// The fields of the first line about rejected calls.
    async fn line(self) -> serde_json::Value {
        self.serve.signal("TERM");
        let (_, log) = self.serve.ended().await;
        let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let about = lines.map(|line| line["fields"].clone()).find(|fields| fields["calls.rejected"].is_u64());
        about.unwrap_or_else(|| panic!("no line about rejected calls:\n{log}"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_with_a_generated_name_is_asked_in_vain_and_the_log_names_the_remedy() {
    const NAME: &str = "outbound|9191||portcullis.shop.svc.cluster.local";
    let asked = Asked::at(|_| "127.0.0.1:0".to_owned()).await;
    let token = scoped(&asked.issuer, "read:messages");
    let upstream = upstream().await;
    let odd = changes("odd-authority");
    let envoy = Envoy::start(asked.serve.grpc, upstream.addr(), odd).await;
    assert_eq!(envoy.get("/api/private", Some(&token)).await.status, 503);
    let before = asked.rejected().await;
    assert!(before > 0, "Checks are counted");
    // The remedy, for Checks and for health checks.
    let envoy = Envoy::start(asked.serve.grpc, upstream.addr(), harmless("odd-name-with-authority")).await;
    assert_eq!(envoy.get("/api/private", Some(&token)).await.status, 200);
    assert_eq!(health(&envoy).await, (true, false));
    let line = asked.line().await;
    assert_eq!(line["http2.authority"], NAME, "{line}");
    let message = line["message"].as_str().unwrap();
    assert!(message.contains("set `authority: portcullis` in `envoy_grpc` and in `grpc_health_check`"), "{line}");
}

/// Says whether some health check has passed, and whether some has failed. Envoy listens after the first one.
async fn health(envoy: &Envoy) -> (bool, bool) {
    let page = envoy.metrics().await;
    let is_counted = |name: &str| {
        page.lines()
            .any(|line| line.starts_with(&format!("envoy_cluster_health_check_{name}{{")) && !line.ends_with(" 0"))
    };
    (is_counted("success"), is_counted("failure"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_checks_take_the_name_of_the_cluster_too_and_an_endpoints_name_before_their_own() {
    let asked = Asked::at(|_| "127.0.0.1:0".to_owned()).await;
    let upstream = upstream().await;
    for name in
        ["odd-authority-of-health-checks", "odd-authority-set-for-health-checks", "odd-authority-of-an-endpoint"]
    {
        let before = asked.rejected().await;
        let envoy = Envoy::start(asked.serve.grpc, upstream.addr(), changes(name)).await;
        assert_eq!(health(&envoy).await, (false, true), "{name}");
        assert!(asked.rejected().await > before, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpcs_c_core_sends_the_path_of_a_socket_unless_told_otherwise() {
    let asked = Asked::at(|dir| format!("unix:{}", dir.join("p.sock").display())).await;
    let socket = asked.dir.path().join("p.sock");
    let path = socket.to_str().unwrap().to_owned();
    let token = scoped(&asked.issuer, "read:messages");
    let upstream = upstream().await;
    for (name, changes, status) in [
        ("by default", changes("socket-as-authority"), 503),
        ("with the remedy", harmless("socket-with-authority"), 200),
    ] {
        let text = envoy_faults::SAMPLE.replacen(changes[0].0, changes[0].1, 1).replace("/run/portcullis.sock", &path);
        let envoy = Envoy::start_text(&text, upstream.addr()).await;
        assert_eq!(envoy.get("/api/private", Some(&token)).await.status, status, "{name}");
        let expected = path.trim_start_matches('/').replace('/', "%2F");
        let said = portcullis::tools::envoy_lint::lint(&text, "envoy.yaml", None);
        let is_named =
            said.problems().any(|problem| problem.message().starts_with(&format!("Checks have `{expected}`")));
        assert_eq!(is_named, status == 503, "{name}");
    }
    assert!(asked.rejected().await > 0);
    let line = asked.line().await;
    assert_eq!(line["http2.authority"], path.trim_start_matches('/').replace('/', "%2F"), "{line}");
    assert!(line["message"].as_str().unwrap().contains("`grpc.default_authority`"), "{line}");
}

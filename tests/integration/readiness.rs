//! Readiness: when `/readyz` is 200, and what it says that it waits for.

use std::time::Duration;

use portcullis_demo::issuer::DemoIssuer;
use serde_json::Value;
use tokio::net::TcpListener;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use crate::{
    reload::Up,
    support::{
        AUDIENCE,
        check::get,
        config, issuer,
        process::{Serve, free_port, nobody},
        scoped,
        service::TestService,
    },
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The status of `/readyz` and what it says.
async fn readyz(admin: std::net::SocketAddr) -> (u16, Value) {
    let answer = reqwest::get(format!("http://{admin}/readyz")).await.unwrap();
    (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

/// Waits until the page is as it should be.
async fn until(admin: std::net::SocketAddr, what: &str, is_it: impl Fn(u16, &Value) -> bool) -> (u16, Value) {
    let mut last = readyz(admin).await;
    for _ in 0..1000 {
        if is_it(last.0, &last.1) {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        last = readyz(admin).await;
    }
    panic!("not in twenty seconds: {what}: {last:?}");
}

/// Returns the status of the service in gRPC health.
async fn health(grpc: std::net::SocketAddr) -> ServingStatus {
    let channel = tonic::transport::Endpoint::new(format!("http://{grpc}")).unwrap().connect().await.unwrap();
    let asked = HealthCheckRequest { service: "envoy.service.auth.v3.Authorization".to_owned() };
    HealthClient::new(channel).check(asked).await.unwrap().into_inner().status()
}

/// Waits until the fetches of all issuers have ended once, and gRPC health says so.
async fn until_serving(service: &TestService) {
    service.until_asked().await;
    for _ in 0..1000 {
        if health(service.grpc).await == ServingStatus::Serving {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("gRPC health does not say SERVING");
}

/// A number of failed fetches, from the metrics.
async fn failures(service: &TestService) -> u64 {
    let (_, text) = service.page("/metrics").await;
    let lines = text.lines().filter(|line| line.starts_with("portcullis_jwks_refresh_total{"));
    let failed = lines.filter(|line| !line.contains("outcome=\"success\""));
    failed.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_with_broken_egress_stops_and_the_old_instance_serves_on() {
    let port = free_port();
    let name = format!("http://127.0.0.1:{port}/");
    let listen = async || TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let first = DemoIssuer::start(listen().await, &name, AUDIENCE).await.unwrap();
    let text = config(&name);
    let old = TestService::start(&text).await;
    assert_eq!(old.page("/readyz").await.0, 200);
    let token = scoped(&first, "");
    first.shutdown().await;

    // A rolling update ends the old instance when the new one is ready.
    let new = TestService::launch(&text).await;
    until_serving(&new).await;
    while failures(&new).await < 2 {
        assert_eq!(new.page("/readyz").await.0, 503);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (status, page) = readyz(new.admin).await;
    assert_eq!((status, &page["ready"], &page["rule"]), (503, &false.into(), &"keys".into()), "{page}");
    assert_eq!((&page["version"], &page["stopping"]), (&VERSION.into(), &false.into()), "{page}");
    let awaited = &page["waits_for"][0];
    assert_eq!(awaited["issuer"], name.as_str(), "{page}");
    assert!(awaited["why"].as_str().unwrap().contains("refused"), "{page}");
    let got = old.client().await.send(&get("/api/private").bearer(&token)).await;
    assert_eq!((got.status, old.page("/readyz").await.0), (200, 200), "the old one goes on");

    // The same by the rule before: the rollout would have gone on.
    let careless = TestService::launch(&format!("ready: started\n{text}")).await;
    until(careless.admin, "ready without keys", |status, _| status == 200).await;

    let second = DemoIssuer::start(listen().await, &name, AUDIENCE).await.unwrap();
    let (_, page) = until(new.admin, "ready with keys", |status, _| status == 200).await;
    assert_eq!((&page["ready"], page["waits_for"].as_array().unwrap().len()), (&true.into(), 0), "{page}");
    let got = new.client().await.send(&get("/api/private").bearer(&scoped(&second, ""))).await;
    assert_eq!(got.status, 200);
}

/// Issuers whose keys are at these addresses, in a policy that has `more` in its first lines.
fn with_issuers(more: &str, keys: &[String]) -> String {
    let issuer = |(n, uri): (usize, &String)| {
        format!("  - {{ issuer: 'https://issuer-{n}.test/', audiences: [api], jwks_uri: '{uri}' }}\n")
    };
    let issuers: String = keys.iter().enumerate().map(issuer).collect();
    format!(
        "{more}listen: {{ grpc: '127.0.0.1:0', admin: '127.0.0.1:0' }}\nissuers:\n{issuers}\
         routes: [{{ path: /a, access: authenticated }}]\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_dead_issuer_of_five_stops_nothing_and_one_good_one_is_enough() {
    let issuer = issuer().await;
    let good = format!("{}jwks", issuer.issuer());
    let dead = format!("http://{}/", nobody());
    for dead_ones in [1, 4] {
        let keys: Vec<String> = (0..5).map(|n| if n < dead_ones { dead.clone() } else { good.clone() }).collect();
        let service = TestService::launch(&with_issuers("", &keys)).await;
        let (_, page) = until(service.admin, "ready", |status, _| status == 200).await;
        assert_eq!(page["waits_for"].as_array().unwrap().len(), 0, "{page}");
        service.until_asked().await;
        let (status, page) = readyz(service.admin).await;
        assert_eq!((status, page["issuers_without_keys"].as_array().unwrap().len()), (200, dead_ones), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_the_rule_of_a_start_every_issuer_has_been_asked_before_an_instance_is_ready() {
    // Accepts connections and never answers: the fetch takes five seconds to fail.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = issuer().await;
    let keys = [format!("{}jwks", issuer.issuer()), format!("http://{}/", silent.local_addr().unwrap())];
    let service = TestService::launch(&with_issuers(
        "ready: started
",
        &keys,
    ))
    .await;
    let has_keys = |page: &Value| page["issuers"].as_array().unwrap().iter().any(|issuer| issuer["keys"] != 0);
    let (status, page) = until(service.admin, "keys of one issuer", |_, page| has_keys(page)).await;
    let awaited: Vec<&Value> = page["waits_for"].as_array().unwrap().iter().map(|awaited| &awaited["issuer"]).collect();
    assert_eq!((status, awaited), (503, vec![&Value::from("https://issuer-1.test/")]), "{page}");
    let (_, page) = until(service.admin, "ready", |status, _| status == 200).await;
    assert_eq!(page["issuers_without_keys"], serde_json::json!(["https://issuer-1.test/"]), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn saved_keys_and_those_of_files_count() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = issuer().await;
    let saved = dir.path().join("saved");
    let text = format!("keys_dir: {}\n{}", saved.display(), config(issuer.issuer()));
    let service = TestService::start(&text).await;
    let is_saved = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().path().extension().is_some();
    while !std::fs::read_dir(&saved).unwrap().any(is_saved) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    service.stop().await.unwrap();
    let keys = dir.path().join("keys.json");
    std::fs::write(&keys, issuer.jwk_set().to_string()).unwrap();
    let of_file =
        config(issuer.issuer()).replace("    audiences", &format!("    jwks_file: {}\n    audiences", keys.display()));
    issuer.shutdown().await;
    for text in [text, of_file] {
        let service = TestService::launch(&text).await;
        until(service.admin, "ready", |status, _| status == 200).await;
        service.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_route_looks_at_tokens_no_keys_are_waited_for() {
    let dead = [format!("http://{}/", nobody())];
    let text = with_issuers("", &dead);
    let public = TestService::launch(&text.replace("authenticated", "public")).await;
    assert_eq!(public.page("/readyz").await.0, 200, "at once");
    // A token that is shown to an optional route is judged, too.
    for other in ["access: optional", "access: public }, { path: /b, scopes: [s]"] {
        let service = TestService::start(&text.replace("access: authenticated", other)).await;
        assert_eq!(service.page("/readyz").await.0, 503, "{other}");
    }
    let by_name = text.replace("authenticated", "public") + "policies: { p: { access: authenticated } }\n";
    assert_eq!(TestService::start(&by_name).await.page("/readyz").await.0, 503);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_start_line_and_a_warning_name_what_is_waited_for() {
    // Accepts connections and never answers: the fetch takes five seconds to fail.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (hangs, dead) = (format!("http://{}/", silent.local_addr().unwrap()), format!("http://{}/", nobody()));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("portcullis.yaml");
    let line = async |text: &str, message: &str| {
        std::fs::write(&file, text).unwrap();
        let serve = Serve::start(&["--config", file.to_str().unwrap()], &[]).await;
        while health(serve.grpc).await != ServingStatus::Serving && message != "portcullis is listening" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        serve.signal("TERM");
        let (_, log) = serve.ended().await;
        let mut lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.find(|line| line["fields"]["message"] == message).unwrap_or_else(|| panic!("no `{message}` in\n{log}"))
    };
    let started = line(&with_issuers("", &[hangs.clone(), hangs.clone()]), "portcullis is listening").await;
    let fields = &started["fields"];
    assert_eq!((&fields["service.version"], &fields["ready.rule"]), (&VERSION.into(), &"keys".into()), "{started}");
    assert_eq!(fields["config.revision"].as_str().map(str::len), Some(12), "{started}");
    let why = "(the first fetch of its keys has not ended yet)";
    assert_eq!(fields["ready.waits_for"], format!("https://issuer-0.test/ {why}, https://issuer-1.test/ {why}"));

    let many = vec![hangs.clone(); 7];
    let started = line(&with_issuers("ready: started\n", &many), "portcullis is listening").await;
    let waits_for = started["fields"]["ready.waits_for"].as_str().unwrap();
    assert!(waits_for.ends_with(" and 2 more") && waits_for.matches("https://issuer-").count() == 5, "{started}");
    assert_eq!(started["fields"]["ready.rule"], "started");

    let warned =
        line(&with_issuers("", &[dead]), "not ready: `/readyz` answers 503 until one of these issuers has keys").await;
    let waits_for = warned["fields"]["ready.waits_for"].as_str().unwrap();
    assert!(waits_for.starts_with("https://issuer-0.test/ (") && waits_for.contains("refused"), "{warned}");
    assert_eq!(warned["level"], "WARN");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_takes_no_readiness_away_and_its_rule_counts_at_once() {
    let good = issuer().await;
    let dead = format!("http://{}/", nobody());
    let up = Up::file(&with_issuers("", &[format!("{}jwks", good.issuer())])).await;
    assert_eq!(readyz(up.serve.admin).await.0, 200);
    let without_keys = with_issuers("", std::slice::from_ref(&dead));
    up.replace(&without_keys);
    let is_loaded = |page: &Value| page["config"]["last_reload"]["ok"] == true;
    let (status, page) = until(up.serve.admin, "loaded", |_, page| is_loaded(page)).await;
    assert_eq!((status, page["issuers_without_keys"].as_array().unwrap().len()), (200, 1), "{page}");

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("portcullis.yaml");
    std::fs::write(&file, &without_keys).unwrap();
    let serve = Serve::start(&["--config", file.to_str().unwrap()], &[]).await;
    until(serve.admin, "asked", |_, page| page["issuers"][0]["settled"] == true).await;
    assert_eq!(readyz(serve.admin).await.0, 503);
    let put = |text: &str| {
        std::fs::write(dir.path().join("new"), text).unwrap();
        std::fs::rename(dir.path().join("new"), &file).unwrap();
    };
    // Keys of an issuer that only the new file names.
    put(&with_issuers("", &[dead.clone(), format!("{}jwks", good.issuer())]));
    until(serve.admin, "ready with the keys of the other issuer", |status, _| status == 200).await;

    std::fs::write(&file, &without_keys).unwrap();
    let serve = Serve::start(&["--config", file.to_str().unwrap()], &[]).await;
    until(serve.admin, "asked", |_, page| page["issuers"][0]["settled"] == true).await;
    put(&with_issuers("ready: started\n", &[dead]));
    let (_, page) = until(serve.admin, "ready by another rule", |status, _| status == 200).await;
    assert_eq!(page["rule"], "started", "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_stops_is_not_ready_and_says_so() {
    let issuer = issuer().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("portcullis.yaml");
    std::fs::write(&file, config(issuer.issuer())).unwrap();
    let serve = Serve::start(&["--config", file.to_str().unwrap(), "--drain-notice", "1m"], &[]).await;
    until(serve.admin, "ready", |status, _| status == 200).await;
    serve.signal("TERM");
    let (_, page) = until(serve.admin, "not ready", |status, _| status == 503).await;
    assert_eq!((&page["ready"], &page["stopping"]), (&false.into(), &true.into()), "{page}");
    serve.signal("TERM");
    let (_, log) = serve.ended().await;
    assert!(log.contains("ready: `/readyz` answers 200 until the stop"), "{log}");
}

//! Keys that rotate, fail and come back, over the wire with a real issuer.

use std::time::Duration;

use axum::{Router, http::StatusCode, routing::get as route};
use futures_util::future::join_all;
use portcullis_demo::issuer::{DemoIssuer, TokenRequest};
use tokio::net::TcpListener;

use crate::support::{
    AUDIENCE,
    check::{Client, get},
    config, issuer,
    process::{Serve, free_port, nobody, portcullis},
    scoped,
    service::TestService,
    tampered,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_key_is_fetched_when_a_token_needs_it() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let client = service.client().await;
    let old = scoped(&issuer, "");
    assert_eq!(client.send(&get("/api/private").bearer(&old)).await.status, 200);
    issuer.rotate().await.unwrap();
    let reads = issuer.key_set_reads();
    let new = scoped(&issuer, "");
    let asks: Vec<_> = (0..20).map(|_| get("/api/private").bearer(&new)).collect();
    let answers = asks.iter().map(|ask| client.send(ask));
    for got in join_all(answers).await {
        assert_eq!((got.status, got.reason.as_str()), (200, "ok"));
    }
    assert_eq!(issuer.key_set_reads(), reads + 1, "one fetch for all of them");
    let got = client.send(&get("/api/private").bearer(&old)).await;
    assert_eq!((got.status, got.reason.as_str()), (401, "token_unknown_key"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_that_is_down_at_start_is_503_and_recovers_by_itself() {
    let port = free_port();
    let name = format!("http://127.0.0.1:{port}/");
    let service = TestService::start(&config(&name)).await;
    let client = service.client().await;
    let (status, page) = service.page("/readyz").await;
    assert_eq!(status, 503, "it has no keys at all");
    assert!(page.contains("issuers_without_keys") && page.contains("refused"), "{page}");

    let issuer = DemoIssuer::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), &name, AUDIENCE).await.unwrap();
    let token = issuer.mint(&TokenRequest::new()).unwrap();
    let got = client.send(&get("/api/private").bearer(&token)).await;
    assert_eq!((got.status, got.reason.as_str()), (503, "keys_unavailable"));
    assert!(got.header("retry-after").is_some() && got.header("www-authenticate").is_none());
    assert_eq!(client.send(&get("/api/public")).await.status, 200);
    assert_eq!(client.send(&get("/api/private")).await.status, 401);
    issuer.shutdown().await;

    let back = DemoIssuer::start(TcpListener::bind(("127.0.0.1", port)).await.unwrap(), &name, AUDIENCE).await.unwrap();
    let token = back.mint(&TokenRequest::new()).unwrap();
    for _ in 0..200 {
        if client.send(&get("/api/private").bearer(&token)).await.status == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no recovery within twenty seconds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn known_keys_go_on_working_while_the_issuer_is_down() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let client = service.client().await;
    let token = scoped(&issuer, "");
    assert_eq!(client.send(&get("/api/private").bearer(&token)).await.status, 200);
    issuer.shutdown().await;
    let forged = client.send(&get("/api/private").bearer(&tampered(&token))).await;
    assert_eq!((forged.status, forged.reason.as_str()), (401, "token_bad_signature"), "no trouble of ours");
    assert_eq!(client.send(&get("/api/private").bearer(&token)).await.status, 200);
}

/// An issuer whose metadata and keys are these texts.
async fn odd_issuer(metadata: impl Fn(&str) -> String, keys: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let name = format!("http://{}/", listener.local_addr().unwrap());
    let metadata = metadata(&name);
    let pages = Router::new()
        .route("/.well-known/openid-configuration", route(move || std::future::ready(metadata.clone())))
        .route("/jwks", route(move || std::future::ready(keys.clone())))
        .fallback(async || StatusCode::NOT_FOUND);
    #[expect(clippy::disallowed_methods, reason = "a test's server")]
    tokio::spawn(async move { axum::serve(listener, pages).await });
    name
}

fn good_metadata(name: &str) -> String {
    format!(r#"{{"issuer":"{name}","jwks_uri":"{name}jwks"}}"#)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_sets_that_are_none_are_our_trouble_and_say_so() {
    let too_large = format!(r#"{{"keys":[],"x":"{}"}}"#, "a".repeat(portcullis::limits::KEY_DOCUMENT_BYTES));
    let cases = [
        ("<html>no</html>".to_owned(), "not a JSON Web Key Set"),
        (r#"{"keys":[]}"#.to_owned(), "empty"),
        (r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#.to_owned(), "its private part is published"),
        (too_large, "more than"),
    ];
    let minter = issuer().await;
    for (keys, told) in cases {
        let name = odd_issuer(good_metadata, keys).await;
        let service = TestService::start(&config(&name)).await;
        let token = minter.mint(&TokenRequest::new().claim("iss", name.as_str())).unwrap();
        let got = service.client().await.send(&get("/api/private").bearer(&token)).await;
        assert_eq!((got.status, got.reason.as_str()), (503, "keys_unavailable"), "{told}");
        let (_, page) = service.page("/readyz").await;
        assert!(page.contains(told), "{told} not in {page}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_that_calls_itself_otherwise_is_reported_with_both_names() {
    // As with Auth0 when its trailing slash is forgotten.
    let without_slash = |name: &str| {
        good_metadata(name).replacen(&format!("\"{name}\""), &format!("\"{}\"", name.trim_end_matches('/')), 1)
    };
    let name = odd_issuer(without_slash, r#"{"keys":[]}"#.to_owned()).await;
    let service = TestService::start(&config(&name)).await;
    let (_, page) = service.page("/readyz").await;
    let told = format!("write `issuer: {}` in place of `issuer: {name}` (test.yaml:3)", name.trim_end_matches('/'));
    assert!(page.contains(&told), "{told} not in {page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_issuers_trouble_leaves_the_other_alone() {
    let good = issuer().await;
    let dead = format!("http://{}/", nobody());
    let both =
        config(good.issuer()).replace("routes:", &format!("  - issuer: {dead}\n    audiences: [{AUDIENCE}]\nroutes:"));
    let service = TestService::start(&both).await;
    let client = service.client().await;
    let of_dead = good.mint(&TokenRequest::new().claim("iss", dead.as_str())).unwrap();
    for _ in 0..5 {
        assert_eq!(client.send(&get("/api/private").bearer(&of_dead)).await.status, 503);
        assert_eq!(client.send(&get("/api/private").bearer(&scoped(&good, ""))).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_issuers_key_does_not_vouch_for_another() {
    let (a, b) = (issuer().await, issuer().await);
    let both = config(a.issuer())
        .replace("routes:", &format!("  - issuer: {}\n    audiences: [{AUDIENCE}]\nroutes:", b.issuer()));
    let service = TestService::start(&both).await;
    let client = service.client().await;
    assert_eq!(client.send(&get("/api/private").bearer(&scoped(&b, ""))).await.status, 200);
    let forged = a.mint(&TokenRequest::new().claim("iss", b.issuer())).unwrap();
    assert_eq!(client.send(&get("/api/private").bearer(&forged)).await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_for_keys_ends_before_envoys_deadline() {
    // Accepts connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let name = format!("http://{}/", silent.local_addr().unwrap());
    let both = config(&name);
    let minter = issuer().await;
    let service = tokio::time::timeout(Duration::from_secs(30), TestService::start(&both)).await.unwrap();
    let token = minter.mint(&TokenRequest::new().claim("iss", name.as_str())).unwrap();
    let client = service.client().await;
    let mut answered = 0;
    for _ in 0..20 {
        // Past the client's own deadline it would be an error, not an answer; on a loaded machine the margin is small.
        let ask = get("/api/private").bearer(&token);
        if let Ok(got) = client.try_within(&ask, Duration::from_millis(300)).await {
            assert_eq!((got.status, got.reason.as_str()), (503, "keys_unavailable"));
            answered += 1;
        }
    }
    assert!(answered >= 15, "{answered} of 20 were answered in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_from_a_file_and_from_a_jwks_uri() {
    let issuer = issuer().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("jwks.json");
    std::fs::write(&file, issuer.jwk_set().to_string()).unwrap();
    for source in [format!("jwks_file: {}", file.display()), format!("jwks_uri: {}jwks", issuer.issuer())] {
        let text = config(issuer.issuer()).replacen("    audiences", &format!("    {source}\n    audiences"), 1);
        let service = TestService::start(&text).await;
        let got = service.client().await.send(&get("/api/private").bearer(&scoped(&issuer, ""))).await;
        assert_eq!(got.status, 200, "{source}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_while_the_issuer_is_down_goes_on_with_saved_keys() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = issuer().await;
    let text = format!("keys_dir: {}\n{}", dir.path().join("saved").display(), config(issuer.issuer()));
    let token = scoped(&issuer, "read:messages");
    let service = TestService::start(&text).await;
    assert_eq!(service.client().await.send(&get("/api/private").bearer(&token)).await.status, 200);
    let is_saved = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().path().extension().is_some();
    while !std::fs::read_dir(dir.path().join("saved")).unwrap().any(is_saved) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    service.stop().await.unwrap();
    issuer.rotate().await.unwrap();
    let unknown = scoped(&issuer, "");
    issuer.shutdown().await;

    let service = TestService::start(&text).await;
    let client = service.client().await;
    assert_eq!(client.send(&get("/api/private-scoped").bearer(&token)).await.status, 200);
    let got = client.send(&get("/api/private").bearer(&unknown)).await;
    assert_eq!((got.status, got.reason.as_str()), (503, "keys_unavailable"), "a key that nobody could look for");
    let (_, page) = service.page("/readyz").await;
    assert!(page.contains("\"issuers_without_keys\":[]") && page.contains("refused"), "{page}");
    service.stop().await.unwrap();

    // Without that directory it would have been an outage.
    let service = TestService::start(&text.replace("keys_dir", "# keys_dir")).await;
    assert_eq!(service.client().await.send(&get("/api/private").bearer(&token)).await.status, 503);
}

/// A configuration in a file, whose saved keys are in `keys_dir`.
fn file_with_keys_dir(dir: &std::path::Path, keys_dir: &std::path::Path, issuer: &str) -> String {
    let file = dir.join("portcullis.yaml");
    std::fs::write(&file, format!("keys_dir: {}\n{}", keys_dir.display(), config(issuer))).unwrap();
    file.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keys_dir_that_others_can_write_to_is_refused_at_a_start_with_a_remedy() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let shared = dir.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o1777)).unwrap();
    let file = file_with_keys_dir(dir.path(), &shared, &format!("http://{}/", nobody()));
    let ended = portcullis(&["serve", "--config", &file]).output().await.unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{told}");
    assert!(told.contains("(mode 1777)") && told.contains("name a directory below it that does not exist"), "{told}");
    // As it says.
    let file = file_with_keys_dir(dir.path(), &shared.join("portcullis"), &format!("http://{}/", nobody()));
    let serve = Serve::start(&["--config", &file], &[]).await;
    serve.signal("TERM");
    let (code, log) = serve.ended().await;
    assert!(code == Some(0) && !log.contains("keys_dir"), "{log}");
}

/// Waits until a page has that text.
async fn until_in(page: &str, text: &str) {
    let mut found = String::new();
    for _ in 0..500 {
        found = reqwest::get(page).await.unwrap().text().await.unwrap();
        if found.contains(text) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{text} is not in:\n{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keys_dir_that_cannot_be_written_to_is_a_warning_and_a_count_and_the_service_serves() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("file");
    std::fs::write(&blocked, "").unwrap();
    let issuer = issuer().await;
    let file = file_with_keys_dir(dir.path(), &blocked.join("keys"), issuer.issuer());
    let serve = Serve::start(&["--config", &file], &[]).await;
    let client = Client::connect(serve.grpc).await;
    assert_eq!(client.send(&get("/api/private").bearer(&scoped(&issuer, ""))).await.status, 200);
    let page = format!("http://{}/metrics", serve.admin);
    let metrics = async || reqwest::get(&page).await.unwrap().text().await.unwrap();
    assert!(metrics().await.contains(r#"portcullis_keys_dir_failures_total{operation="open"} 1"#));
    until_in(&page, r#"portcullis_keys_dir_failures_total{operation="write"} 1"#).await;
    let saved = |saved: i64| format!("\nportcullis_jwks_keys_saved{{issuer=\"{}\"}} {saved}\n", issuer.issuer());
    assert!(metrics().await.contains(&saved(0)));
    // A directory that can be used.
    let usable = file_with_keys_dir(dir.path(), &dir.path().join("keys"), issuer.issuer());
    let other = Serve::start(&["--config", &usable], &[]).await;
    until_in(&format!("http://{}/metrics", other.admin), &saved(1)).await;
    serve.signal("TERM");
    let (code, log) = serve.ended().await;
    assert_eq!(code, Some(0), "{log}");
    for line in ["`keys_dir` can't be written to", "keys can't be saved in `keys_dir`"] {
        assert!(log.lines().any(|text| text.contains(line) && text.contains("\"WARN\"")), "{line}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_line_of_a_request_that_keys_are_missing_for_names_the_issuer() {
    let (dead, minter) = (format!("http://{}/", nobody()), issuer().await);
    let dir = tempfile::tempdir().unwrap();
    let file = file_with_keys_dir(dir.path(), &dir.path().join("keys"), &dead);
    let serve = Serve::start(&["--config", &file], &[]).await;
    let token = minter.mint(&TokenRequest::new().claim("iss", dead.as_str())).unwrap();
    let got = Client::connect(serve.grpc).await.send(&get("/api/private").bearer(&token)).await;
    assert_eq!((got.status, got.reason.as_str()), (503, "keys_unavailable"));
    serve.signal("TERM");
    let (_, log) = serve.ended().await;
    let lines: Vec<serde_json::Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let line = lines.iter().find(|line| line["fields"]["deny.code"] == "keys_unavailable").unwrap();
    assert_eq!((&line["level"], &line["fields"]["token.issuer"]), (&"WARN".into(), &dead.as_str().into()), "{line}");
}

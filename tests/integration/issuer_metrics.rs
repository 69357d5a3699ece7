//! The figures and lines that tell an operator of issuers, clocks and the active configuration.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use axum::{Router, extract::Request, middleware::Next, response::Response, routing::get as route};
use headers::{Date, HeaderMapExt as _};
use portcullis::{
    clock::{Clock as _, SystemClock},
    service::Pace,
};
use tokio::net::TcpListener;

use crate::support::{
    check::{Client, get},
    config, issuer,
    process::Serve,
    scoped,
    service::TestService,
};

/// The value of a series in a text, if it is there.
fn value(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')).map(|value| value.parse().unwrap())
}

/// Waits until the metrics are as asked, and returns them.
async fn until(service: &TestService, what: &str, is_so: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    for _ in 0..1000 {
        text = service.page("/metrics").await.1;
        if is_so(&text) {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not in twenty seconds: {what}:\n{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuers_figures_say_how_its_keys_are() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let client = service.client().await;
    let series = |name: &str| format!("portcullis_jwks_{name}{{issuer=\"{}\"}}", issuer.issuer());
    let kids = |text: &str| -> Vec<String> {
        let named = text.lines().filter(|line| line.starts_with("portcullis_jwks_key_info{"));
        named.map(|line| line.split("kid=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()).collect()
    };

    let (now, text) = (SystemClock.now().as_secs() as f64, service.page("/metrics").await.1);
    let fetched = value(&text, &series("last_success_timestamp_seconds")).unwrap();
    assert!((now - fetched).abs() < 60.0, "{fetched} {now}");
    let next = value(&text, &series("next_refresh_seconds")).unwrap();
    assert!(next > 0.0 && next <= 3600.0, "{next}");
    assert_eq!(value(&text, &series("consecutive_failures")), Some(0.0));
    assert_eq!(value(&text, &series("clock_skew_seconds")), Some(0.0), "it runs here");
    let (_, page) = service.page("/keys").await;
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    let before = kids(&text);
    assert!(
        !before.is_empty() && before.iter().all(|kid| page[0]["kids"].to_string().contains(kid)),
        "{page} {before:?}"
    );
    assert_eq!(page[0]["last_success"].as_i64().unwrap() as f64, fetched);

    // A rotation: other names.
    issuer.rotate().await.unwrap();
    assert_eq!(client.send(&get("/api/private").bearer(&scoped(&issuer, ""))).await.status, 200);
    let after = kids(&service.page("/metrics").await.1);
    assert!(!after.is_empty() && after.iter().all(|kid| !before.contains(kid)), "{before:?} {after:?}");

    // An outage: failures are counted, and keys stay.
    issuer.rotate().await.unwrap();
    let unknown = scoped(&issuer, "");
    let name = issuer.issuer().to_owned();
    issuer.shutdown().await;
    assert_eq!(client.send(&get("/api/private").bearer(&unknown)).await.status, 503);
    let failures = format!("portcullis_jwks_consecutive_failures{{issuer=\"{name}\"}}");
    let text = until(&service, "two failures", |text| value(text, &failures).unwrap() >= 2.0).await;
    assert_eq!(kids(&text), after);
    let next = format!("portcullis_jwks_next_refresh_seconds{{issuer=\"{name}\"}}");
    assert!(value(&text, &next).unwrap() <= 30.0, "soon");
    let unreachable = format!("portcullis_jwks_refresh_total{{issuer=\"{name}\",outcome=\"unreachable\"}}");
    assert!(value(&text, &unreachable).unwrap() >= 2.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_shows_its_revision_and_takes_the_series_of_an_issuer_away() {
    let (old, new) = (issuer().await, issuer().await);
    let dir = tempfile::tempdir().unwrap();
    let (path, next) = (dir.path().join("portcullis.yaml"), dir.path().join("next"));
    std::fs::write(&path, config(old.issuer())).unwrap();
    let service = TestService::start_file(&path, Pace::default()).await;
    let revisions = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with("portcullis_config_info{")).map(str::to_owned).collect()
    };
    let text = service.page("/metrics").await.1;
    let before = revisions(&text);
    let shown = service.page("/readyz").await.1;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let revision = shown["config"]["revision"].as_str().unwrap();
    assert_eq!(before, [format!("portcullis_config_info{{revision=\"{revision}\"}} 1")]);
    assert!(text.contains(&format!("issuer=\"{}\"", old.issuer())));

    std::fs::write(&next, config(new.issuer())).unwrap();
    std::fs::rename(&next, &path).unwrap();
    let is_gone = |text: &str| !text.contains(&format!("issuer=\"{}\"", old.issuer()));
    let text = until(&service, "the old issuer is gone", is_gone).await;
    let after = revisions(&text);
    assert!(after.len() == 1 && after != before, "one at a time: {after:?}");
    assert!(text.contains(&format!("portcullis_jwks_last_success_timestamp_seconds{{issuer=\"{}\"}}", new.issuer())));
    let failed = format!("portcullis_jwks_refresh_total{{issuer=\"{}\",outcome=\"timeout\"}} 0", new.issuer());
    assert!(text.contains(&failed), "from the start:\n{text}");
}

/// An issuer with a clock that is ahead of this machine's by so many seconds, and a key with an odd name.
pub(crate) async fn issuer_with_clock(ahead: Arc<AtomicI64>) -> String {
    const KEY: &str =
        r#"{"kty":"OKP","crv":"Ed25519","kid":"a\"b\\c\nd\u001b","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let name = format!("http://{}/", listener.local_addr().unwrap());
    let metadata = format!(r#"{{"issuer":"{name}","jwks_uri":"{name}jwks"}}"#);
    let dated = axum::middleware::from_fn(move |request: Request, next: Next| {
        let ahead = Arc::clone(&ahead);
        async move {
            let mut answer: Response = next.run(request).await;
            let at = SystemClock.now().as_secs() + ahead.load(Ordering::SeqCst);
            let date = Date::from(UNIX_EPOCH + Duration::from_secs(at.try_into().unwrap()));
            answer.headers_mut().typed_insert(date);
            answer
        }
    });
    let pages = Router::new()
        .route("/.well-known/openid-configuration", route(move || std::future::ready(metadata.clone())))
        .route("/jwks", route(|| std::future::ready(format!(r#"{{"keys":[{KEY}]}}"#))))
        .layer(dated);
    #[expect(clippy::disallowed_methods, reason = "a test's server")]
    tokio::spawn(async move { axum::serve(listener, pages).await });
    name
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_clock_shows_and_is_logged_when_it_begins_and_when_it_is_over() {
    let ahead = Arc::new(AtomicI64::new(3600));
    let name = issuer_with_clock(Arc::clone(&ahead)).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("portcullis.yaml");
    std::fs::write(&path, config(&name)).unwrap();
    let serve = Serve::start(&["--config", path.to_str().unwrap()], &[]).await;
    let page = format!("http://{}/metrics", serve.admin);
    let metrics = async || reqwest::get(&page).await.unwrap().text().await.unwrap();
    let skew = format!("portcullis_jwks_clock_skew_seconds{{issuer=\"{name}\"}}");
    let until = async |what: &str, is_so: &dyn Fn(f64) -> bool| {
        for _ in 0..1000 {
            let text = metrics().await;
            if value(&text, &skew).is_some_and(is_so) {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("not in twenty seconds: {what}");
    };
    let text = until("ahead of ours", &|skew| (3590.0..=3601.0).contains(&skew)).await;
    let kid = r#",kid="a\"b\\c\\nd\\u{1b}"} 1"#;
    assert!(text.contains(&format!("portcullis_jwks_key_info{{issuer=\"{name}\"{kid}")), "{text}");

    // Each token of another unknown key brings a fetch.
    let (client, other) = (Client::connect(serve.grpc).await, issuer().await);
    let unknown = async |kid: &str| {
        let token = portcullis_demo::issuer::TokenRequest::new().claim("iss", name.as_str()).header("kid", kid);
        client.send(&get("/api/private").bearer(&other.mint(&token).unwrap())).await
    };
    unknown("one").await;
    ahead.store(-100, Ordering::SeqCst);
    unknown("two").await;
    until("behind ours", &|skew| (-101.0..=-80.0).contains(&skew)).await;
    ahead.store(0, Ordering::SeqCst);
    unknown("three").await;
    until("no difference", &|skew| skew.abs() < 5.0).await;
    serve.signal("TERM");
    let (_, log) = serve.ended().await;
    let lines = |words: &str| log.lines().filter(|line| line.contains(words)).map(str::to_owned).collect::<Vec<_>>();
    let begun = lines("differ by more than `clock_tolerance`");
    assert!(begun.len() == 1 && begun[0].contains(&name) && begun[0].contains("\"WARN\""), "once: {begun:?}");
    assert_eq!(lines("agree again").len(), 1, "{log}");
}

//! Lines about denials: what an operator learns of a request and its client, and that no client can forge or break one.

use std::{collections::BTreeSet, time::Duration};

use portcullis::limits;
use portcullis_demo::issuer::{DemoIssuer, TokenRequest};
use portcullis_engine::digest::{sha256, short_hex};
use serde_json::Value;

use crate::support::{
    AUDIENCE,
    check::{Ask, Client, get},
    config, issuer,
    process::{Serve, nobody, own_address, portcullis},
    tampered,
};

/// A service that logs in that format, with that issuer's keys.
struct Logged {
    serve: Serve,
    client: Client,
    dir: tempfile::TempDir,
}

impl Logged {
    async fn start(text: &str, arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("portcullis.yaml");
        std::fs::write(&file, text).unwrap();
        let serve = Serve::start(&[&["--config", file.to_str().unwrap()], arguments].concat(), &[]).await;
        let client = Client::connect(serve.grpc).await;
        let settled = async || {
            let page = reqwest::get(format!("http://{}/readyz", serve.admin)).await.unwrap();
            let page: Value = serde_json::from_str(&page.text().await.unwrap()).unwrap();
            page["issuers"].as_array().unwrap().iter().all(|issuer| issuer["settled"] == true)
        };
        while !settled().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { serve, client, dir }
    }

    async fn denied(&self, ask: Ask, reason: &str) {
        let got = self.client.send(&ask).await;
        assert_eq!(got.reason, reason, "{ask:?}");
    }

    /// The fields of all lines about denials, and the whole log.
    async fn ended(self) -> (Vec<Value>, String) {
        drop(self.client);
        self.serve.signal("TERM");
        let (_, log) = self.serve.ended().await;
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let denials = lines.map(|line| line["fields"].clone()).filter(|fields| fields.get("deny.code").is_some());
        (denials.filter(|fields| fields["message"].as_str().unwrap().starts_with("request denied")).collect(), log)
    }
}

fn of_client(issuer: &DemoIssuer, client: &str, request: TokenRequest) -> String {
    issuer.mint(&request.claim("client_id", client)).unwrap()
}

fn digest(text: &str) -> String {
    short_hex(&sha256(text.as_bytes()))
}

/// The names of a line's fields.
fn names(line: &Value) -> BTreeSet<&str> {
    line.as_object().unwrap().keys().map(String::as_str).filter(|name| *name != "message").collect()
}

const REQUEST: [&str; 5] = ["deny.code", "http.host", "http.method", "http.path", "request.id"];
const RULE: [&str; 2] = ["rule.at", "rule.id"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_has_the_request_the_rule_and_what_is_certain_of_the_token() {
    let issuer = issuer().await;
    let dead = format!("http://{}/", nobody());
    let text = config(issuer.issuer())
        .replace("routes:", &format!("  - {{ issuer: '{dead}', audiences: ['{AUDIENCE}'] }}\nroutes:"));
    let logged = Logged::start(&text, &[]).await;
    let token = |request| of_client(&issuer, "web", request);
    let other = token(TokenRequest::new().audience("https://other.example.com"));
    let two = token(TokenRequest::new().claim("aud", serde_json::json!(["one", "two"])));
    let expired = token(TokenRequest::new().expires_in(-600));
    for (ask, reason) in [
        (get("/api/private?token=x"), "no_credentials"),
        (get("/api/private-scoped").bearer(&token(TokenRequest::new())), "insufficient_scope"),
        (get("/api/private").bearer(&other), "token_wrong_audience"),
        (get("/api/private").bearer(&two), "token_wrong_audience"),
        (get("/api/private").bearer(&expired), "token_expired"),
        (get("/api/private").bearer(&tampered(&expired)), "token_bad_signature"),
        (
            get("/api/private").bearer(&token(TokenRequest::new().claim("iss", "https://evil.test/"))),
            "token_unknown_issuer",
        ),
        (get("/api/private").bearer(&token(TokenRequest::new().claim("iss", dead.as_str()))), "keys_unavailable"),
        (get("/nowhere").method("PURGE"), "no_route"),
        (get("/api//private"), "request_empty_segment"),
    ] {
        logged.denied(ask, reason).await;
    }
    let (lines, log) = logged.ended().await;
    let [none, scope, audience, audiences, expired, forged, unknown, unavailable, nowhere, odd] = &lines[..] else {
        panic!("{log}")
    };
    let expect = |line: &Value, more: &[&str]| {
        let wanted: BTreeSet<&str> = REQUEST.iter().chain(more).copied().collect();
        assert_eq!(names(line), wanted, "{line}");
        assert_eq!((&line["http.host"], &line["request.id"]), (&"api.example.com".into(), &"3f5c-test".into()));
    };
    let with_rule = |more: &[&'static str]| [&RULE[..], more].concat();
    expect(none, &with_rule(&[]));
    assert_eq!((&none["http.method"], &none["http.path"]), (&"GET".into(), &"/api/private".into()), "no query");
    expect(scope, &with_rule(&["token.issuer", "token.client_id"]));
    assert_eq!((&scope["rule.id"], &scope["token.client_id"]), (&"* /api/private-scoped".into(), &"web".into()));
    expect(audience, &with_rule(&["token.issuer", "token.client_id", "token.audience_sha256"]));
    assert_eq!(audience["token.audience_sha256"], digest("https://other.example.com"));
    assert_eq!(audiences["token.audience_sha256"], format!("{},{}", digest("one"), digest("two")));
    expect(expired, &with_rule(&["token.issuer", "token.client_id"]));
    expect(forged, &with_rule(&[]));
    expect(unknown, &with_rule(&["token.issuer_sha256"]));
    assert_eq!(unknown["token.issuer_sha256"], digest("https://evil.test/"));
    expect(unavailable, &with_rule(&["token.issuer"]));
    assert_eq!((&unavailable["token.issuer"], &unavailable["deny.code"]), (&dead.into(), &"keys_unavailable".into()));
    expect(nowhere, &[]);
    assert_eq!((&nowhere["http.method"], &nowhere["http.path"]), (&"PURGE".into(), &"/nowhere".into()));
    expect(odd, &[]);
    assert_eq!(odd["http.path"], "/api//private", "as it was sent");
    for text in ["https://other.example.com", "https://evil.test/", "token=x", "\"one\""] {
        assert!(!log.contains(text), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_prints_the_digests_of_the_log() {
    let issuer = issuer().await;
    let logged = Logged::start(&config(issuer.issuer()), &[]).await;
    for (request, reason, field) in [
        (TokenRequest::new().claim("iss", "https://evil.test/"), "token_unknown_issuer", "token.issuer_sha256"),
        (TokenRequest::new().audience("other"), "token_wrong_audience", "token.audience_sha256"),
    ] {
        let token = issuer.mint(&request).unwrap();
        logged.denied(get("/api/private").bearer(&token), reason).await;
        let file = logged.dir.path().join("token.jwt");
        std::fs::write(&file, &token).unwrap();
        let (config, token) = (logged.dir.path().join("portcullis.yaml"), format!("@{}", file.display()));
        let explain = async |format: &str| {
            let url = "https://api.example.com/api/private";
            let arguments =
                ["explain", "--config", config.to_str().unwrap(), "--format", format, url, "--token", &token];
            String::from_utf8(portcullis(&arguments).output().await.unwrap().stdout).unwrap()
        };
        let value = if field.contains("issuer") { digest("https://evil.test/") } else { digest("other") };
        let text = explain("text").await;
        assert!(text.contains(&format!("\nin the log {field}={value}\n")), "{text}");
        let json: Value = serde_json::from_str(&explain("json").await).unwrap();
        let member = field.strip_prefix("token.").unwrap();
        assert_eq!((&json["verdict"][member], &json["verdict"]["reason"]), (&value.into(), &reason.into()));
    }
    let (lines, log) = logged.ended().await;
    assert_eq!(lines[0]["token.issuer_sha256"], digest("https://evil.test/"), "{log}");
    assert_eq!(lines[1]["token.audience_sha256"], digest("other"), "{log}");
}

/// Requests whose texts try to end a field, a line or its JSON, with what may be shown of them.
fn forgeries() -> Vec<(Ask, &'static str)> {
    let long = format!("/{}", "x".repeat(3000));
    vec![
        (get("/a\" deny.code=\"ok"), "/a%22%20deny.code=%22ok"),
        (get("/a\\\",\"deny.code\":\"ok"), "/a%5C%22,%22deny.code%22:%22ok"),
        (get("/a\n2026-01-01T00:00:00Z  INFO forged"), "/a%0A2026-01-01T00:00:00Z%20%20INFO%20forged"),
        (get("/a\r\u{1b}[2Jb\u{0}\u{85}\u{2028}"), "/a%0D%1B[2Jb%00%C2%85%E2%80%A8"),
        (get("/é"), "/%C3%A9"),
        (get("/eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.c2ln/a//"), "/eyJ…/a//"),
        (get("/a;jsessionid=sesame"), "/a"),
        (get(&long), ""),
        (get("/x").host("a\"\nforged"), "/x"),
        (get("/x").method("GET\" \n"), "/x"),
    ]
}

/// Sends all forgeries and a token of a client with an odd name.
async fn send_forgeries(client: &Client, token: &str) {
    for (ask, _) in forgeries() {
        assert_ne!(client.send(&ask).await.status, 200);
    }
    let got = client.send(&get("/api/private-scoped").bearer(token)).await;
    assert_eq!(got.reason, "insufficient_scope");
}

const ODD_CLIENT: [&str; 2] = ["a\" \u{1b}[2J\nclient\u{e9}", "a%22%20%1B[2J%0Aclient%C3%A9"];

/// One line for each denial, with nothing in any that a terminal or a reader of lines would act on.
fn expect_whole_lines(log: &str) {
    assert!(log.lines().all(|line| line.chars().all(|c| c == '…' || (' '..='~').contains(&c))), "{log}");
    let count = log.lines().filter(|line| line.contains("request denied")).count();
    assert_eq!(count, forgeries().len() + 1, "{log}");
    assert!(!log.contains("sesame") && !log.contains("c2ln"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_of_a_client_forges_or_breaks_a_line_of_json() {
    let issuer = issuer().await;
    let logged = Logged::start(&config(issuer.issuer()), &[]).await;
    send_forgeries(&logged.client, &of_client(&issuer, ODD_CLIENT[0], TokenRequest::new())).await;
    let (lines, log) = logged.ended().await;
    expect_whole_lines(&log);
    for (line, (_, path)) in lines.iter().zip(forgeries()) {
        let shown = line["http.path"].as_str().unwrap();
        assert!(path.is_empty() || shown == path, "{line}");
        assert!(shown.chars().count() <= limits::LOGGED_TEXT_CHARS, "{line}");
        assert_ne!(line["deny.code"], "ok");
    }
    assert_eq!((&lines[8]["http.host"], &lines[9]["http.method"]), (&"a%22%0Aforged".into(), &"GET%22%20%0A".into()));
    assert_eq!(lines[10]["token.client_id"], ODD_CLIENT[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_of_a_client_forges_or_breaks_a_line_of_text() {
    let issuer = issuer().await;
    let (grpc, admin) = (own_address(), own_address());
    let dir = tempfile::tempdir().unwrap();
    let (file, output) = (dir.path().join("portcullis.yaml"), dir.path().join("log"));
    let listen = format!("grpc: '{grpc}', admin: '{admin}'");
    std::fs::write(&file, config(issuer.issuer()).replace("grpc: '127.0.0.1:0', admin: '127.0.0.1:0'", &listen))
        .unwrap();
    let mut command = portcullis(&["serve", "--config", file.to_str().unwrap(), "--drain-notice", "0s"]);
    let mut child = command.stderr(std::fs::File::create(&output).unwrap()).spawn().unwrap();
    let is_ready = async || reqwest::get(format!("http://{admin}/readyz")).await.is_ok_and(|page| page.status() == 200);
    while !is_ready().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let client = Client::connect(grpc).await;
    send_forgeries(&client, &of_client(&issuer, ODD_CLIENT[0], TokenRequest::new())).await;
    drop(client);
    let pid = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
    tokio::time::timeout(Duration::from_secs(30), child.wait()).await.unwrap().unwrap();
    let log = std::fs::read_to_string(output).unwrap();
    expect_whole_lines(&log);
    for (_, path) in forgeries().iter().filter(|(_, path)| !path.is_empty()) {
        assert!(log.contains(&format!("http.path=\"{path}\"")), "{path}: {log}");
    }
    for field in ["http.host=\"a%22%0Aforged\"", "http.method=\"GET%22%20%0A\""] {
        assert!(log.contains(field), "{field}: {log}");
    }
    assert!(log.contains(&format!("token.client_id=\"{}\"", ODD_CLIENT[1])), "{log}");
}

/// The lines of one code.
fn by_code<'l>(lines: &'l [Value], code: &str) -> Vec<&'l Value> {
    lines.iter().filter(|line| line["deny.code"] == code).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amid_a_rotation_lines_tell_clients_of_one_place_from_those_of_another() {
    let issuer = issuer().await;
    let logged = Logged::start(&config(issuer.issuer()), &[]).await;
    let forged = issuer.mint(&TokenRequest::new().header("kid", "invented")).unwrap();
    let old = of_client(&issuer, "web", TokenRequest::new());
    assert_eq!(logged.client.send(&get("/api/private").host("web.example.com").bearer(&old)).await.status, 200);
    issuer.rotate().await.unwrap();
    let new = of_client(&issuer, "web", TokenRequest::new());
    assert_eq!(logged.client.send(&get("/api/private").host("web.example.com").bearer(&new)).await.status, 200);
    // A good client that still shows its old token, and one that never had a good one.
    let good = get("/api/private").host("web.example.com").header("x-request-id", "1111-good").bearer(&old);
    let bad = get("/api/messages/7?probe").host("10.0.0.7:9999").header("x-request-id", "2222-bad").bearer(&forged);
    logged.denied(good, "token_unknown_key").await;
    logged.denied(bad, "token_unknown_key").await;
    let (lines, log) = logged.ended().await;
    let told: Vec<[&str; 3]> = by_code(&lines, "token_unknown_key")
        .into_iter()
        .map(|line| ["http.host", "http.path", "request.id"].map(|field| line[field].as_str().unwrap()))
        .collect();
    let wanted = [["web.example.com", "/api/private", "1111-good"], ["10.0.0.7:9999", "/api/messages/7", "2222-bad"]];
    assert_eq!(told, wanted, "{log}");
    assert!(log.contains("the issuer's keys have changed"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amid_a_flood_lines_name_the_client_where_its_token_is_signed() {
    let issuer = issuer().await;
    let logged = Logged::start(&config(issuer.issuer()), &[]).await;
    let of = |client, request| of_client(&issuer, client, request);
    let (noisy, late) =
        (of("noisy-batch", TokenRequest::new()), of("late-batch", TokenRequest::new().expires_in(-600)));
    for _ in 0..12 {
        logged.denied(get("/api/private-scoped").bearer(&noisy), "insufficient_scope").await;
        logged.denied(get("/api/private").bearer(&late), "token_expired").await;
    }
    let (lines, log) = logged.ended().await;
    for (code, client) in [("insufficient_scope", "noisy-batch"), ("token_expired", "late-batch")] {
        let lines = by_code(&lines, code);
        assert!(!lines.is_empty() && lines.iter().all(|line| line["token.client_id"] == client), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_an_issuer_is_down_lines_tell_which_requests_were_hurt() {
    let (dead, minter) = (format!("http://{}/", nobody()), issuer().await);
    let logged = Logged::start(&config(&dead), &[]).await;
    let token = minter.mint(&TokenRequest::new().claim("iss", dead.as_str())).unwrap();
    let ask = get("/api/private").method("POST").host("shop.example.com").header("x-request-id", "3333-hurt");
    logged.denied(ask.bearer(&token), "keys_unavailable").await;
    let (lines, log) = logged.ended().await;
    let [line] = by_code(&lines, "keys_unavailable")[..] else { panic!("{log}") };
    for (field, value) in [
        ("token.issuer", dead.as_str()),
        ("http.method", "POST"),
        ("http.host", "shop.example.com"),
        ("http.path", "/api/private"),
        ("rule.id", "* /api/private"),
        ("request.id", "3333-hurt"),
    ] {
        assert_eq!(line[field], value, "{line}");
    }
    // The token is not verified: it may be forged.
    assert!(line.get("token.client_id").is_none(), "{line}");
}

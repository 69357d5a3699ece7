//! `portcullis explain` as people run it: what it prints, its exit codes, and that it says what `serve` answers.

use std::{collections::BTreeMap, path::Path, process::Stdio};

use portcullis::{
    clock::{Clock as _, SystemClock},
    config,
    ext_authz::envoy_view::Message,
    tools::simulate::{
        request::{Ask, Credentials},
        response::Answered,
        simulator::Stage,
    },
};
use portcullis_demo::issuer::TokenRequest;
use prost::Message as _;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use crate::support::{
    AUDIENCE,
    check::{self, get},
    config as sample, issuer,
    process::{nobody, portcullis},
    scoped,
    service::TestService,
    tampered,
};

const NAME: &str = "https://tenant.example.com/";
const AT: &str = "2026-01-01T00:00:00Z";

struct Run {
    code: i32,
    out: String,
    err: String,
}

/// Runs it to its end, in a directory of its own with that configuration.
async fn run_in(dir: &Path, arguments: &[&str], input: Option<&str>, environment: &[(&str, &str)]) -> Run {
    let mut command = portcullis(&[&["explain"], arguments].concat());
    command.current_dir(dir).envs(environment.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Whoever does not read its input may have ended already.
    let _ = stdin.write_all(input.unwrap_or_default().as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "no colours into a pipe: {out}{err}");
    Run { code: output.status.code().unwrap(), out, err }
}

fn place(issuer: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("portcullis.yaml"), sample(issuer)).unwrap();
    dir
}

async fn explain(arguments: &[&str]) -> Run {
    let dir = place(NAME);
    run_in(dir.path(), &[&["--config", "portcullis.yaml", "--at", AT], arguments].concat(), None, &[]).await
}

#[tokio::test]
async fn what_is_printed_reads_well() {
    let cases: [(&str, &[&str]); 4] = [
        ("allowed", &["https://api.example.com/api/messages/7", "--claims", r#"{"scope":"read:messages","sub":"a"}"#]),
        ("claim", &["DELETE", "https://api.example.com/api/messages/7", "--claims", r#"{"scope":"delete:messages"}"#]),
        ("audience", &["https://api.example.com/api/private", "--claims", r#"{"aud":"https://api.example.com/"}"#]),
        ("path", &["GET https://api.example.com/api/%2e%2e/private HTTP/1.1"]),
    ];
    for (name, arguments) in cases {
        let run = explain(arguments).await;
        assert_eq!(run.code, i32::from(name != "allowed"), "{}{}", run.out, run.err);
        let actual = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("explain-{name}.txt"));
        std::fs::write(&actual, &run.out).unwrap();
        let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/explain/{name}.txt"));
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        assert!(run.out == expected, "what is printed has changed: compare {name}.txt with {}", actual.display());
    }
}

#[tokio::test]
async fn json_has_all_of_it() {
    let run = explain(&["--format", "json", "https://api.example.com/api/private-scoped", "--claims", "{}"]).await;
    assert_eq!((run.code, run.err.as_str()), (1, ""));
    let json: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(json["verdict"]["reason"], "insufficient_scope");
    assert_eq!(json["verdict"]["rule"]["written_at"], "portcullis.yaml:9");
    assert_eq!((&json["answer"]["status"], &json["request"]["at"]), (&403.into(), &AT.into()));
    assert_eq!(json["signature"], "made_here");
    assert_eq!(json["filled_in"], serde_json::json!(["aud", "exp", "iat", "iss", "sub"]));
    let steps = json["steps"].as_array().unwrap();
    let failed: Vec<&Value> = steps.iter().filter(|step| step["outcome"] == "failed").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!((&failed[0]["check"], &failed[0]["found"]), (&"scope read:messages".into(), &"nothing".into()));
    let names: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["answer", "filled_in", "help", "request", "signature", "steps", "verdict"]);
}

#[tokio::test]
async fn a_wrong_command_line_or_file_is_exit_2() {
    let cases: [(&[&str], &str); 12] = [
        (&[], "there is no request"),
        (&["no-path"], "neither a path nor a URL"),
        (&["/a", "--at", "soon"], "`--at`"),
        (&["/a", "--token", "x", "--claims", "{}"], "cannot be used with"),
        (&["/a", "--claims", "[]"], "--claims: it is JSON, but not an object"),
        (&["/a", "-H", "Authorization: Bearer x", "--claims", "{}"], "the credentials are given twice"),
        (&["/a", "--token", "@missing"], "`missing` can't be read"),
        (&["/a", "-H", "no colon"], "a header has no colon"),
        (&["--check-request", "missing"], "`missing` can't be read"),
        (&["/a", "--live", "--claims", "{}"], "cannot be used with"),
        (&["--token", "-", "--check-request", "-"], "only one of the inputs"),
        (&["/a", "--check-request", "missing"], "the request is given twice"),
    ];
    for (arguments, told) in cases {
        let dir = place(NAME);
        let run = run_in(dir.path(), &[&["--config", "portcullis.yaml"], arguments].concat(), None, &[]).await;
        assert_eq!(run.code, 2, "{arguments:?}: {}{}", run.out, run.err);
        assert!(run.err.contains(told) && run.out.is_empty(), "{told}: {}", run.err);
    }
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(dir.path(), &["/a", "--config", "missing.yaml"], None, &[]).await;
    assert!(run.code == 2 && run.err.contains("no such file"), "{}", run.err);
}

#[tokio::test]
async fn configurations_are_found_as_serve_finds_them() {
    let dir = place(NAME);
    let run = run_in(dir.path(), &["/api/public"], None, &[("PORTCULLIS_CONFIG", "portcullis.yaml")]).await;
    // The rules of this path depend on the host.
    assert!(run.code == 1 && run.out.contains("--host"), "{}{}", run.out, run.err);
    let zero = [("PORTCULLIS_ISSUER", NAME), ("PORTCULLIS_AUDIENCE", AUDIENCE)];
    let run = run_in(dir.path(), &["/any", "--claims", "{}"], None, &zero).await;
    assert!(run.code == 0 && run.out.contains("allowed"), "{}{}", run.out, run.err);
    let run = run_in(dir.path(), &["/any"], None, &[]).await;
    assert!(run.code == 2 && run.err.contains("PORTCULLIS_ISSUER"), "{}", run.err);
}

#[tokio::test]
async fn no_part_of_a_token_is_ever_printed() {
    let issuer = issuer().await;
    let good = scoped(&issuer, "read:messages");
    let dir = place(issuer.issuer());
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    let captured = |token: &str| {
        format!(
            r#"{{"attributes":{{"request":{{"http":{{"method":"GET","path":"/api/private","host":"a.test",
            "headers":{{"authorization":"Bearer {token}"}}}}}}}}}}"#
        )
    };
    let without_issuer = issuer.mint(&TokenRequest::new().claim("iss", "https://x/")).unwrap();
    for token in [good.clone(), tampered(&good), without_issuer, format!("{good}.x.y"), good.replace('.', "-")] {
        write("token", &format!("Bearer {token}\n"));
        write("captured.json", &captured(&token));
        write("broken.json", &captured(&token).replace("}}}", "}"));
        let header = format!("Authorization: Bearer {token}");
        let no_colon = format!("Authorization {token}");
        let path = ["https://a.test/api/private"];
        let ways: [&[&str]; 10] = [
            &["--token", "@token"],
            &["--token", "-"],
            &["--token", &token],
            &["-H", &header],
            &["-H", &header, "-H", &header],
            &["-H", &no_colon],
            &[&token],
            &["GET", &token],
            &["--check-request", "captured.json"],
            &["--check-request", "broken.json"],
        ];
        for way in ways {
            for format in ["text", "json"] {
                let is_captured = way.contains(&"--check-request");
                let request: &[&str] = if is_captured { &[] } else { &path };
                let arguments = [&["--config", "portcullis.yaml", "--format", format], request, way].concat();
                let run = run_in(dir.path(), &arguments, Some(&token), &[]).await;
                for part in token.split(['.', '-']).filter(|part| part.len() > 12) {
                    let all = format!("{}{}", run.out, run.err);
                    assert!(!all.contains(part.get(..12).unwrap()), "{way:?}: {all}");
                }
            }
        }
    }
}

#[tokio::test]
async fn with_live_keys_the_signature_counts() {
    let issuer = issuer().await;
    let dir = place(issuer.issuer());
    let good = scoped(&issuer, "read:messages");
    let live = ["--config", "portcullis.yaml", "https://api.example.com/api/private-scoped", "--token", "-", "--live"];
    let run = run_in(dir.path(), &live, Some(&good), &[]).await;
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("✓ signature"), "{}", run.out);
    let run = run_in(dir.path(), &live, Some(&tampered(&good)), &[]).await;
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    assert!(run.out.contains("✗ signature") && run.out.contains("token_bad_signature"), "{}", run.out);
    let unknown = issuer.mint(&TokenRequest::new().scope("read:messages").header("kid", "unheard-of")).unwrap();
    let run = run_in(dir.path(), &live, Some(&unknown), &[]).await;
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    assert!(run.out.contains("401") && run.out.contains("token_unknown_key"), "{}", run.out);
    // Offline both are the same token.
    let offline = &live[..live.len() - 1];
    let run = run_in(dir.path(), offline, Some(&tampered(&good)), &[]).await;
    assert!(run.code == 0 && run.out.contains("if its signature is true"), "{}{}", run.out, run.err);
}

/// The remedy is at the issuer's key, and a new token would be refused as this one is.
#[tokio::test]
async fn a_skipped_key_is_named_with_what_helps() {
    let dir = tempfile::tempdir().unwrap();
    let keys = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"good","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty":"EC","crv":"P-256","kid":"long","x":"AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICE","y":"AA"}]}"#;
    std::fs::write(dir.path().join("keys.json"), keys).unwrap();
    let text = sample(NAME).replace("    audiences:", "    jwks_file: keys.json\n    audiences:");
    std::fs::write(dir.path().join("portcullis.yaml"), text).unwrap();
    let encode = |json: &str| base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, json);
    let claims = encode(&format!(r#"{{"iss":"{NAME}","aud":"{AUDIENCE}","exp":4102444800}}"#));
    let live = ["--config", "portcullis.yaml", "https://api.example.com/api/private", "--token", "-", "--live"];
    for (header, told) in [
        (
            r#"{"alg":"ES256","kid":"long"}"#,
            "mend the key, and not the token: key `long` (EC P-256) is skipped: its `x` has 35 bytes, and its curve needs 32",
        ),
        (r#"{"alg":"EdDSA","kid":"none"}"#, "get a new token: the issuer has no key `none` now"),
        (r#"{"alg":"EdDSA"}"#, "none of the issuer's that fit it (1 for EdDSA) signed it"),
    ] {
        let token = format!("{}.{claims}.AAAA", encode(header));
        let run = run_in(dir.path(), &live, Some(&token), &[]).await;
        let words: Vec<&str> = run.out.split_whitespace().collect();
        assert_eq!(run.code, 1, "{}{}", run.out, run.err);
        assert!(words.join(" ").contains(told), "{}", run.out);
        assert!(
            words.join(" ").contains("the issuer has key `good` for EdDSA; key `long` (EC P-256) is skipped"),
            "{}",
            run.out
        );
    }
    // A whole answer of a token endpoint is no token.
    let run = run_in(dir.path(), &live, Some(r#"{"access_token":"a.b.c","token_type":"Bearer"}"#), &[]).await;
    assert_eq!(run.code, 2);
    assert!(run.err.contains("give the text of its `access_token` alone"), "{}", run.err);
}

#[tokio::test]
async fn an_issuer_that_is_down_is_said_to_be() {
    let issuer = issuer().await;
    let good = scoped(&issuer, "read:messages");
    let dir = tempfile::tempdir().unwrap();
    let text = sample(issuer.issuer())
        .replace("    audiences:", &format!("    jwks_uri: http://{}/keys\n    audiences:", nobody()));
    std::fs::write(dir.path().join("portcullis.yaml"), text).unwrap();
    let live = ["--config", "portcullis.yaml", "https://a.test/api/private", "--token", "-", "--live"];
    let run = run_in(dir.path(), &live, Some(&good), &[]).await;
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    assert!(
        run.out.contains("503") && run.out.contains("✗ key") && run.out.contains("could not be fetched"),
        "{}",
        run.out
    );
    assert!(run.out.contains("to pass: the keys could not be fetched: `http://"), "the cause leads: {}", run.out);
    assert!(run.out.contains("is the issuer up, and is its address right?"), "{}", run.out);
}

#[tokio::test]
async fn an_issuer_whose_keys_are_not_usable_is_not_said_to_be_down() {
    let issuer = issuer().await;
    let good = scoped(&issuer, "read:messages");
    let dir = tempfile::tempdir().unwrap();
    // JSON, and no key set.
    let place = format!("{}/.well-known/openid-configuration", issuer.issuer().trim_end_matches('/'));
    let text = sample(issuer.issuer()).replace("    audiences:", &format!("    jwks_uri: {place}\n    audiences:"));
    std::fs::write(dir.path().join("portcullis.yaml"), text).unwrap();
    let live = ["--config", "portcullis.yaml", "https://a.test/api/private", "--token", "-", "--live"];
    let run = run_in(dir.path(), &live, Some(&good), &[]).await;
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    assert!(run.out.contains("503") && run.out.contains("to pass: the keys could not be fetched"), "{}", run.out);
    assert!(!run.out.contains("address right"), "{}", run.out);
}

/// An answer of the stage, to compare with one of the service that was read with Envoy's own types.
fn comparable(answered: Answered) -> check::Got {
    let rule = answered.metadata.get("rule").and_then(|rule| rule.as_str()).map(str::to_owned);
    check::Got {
        status: answered.status,
        headers: if answered.allowed { answered.set } else { answered.headers },
        removed: answered.removed,
        body: answered.body,
        reason: answered.reason,
        rule,
    }
}

#[tokio::test]
async fn the_stage_says_what_serve_answers() {
    let issuer = issuer().await;
    let text = sample(issuer.issuer());
    let service = TestService::start(&text).await;
    let client = service.client().await;
    let offline = config::parse_offline(&text, "test.yaml", &BTreeMap::new()).unwrap();
    let stage = Stage::new(offline.policy, offline.issuers, &offline.identity);
    let tokens = [
        scoped(&issuer, "read:messages"),
        scoped(&issuer, "delete:messages admin"),
        issuer.mint(&TokenRequest::new().scope("delete:messages").claim("org_id", "org_42")).unwrap(),
        issuer.mint(&TokenRequest::new().expires_in(-60)).unwrap(),
        issuer.mint(&TokenRequest::new().audience("https://other.example.com")).unwrap(),
        issuer.mint(&TokenRequest::new().claim("iss", "https://x/")).unwrap(),
        issuer.mint(&TokenRequest::new().header("alg", "none")).unwrap(),
        "opaque".to_owned(),
    ];
    let paths =
        ["/api/public", "/api/private", "/api/feed", "/api/private-scoped", "/api/messages/7", "/none", "/a//b"];
    let mut compared = 0;
    for path in paths {
        for host in ["api.example.com", "admin.example.com"] {
            for method in ["GET", "DELETE"] {
                let ask = get(path).host(host).method(method).header("x-auth_subject", "evil");
                let mut asks = vec![ask.clone(), ask.clone().header("authorization", "Basic YTpi")];
                asks.extend(tokens.iter().map(|token| ask.clone().bearer(token)));
                asks.extend(tokens.iter().map(|token| ask.clone().bearer(token).joined()));
                for ask in asks {
                    let served = client.send(&ask).await;
                    assert_eq!(comparable(stage.ask(&staged(&ask)).unwrap()), served, "{ask:?}");
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(compared, 7 * 2 * 2 * 18);
}

/// The same message, with whatever token it has signed anew.
fn staged(ask: &check::Ask) -> Ask {
    let mut staged = Ask::new("", None, "", SystemClock.now()).credentials(Credentials::Resigned);
    let bytes = ask.message().encode_to_vec();
    staged.message = Message::decode(&bytes).unwrap();
    staged
}

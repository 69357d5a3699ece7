//! The quickstart and the answer table, over the wire.

use portcullis_demo::issuer::{Alg, TokenRequest};
use serde_json::{Value, json};

use crate::support::{
    check::{Ask, Client, Got, get},
    config, issuer, scoped,
    service::TestService,
    tampered,
};

async fn ask(client: &Client, ask: Ask) -> Got {
    let raw = client.send(&ask).await;
    let all_text = ask.headers.iter().all(|(_, value)| std::str::from_utf8(value).is_ok());
    if all_text {
        // Both forms in which Envoy sends headers get the same answer.
        let joined = client.send(&ask.clone().joined()).await;
        assert_eq!((raw.status, &raw.reason), (joined.status, &joined.reason), "{ask:?}");
    }
    raw
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_quickstart() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let client = service.client().await;

    let public = ask(&client, get("/api/public")).await;
    assert_eq!((public.status, public.reason.as_str()), (200, "ok"));
    let none = ask(&client, get("/api/private")).await;
    assert_eq!((none.status, none.header("www-authenticate")), (401, Some(r#"Bearer realm="api""#)));
    let private = ask(&client, get("/api/private").bearer(&scoped(&issuer, ""))).await;
    assert_eq!((private.status, private.header("x-auth-subject")), (200, Some("auth0|7")));
    let lacking = ask(&client, get("/api/private-scoped").bearer(&scoped(&issuer, "openid"))).await;
    assert_eq!((lacking.status, lacking.reason.as_str()), (403, "insufficient_scope"));
    let challenge = lacking.header("www-authenticate").unwrap();
    assert!(challenge.contains(r#"error="insufficient_scope""#) && challenge.contains(r#"scope="read:messages""#));
    let enough = ask(&client, get("/api/private-scoped").bearer(&scoped(&issuer, "openid read:messages"))).await;
    assert_eq!((enough.status, enough.header("x-auth-scopes")), (200, Some("openid read:messages")));
    let nowhere = ask(&client, get("/nowhere").bearer(&scoped(&issuer, "admin"))).await;
    assert_eq!((nowhere.status, nowhere.header("www-authenticate")), (403, None));
    assert_eq!(nowhere.reason, "no_route");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_key_signs_and_no_other_does() {
    let issuer = issuer().await;
    let other = crate::support::issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let client = service.client().await;
    for alg in [Alg::Rs256, Alg::Ps256, Alg::Es256, Alg::EdDsa] {
        let request = TokenRequest::new().alg(alg);
        let good = issuer.mint(&request).unwrap();
        assert_eq!(ask(&client, get("/api/private").bearer(&good)).await.status, 200, "{alg:?}");
        let bad = ask(&client, get("/api/private").bearer(&tampered(&good))).await;
        assert_eq!((bad.status, bad.reason.as_str()), (401, "token_bad_signature"), "{alg:?}");
        // The same claims under the same `kid`, signed by somebody else's key.
        let forged = TokenRequest::new().alg(alg).claim("iss", issuer.issuer()).header("kid", issuer.kid(alg));
        let forged = ask(&client, get("/api/private").bearer(&other.mint(&forged).unwrap())).await;
        assert_eq!(forged.status, 401, "{alg:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_configuration_chooses_the_algorithms() {
    let issuer = issuer().await;
    let names: Vec<&str> = Alg::ALL.iter().map(|alg| alg.name()).collect();
    let every = format!("    algorithms: [{}]\n    audiences", names.join(", "));
    let all = TestService::start(&config(issuer.issuer()).replacen("    audiences", &every, 1)).await;
    let few = TestService::start(&config(issuer.issuer())).await;
    for alg in Alg::ALL {
        let token = issuer.mint(&TokenRequest::new().alg(alg)).unwrap();
        let got = ask(&all.client().await, get("/api/private").bearer(&token)).await;
        assert_eq!((got.status, got.reason.as_str()), (200, "ok"), "{alg:?}");
        let by_default = matches!(alg, Alg::Rs256 | Alg::Ps256 | Alg::Es256 | Alg::EdDsa);
        let wanted = if by_default { "ok" } else { "token_algorithm_not_allowed" };
        assert_eq!(ask(&few.client().await, get("/api/private").bearer(&token)).await.reason, wanted, "{alg:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_tokens_have_their_reasons() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let client = service.client().await;
    let cases = [
        (TokenRequest::new().expires_in(-60), "token_expired"),
        (TokenRequest::new().claim("nbf", 32_503_680_000_u64), "token_not_yet_valid"),
        (TokenRequest::new().claim("iat", 32_503_680_000_u64), "token_issued_in_future"),
        (TokenRequest::new().audience("https://other.example.com"), "token_wrong_audience"),
        (TokenRequest::new().claim("iss", "https://evil.example.com/"), "token_unknown_issuer"),
        (TokenRequest::new().without_claim("exp"), "token_malformed_claims"),
        (TokenRequest::new().claim("exp", "2099"), "token_malformed_claims"),
        (TokenRequest::new().claim("at_hash", "x"), "token_not_an_access_token"),
        (TokenRequest::new().claim("cnf", json!({"jkt": "x"})), "token_bound"),
        (TokenRequest::new().header("typ", "dpop+jwt"), "token_type_not_allowed"),
        (TokenRequest::new().header("crit", json!(["exp"])), "token_critical_header"),
        (TokenRequest::new().header("alg", "none"), "token_algorithm_not_allowed"),
        (TokenRequest::new().header("alg", "HS256"), "token_algorithm_not_allowed"),
        (TokenRequest::new().header("kid", "unheard-of"), "token_unknown_key"),
    ];
    for (request, reason) in cases {
        let got = ask(&client, get("/api/private").bearer(&issuer.mint(&request).unwrap())).await;
        assert_eq!((got.status, got.reason.as_str()), (401, reason));
        let challenge = got.header("www-authenticate").unwrap();
        assert!(
            challenge.starts_with(r#"Bearer realm="api", error="invalid_token", error_description=""#),
            "{challenge}"
        );
        let body: Value = serde_json::from_str(&got.body).unwrap();
        assert_eq!((&body["status"], &body["error"]), (&json!(401), &json!("invalid_token")));
        assert_eq!(body["request_id"], "3f5c-test");
    }
    for (token, reason) in [("opaque", "token_opaque"), ("a.b.c.d.e", "token_encrypted"), ("a.b.c", "token_malformed")]
    {
        let got = ask(&client, get("/api/private").bearer(token)).await;
        assert_eq!((got.status, got.reason.as_str()), (401, reason));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_are_not_one_bearer_token() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let client = service.client().await;
    let good = scoped(&issuer, "");
    let two = get("/api/private").bearer(&good).bearer(&good);
    let mixed = get("/api/private").header("authorization", "Basic YTpi").bearer(&good);
    let long = get("/api/private").bearer(&"a".repeat(64 * 1024));
    let no_text = get("/api/private").header("authorization", b"Bearer \xFF\xFE");
    let cases = [
        (two, 400, "several_credentials"),
        (mixed, 400, "several_credentials"),
        (long, 400, "overlong_credentials"),
        (no_text, 400, "malformed_credentials"),
        (get("/api/private").header("authorization", "Bearer"), 400, "malformed_credentials"),
        (get("/api/private").header("authorization", ""), 400, "malformed_credentials"),
        (get("/api/private").header("authorization", "Basic YTpi"), 401, "unsupported_scheme"),
        (get("/api/feed").header("authorization", "Basic YTpi"), 401, "unsupported_scheme"),
        (get("/api/feed").bearer("nonsense"), 401, "token_opaque"),
        (get("/api/feed"), 200, "ok"),
        (get("/api/feed").bearer(&good), 200, "ok"),
        (get("/api/public").header("authorization", "Basic YTpi"), 200, "ok"),
        (get("/api/public").bearer("nonsense"), 200, "ok"),
    ];
    for (asked, status, reason) in cases {
        let path = asked.path.clone();
        let got = ask(&client, asked).await;
        assert_eq!((got.status, got.reason.as_str()), (status, reason), "{path}");
        if status == 400 {
            assert!(got.header("www-authenticate").unwrap().contains(r#"error="invalid_request""#));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn methods_claims_and_hosts_decide() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let client = service.client().await;
    let token = |scope: &str| scoped(&issuer, scope);
    let owner = TokenRequest::new().scope("delete:messages").claim("org_id", "org_42");
    let owner = issuer.mint(&owner).unwrap();
    let message = || get("/api/messages/7");
    let cases = [
        (message().bearer(&token("admin:messages")), 200, "ok"),
        (message().method("HEAD").bearer(&token("read:messages")), 200, "ok"),
        (message().bearer(&token("delete:messages")), 403, "insufficient_scope"),
        (message().method("DELETE").bearer(&owner), 200, "ok"),
        (message().method("DELETE").bearer(&token("delete:messages")), 403, "claim_rule"),
        (message().method("POST").bearer(&owner), 403, "method_not_admitted"),
        (get("/anything").host("admin.example.com").bearer(&token("admin")), 200, "ok"),
        (get("/anything").host("ADMIN.example.com").bearer(&token("admin")), 200, "ok"),
        // Envoy may have routed it as another host, for which there is no rule.
        (get("/anything").host("ADMIN.example.com.:1234").bearer(&token("admin")), 400, "request_host"),
        (get("/anything").host("admin.example.com").bearer(&token("read")), 403, "insufficient_scope"),
        (get("/api/public").host("a,b"), 400, "request_host"),
        (get("/api/public").host("user@host"), 400, "request_host"),
        (get("/api/public").method("G T"), 400, "request_method"),
        (get("/API/Private").bearer(&token("")), 400, "request_case_ambiguous"),
    ];
    for (asked, status, reason) in cases {
        let shown = format!("{} {} {}", asked.method, asked.host, asked.path);
        let got = ask(&client, asked).await;
        assert_eq!((got.status, got.reason.as_str()), (status, reason), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_that_two_parsers_read_differently_are_refused() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let client = service.client().await;
    for path in [
        "/api/public/../private",
        "/api//public",
        "/api/public%2f..%2fprivate",
        "/api/%2e%2e/private",
        "/api/public/.",
        "/api\\public",
        "/api/public%5c",
        "/api/public;x=1",
        "/api/public#x",
        "/api/public%00",
        "/api/public%0a",
        "/api/public%zz",
        "/api/public%",
        "",
        "api/public",
        "*",
        "http://x/api/public",
        "/api/public\u{e9}",
    ] {
        let got = client.send(&get(path)).await;
        assert_eq!(got.status, 400, "{path:?} was {got:?}");
        assert!(got.reason.starts_with("request_"), "{path:?}: {}", got.reason);
        assert_eq!(got.header("www-authenticate"), None);
    }
    for path in ["/api/public", "/api/public/", "/api/%70ublic", "/api/public?next=/../%2e%2e;a#b"] {
        assert_eq!(client.send(&get(path)).await.status, 200, "{path:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_callers_get_grpc_answers() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let client = service.client().await;
    let call = || get("/pkg.Greeter/Hello").method("POST").header("content-type", "application/grpc");
    let cases = [
        (call(), 401, "16"),
        (call().bearer(&scoped(&issuer, "other")), 403, "7"),
        (call().header("authorization", "Bearer"), 400, "3"),
    ];
    for (asked, status, code) in cases {
        let got = ask(&client, asked).await;
        assert_eq!((got.status, got.header("grpc-status")), (status, Some(code)));
        assert!(!got.body.contains('{') && !got.body.is_empty(), "{}", got.body);
    }
    assert_eq!(ask(&client, call().bearer(&scoped(&issuer, "greet"))).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_a_client_sends_comes_back_in_a_header() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let client = service.client().await;
    let marked = TokenRequest::new().scope("canary-scope").claim("sub", "canary-sub").header("kid", "canary-kid");
    let marked = issuer.mint(&marked).unwrap();
    for path in ["/api/private", "/api/private-scoped", "/canary-path"] {
        let got = client.send(&get(path).bearer(&marked).header("x-canary", "canary")).await;
        assert_ne!(got.status, 200);
        assert!(!format!("{:?}{}", got.headers, got.body).contains("canary"), "{got:?}");
    }
}

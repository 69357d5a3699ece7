//! Help that needs no key of the issuer.

use serde_json::{Value, json};

use super::{
    Case,
    scene::{CONFIG, NOW, object},
};

fn case(before: Value, after: Value) -> Case {
    Case { before, after }
}

/// Another path, followed by one that is as the help says.
fn path(before: &str, after: &str) -> Case {
    case(json!({ "path": before }), json!({ "path": after }))
}

/// A token with these claims, followed by one with those.
fn claims(before: Value, after: Value) -> Case {
    case(object([("claims", before)]), object([("claims", after)]))
}

/// A token with this header, followed by one with that.
fn header(before: Value, after: Value) -> Case {
    case(object([("header", before)]), object([("header", after)]))
}

/// Credentials, followed by a good token.
fn shown(values: Value) -> Case {
    case(object([("authorization", values)]), json!({ "authorization": ["Bearer TOKEN"] }))
}

/// The configuration with a change.
fn changed(from: &str, to: &str) -> Value {
    assert_eq!(CONFIG.matches(from).count(), 1, "{from}");
    CONFIG.replace(from, to).into()
}

/// The configuration with one more route.
fn and_route(fields: &str) -> Value {
    changed("routes:\n", &format!("routes:\n  - {{ {fields} }}\n"))
}

pub(super) fn cases() -> Vec<Case> {
    [credentials(), paths(), requests(), routes(), sizes(), tokens(), issuers(), conditions()]
        .into_iter()
        .flatten()
        .collect()
}

fn credentials() -> Vec<Case> {
    vec![
        shown(json!([])),
        shown(json!(["Basic YTpi"])),
        shown(json!(["Bearer"])),
        shown(json!(["Bearer TOKEN", "Bearer TOKEN"])),
        shown(json!(["Bearer opaque"])),
        shown(json!(["Bearer e30.e30.e30.e30.e30"])),
        shown(json!(["Bearer a.b.c"])),
        // {"alg":"EdDSA"} and {"a":1,"a":2}: whole, and refused.
        shown(json!(["Bearer eyJhbGciOiJFZERTQSJ9.eyJhIjoxLCJhIjoyfQ.AQID"])),
    ]
}

fn paths() -> Vec<Case> {
    let as_data = "path: /files/**, encoded_slashes: allow, access: authenticated";
    vec![
        path("token", "/token"),
        path(&format!("/files/{}", "a".repeat(9000)), "/files/a"),
        path("/files//b", "/files/b"),
        path("/files/../token", "/token"),
        path("/files/a%5Cb", "/files/b"),
        path("/files/a;v=1", "/files/a"),
        path("/files/a#b", "/files/a"),
        path("/files/a b", "/files/a%20b"),
        path("/files/é", "/files/%C3%A9"),
        path("/files/100%", "/files/100%25"),
        path("/files/%2541", "/files/A"),
        path("/TOKEN", "/token"),
        path("/v1/messages/42%3Acancel", "/v1/messages/42:cancel"),
        path("/v1/messages/42:CANCEL", "/v1/messages/42:cancel"),
        path("/api/%20/messages", "/api/a/messages"),
        path("/files/a%2Fb", "/files/ab"),
        case(
            json!({ "path": "/files/a%2Fb" }),
            json!({ "config": changed("path: /files/**, access: authenticated", as_data) }),
        ),
    ]
}

fn requests() -> Vec<Case> {
    let with_port = json!({ "host": "admin.example.com:8443", "path": "/admin/x" });
    vec![
        case(json!({ "path": "/admin/x", "host": null }), json!({ "host": "admin.example.com" })),
        case(json!({ "host": "a b" }), json!({ "host": "api.example.com" })),
        case(
            with_port.clone(),
            json!({ "host": "admin.example.com", "envoy": "strip_any_host_port: true, strip_trailing_host_dot: true" }),
        ),
        case(with_port, json!({ "config": format!("hosts: stripped\n{CONFIG}") })),
        case(
            json!({ "host": "admin.example.com.:8443", "path": "/admin/x" }),
            json!({ "host": "admin.example.com:8443", "config": format!("hosts: stripped\n{CONFIG}") }),
        ),
        case(json!({ "method": "G T" }), json!({ "method": "GET" })),
        path("/token?_method=DELETE", "/token"),
        case(
            json!({ "method": "CONNECT", "path": "/open" }),
            json!({ "config": and_route("path: /open, methods: [CONNECT], access: public") }),
        ),
        case(json!({ "x-header": "x".repeat(300_000) }), json!({ "x-header": "x" })),
    ]
}

fn routes() -> Vec<Case> {
    vec![
        path("/tokem", "/token"),
        case(json!({ "path": "/admin/x" }), json!({ "host": "admin.example.com" })),
        case(
            json!({ "path": "/nothing/like/it" }),
            json!({ "config": and_route("path: /nothing/**, access: public") }),
        ),
        case(json!({ "method": "POST", "path": "/api/a/messages" }), json!({ "method": "GET" })),
        case(
            json!({ "path": "/report" }),
            json!({ "config": and_route("path: /report, methods: [GET], access: authenticated") }),
        ),
        case(
            json!({ "method": "COPY" }),
            json!({ "config": and_route("path: /token, methods: [COPY], access: authenticated") }),
        ),
        case(
            json!({ "method": "COPY", "policy": "partners" }),
            json!({ "policy": null, "config": and_route("path: /token, methods: [COPY], access: authenticated") }),
        ),
        case(
            json!({ "method": "CONNECT", "policy": "partners" }),
            json!({ "policy": null, "config": and_route("path: /token, methods: [CONNECT], access: authenticated") }),
        ),
        case(json!({ "policy": "partner" }), json!({ "policy": "partners" })),
        case(json!({ "policy": "customers" }), json!({ "policy": "partners" })),
        case(
            json!({ "policy": "customers", "config": changed("policies:\n  partners: { scopes: [partner] }\n", "") }),
            json!({ "config": changed("  partners: { scopes: [partner] }\n", "  customers: { scopes: [customer] }\n") }),
        ),
        case(
            json!({ "policy": "customers", "config": changed("policies:\n  partners: { scopes: [partner] }\n", "") }),
            json!({ "policy": null }),
        ),
    ]
}

fn sizes() -> Vec<Case> {
    let deep = (0..19).fold(json!(1), |inner, _| json!([inner]));
    vec![
        claims(json!({ "x": "a".repeat(20_000) }), json!({ "x": null })),
        claims(json!({ "groups": vec!["a".repeat(60); 180] }), json!({ "groups": ["a"] })),
        header(json!({ "x": "a".repeat(2100) }), json!({ "x": null })),
        header(json!({ "kid": "a".repeat(257) }), json!({ "kid": "a" })),
        claims(json!({ "x": deep }), json!({ "x": 1 })),
    ]
}

fn tokens() -> Vec<Case> {
    let strict = changed("    max_token_age: 1h\n", "    strict: true\n");
    vec![
        header(json!({ "alg": "ES256" }), json!({ "alg": "EdDSA" })),
        header(json!({ "alg": "none" }), json!({ "alg": "EdDSA" })),
        header(json!({ "alg": "HS256" }), json!({ "alg": "EdDSA" })),
        case(
            json!({ "header": { "alg": "none" }, "claims": { "iss": "https://other.test/o" } }),
            json!({ "header": { "alg": "EdDSA" } }),
        ),
        case(
            json!({ "header": { "alg": "ES256" } }),
            json!({ "config": CONFIG.replace("algorithms: [EdDSA]", "algorithms: [EdDSA, ES256]") }),
        ),
        header(json!({ "crit": ["b64"] }), json!({ "crit": null })),
        header(json!({ "typ": "dpop+jwt" }), json!({ "typ": "JWT" })),
        header(json!({ "typ": "dpop+jwt" }), json!({ "typ": "at+jwt" })),
        case(
            json!({ "config": strict, "header": { "typ": "JWT" }, "claims": { "jti": "1" } }),
            json!({ "header": { "typ": "at+jwt" } }),
        ),
        claims(json!({ "sub": 7 }), json!({ "sub": "alice" })),
        claims(json!({ "exp": null }), json!({ "exp": NOW + 60 })),
        claims(json!({ "exp": NOW - 600, "iat": NOW - 900 }), json!({ "exp": NOW + 300, "iat": NOW })),
        case(json!({ "claims": { "nbf": NOW + 200 } }), json!({ "at": NOW + 210 })),
        case(json!({ "claims": { "iat": NOW + 200 } }), json!({ "at": NOW + 210 })),
        claims(json!({ "iat": NOW - 7200 }), json!({ "iat": NOW })),
        claims(json!({ "at_hash": "x" }), json!({ "at_hash": null })),
        claims(json!({ "typ": "Refresh" }), json!({ "typ": null })),
        claims(json!({ "cnf": { "jkt": "x" } }), json!({ "cnf": null })),
        // The key of a certificate is the issuer's own: it is looked at with `--live` alone.
        header(json!({ "crit": [], "kid": "a", "x5t": "t", "x5t#S256": "s" }), json!({ "crit": null })),
    ]
}

fn issuers() -> Vec<Case> {
    let other = "https://other.test/o";
    let added =
        format!("issuers:\n  - {{ issuer: '{other}', audiences: [https://api.example.com], algorithms: [EdDSA] }}\n");
    vec![
        claims(json!({ "iss": "https://tenant.eu.auth0.com" }), json!({ "iss": "https://tenant.eu.auth0.com/" })),
        claims(json!({ "iss": "https://tenant.eu.auth0.org/" }), json!({ "iss": "https://tenant.eu.auth0.com/" })),
        claims(json!({ "iss": other }), json!({ "iss": "https://second.example.com/" })),
        case(json!({ "claims": { "iss": other } }), json!({ "config": changed("issuers:\n", &added) })),
        claims(json!({ "aud": "https://api.example.com/" }), json!({ "aud": "https://api.example.com" })),
        claims(json!({ "aud": "https://api.example.org" }), json!({ "aud": "https://api.example.com" })),
        claims(json!({ "aud": ["urn:x"] }), json!({ "aud": ["https://api.example.com"] })),
        claims(json!({ "client_id": "other" }), json!({ "client_id": "spa" })),
        case(
            json!({ "claims": { "client_id": "other" } }),
            json!({ "config": changed("clients: [spa]", "clients: [spa, other]") }),
        ),
        claims(json!({ "tier": "tin" }), json!({ "tier": "gold" })),
    ]
}

fn conditions() -> Vec<Case> {
    let at = |path: &str, before: Value, after: Value| {
        case(json!({ "path": path, "claims": before }), json!({ "claims": after }))
    };
    let messages = "/api/a/messages";
    let bound =
        CONFIG.replace("partners: { scopes: [partner] }", "partners: { claims: { org_id: { matches: host } } }");
    vec![
        at(messages, json!({}), json!({ "scope": "read:messages", "org_id": "a" })),
        at(messages, json!({ "scope": "read:message", "org_id": "a" }), json!({ "scope": "read:messages" })),
        at(messages, json!({ "scope": "a,read:messages", "org_id": "a" }), json!({ "scope": "a read:messages" })),
        at(messages, json!({ "scp": ["a read:messages"], "org_id": "a" }), json!({ "scp": ["a", "read:messages"] })),
        at(messages, json!({ "scope": "read:messages", "org_id": "b" }), json!({ "org_id": "a" })),
        case(
            json!({ "path": messages, "claims": { "scope": "read:messages", "org_id": "b" } }),
            json!({ "path": "/api/b/messages" }),
        ),
        at("/any", json!({}), json!({ "scope": "us" })),
        at("/second", json!({}), json!({ "iss": "https://second.example.com/" })),
        case(
            json!({ "path": "/wide", "claims": { "iss": "https://second.example.com/" } }),
            json!({ "claims": { "aud": "https://wide.example.com" } }),
        ),
        at("/claim", json!({}), json!({ "role": "boss" })),
        case(
            json!({ "config": bound, "policy": "partners", "host": null, "claims": { "org_id": "api.example.com" } }),
            json!({ "host": "api.example.com" }),
        ),
    ]
}

//! Help about the keys of an issuer, as `explain --live` gives it.

use serde_json::{Value, json};

use super::{
    Case,
    scene::{jwk, object},
};

/// A token with that header at an issuer with these keys, and a change of either.
fn case(header: Value, keys: Value, after: Value) -> Case {
    Case { before: object([("header", header), ("keys", keys)]), after }
}

pub(super) fn cases() -> Vec<Case> {
    [of_names(), of_signatures(), of_certificates()].into_iter().flatten().collect()
}

fn of_names() -> Vec<Case> {
    let named = |seed: u8, kid: &str| jwk(seed, &json!({ "kid": kid }));
    let five =
        || -> Vec<Value> { (1..=5).zip(["a", "b", "c", "d", "e"]).map(|(seed, kid)| named(seed, kid)).collect() };
    vec![
        case(
            json!({ "kid": "a" }),
            json!([named(1, "a"), named(2, "a")]),
            json!({ "keys": [named(1, "a"), named(2, "b")] }),
        ),
        case(json!({ "kid": "a" }), json!([named(1, "a"), named(2, "a")]), json!({ "keys": [named(1, "a")] })),
        case(json!({}), json!(five()), json!({ "header": { "kid": "a" } })),
        case(json!({}), json!(five()), json!({ "keys": [named(1, "a")] })),
        case(json!({ "kid": "" }), json!([named(1, "a")]), json!({ "header": { "kid": "a" } })),
        case(json!({ "kid": "" }), json!([named(1, "a")]), json!({ "header": { "kid": null } })),
        case(json!({ "kid": "z" }), json!([jwk(1, &json!({}))]), json!({ "keys": [named(1, "z")] })),
        case(json!({ "kid": "z" }), json!([named(1, "a")]), json!({ "header": { "kid": "a" } })),
        case(
            json!({ "kid": "a" }),
            json!([jwk(1, &json!({ "kid": "a", "use": "enc" })), named(2, "b")]),
            json!({ "keys": [named(1, "a"), named(2, "b")] }),
        ),
    ]
}

fn of_signatures() -> Vec<Case> {
    let named = |seed: u8, kid: &str| jwk(seed, &json!({ "kid": kid }));
    let both = "issuers:\n  - { issuer: https://tenant.eu.auth0.com/, audiences: [https://api.example.com], algorithms: [EdDSA, ES256] }\n\
        routes: [{ path: /token, access: authenticated }]\n";
    let other = |header: Value, keys: Value| Case {
        before: json!({ "header": header, "keys": keys, "config": both }),
        after: json!({ "header": { "alg": "EdDSA" } }),
    };
    let of_seed = |seed: u8, header: Value, keys: Value, after: Value| Case {
        before: json!({ "header": header, "keys": keys, "signed_by": seed }),
        after,
    };
    vec![
        of_seed(2, json!({ "kid": "a" }), json!([named(1, "a")]), json!({ "signed_by": 1 })),
        of_seed(2, json!({}), json!([named(1, "a")]), json!({ "signed_by": 1 })),
        of_seed(
            2,
            json!({}),
            json!([named(1, "a"), jwk(2, &json!({ "kid": "b", "use": "enc" }))]),
            json!({ "keys": [named(1, "a"), named(2, "b")] }),
        ),
        other(json!({ "alg": "ES256", "kid": "a" }), json!([named(1, "a")])),
        other(json!({ "alg": "ES256", "x5t": "t" }), json!([jwk(1, &json!({ "kid": "a", "x5t": "t" }))])),
        other(json!({ "alg": "ES256" }), json!([named(1, "a")])),
    ]
}

fn of_certificates() -> Vec<Case> {
    let certified = || jwk(1, &json!({ "kid": "b", "x5t": "b", "x5t#S256": "sb" }));
    vec![
        case(
            json!({ "x5t": "b", "x5t#S256": "z" }),
            json!([certified()]),
            json!({ "header": { "x5t": "b", "x5t#S256": "sb" } }),
        ),
        case(json!({ "x5t": "z" }), json!([certified()]), json!({ "header": { "x5t": "b" } })),
        case(
            json!({ "x5t": "b" }),
            json!([jwk(1, &json!({ "x5t": "b", "use": "enc" })), jwk(2, &json!({ "kid": "c", "x5t": "c" }))]),
            json!({ "keys": [certified()] }),
        ),
    ]
}

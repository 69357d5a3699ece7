//! Nothing that holds a token, a claim or a secret prints it: a `{:?}` in a log line of tomorrow must not betray one.

use std::{fmt::Debug, time::Duration};

use portcullis::{
    authorizer::{Authorizer, Decision, Outcome},
    bearer::{access_token::AccessToken, credentials::Credentials},
    clock::UnixTime,
    config::Config,
    ext_authz::{attributes::Attributes, response},
    jwks::{
        key::VerificationKey,
        key_set::KeySet,
        key_store::{IssuerKeys, KeyLookup, KeyStore},
        source::{KeySource, Secret},
    },
    jwt::{claims::Claims, compact::Compact, verifier::Verifier},
};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    check::get,
    judge,
    keyring::encode,
    subject::signed,
    token::{self, NOW, claims},
};

/// What the usual secret is made of.
const SECRET: &[u8] = &[b's'; 64];

/// Claims that are found wherever they are printed.
fn canaries() -> Value {
    let mut members = claims();
    let marked = json!({
        "sub": "canary-sub", "client_id": "canary-client", "scope": "canary:scope", "jti": "canary-jti",
        "email": "canary@example.com", "realm_access": {"roles": ["canary-role"]},
    });
    members.as_object_mut().unwrap().extend(marked.as_object().unwrap().clone());
    members
}

/// Everything that must not be printed, in the forms in which `{:?}` might.
fn needles(token: &str) -> Vec<String> {
    let mut needles: Vec<String> = token.split('.').map(str::to_owned).collect();
    needles.push("canary".to_owned());
    let decoded = Claims::parse(canaries().to_string().as_bytes()).unwrap();
    needles.push(decoded.get("jti").unwrap().to_string());
    let digest = portcullis::digest::sha256(SECRET);
    for bytes in [token.as_bytes(), b"canary", SECRET, &digest] {
        // As text, as hex, as base64, as a list of numbers.
        let start = &bytes[..6];
        needles.push(start.iter().map(|byte| format!("{byte:02x}")).collect());
        needles.push(start.iter().map(|byte| format!("{byte:02X}")).collect());
        needles.push(encode(start));
        needles.push(format!("{start:?}").trim_matches(['[', ']']).to_owned());
    }
    needles.push(String::from_utf8(SECRET[..6].to_vec()).unwrap());
    needles
}

/// Every type with something to hide, printed in both ways. The names are for messages.
fn printed(token: &str, secret_token: &str) -> Vec<(&'static str, String)> {
    fn show(value: &dyn Debug) -> String {
        format!("{value:?} {value:#?}")
    }
    let mut all = Vec::new();
    let mut add = |name, value: &dyn Debug| all.push((name, show(value)));

    let access_token = AccessToken::parse(token.as_bytes()).unwrap();
    let header = format!("Bearer {token}");
    add("AccessToken", &access_token);
    add("Credentials", &Credentials::parse([header.as_bytes()]).unwrap());
    add("Compact", &Compact::parse(access_token).unwrap());
    add("Claims", &Claims::parse(canaries().to_string().as_bytes()).unwrap());

    let message = get("/").header("authorization", &header).header("cookie", "canary").message().encode_to_vec();
    let attributes = Attributes::decode(message.into()).unwrap();
    let request = attributes.judged().unwrap();
    add("Attributes", &attributes);
    add("RequestAttributes", &request);

    let config = config();
    let secret = Secret::new(SECRET.to_vec());
    add("Secret", &secret);
    add("KeySource", &KeySource::Secret(secret.clone()));
    let algorithms = config.issuers[1].rules.algorithms.as_slice();
    add("VerificationKey", &VerificationKey::from_secret(&secret, algorithms));
    add("IssuerConfig", &config.issuers);
    add("Config", &config);

    let (store, now) = (KeyStore::new(), Instant::now());
    let set = KeySet::parse(&token::key_set(&["es256".into()], None), config.issuers[0].rules.algorithms.as_slice());
    let secret_set = KeySet::from_secret(&secret, algorithms);
    add("KeySet", &secret_set);
    let keys = IssuerKeys::fixed(secret_set, now);
    add("IssuerKeys", &keys);
    store.add(config.issuers[0].rules.issuer.clone(), IssuerKeys::fixed(set.unwrap(), now));
    store.add(config.issuers[1].rules.issuer.clone(), keys);
    add("KeyStore", &store);
    add("KeysAt", &store.at(now));
    add("Snapshot", &store.at(now).current("https://secret.example/"));
    add("Selection", &store.at(now).current("https://secret.example/").unwrap().set.select(None, algorithms[0]));
    add("IssuerStatus", &store.status(now));

    let (moment, identity) = (UnixTime::from_secs(NOW), config.identity.clone());
    let verifier = Verifier::new(config.issuers.iter().map(|issuer| issuer.rules.clone()));
    for token in [token, secret_token] {
        let verified = verifier.verify(AccessToken::parse(token.as_bytes()).unwrap(), &store.at(now), moment);
        add("VerifiedToken", &verified.unwrap());
    }
    add("TokenCache", verifier.cache());
    add("Verifier", &verifier);

    let authorizer = Authorizer::new(config.policy, verifier);
    add("Authorizer", &authorizer);
    let allowed = authorizer.decide(&request, &store.at(now), moment);
    add("Outcome", &allowed);
    let Outcome::Decided(Decision::Allow(permit)) = allowed else { panic!("{allowed:?}") };
    add("Permit", &permit);
    add("Answer", &response::allow(&permit, &attributes, &identity));
    let late = UnixTime::from_secs(NOW + 3600);
    let denied = authorizer.decide(&request, &store.at(now), late);
    let Outcome::Decided(Decision::Deny(denial)) = denied else { panic!("{denied:?}") };
    add("Denial", &denial);
    let forbidden = get("/admin").header("authorization", &header).message().encode_to_vec();
    let forbidden = Attributes::decode(forbidden.into()).unwrap();
    let denied = authorizer.decide(&forbidden.judged().unwrap(), &store.at(now), moment);
    let Outcome::Decided(Decision::Deny(denial)) = denied else { panic!("{denied:?}") };
    assert!(denial.token.is_some(), "it is a denial that has the token");
    add("Denial with a token", &denial);
    add("Answer to a denial", &response::deny(&denial, &attributes, &identity));
    let undecided = authorizer.decide(&request, &KeyStore::new().at(now + Duration::from_secs(1)), late);
    assert!(matches!(undecided, Outcome::KeyMissing(_)));
    add("Undecided", &undecided);
    all
}

fn config() -> Config {
    let issuers = [
        json!({"issuer": token::ISSUER, "audiences": [token::AUDIENCE], "jwks_file": "keys.json"}),
        json!({"issuer": "https://secret.example/", "audiences": [token::AUDIENCE], "secret_file": "secret"}),
    ];
    let proxied = json!({
        "issuer": "https://proxied.example/", "audiences": [token::AUDIENCE],
        "proxy": "http://canary-user:canary-password@proxy.example:3128",
    });
    let issuers = [&issuers[..], &[proxied]].concat();
    let routes = json!([{"path": "/**", "access": "authenticated"}, {"path": "/admin", "scopes": ["admin"]}]);
    judge::parse(&json!({"issuers": issuers, "routes": routes}).to_string())
}

#[test]
fn nothing_prints_a_token_a_claim_or_a_secret() {
    let kid = json!({"kid": "k1"}).as_object().unwrap().clone();
    let token = signed("es256", &kid, &canaries().to_string());
    let mut members = canaries();
    members["iss"] = "https://secret.example/".into();
    let secret_token = signed("secret", &kid, &members.to_string());
    let needles: Vec<String> = [needles(&token), needles(&secret_token)].concat();
    let printed = printed(&token, &secret_token);
    assert!(printed.len() > 25);
    let mut betrayed = Vec::new();
    for (name, text) in &printed {
        // Pretty-printing puts each number of a list on a line of its own.
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for needle in &needles {
            if text.contains(needle.as_str()) || flat.contains(needle.as_str()) {
                betrayed.push(format!("{name} prints `{needle}`: {}", &text[..text.len().min(300)]));
            }
        }
    }
    assert!(betrayed.is_empty(), "{}", betrayed.join("\n"));
}

#[test]
fn the_needles_are_found_where_they_are() {
    let token = signed("es256", &json!({}).as_object().unwrap().clone(), &canaries().to_string());
    let needles = needles(&token);
    let found = |text: String| needles.iter().any(|needle| text.contains(needle.as_str()));
    assert!(found(token.clone()) && found(format!("{:?}", token.as_bytes())) && found(encode(token.as_bytes())));
    assert!(found(format!("{SECRET:?}")) && found(encode(SECRET)) && found(canaries().to_string()));
    assert!(found(format!("{:?}", portcullis::digest::sha256(SECRET))) && !found("nothing".to_owned()));
}

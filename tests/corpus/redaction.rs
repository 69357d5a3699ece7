//! Nothing that holds a token, a claim or a secret prints it: a `{:?}` in a log line of tomorrow must not betray one.

use std::{fmt::Debug, hash::RandomState};

use portcullis::{
    config::Config,
    ext_authz::{decode::attributes::Attributes, response},
    keystore::{
        source::KeySource,
        store::{IssuerKeys, KeyStore},
    },
};
use portcullis_engine::{
    authorizer::{Authorizer, Decision, Outcome},
    jwt::{claims::Claims, compact::Compact},
    keys::{key::VerificationKey, key_set::KeySet, lookup::KeyLookup, secret::Secret},
    oauth::{access_token::AccessToken, credentials::Credentials},
    time::UnixTime,
    token_cache::cached_verifier::CachedVerifier,
};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    check::get,
    judge,
    keyring::encode,
    published,
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
    let digest = portcullis_engine::digest::sha256(SECRET);
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

/// What types with something to hide print, in both ways. The names are for messages.
#[derive(Default)]
struct Printed(Vec<(&'static str, String)>);

impl Printed {
    fn add(&mut self, name: &'static str, value: &dyn Debug) {
        self.0.push((name, format!("{value:?} {value:#?}")));
    }
}

/// A Check with that token.
fn attributes(path: &str, token: &str) -> Attributes<'static> {
    let ask = get(path).header("authorization", format!("Bearer {token}")).header("cookie", "canary");
    Attributes::decode(ask.message().encode_to_vec().leak()).unwrap()
}

/// What a token is read into before it is verified.
fn print_requests(printed: &mut Printed, token: &str) {
    let access_token = AccessToken::parse(token.as_bytes()).unwrap();
    printed.add("AccessToken", &access_token);
    printed.add("Credentials", &Credentials::parse([format!("Bearer {token}").as_bytes()]).unwrap());
    printed.add("Compact", &Compact::parse(access_token).unwrap());
    printed.add("Claims", &Claims::parse(canaries().to_string().as_bytes()).unwrap());
    let attributes = attributes("/", token);
    printed.add("Attributes", &attributes);
    printed.add("RequestAttributes", &attributes.judged().unwrap());
}

/// What holds keys. The store knows the keys of both issuers.
fn print_keys(printed: &mut Printed, config: &Config, store: &KeyStore, now: Instant) {
    let (public, shared) = (&config.issuers[0].rules, &config.issuers[1].rules);
    let secret = Secret::new(SECRET.to_vec());
    printed.add("Secret", &secret);
    printed.add("KeySource", &KeySource::Secret(secret.clone()));
    printed.add("IssuerConfig", &config.issuers);
    printed.add("Config", config);
    printed.add("VerificationKey", &VerificationKey::from_secret(&secret, shared.algorithms.as_slice()));
    let secret_set = KeySet::from_secret(&secret, shared.algorithms.as_slice());
    printed.add("KeySet", &secret_set);
    let keys = IssuerKeys::fixed(secret_set, now);
    printed.add("IssuerKeys", &keys);
    let set = KeySet::parse(&published::key_set(&["es256".into()], None), public.algorithms.as_slice()).unwrap();
    store.add(public.issuer.clone(), IssuerKeys::fixed(set, now));
    store.add(shared.issuer.clone(), keys);
    let snapshot = store.at(now).current(&shared.issuer).unwrap();
    printed.add("KeyStore", store);
    printed.add("KeysAt", &store.at(now));
    printed.add("Snapshot", &snapshot);
    printed.add("Selection", &snapshot.set.select(Default::default(), shared.algorithms.as_slice()[0]));
    printed.add("IssuerStatus", &store.status(now));
}

/// What comes of tokens: verified, allowed, denied, undecided, answered.
fn print_decisions(printed: &mut Printed, config: Config, store: &KeyStore, now: Instant, tokens: [&str; 2]) {
    let (moment, replies) = (UnixTime::from_secs(NOW), response::Replies::new(&config.identity));
    let verifier = CachedVerifier::new(config.issuers.iter().map(|issuer| issuer.rules.clone()), RandomState::new());
    for token in tokens {
        let verified = verifier.verify(AccessToken::parse(token.as_bytes()).unwrap(), &store.at(now), moment);
        printed.add("VerifiedToken", &verified.unwrap());
    }
    printed.add("TokenCache", verifier.cache());
    printed.add("CachedVerifier", &verifier);
    let authorizer = Authorizer::new(config.policy, verifier);
    printed.add("Authorizer", &authorizer);

    let (opened, refused) = (attributes("/", tokens[0]), attributes("/admin", tokens[0]));
    let allowed = authorizer.decide(&opened.judged().unwrap(), &store.at(now), moment);
    printed.add("Outcome", &allowed);
    let Outcome::Decided(Decision::Allow(permit)) = allowed else { panic!("{allowed:?}") };
    printed.add("Permit", &permit);
    printed.add("Answer", &response::allow(&permit, &opened, &replies));
    let denied = authorizer.decide(&refused.judged().unwrap(), &store.at(now), moment);
    let Outcome::Decided(Decision::Deny(denial)) = denied else { panic!("{denied:?}") };
    assert!(denial.token.is_some(), "a denial that has the token");
    printed.add("Denial", &denial);
    printed.add("Answer to a denial", &response::deny(&denial, &refused, &replies));
    let undecided = authorizer.decide(&opened.judged().unwrap(), &KeyStore::new().at(now), moment);
    assert!(matches!(undecided, Outcome::KeyMissing(_)));
    printed.add("Undecided", &undecided);
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
    let (mut printed, store, now) = (Printed::default(), KeyStore::new(), Instant::now());
    print_requests(&mut printed, &token);
    let config = config();
    print_keys(&mut printed, &config, &store, now);
    print_decisions(&mut printed, config, &store, now, [&token, &secret_token]);
    let mut betrayed = Vec::new();
    for (name, text) in &printed.0 {
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
    assert!(found(format!("{:?}", portcullis_engine::digest::sha256(SECRET))) && !found("nothing".to_owned()));
}

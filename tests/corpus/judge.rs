//! Runs a case through the public API, as the service does: configuration, attributes, authorizer, key store.

use std::{collections::BTreeMap, hash::RandomState, time::Duration};

use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use portcullis::{
    config::{self, Config, IssuerConfig},
    ext_authz::decode::attributes::Attributes,
    keystore::{
        source::KeySource,
        store::{IssuerKeys, KeyStore, MissAnswer},
    },
};
use portcullis_engine::{
    authorizer::{Authorizer, Decision, Denial, Outcome, Undecided},
    keys::key_set::KeySet,
    oauth::challenge,
    reason::DenyReason,
    time::UnixTime,
    token_cache::cached_verifier::CachedVerifier,
};
use prost::Message as _;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::{
    case::Case,
    check::{Ask, get},
    keyring::SECRETS,
    published, template,
    token::{self, AUDIENCE, ISSUER, NOW},
};

/// What came of a case: the code of its denial or `ok`, and the HTTP status.
pub(crate) fn judge(case: &Case) -> (&'static str, u16) {
    match decide(case) {
        Decision::Allow(_) => ("ok", 200),
        Decision::Deny(denial) => {
            let status = challenge::answer(denial.reason, denial.needed.as_ref()).status.http();
            (denial.reason.code(), status)
        }
    }
}

fn decide(case: &Case) -> Decision {
    let message = message(case, &token::authorization(case)).encode_to_vec();
    let attributes = match Attributes::decode(&message) {
        Ok(attributes) => attributes,
        Err(fault) => return denied(fault.into()),
    };
    let request = match attributes.judged() {
        Ok(request) => request,
        Err(reason) => return denied(reason),
    };
    let config = config(case);
    // Far enough from the start of time for keys fetched yesterday.
    let now = Instant::now() + Duration::from_secs(7 * 86_400);
    let store = store(case, &config, now);
    let verifier = CachedVerifier::new(config.issuers.iter().map(|issuer| issuer.rules.clone()), RandomState::new());
    let authorizer = Authorizer::new(config.policy, verifier);
    match authorizer.decide(&request, &store.at(now), moment(case.at)) {
        Outcome::Decided(decision) => decision,
        Outcome::KeyMissing(undecided) => Decision::Deny(without_key(undecided, &store, now)),
    }
}

/// What the service does about a missing key, if the fetch that it may wait for brings nothing.
fn without_key(undecided: Undecided, store: &KeyStore, now: Instant) -> Denial {
    let issuer = undecided.missing.issuer.clone();
    let (seen, need) = (undecided.missing.seen, undecided.missing.need);
    let answer = match store.on_miss(&issuer, seen, need, now) {
        MissAnswer::Wait(fetch) => store.after_waiting(&issuer, (seen, need), (fetch.since(), false), now),
        answer => answer,
    };
    match answer {
        MissAnswer::Fresh => undecided.deny_token(),
        MissAnswer::Unavailable(after) => undecided.deny_unavailable(after),
        MissAnswer::Wait(_) | MissAnswer::LookAgain => panic!("nobody fetched meanwhile"),
    }
}

fn denied(reason: DenyReason) -> Decision {
    Decision::Deny(Denial::without_rule(reason))
}

fn moment(offset: f64) -> UnixTime {
    #[expect(clippy::cast_possible_truncation, reason = "some seconds")]
    let millis = (offset * 1000.0).round() as i64;
    UnixTime::from_millis(NOW * 1000 + millis)
}

fn message(case: &Case, authorization: &[Vec<u8>]) -> CheckRequest {
    let request = &case.request;
    if request.nothing {
        return CheckRequest::default();
    }
    let mut ask: Ask = get(&template::text(request.path.as_deref().unwrap_or("/")));
    if let Some(method) = &request.method {
        ask = ask.method(method);
    }
    if let Some(host) = &request.host {
        ask = ask.host(host);
    }
    for value in authorization {
        ask = ask.header("authorization", value);
    }
    let mut message = ask.message();
    message.attributes.as_mut().unwrap().context_extensions.clone_from(&request.extensions);
    message
}

/// The configuration of a case, read as a file is.
pub(crate) fn config(case: &Case) -> Config {
    let mut issuers = vec![issuer(&case.issuer)];
    issuers.extend(case.other_issuer.iter().map(|other| issuer(&other.issuer)));
    let mut route = json!({"path": "/**", "access": "authenticated"});
    let fields = route.as_object_mut().unwrap();
    if case.route.contains_key("scopes") {
        fields.remove("access");
    }
    fields.extend(case.route.clone());
    // JSON is YAML.
    let mut file = case.file.clone();
    file.extend([("issuers".to_owned(), issuers.into()), ("routes".to_owned(), json!([route]))]);
    parse(&Value::Object(file).to_string())
}

/// The fields of an issuer, over the usual ones.
pub(crate) fn issuer(changes: &Map<String, Value>) -> Value {
    let mut issuer = json!({"issuer": ISSUER, "audiences": [AUDIENCE], "jwks_file": "keys.json"});
    let fields = issuer.as_object_mut().unwrap();
    if ["secret_file", "secret_env", "public_key_file"].iter().any(|source| changes.contains_key(*source)) {
        fields.remove("jwks_file");
    }
    fields.extend(changes.clone());
    issuer
}

/// A configuration from its text, beside the files that it may name.
pub(crate) fn parse(text: &str) -> Config {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in SECRETS {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    let file = dir.path().join("portcullis.yaml");
    let variables = BTreeMap::from([("SECRET".to_owned(), String::from_utf8(SECRETS[0].1.to_vec()).unwrap())]);
    let parsed = config::parse(text, file.to_str().unwrap(), &variables);
    parsed.unwrap_or_else(|errors| panic!("{text}: {errors:?}")).config
}

fn store(case: &Case, config: &Config, now: Instant) -> KeyStore {
    let signs = case.sign.split(' ').next().unwrap();
    let own = case.keys.clone().unwrap_or_else(|| vec![signs.into()]);
    let other = case.other_issuer.as_ref().map(|other| other.keys.clone());
    let store = KeyStore::new();
    for (issuer, keys) in config.issuers.iter().zip([Some(own), other].into_iter().flatten()) {
        let algorithms = issuer.rules.algorithms.as_slice();
        let set = match &issuer.source {
            KeySource::Secret(secret) => Ok(KeySet::from_secret(secret, algorithms)),
            KeySource::PublicKeyFile(_) => KeySet::from_public_key(&published::public_key(case, signs), algorithms),
            _ => KeySet::parse(&published::key_set(&keys, case.key_set_text.as_deref()), algorithms),
        };
        add(&store, issuer, case, set.map_err(|error| error.to_string()), now);
    }
    store
}

/// Puts an issuer's keys into the store: such as came with the configuration, unless the case says how old they are.
fn add(store: &KeyStore, issuer: &IssuerConfig, case: &Case, set: Result<KeySet, String>, now: Instant) {
    let ago = |seconds: f64| now - Duration::from_secs_f64(seconds);
    let name = issuer.rules.issuer.clone();
    let set = match (set, case.keys_fetched, case.fetch_failed) {
        (Ok(set), None, None) => return store.add(name, IssuerKeys::fixed(set, now)),
        (set, ..) => set,
    };
    store.add(name.clone(), IssuerKeys::awaiting_first_fetch(issuer.max_stale));
    if let Some(age) = case.keys_fetched {
        fetched(store, &name, set, ago(age));
    } else if set.is_err() {
        fetched(store, &name, set, now);
    }
    if let Some(age) = case.fetch_failed {
        fetched(store, &name, Err("no answer".to_owned()), ago(age));
    }
}

fn fetched(store: &KeyStore, issuer: &str, outcome: Result<KeySet, String>, then: Instant) {
    store.begin(issuer, then);
    store.end(issuer, outcome.map(|set| (set, None)), 1.0, then);
}

//! A request with its token, a configuration, and the keys of its issuer if there are any: all that `explain` looks at.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis::{
    config,
    keystore::{issuer_keys::IssuerKeys, store::KeyStore},
    tools::{
        explain::{Explanation, Signatures, explain},
        simulate::{
            request::{Ask, Credentials},
            simulator::Stage,
        },
    },
};
use portcullis_engine::{keys::key_set::KeySet, time::UnixTime};
use serde_json::{Map, Value, json};
use tokio::{runtime, time::Instant};

pub(super) const NOW: i64 = 1_767_225_600;

pub(super) const CONFIG: &str = "
issuers:
  - issuer: https://tenant.eu.auth0.com/
    audiences: [https://api.example.com]
    algorithms: [EdDSA]
    max_token_age: 1h
    clients: [spa]
    claims: { tier: { equals: gold } }
  - issuer: https://second.example.com/
    audiences: [https://api.example.com, https://wide.example.com]
    algorithms: [EdDSA]
routes:
  - { path: /open, access: public }
  - { path: /token, access: authenticated }
  - { path: /files/**, access: authenticated }
  - { path: '/api/{org}/messages', methods: [GET], scopes: [read:messages], claims: { org_id: { matches: '{org}' } } }
  - { path: /any, scopes: { any: [eu, us] } }
  - { path: /second, issuers: [https://second.example.com/] }
  - { path: /wide, audiences: [https://wide.example.com] }
  - { path: /claim, claims: { role: { equals: boss } } }
  - { path: /report, methods: [REPORT], access: authenticated }
  - { path: '/v1/messages/{id}', access: public }
  - { path: '/v1/messages/{id}:cancel', access: public }
  - { host: admin.example.com, path: /admin/**, scopes: [admin] }
policies:
  partners: { scopes: [partner] }
";

/// The members of a scene, by their names.
pub(super) struct Scene(Map<String, Value>);

/// Puts the members of one object over those of another one; `null` takes one away.
fn overlay(onto: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (name, value) in over {
        match (onto.get_mut(name), value) {
            (Some(Value::Object(inner)), Value::Object(over)) => overlay(inner, over),
            (_, Value::Null) => drop(onto.remove(name)),
            _ => drop(onto.insert(name.clone(), value.clone())),
        }
    }
}

/// An object of these members.
pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The public half of a key that a test signs with, with these members beside it.
pub(super) fn jwk(seed: u8, members: &Value) -> Value {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let mut key = json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
    overlay(key.as_object_mut().unwrap(), members.as_object().unwrap());
    key
}

impl Scene {
    /// A request with a good token, and these changes one after the other.
    pub(super) fn with(changes: &[&Value]) -> Self {
        let usual = json!({
            "config": CONFIG,
            "method": "GET",
            "host": "api.example.com",
            "path": "/token",
            "authorization": ["Bearer TOKEN"],
            "header": { "alg": "EdDSA" },
            "claims": {
                "iss": "https://tenant.eu.auth0.com/",
                "aud": "https://api.example.com",
                "sub": "alice",
                "iat": NOW,
                "exp": NOW + 300,
                "client_id": "spa",
                "tier": "gold",
            },
            "signed_by": 1,
            "at": NOW,
        });
        let mut members = usual.as_object().unwrap().clone();
        changes.iter().for_each(|change| overlay(&mut members, change.as_object().unwrap()));
        Self(members)
    }

    fn member(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    fn string(&self, name: &str) -> Option<&str> {
        self.member(name).as_str()
    }

    /// The whole scene as a text, in which names and values stand by themselves.
    pub(super) fn text(&self) -> String {
        let config = self.string("config").unwrap();
        let others = self.0.iter().filter(|(name, _)| *name != "config");
        let lines = others.map(|(name, value)| match (name.as_str(), value) {
            ("authorization", values) => values.to_string().replace("\"Bearer", " Authorization: Bearer"),
            ("host", host) => format!("--host {host}"),
            ("policy", name) => format!("of policies {name}"),
            (name, value) => format!("{name}: {value}").replace("\":", "\": ").replace(",\"", ", \""),
        });
        lines.chain([config.to_owned()]).collect::<Vec<_>>().join("\n")
    }

    fn token(&self) -> String {
        let encoded = |name: &str| URL_SAFE_NO_PAD.encode(self.member(name).to_string());
        let signed = format!("{}.{}", encoded("header"), encoded("claims"));
        let seed = u8::try_from(self.member("signed_by").as_u64().unwrap()).unwrap();
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()).as_ref()))
    }

    fn ask(&self) -> Ask {
        let at = UnixTime::from_secs(self.member("at").as_i64().unwrap());
        let (method, path) = (self.string("method").unwrap(), self.string("path").unwrap());
        let mut ask = Ask::new(method, self.string("host"), path, at);
        for value in self.member("authorization").as_array().unwrap() {
            ask = ask.header("authorization", value.as_str().unwrap().replace("TOKEN", &self.token()));
        }
        if let Some(value) = self.string("x-header") {
            ask = ask.header("x-header", value);
        }
        match self.string("policy") {
            Some(name) => ask.policy(name),
            None => ask,
        }
    }

    /// The explanation: with the keys of the scene if it has some, or else without.
    pub(super) fn explanation(&self) -> Explanation {
        let offline = config::parse_offline(self.string("config").unwrap(), "portcullis.yaml", &BTreeMap::new());
        let offline = offline.unwrap_or_else(|problems| panic!("{}", problems.render(false, 120)));
        let ask = self.ask();
        if self.member("keys").is_null() {
            let stage = Stage::new(offline.policy, offline.issuers, &offline.identity);
            let answered = stage.ask(&ask.clone().credentials(Credentials::Resigned));
            let answered = answered.unwrap_or_else(|error| panic!("{error}: {:?}", self.0));
            return explain(&stage, &ask, &answered, Signatures::NotChecked);
        }
        let rules = offline.issuers.first().unwrap();
        let set = json!({ "keys": self.member("keys") }).to_string();
        let set = KeySet::parse(set.as_bytes(), rules.algorithms.as_slice()).unwrap();
        let keys = Arc::new(KeyStore::new());
        keys.add(Arc::clone(&rules.issuer), IssuerKeys::fixed(set, Instant::now()));
        let stage = Stage::live(offline.policy, offline.issuers, &offline.identity, keys);
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answered = runtime.block_on(stage.ask_live(&ask, Duration::ZERO)).unwrap();
        explain(&stage, &ask, &answered, Signatures::Checked)
    }
}

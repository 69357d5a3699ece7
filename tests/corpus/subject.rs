//! A verifier with its keys, for laws: the configuration once, tokens many times.

use std::time::Duration;

use portcullis::keystore::{
    source::KeySource,
    store::{IssuerKeys, KeyStore},
};
use portcullis_engine::{
    jwt::verifier::{Unverified, Verifier},
    keys::key_set::KeySet,
    oauth::access_token::AccessToken,
    time::UnixTime,
};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::{
    judge,
    keyring::encode,
    published,
    token::{self, NOW},
};

/// What is read of a verified token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verified {
    pub(crate) issuer: String,
    pub(crate) subject: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) scopes: String,
    pub(crate) expires_at: UnixTime,
}

/// One issuer and its keys.
pub(crate) struct Subject {
    verifier: Verifier,
    store: KeyStore,
    now: Instant,
}

impl Subject {
    /// The usual issuer with these fields over its own, and these published keys.
    pub(crate) fn new(issuer: &Value, keys: &[Value]) -> Self {
        let issuer = judge::issuer(issuer.as_object().unwrap());
        let config = json!({"issuers": [issuer], "routes": [{"path": "/**", "access": "authenticated"}]});
        let issuer = judge::parse(&config.to_string()).issuers.remove(0);
        let (store, now, rules) = (KeyStore::new(), Instant::now() + Duration::from_secs(1), issuer.rules);
        let algorithms = rules.algorithms.as_slice();
        let set = match &issuer.source {
            KeySource::Secret(secret) => KeySet::from_secret(secret, algorithms),
            _ => KeySet::parse(&published::key_set(keys, None), algorithms).unwrap(),
        };
        store.add(rules.issuer.clone(), IssuerKeys::fixed(set, now));
        Self { verifier: Verifier::new([rules]), store, now }
    }

    /// What the verifier says to some text in place of a token; an error if it is none.
    pub(crate) fn verify(&self, text: &[u8]) -> Result<Verified, String> {
        let token = AccessToken::parse(text).map_err(|error| format!("{error:?}"))?;
        let verified = self.verifier.verify(token, &self.store.at(self.now), UnixTime::from_secs(NOW));
        let token = verified.map_err(|error: Unverified| format!("{error:?}"))?;
        Ok(Verified {
            issuer: token.issuer().to_owned(),
            subject: token.subject().map(str::to_owned),
            client_id: token.client_id().map(str::to_owned),
            scopes: token.scopes().to_scope_string(),
            expires_at: token.expires_at(),
        })
    }
}

/// A token with that text of claims and these members of the header beside `alg`.
pub(crate) fn signed(sign: &str, header: &Map<String, Value>, claims: &str) -> String {
    let (key, algorithm) = token::signer(sign);
    let mut members = Map::from_iter([("alg".to_owned(), algorithm.into())]);
    members.extend(header.clone());
    let message = format!("{}.{}", encode(Value::Object(members).to_string()), encode(claims));
    format!("{message}.{}", encode(key.sign(algorithm, message.as_bytes())))
}

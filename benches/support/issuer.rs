//! An issuer with one key, its tokens, and requests with them: the same whatever the algorithm.
#![expect(clippy::panic, reason = "a benchmark of something else than it says is worse than none")]

use envoy_types::pb::envoy::service::auth::v3::{
    AttributeContext, CheckRequest,
    attribute_context::{HttpRequest, Request},
};
use portcullis::{
    clock::Clock,
    config::Config,
    keystore::store::{IssuerKeys, KeyStore},
    tools::simulate::{mint::Mint, request::Signature},
};
use portcullis_engine::{
    jwt::issuer_rules::IssuerRules,
    keys::{algorithm::Algorithm, key_set::KeySet},
    policy::Policy,
    time::UnixTime,
    token_cache::cached_verifier::CachedVerifier,
};
use prost::Message as _;
use std::hash::RandomState;
use tokio::time::Instant;

use crate::load::load;

/// When everything takes place.
pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// The clock at that moment.
pub(crate) struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> UnixTime {
        NOW
    }
}

impl Stopped {
    /// The same for timers: keys that came with the configuration have no age.
    pub(crate) fn now() -> Instant {
        Instant::now()
    }
}

/// An issuer of one algorithm, and a policy for its tokens.
pub(crate) struct Issuer {
    config: Config,
    mint: Mint,
    algorithm: Algorithm,
}

impl Issuer {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        // Any file has to do: the keys are the mint's.
        let hmac = "secret_file: benches/support/load.rs";
        let key = if algorithm.is_hmac() { hmac } else { "discovery_url: https://tenant.test/" };
        let config = load(&format!(
            "issuers:\n  - issuer: https://tenant.test/\n    audiences: [https://api.example.com]\n    {key}\n    \
             algorithms: [{}]\nroutes:\n  - path: /api/v1/messages/{{id}}\n    scopes: [read:messages]\n  - path: \
             /api/v1/admin\n    scopes: [admin]\n",
            algorithm.name()
        ));
        let mut issuer = Self { config, mint: Mint::new(), algorithm };
        let name = issuer.rules().issuer.clone();
        issuer.mint.prepare(&name, algorithm).unwrap_or_else(|error| panic!("{error}"));
        issuer
    }

    fn rules(&self) -> &IssuerRules {
        let first = self.config.issuers.first();
        &first.unwrap_or_else(|| panic!("there is one issuer")).rules
    }

    pub(crate) fn key_set(&self) -> KeySet {
        let set = self.mint.key_set(self.rules());
        set.ok().flatten().unwrap_or_else(|| panic!("there is a key"))
    }

    pub(crate) fn keys(&self) -> KeyStore {
        let store = KeyStore::new();
        store.add(self.rules().issuer.clone(), IssuerKeys::fixed(self.key_set(), Instant::now()));
        store
    }

    pub(crate) fn policy(&self) -> Policy {
        self.config.policy.clone()
    }

    pub(crate) fn verifier(&self) -> CachedVerifier {
        CachedVerifier::new([self.rules().clone()], RandomState::new()).keeping(self.config.policy.asked_claims())
    }

    /// A token as Auth0 gives it.
    pub(crate) fn token(&self, user: usize) -> String {
        let header = format!(r#"{{"alg":"{}","typ":"JWT"}}"#, self.algorithm.name());
        let claims = format!(
            r#"{{"iss":"https://tenant.test/","sub":"auth0|5f7c8ec7c33c{user:012}","aud":["https://api.example.com","https://tenant.test/userinfo"],"iat":1799999900,"exp":1800086300,"azp":"Vb5n6m7q8w9e0r1t2y3u4i5o6p7a8s9d","scope":"openid profile email read:messages"}}"#
        );
        let good = Signature::Good;
        let token = self.mint.compact(self.rules(), self.algorithm, header.as_bytes(), claims.as_bytes(), good);
        token.unwrap_or_else(|error| panic!("{error}"))
    }

    /// A request with that token to a route that asks for a scope it has.
    pub(crate) fn message(&self, user: usize) -> Vec<u8> {
        self.message_to("/api/v1/messages/7?page=2", user)
    }

    /// The same to that path: 19 headers in a map, as Envoy sends them unless it is told otherwise.
    pub(crate) fn message_to(&self, path: &str, user: usize) -> Vec<u8> {
        let authorization = format!("Bearer {}", self.token(user));
        let agent =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
        let headers = [
            (":authority", "api.example.com"),
            (":method", "GET"),
            (":path", path),
            (":scheme", "https"),
            ("accept", "application/json, text/plain, */*"),
            ("accept-encoding", "gzip, deflate, br, zstd"),
            ("accept-language", "en-GB,en;q=0.9,de;q=0.8"),
            ("authorization", &authorization),
            ("content-type", "application/json"),
            ("origin", "https://app.example.com"),
            ("referer", "https://app.example.com/"),
            ("sec-fetch-dest", "empty"),
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-site", "same-site"),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            ("user-agent", agent),
            ("x-forwarded-for", "203.0.113.7"),
            ("x-forwarded-proto", "https"),
            ("x-request-id", "5d3c1f0a-8b1e-4f6d-9a57-0c2e6b7d8f90"),
        ];
        let http = HttpRequest {
            id: "11408294073185710942".into(),
            method: "GET".into(),
            path: path.into(),
            host: "api.example.com".into(),
            scheme: "https".into(),
            protocol: "HTTP/1.1".into(),
            headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            ..HttpRequest::default()
        };
        let request = Some(Request { http: Some(http), ..Request::default() });
        let context = AttributeContext { request, ..AttributeContext::default() };
        CheckRequest { attributes: Some(context) }.encode_to_vec()
    }
}

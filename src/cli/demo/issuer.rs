//! An issuer for trying things out: it has the shape of an OpenID provider and gives a token to anybody who asks.
//!
//! Nothing else in the crate knows it, and `serve` can't start it. Tests use it as a library: [`DemoIssuer::start`],
//! then [`DemoIssuer::mint`] for good tokens and for every kind of bad one.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use arc_swap::ArcSwap;
use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::{DemoError, keys::Keys, server::Server, token, token_endpoint};
pub use super::{
    alg::{Alg, UnknownAlg},
    token::TokenRequest,
};
use crate::clock::{Clock, SystemClock};

/// A running issuer. Dropping it stops it.
#[derive(Debug)]
pub struct DemoIssuer {
    shared: Arc<Shared>,
    server: Server,
}

/// What the issuer and its endpoints both hold.
#[derive(Debug)]
pub(super) struct Shared {
    issuer: String,
    audience: String,
    keys: ArcSwap<Keys>,
    key_set_reads: AtomicUsize,
}

impl DemoIssuer {
    /// Generates keys and serves on `listener`. `issuer` is the exact string of the `iss` claim, an http or https URL,
    /// with or without a path; `audience` goes into tokens that ask for no other.
    ///
    /// # Errors
    /// When `issuer` is no such URL, or the crypto library has no randomness.
    pub async fn start(listener: TcpListener, issuer: &str, audience: &str) -> Result<Self, DemoError> {
        let prefix = path_prefix(issuer)?;
        let shared = Arc::new(Shared {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            keys: ArcSwap::from_pointee(generate().await?),
            key_set_reads: AtomicUsize::new(0),
        });
        let server = Server::start(listener, router(&prefix, Arc::clone(&shared)))?;
        Ok(Self { shared, server })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// The exact string of its `iss` claim.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.shared.issuer
    }

    /// A token, made now.
    ///
    /// # Errors
    /// When the crypto library fails to sign.
    pub fn mint(&self, request: &TokenRequest) -> Result<String, DemoError> {
        self.shared.mint(request)
    }

    /// Any two byte strings as a signed token: for what no JSON library would write.
    ///
    /// # Errors
    /// When the crypto library fails to sign.
    pub fn sign(&self, alg: Alg, header: &[u8], payload: &[u8]) -> Result<String, DemoError> {
        token::compact(&self.shared.keys.load(), alg, header, payload)
    }

    /// The `kid` of the current key for `alg`.
    #[must_use]
    pub fn kid(&self, alg: Alg) -> String {
        self.shared.keys.load().kid(alg)
    }

    /// The JWK Set as it is published now.
    #[must_use]
    pub fn jwk_set(&self) -> Value {
        self.shared.keys.load().jwk_set()
    }

    /// Replaces all keys by new ones. Tokens made before are then signed by keys that are no longer published.
    ///
    /// # Errors
    /// When the crypto library has no randomness.
    pub async fn rotate(&self) -> Result<(), DemoError> {
        self.shared.keys.store(Arc::new(generate().await?));
        Ok(())
    }

    /// How often the key set was fetched.
    #[must_use]
    pub fn key_set_reads(&self) -> usize {
        self.shared.key_set_reads.load(Ordering::Relaxed)
    }

    /// Stops, closing idle connections as well: from then on the issuer is down.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}

impl Shared {
    pub(super) fn mint(&self, request: &TokenRequest) -> Result<String, DemoError> {
        token::mint(&self.keys.load(), &self.issuer, &self.audience, SystemClock.now(), request)
    }
}

async fn generate() -> Result<Keys, DemoError> {
    match tokio::task::spawn_blocking(Keys::generate).await {
        Ok(Ok(keys)) => Ok(keys),
        Ok(Err(_)) | Err(_) => Err(DemoError::Crypto),
    }
}

/// The path of the issuer's URL without its last slash: endpoints live below it.
fn path_prefix(issuer: &str) -> Result<String, DemoError> {
    let bad = || DemoError::IssuerUrl(issuer.to_owned());
    let url = Url::parse(issuer).map_err(|_| bad())?;
    // RFC 8414 section 2: no query and no fragment.
    let fits = matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
    if fits { Ok(url.path().trim_end_matches('/').to_owned()) } else { Err(bad()) }
}

fn router(prefix: &str, shared: Arc<Shared>) -> Router {
    Router::new()
        .without_v07_checks() // An issuer's path may hold `:` and `*`.
        .route(&format!("{prefix}/.well-known/openid-configuration"), get(metadata))
        // RFC 8414 section 3.1 puts the well-known part before the issuer's path.
        .route(&format!("/.well-known/oauth-authorization-server{prefix}"), get(metadata))
        .route(&format!("{prefix}/jwks"), get(key_set))
        .route(&format!("{prefix}/token"), post(token_endpoint::token))
        .with_state(shared)
}

async fn metadata(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let base = shared.issuer.trim_end_matches('/');
    let algorithms: Vec<&str> = Alg::ALL.iter().map(|alg| alg.name()).collect();
    Json(json!({
        "issuer": shared.issuer,
        "jwks_uri": format!("{base}/jwks"),
        "token_endpoint": format!("{base}/token"),
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
    }))
}

async fn key_set(State(shared): State<Arc<Shared>>) -> Json<Value> {
    shared.key_set_reads.fetch_add(1, Ordering::Relaxed);
    Json(shared.keys.load().jwk_set())
}

#[cfg(test)]
#[path = "issuer_tests.rs"]
mod tests;

//! An issuer for trying things out: it has the shape of an OpenID provider and gives a token to anybody who asks.
//!
//! The product does not depend on it. Tests use it as a library: [`DemoIssuer::start`],
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
    Router,
    extract::State,
    http::Uri,
    response::Response,
    routing::{get, post},
};
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch};
use url::Url;

pub use super::{
    alg::{Alg, UnknownAlg},
    fault::Fault,
    token::TokenRequest,
};
use super::{
    document::{self, Document},
    endpoint::Endpoint,
    error::DemoError,
    issuer_state::{Shared, generate},
    token, token_endpoint,
};

/// A running issuer. Dropping it stops it.
#[derive(Debug)]
pub struct DemoIssuer {
    shared: Arc<Shared>,
    endpoint: Endpoint,
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
            keys: ArcSwap::from_pointee(generate(None).await?),
            retiring: ArcSwap::default(),
            fault: watch::Sender::new(None),
            key_set_reads: AtomicUsize::new(0),
        });
        let endpoint = Endpoint::open(listener, router(&prefix, Arc::clone(&shared)))?;
        Ok(Self { shared, endpoint })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.endpoint.addr()
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

    /// The JWK Set as it is published when all is well.
    #[must_use]
    pub fn jwk_set(&self) -> Value {
        self.shared.jwk_set()
    }

    /// Replaces all keys by new ones. Tokens made before are then signed by keys that are no longer published.
    ///
    /// # Errors
    /// When the crypto library has no randomness.
    pub async fn rotate(&self) -> Result<(), DemoError> {
        self.shared.renew(None).await
    }

    /// Fails in this way from now on, or, with `None`, no longer fails. A fault begins with new keys to sign with; the old
    /// ones stay in the key set beside them, unless their end is the fault. Only documents are concerned: the token
    /// endpoint goes on working, but for [`Fault::Refuse`].
    ///
    /// # Errors
    /// When the crypto library has no randomness, or the address was lost while connections were refused.
    pub async fn set_fault(&self, fault: Option<Fault>) -> Result<(), DemoError> {
        // First the fault, then the keys: those must not be seen without it. Also wakes those that are kept waiting.
        self.shared.fault.send_replace(fault);
        match fault {
            Some(Fault::Refuse) => self.endpoint.close().await?,
            Some(_) | None => self.endpoint.reopen().await?,
        }
        if fault.is_some() { self.shared.renew(fault).await } else { Ok(()) }
    }

    /// How often the key set was fetched.
    #[must_use]
    pub fn key_set_reads(&self) -> usize {
        self.shared.key_set_reads.load(Ordering::Relaxed)
    }

    /// Stops, closing idle connections as well: from then on the issuer is down.
    pub async fn shutdown(self) {
        // Those that are kept waiting are let go.
        self.shared.fault.send_replace(None);
        self.endpoint.shutdown().await;
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

async fn metadata(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    document::answer(Document::Metadata, &shared, &uri).await
}

async fn key_set(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    shared.key_set_reads.fetch_add(1, Ordering::Relaxed);
    document::answer(Document::KeySet, &shared, &uri).await
}

#[cfg(test)]
#[path = "issuer_tests.rs"]
mod tests;

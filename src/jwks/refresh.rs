//! The task that keeps one issuer's keys fresh: it does what [`super::issuer_keys`] says, and reports how it went.

use std::{path::Path, sync::Arc, time::Duration};

use jsonwebtoken::Algorithm;
use tokio::{io::AsyncReadExt, time::Instant};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    address, discovery,
    fetch::{Fetch, FetchError},
    key_set::KeySet,
    key_store::{Due, KeyStore},
    source::KeySource,
};
use crate::limits;

/// Whose keys, from where.
#[derive(Clone, Debug)]
pub struct Target {
    /// The issuer.
    pub issuer: Arc<str>,
    /// The algorithms its keys may be used with.
    pub algorithms: Vec<Algorithm>,
    /// Where its keys are.
    pub source: KeySource,
    /// Where the configuration names it, for people.
    pub written_at: String,
}

/// Hears how fetches went: logs and metrics.
pub trait Observer: Send + Sync + 'static {
    /// A fetch has ended.
    fn fetched(&self, issuer: &str, outcome: Result<&KeySet, &FetchError>, took: Duration);
}

/// Keeps the keys of one issuer fresh until `stop`.
pub async fn run(
    target: Target,
    store: Arc<KeyStore>,
    fetch: Arc<dyn Fetch>,
    observer: Arc<dyn Observer>,
    stop: CancellationToken,
) {
    let Some(wanted) = store.wanted(&target.issuer) else { return };
    loop {
        let wait = async {
            match store.due(&target.issuer, Instant::now()) {
                Due::Now => {}
                Due::At(at) => tokio::select! {
                    () = tokio::time::sleep_until(at) => {}
                    () = wanted.notified() => {}
                },
                Due::Never => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = wait => {}
        }
        if store.due(&target.issuer, Instant::now()) != Due::Now {
            continue;
        }
        store.begin(&target.issuer);
        let began = Instant::now();
        let outcome = tokio::select! {
            () = stop.cancelled() => return,
            outcome = key_set(&target, fetch.as_ref()) => outcome,
        };
        observer.fetched(&target.issuer, outcome.as_ref(), began.elapsed());
        let outcome = outcome.map_err(|error| error.to_string());
        store.end(&target.issuer, outcome, rand::random::<f64>(), Instant::now());
    }
}

/// Fetches the keys of one issuer, once.
async fn key_set(target: &Target, fetch: &dyn Fetch) -> Result<KeySet, FetchError> {
    let (place, text) = match &target.source {
        KeySource::Discovery { documents, allow_http } => {
            let url = discover(target, documents, *allow_http, fetch).await?;
            (url.to_string(), fetch.fetch(&url).await?)
        }
        KeySource::JwksUri { url, allow_http } => {
            address::check_configured(url, *allow_http)?;
            (url.to_string(), fetch.fetch(url).await?)
        }
        KeySource::JwksFile(path) => (path.display().to_string(), read_file(path).await?),
        KeySource::Secret(secret) => return Ok(KeySet::from_secret(secret, &target.algorithms)),
    };
    KeySet::parse(&text, &target.algorithms).map_err(|reason| FetchError::KeySet { place, reason })
}

/// The `jwks_uri` of the first metadata document that is there. If none is, the first one's error is the one that helps.
async fn discover(target: &Target, documents: &[Url], allow_http: bool, fetch: &dyn Fetch) -> Result<Url, FetchError> {
    let mut first_error = None;
    for document in documents {
        address::check_configured(document, allow_http)?;
        match fetch.fetch(document).await {
            Ok(text) => return Ok(discovery::jwks_uri(&text, document, &target.issuer, &target.written_at)?),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or_else(|| FetchError::KeySet {
        place: target.issuer.to_string(),
        reason: super::key_set::InvalidKeySet::NotAKeySet,
    }))
}

async fn read_file(path: &Path) -> Result<Vec<u8>, FetchError> {
    let failed = |cause| FetchError::File { path: path.display().to_string(), cause };
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut text = Vec::new();
    // One byte more than allowed tells a file at the limit from one beyond it.
    let most = limits::KEY_DOCUMENT_BYTES;
    file.take(most as u64 + 1).read_to_end(&mut text).await.map_err(failed)?;
    if text.len() > most {
        return Err(failed(std::io::Error::other(format!("larger than {most} bytes"))));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;

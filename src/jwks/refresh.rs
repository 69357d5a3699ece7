//! The task that keeps one issuer's keys fresh: it does what [`super::issuer_keys`] says, and reports how it went.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::{io::AsyncReadExt, task::JoinSet, time::Instant};
use url::Url;

use super::{
    address::{self, shown},
    discovery::{self, InvalidMetadata},
    fetch::{Fetch, FetchError},
    key_set::KeySet,
    key_store::{Due, KeyStore},
    source::KeySource,
};
use crate::{jwt::algorithm::Algorithm, limits};

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

/// Keeps the keys of one issuer fresh, until it is dropped.
pub async fn run(target: Arc<Target>, store: Arc<KeyStore>, fetch: Arc<dyn Fetch>, observer: Arc<dyn Observer>) {
    let Some(wanted) = store.wanted(&target.issuer) else { return };
    loop {
        match store.due(&target.issuer, Instant::now()) {
            Due::Now => attempt(&target, &store, &fetch, observer.as_ref()).await,
            Due::At(at) => tokio::select! {
                () = tokio::time::sleep_until(at) => {}
                () = wanted.notified() => {}
            },
            Due::Never => return,
        }
    }
}

async fn attempt(target: &Arc<Target>, store: &KeyStore, fetch: &Arc<dyn Fetch>, observer: &dyn Observer) {
    store.begin(&target.issuer);
    let began = Instant::now();
    // In a task of its own: remote documents are parsed there, and a bug in that must stay this issuer's trouble.
    let mut fetching = JoinSet::new();
    let (what, how) = (Arc::clone(target), Arc::clone(fetch));
    fetching.spawn(async move { key_set(&what, how.as_ref()).await });
    let outcome = match tokio::time::timeout(limits::ATTEMPT_TIMEOUT, fetching.join_next()).await {
        Ok(Some(Ok(outcome))) => outcome,
        Ok(Some(Err(_)) | None) => Err(FetchError::Bug),
        Err(_) => Err(FetchError::TimedOut(target.issuer.to_string())),
    };
    observer.fetched(&target.issuer, outcome.as_ref(), began.elapsed());
    let outcome = outcome.map_err(|error| error.to_string());
    store.end(&target.issuer, outcome, rand::random::<f64>(), Instant::now());
}

/// Fetches the keys of one issuer, once.
async fn key_set(target: &Target, fetch: &dyn Fetch) -> Result<KeySet, FetchError> {
    let (place, text) = match &target.source {
        KeySource::Discovery { documents, allow_http } => {
            let url = discover(target, documents, *allow_http, fetch).await?;
            (shown(&url), fetch.fetch(&url).await?)
        }
        KeySource::JwksUri { url, allow_http } => {
            address::check_configured(url, *allow_http)?;
            (shown(url), fetch.fetch(url).await?)
        }
        KeySource::JwksFile(path) => (path.display().to_string(), read_file(path).await?),
        KeySource::Secret(secret) => return Ok(KeySet::from_secret(secret, &target.algorithms)),
    };
    KeySet::parse(&text, &target.algorithms).map_err(|reason| FetchError::KeySet { place, reason })
}

/// The `jwks_uri` of the first document that is metadata. If none is, the first one's error is the one that helps.
async fn discover(target: &Target, documents: &[Url], allow_http: bool, fetch: &dyn Fetch) -> Result<Url, FetchError> {
    let mut first_error = None;
    for document in documents {
        address::check_configured(document, allow_http)?;
        let read = |text: Vec<u8>| discovery::jwks_uri(&text, document, &target.issuer, &target.written_at);
        match fetch.fetch(document).await.and_then(|text| Ok(read(text)?)) {
            Ok(url) => return Ok(url),
            // Somebody else's metadata is an answer: the next place would not mend it.
            Err(FetchError::Metadata(error @ InvalidMetadata::OtherIssuer { .. })) => return Err(error.into()),
            // A page for people, say, where the provider keeps its metadata at the next place.
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or(FetchError::Bug))
}

async fn read_file(path: &Path) -> Result<Vec<u8>, FetchError> {
    let failed = |cause| FetchError::File { path: path.display().to_string(), cause };
    // Opening a pipe would wait for its other end.
    if !tokio::fs::metadata(path).await.map_err(failed)?.is_file() {
        return Err(failed(std::io::Error::other("it is not a regular file")));
    }
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

//! The task that keeps one issuer's keys fresh: it does what [`super::issuer_keys`] says, and reports how it went.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::{io::AsyncReadExt, task::JoinSet, time::Instant};
use url::Url;

use super::{
    address::{self, shown},
    discovery::{self, InvalidMetadata},
    fetch::{Fetch, FetchError},
    key_set::{InvalidKeySet, KeySet},
    key_store::{Due, KeyStore},
    saved::SavedKeys,
    source::KeySource,
};
use crate::{clock::Clock, jwt::algorithm::Algorithm, limits};

/// Whose keys, from where.
#[derive(Clone, Debug)]
pub struct Target {
    /// The issuer.
    pub issuer: Arc<str>,
    /// The algorithms its keys may be used with.
    pub algorithms: Vec<Algorithm>,
    /// Where its keys are.
    pub source: KeySource,
    /// How old its keys may become.
    pub max_stale: Duration,
    /// Where the configuration names it, for people.
    pub written_at: String,
}

/// What a refresher needs of the outside.
#[derive(Clone)]
pub struct Outside {
    /// Gets documents.
    pub fetch: Arc<dyn Fetch>,
    /// Keeps key sets for the next start, if there is a place for them.
    pub saved: Option<SavedKeys>,
    /// Wall time, for what is saved.
    pub clock: Arc<dyn Clock>,
    /// Hears how it went.
    pub observer: Arc<dyn Observer>,
}

impl std::fmt::Debug for Outside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outside(..)")
    }
}

/// Hears how fetches went: logs and metrics.
pub trait Observer: Send + Sync + 'static {
    /// A fetch has ended.
    fn fetched(&self, issuer: &str, outcome: Result<&KeySet, &FetchError>, took: Duration);

    /// Keys of an earlier run, fetched `age` ago, are in use until newer ones come.
    fn restored(&self, issuer: &str, age: Duration);

    /// Keys could not be saved, or saved ones not be read.
    fn not_saved(&self, issuer: &str, error: &FetchError);
}

/// A key set that came, and what goes with it.
struct Arrived {
    set: KeySet,
    lifetime: Option<Duration>,
    /// The document, where it was fetched.
    text: Option<Vec<u8>>,
}

/// Keeps the keys of one issuer fresh, until it is dropped.
pub async fn run(target: Arc<Target>, store: Arc<KeyStore>, outside: Outside) {
    let Some(wanted) = store.wanted(&target.issuer) else { return };
    restore(&target, &store, &outside).await;
    loop {
        match store.due(&target.issuer, Instant::now()) {
            Due::Now => attempt(&target, &store, &outside).await,
            Due::At(at) => tokio::select! {
                () = tokio::time::sleep_until(at) => {}
                () = wanted.notified() => {}
            },
            Due::Never => return,
        }
    }
}

async fn attempt(target: &Arc<Target>, store: &KeyStore, outside: &Outside) {
    store.begin(&target.issuer);
    let began = Instant::now();
    // In a task of its own: remote documents are parsed there, and a bug in that must stay this issuer's trouble.
    let mut fetching = JoinSet::new();
    let (what, how) = (Arc::clone(target), Arc::clone(&outside.fetch));
    fetching.spawn(async move { arrive(&what, how.as_ref()).await });
    let outcome = match tokio::time::timeout(limits::ATTEMPT_TIMEOUT, fetching.join_next()).await {
        Ok(Some(Ok(outcome))) => outcome,
        Ok(Some(Err(_)) | None) => Err(FetchError::Bug),
        Err(_) => Err(FetchError::TimedOut(target.issuer.to_string())),
    };
    let set = outcome.as_ref().map(|arrived| &arrived.set);
    outside.observer.fetched(&target.issuer, set, began.elapsed());
    let (outcome, text) = match outcome {
        Ok(Arrived { set, lifetime, text }) => (Ok((set, lifetime)), text),
        Err(error) => (Err(error.to_string()), None),
    };
    store.end(&target.issuer, outcome, rand::random::<f64>(), Instant::now());
    if let Some(text) = text {
        save(target, text, outside).await;
    }
}

/// What saved keys are known by beside their issuer: where the configuration says they come from.
fn remote(source: &KeySource) -> Option<&Url> {
    match source {
        KeySource::Discovery { documents, .. } => documents.first(),
        KeySource::JwksUri { url, .. } => Some(url),
        KeySource::JwksFile(_) | KeySource::PublicKeyFile(_) | KeySource::Secret(_) => None,
    }
}

/// Puts the keys of an earlier run to use at once: whoever starts while an issuer hangs should not wait for it.
async fn restore(target: &Arc<Target>, store: &KeyStore, outside: &Outside) {
    let (Some(saved), Some(url)) = (outside.saved.clone(), remote(&target.source)) else { return };
    let (what, source, now) = (Arc::clone(target), url.to_string(), outside.clock.now());
    let loading = tokio::task::spawn_blocking(move || {
        let Some(found) = saved.load(&what.issuer, &source, what.max_stale, now)? else { return Ok(None) };
        let set = KeySet::parse(&found.text, &what.algorithms);
        let set = set.map_err(|reason| FetchError::KeySet { place: "the saved key set".to_owned(), reason })?;
        Ok(Some((set, found.age)))
    });
    match loading.await.unwrap_or(Err(FetchError::Bug)) {
        Ok(None) => {}
        Ok(Some((set, age))) => {
            store.restore(&target.issuer, set, age, Instant::now());
            outside.observer.restored(&target.issuer, age);
        }
        Err(error) => outside.observer.not_saved(&target.issuer, &error),
    }
}

async fn save(target: &Arc<Target>, text: Vec<u8>, outside: &Outside) {
    let (Some(saved), Some(url)) = (outside.saved.clone(), remote(&target.source)) else { return };
    let (issuer, source, now) = (Arc::clone(&target.issuer), url.to_string(), outside.clock.now());
    let saving = tokio::task::spawn_blocking(move || saved.save(&issuer, &source, &text, now));
    if let Err(error) = saving.await.unwrap_or(Err(FetchError::Bug)) {
        outside.observer.not_saved(&target.issuer, &error);
    }
}

/// Fetches the keys of one issuer, once.
async fn arrive(target: &Target, fetch: &dyn Fetch) -> Result<Arrived, FetchError> {
    let (place, fetched) = match &target.source {
        KeySource::Discovery { documents, allow_http } => {
            let url = discover(target, documents, *allow_http, fetch).await?;
            (shown(&url), fetch.fetch(&url).await?)
        }
        KeySource::JwksUri { url, allow_http } => {
            address::check_configured(url, *allow_http)?;
            (shown(url), fetch.fetch(url).await?)
        }
        KeySource::JwksFile(path) => return local(path, |text| KeySet::parse(text, &target.algorithms)).await,
        KeySource::PublicKeyFile(path) => {
            return local(path, |text| KeySet::from_public_key(text, &target.algorithms)).await;
        }
        KeySource::Secret(secret) => {
            let set = KeySet::from_secret(secret, &target.algorithms);
            return Ok(Arrived { set, lifetime: None, text: None });
        }
    };
    let set = KeySet::parse(&fetched.body, &target.algorithms);
    let set = set.map_err(|reason| FetchError::KeySet { place, reason })?;
    Ok(Arrived { set, lifetime: fetched.lifetime, text: Some(fetched.body) })
}

async fn local(path: &Path, parse: impl FnOnce(&[u8]) -> Result<KeySet, InvalidKeySet>) -> Result<Arrived, FetchError> {
    let text = read_file(path).await?;
    let place = path.display().to_string();
    let set = parse(&text).map_err(|reason| FetchError::KeySet { place, reason })?;
    Ok(Arrived { set, lifetime: None, text: None })
}

/// The `jwks_uri` of the first document that is metadata. If none is, the first one's error is the one that helps.
async fn discover(target: &Target, documents: &[Url], allow_http: bool, fetch: &dyn Fetch) -> Result<Url, FetchError> {
    let mut first_error = None;
    for document in documents {
        address::check_configured(document, allow_http)?;
        let read = |text: &[u8]| discovery::jwks_uri(text, document, &target.issuer, &target.written_at);
        match fetch.fetch(document).await.and_then(|fetched| Ok(read(&fetched.body)?)) {
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

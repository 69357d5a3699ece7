//! One attempt to get an issuer's keys, from wherever its source says.

use std::{path::Path, time::Duration};

use tokio::time::Instant;
use url::Url;

use super::{
    blocking_io::{Disk, read_file},
    target::Target,
};
use crate::{
    keystore::{
        clock_skew::DatedAnswer,
        discovery::{self, InvalidMetadata, MetadataDocument},
        fetch::{Fetch, FetchError, Fetched},
        source::KeySource,
        url_guard::{self, Loopback, shown},
    },
    limits,
};
use portcullis_engine::keys::{
    document::without_bom,
    key_ref::Fingerprint,
    key_set::{InvalidKeySet, KeySet},
};

/// A key set that came, and what goes with it.
pub(super) struct Obtained {
    pub(super) set: KeySet,
    pub(super) lifetime: Option<Duration>,
    /// The document, where it was fetched.
    pub(super) text: Option<Vec<u8>>,
    /// The time that the server gave the document, where it was fetched.
    pub(super) dated: Option<DatedAnswer>,
}

impl Obtained {
    /// A set that was not fetched.
    const fn local(set: KeySet) -> Self {
        Self { set, lifetime: None, text: None, dated: None }
    }
}

/// Gets the keys of one issuer, once.
pub(super) async fn obtain(
    target: &Target,
    fetch: Option<&dyn Fetch>,
    disk: &Disk,
    metadata: &mut Metadata,
    wish: Wish,
) -> Result<Obtained, FetchError> {
    let algorithms = target.algorithms.clone();
    match &target.source {
        KeySource::Discovery { documents, allow_http } => {
            let fetch = fetch.ok_or(FetchError::Bug)?;
            let source = Discovery { target, documents, allow_http: *allow_http, fetch };
            source.obtain(metadata, wish).await
        }
        KeySource::JwksUri { url, allow_http } => {
            url_guard::check_configured(url, *allow_http)?;
            key_set(target, url, Loopback::Allowed, fetch.ok_or(FetchError::Bug)?).await
        }
        KeySource::JwksFile(path) => local(path, disk, move |text| KeySet::parse(text, &algorithms)).await,
        KeySource::PublicKeyFile(path) => {
            local(path, disk, move |text| KeySet::from_public_key(text, &algorithms)).await
        }
        KeySource::Secret(secret) => {
            let set = KeySet::from_secret(secret, &algorithms);
            Ok(Obtained::local(set))
        }
    }
}

/// The key set at a URL.
async fn key_set(target: &Target, url: &Url, loopback: Loopback, fetch: &dyn Fetch) -> Result<Obtained, FetchError> {
    const REMEDY: &str = "; if that is right, write it as `jwks_uri`";
    let fetched = document(url, loopback, fetch).await.map_err(|error| with_remedy(error, REMEDY))?;
    let set = KeySet::parse(&fetched.body, &target.algorithms);
    let set = set.map_err(|reason| FetchError::KeySet { place: shown(url), reason })?;
    Ok(Obtained {
        set,
        lifetime: fetched.lifetime,
        text: Some(without_bom(&fetched.body).to_vec()),
        dated: fetched.dated,
    })
}

/// The document at a URL. A fetch has its own bound; this one holds for each way to fetch.
async fn document(url: &Url, loopback: Loopback, fetch: &dyn Fetch) -> Result<Fetched, FetchError> {
    let fetching = tokio::time::timeout(limits::FETCH_TIMEOUT, fetch.fetch(url, loopback));
    fetching.await.unwrap_or_else(|_| Err(FetchError::Slow(url.clone())))
}

/// Says what helps against a redirect. A target with a query is more often a page to log in than the document.
fn with_remedy(error: FetchError, remedy: &'static str) -> FetchError {
    match error {
        FetchError::Redirect { url, status, to, remedy: None } if to.query().is_none() => {
            FetchError::Redirect { url, status, to, remedy: Some(remedy) }
        }
        other => other,
    }
}

async fn local(
    path: &Path,
    disk: &Disk,
    parse: impl FnOnce(&[u8]) -> Result<KeySet, InvalidKeySet> + Send + 'static,
) -> Result<Obtained, FetchError> {
    let file = path.to_owned();
    let reading = disk.run(path, move || {
        let place = file.display().to_string();
        parse(&read_file(&file)?).map_err(|reason| FetchError::KeySet { place, reason })
    });
    Ok(Obtained::local(reading.await?))
}

/// The facts that an issuer's metadata told, kept because it is not read with each refresh.
#[derive(Clone, Debug, Default)]
pub(super) struct Metadata {
    keys: Option<KeysPlace>,
    /// The moment of the last reading, whether it succeeded or not.
    read_at: Option<Instant>,
    /// The document to begin with: the one that named the key set, or the one after that which gave no answer.
    first: usize,
}

/// The place of an issuer's keys, as its metadata names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KeysPlace {
    url: Url,
    /// Says whether its name may lead to this machine.
    loopback: Loopback,
}

/// The reason for an attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// True if a token asked for a key.
    pub(super) is_asked_for: bool,
    /// The keys that are here already.
    pub(super) held: Option<Fingerprint>,
}

impl Metadata {
    /// Returns the place of the keys, unless it was read too long ago.
    fn place(&self) -> Option<KeysPlace> {
        self.keys.clone().filter(|_| !self.is_older_than(limits::METADATA_REFRESH_AFTER))
    }

    fn is_older_than(&self, age: Duration) -> bool {
        self.read_at.is_none_or(|at| at.elapsed() >= age)
    }
}

/// Keys that the issuer's metadata leads to.
struct Discovery<'a> {
    target: &'a Target,
    documents: &'a [Url],
    allow_http: bool,
    fetch: &'a dyn Fetch,
}

impl Discovery<'_> {
    /// The keys at the known place. Where there are none, or not those that a token asks for, the metadata says whether the
    /// issuer has moved them.
    async fn obtain(&self, metadata: &mut Metadata, wish: Wish) -> Result<Obtained, FetchError> {
        let Some(known) = metadata.place() else {
            let place = self.read(metadata).await?;
            return self.keys(&place).await;
        };
        let there = self.keys(&known).await;
        match &there {
            Ok(obtained) if wish.is_asked_for && wish.held == Some(obtained.set.fingerprint()) => {
                if metadata.is_older_than(limits::METADATA_RECHECK_AFTER)
                    && let Some(moved) = self.recheck(metadata).await?.filter(|place| *place != known)
                {
                    return self.keys(&moved).await;
                }
            }
            Ok(_) => {}
            Err(error) if error.is_without_answer() => {
                // One stall is enough for one attempt: it is reported now, and the next attempt begins with the metadata.
                metadata.keys = None;
            }
            Err(_) => {
                let place = self.read(metadata).await?;
                if place != known {
                    return self.keys(&place).await;
                }
            }
        }
        there
    }

    async fn keys(&self, place: &KeysPlace) -> Result<Obtained, FetchError> {
        key_set(self.target, &place.url, place.loopback, self.fetch).await
    }

    /// Reads the metadata, if that is done soon: tokens are waiting, and the keys are here.
    async fn recheck(&self, metadata: &mut Metadata) -> Result<Option<KeysPlace>, FetchError> {
        match tokio::time::timeout(limits::FETCH_SLOW, self.read(metadata)).await {
            Ok(Err(error)) if is_refusal(&error) => Err(error),
            Ok(read) => Ok(read.ok()),
            Err(_) => Ok(None),
        }
    }

    /// Reads the metadata. Keys stay where they were if it can't be read, but not if it says something that may not be
    /// followed.
    async fn read(&self, metadata: &mut Metadata) -> Result<KeysPlace, FetchError> {
        let read = self.read_documents(metadata).await;
        match &read {
            Ok(place) => metadata.keys = Some(place.clone()),
            Err(error) if is_refusal(error) => metadata.keys = None,
            Err(_) => {}
        }
        read
    }

    /// The `jwks_uri` of the first document that is metadata. If none is, the error that helps is that of the first place
    /// where there was something; both are told. One that gives no answer ends the attempt, and the next one begins with the
    /// other.
    async fn read_documents(&self, metadata: &mut Metadata) -> Result<KeysPlace, FetchError> {
        metadata.read_at = Some(Instant::now());
        let mut trouble: Option<FetchError> = None;
        let (begun_with, count) = (metadata.first, self.documents.len());
        let places = self.documents.iter().enumerate().cycle().skip(begun_with).take(count);
        for (index, place) in places {
            url_guard::check_configured(place, self.allow_http)?;
            match self.read_document(place).await {
                Ok(place) => {
                    metadata.first = index;
                    return Ok(place);
                }
                // Metadata of another issuer is an answer: the next place would not mend it.
                Err(FetchError::Metadata(error @ InvalidMetadata::OtherIssuer { .. })) => {
                    return Err(both(trouble, error.into(), |_| false));
                }
                Err(error) if error.is_without_answer() => {
                    metadata.first = index.saturating_add(1).checked_rem(count).unwrap_or(0);
                    return Err(both(trouble, error, |first| !is_nothing(first)));
                }
                Err(error) => {
                    let is_better = is_nothing(&error);
                    trouble = Some(both(trouble, error, |first| !is_nothing(first) || is_better));
                }
            }
        }
        Err(trouble.unwrap_or(FetchError::Bug))
    }

    async fn read_document(&self, url: &Url) -> Result<KeysPlace, FetchError> {
        let Target { issuer, written_at, .. } = self.target;
        let fetched = document(url, Loopback::Allowed, self.fetch).await.map_err(|error| match error {
            // Any other path is taken for an issuer's, to which the path of its metadata is added.
            FetchError::Redirect { ref to, .. } if to.path().contains("/.well-known/") => {
                with_remedy(error, "; if that is right, write it as `discovery_url`")
            }
            other => other,
        })?;
        let is_local = fetched.is_local || url_guard::is_loopback(url);
        let loopback = if is_local { Loopback::Allowed } else { Loopback::Refused };
        let document = MetadataDocument { text: &fetched.body, url, loopback, allow_http: self.allow_http };
        let url = discovery::jwks_uri(document, issuer, written_at)?;
        Ok(KeysPlace { url, loopback })
    }
}

/// The errors of both places. The first one leads if it is the one that helps.
fn both(first: Option<FetchError>, second: FetchError, leads: impl FnOnce(&FetchError) -> bool) -> FetchError {
    let Some(first) = first else { return second };
    let (helpful, other) = if leads(&first) { (first, second) } else { (second, first) };
    FetchError::NoMetadata { helpful: helpful.into(), other: other.into() }
}

/// Says whether the metadata was read, and names another issuer or keys that may not be fetched.
fn is_refusal(error: &FetchError) -> bool {
    use InvalidMetadata::{ForbiddenJwksUri, OtherIssuer};
    matches!(error.most_helpful(), FetchError::Metadata(OtherIssuer { .. } | ForbiddenJwksUri { .. }))
}

/// Whether there is nothing at a place, or a page for people, because the provider keeps its metadata elsewhere.
fn is_nothing(error: &FetchError) -> bool {
    matches!(error, FetchError::Status { status: 404, .. } | FetchError::Metadata(InvalidMetadata::NotAnObject { .. }))
}

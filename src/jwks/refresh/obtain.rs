//! One attempt to get an issuer's keys, from wherever its source says.

use std::{path::Path, time::Duration};

use url::Url;

use super::{
    Target,
    disk::{Disk, read_file},
};
use crate::jwks::{
    address::{self, shown},
    discovery::{self, InvalidMetadata},
    fetch::{Fetch, FetchError},
    key_set::{InvalidKeySet, KeySet},
    source::KeySource,
};

/// A key set that came, and what goes with it.
pub(super) struct Obtained {
    pub(super) set: KeySet,
    pub(super) lifetime: Option<Duration>,
    /// The document, where it was fetched.
    pub(super) text: Option<Vec<u8>>,
}

/// Gets the keys of one issuer, once.
pub(super) async fn obtain(target: &Target, fetch: Option<&dyn Fetch>, disk: &Disk) -> Result<Obtained, FetchError> {
    let algorithms = target.algorithms.clone();
    let (place, fetched) = match &target.source {
        KeySource::Discovery { documents, allow_http } => {
            let fetch = fetch.ok_or(FetchError::Bug)?;
            let url = discover(target, documents, *allow_http, fetch).await?;
            (shown(&url), fetch.fetch(&url).await?)
        }
        KeySource::JwksUri { url, allow_http } => {
            address::check_configured(url, *allow_http)?;
            (shown(url), fetch.ok_or(FetchError::Bug)?.fetch(url).await?)
        }
        KeySource::JwksFile(path) => {
            return local(path, disk, move |text| KeySet::parse(text, &algorithms)).await;
        }
        KeySource::PublicKeyFile(path) => {
            return local(path, disk, move |text| KeySet::from_public_key(text, &algorithms)).await;
        }
        KeySource::Secret(secret) => {
            let set = KeySet::from_secret(secret, &algorithms);
            return Ok(Obtained { set, lifetime: None, text: None });
        }
    };
    let set = KeySet::parse(&fetched.body, &algorithms);
    let set = set.map_err(|reason| FetchError::KeySet { place, reason })?;
    Ok(Obtained { set, lifetime: fetched.lifetime, text: Some(fetched.body) })
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
    Ok(Obtained { set: reading.await?, lifetime: None, text: None })
}

/// The `jwks_uri` of the first document that is metadata. If none is, the error that helps is that of the first place
/// where there was something.
async fn discover(target: &Target, documents: &[Url], allow_http: bool, fetch: &dyn Fetch) -> Result<Url, FetchError> {
    let mut trouble: Option<FetchError> = None;
    for document in documents {
        address::check_configured(document, allow_http)?;
        let read = |text: &[u8]| discovery::jwks_uri(text, document, &target.issuer, &target.written_at);
        match fetch.fetch(document).await.and_then(|fetched| Ok(read(&fetched.body)?)) {
            Ok(url) => return Ok(url),
            // Somebody else's metadata is an answer: the next place would not mend it.
            Err(FetchError::Metadata(error @ InvalidMetadata::OtherIssuer { .. })) => return Err(error.into()),
            Err(error) => {
                if trouble.as_ref().is_none_or(|first| is_nothing(first) && !is_nothing(&error)) {
                    trouble = Some(error);
                }
            }
        }
    }
    Err(trouble.unwrap_or(FetchError::Bug))
}

/// Whether there is nothing at a place, or a page for people, because the provider keeps its metadata elsewhere.
fn is_nothing(error: &FetchError) -> bool {
    matches!(error, FetchError::Status { status: 404, .. } | FetchError::Metadata(InvalidMetadata::NotAnObject(_)))
}

//! Fetching documents: bounded in time and bytes, without redirects, only from addresses that may be called.
//!
//! The only home of reqwest in the service.

use std::{future::Future, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use reqwest::{
    Client, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use url::Url;

use super::{
    address::{self, ForbiddenUrl, shown},
    discovery::InvalidMetadata,
    key_set::InvalidKeySet,
};
use crate::limits;

/// Why keys could not be had. For operators: the text may name URLs and what a server answered, never a body.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The URL may not be fetched.
    #[error(transparent)]
    Forbidden(#[from] ForbiddenUrl),
    /// No connection, no answer in time, or a broken one.
    #[error("`{}` can't be reached: {cause}", shown(url))]
    Unreachable {
        /// What was asked.
        url: Url,
        /// What went wrong, the innermost cause.
        cause: String,
    },
    /// An answer, but not 200. Redirects are not followed.
    #[error("`{}` answered {status}, not 200", shown(url))]
    Status {
        /// What was asked.
        url: Url,
        /// The status.
        status: u16,
    },
    /// Neither an answer nor an error in [`limits::ATTEMPT_TIMEOUT`].
    #[error("the keys of `{0}` did not come within {max} s", max = limits::ATTEMPT_TIMEOUT.as_secs())]
    TimedOut(String),
    /// A bug of ours in reading what came.
    #[error("reading the keys failed: a bug, please report it")]
    Bug,
    /// More bytes than [`limits::KEY_DOCUMENT_BYTES`].
    #[error("`{}` sent more than {max} bytes", shown(.0), max = limits::KEY_DOCUMENT_BYTES)]
    TooLarge(Url),
    /// The file can't be read.
    #[error("`{path}` can't be read: {cause}")]
    File {
        /// Which file.
        path: String,
        /// Why.
        cause: std::io::Error,
    },
    /// Metadata without a key set that may be used.
    #[error(transparent)]
    Metadata(#[from] InvalidMetadata),
    /// Not a key set.
    #[error("`{place}`: {reason}")]
    KeySet {
        /// Where it came from.
        place: String,
        /// What is wrong with it.
        reason: InvalidKeySet,
    },
}

/// What a fetch resolves to.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, FetchError>> + Send + 'a>>;

/// One way to get the bytes at a URL. Tests that need a fault no server makes on order have their own.
pub trait Fetch: Send + Sync + 'static {
    /// The bytes at that URL.
    fn fetch<'a>(&'a self, url: &'a Url) -> Fetching<'a>;
}

/// Fetches over HTTP.
#[derive(Debug)]
pub struct HttpFetch {
    client: Client,
}

impl HttpFetch {
    /// A fetcher with the system's certificate store.
    ///
    /// # Errors
    /// The TLS library can't start, for want of any trusted certificate for example.
    pub fn new() -> Result<Self, reqwest::Error> {
        Self::with_timeout(limits::FETCH_TIMEOUT)
    }

    fn with_timeout(timeout: Duration) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(limits::CONNECT_TIMEOUT)
            .timeout(timeout)
            .dns_resolver(Arc::new(GuardedResolver))
            .build()?;
        Ok(Self { client })
    }

    async fn get(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        let unreachable =
            |error: reqwest::Error| FetchError::Unreachable { url: url.clone(), cause: innermost(&error) };
        let request = self.client.get(url.clone()).header("accept", "application/json");
        let mut response = request.send().await.map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status { url: url.clone(), status: response.status().as_u16() });
        }
        let too_large = || FetchError::TooLarge(url.clone());
        let most = limits::KEY_DOCUMENT_BYTES;
        if response.content_length().is_some_and(|length| length > most as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > most {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

impl Fetch for HttpFetch {
    fn fetch<'a>(&'a self, url: &'a Url) -> Fetching<'a> {
        Box::pin(self.get(url))
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// DNS answers without forbidden addresses: the check at connect time, so that a name can't lead where a literal may
/// not. IP literals never come here; [`address`] looks at those in the URL.
#[derive(Debug)]
struct GuardedResolver;

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let refused = found.iter().find_map(|address| address::forbidden(address.ip()));
            match refused {
                // One bad address among good ones is reason enough: rebinding mixes them.
                Some(why) => Err(format!("`{name}` resolves to {why}").into()),
                None => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests;

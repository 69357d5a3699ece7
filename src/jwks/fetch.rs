//! Fetching documents: bounded in time and bytes, without redirects, only from addresses that may be called.
//!
//! The only home of reqwest in the service.

use std::{
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use headers::{CacheControl, Date, HeaderMapExt as _};
use reqwest::{
    Certificate, Client, ClientBuilder, NoProxy, Proxy, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{AGE, HeaderMap},
    redirect::Policy,
};
use tokio::time::Instant;
use url::Url;

use super::{
    address::{self, ForbiddenUrl, shown},
    clock_skew::DatedAnswer,
    discovery::InvalidMetadata,
    key_set::InvalidKeySet,
    source::Transport,
};
use crate::{clock::UnixTime, limits};

/// Why keys could not be had. For operators: the text may name URLs and what a server answered, never a body.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The URL may not be fetched.
    #[error(transparent)]
    Forbidden(#[from] ForbiddenUrl),
    /// No connection, or a broken answer.
    #[error("`{}` can't be reached: {cause}", shown(url))]
    Unreachable {
        /// What was asked.
        url: Url,
        /// What went wrong, the innermost cause.
        cause: String,
    },
    /// No whole answer in time.
    #[error("`{}` gave no whole answer within {max} s", shown(.0), max = limits::FETCH_TIMEOUT.as_secs())]
    Slow(Url),
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
    /// The file can't be read or written.
    #[error("`{path}` can't be used: {cause}")]
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

impl FetchError {
    /// Says whether the server gave no answer at all, or no whole one in time, so that asking it for something else would
    /// probably take as long.
    #[must_use]
    pub const fn is_without_answer(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Slow(_) | Self::TimedOut(_))
    }

    /// The kinds of trouble that there are.
    pub const KINDS: [&'static str; 10] = [
        "forbidden_url",
        "unreachable",
        "timeout",
        "status",
        "too_large",
        "other_issuer",
        "metadata",
        "key_set",
        "file",
        "bug",
    ];

    /// Returns the kind of trouble, for a metric's label: one of [`Self::KINDS`].
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Forbidden(_) | Self::Metadata(InvalidMetadata::ForbiddenJwksUri { .. }) => "forbidden_url",
            Self::Unreachable { .. } => "unreachable",
            Self::Slow(_) | Self::TimedOut(_) => "timeout",
            Self::Status { .. } => "status",
            Self::TooLarge(_) => "too_large",
            Self::Metadata(InvalidMetadata::OtherIssuer { .. }) => "other_issuer",
            Self::Metadata(InvalidMetadata::NotAnObject(_) | InvalidMetadata::NoJwksUri(_)) => "metadata",
            Self::KeySet { .. } => "key_set",
            Self::File { .. } => "file",
            Self::Bug => "bug",
        }
    }
}

/// A document that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its bytes.
    pub body: Vec<u8>,
    /// For how long it says it stays true, if it says so (RFC 9111 section 4.2.1). A wish: bounded where it is used.
    pub lifetime: Option<Duration>,
    /// The time that the server gave it, if it did.
    pub dated: Option<DatedAnswer>,
}

/// What a fetch resolves to.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>>;

/// One way to get the document at a URL. Tests that need a fault no server makes on order have their own.
pub trait Fetch: Send + Sync + 'static {
    /// The document at that URL.
    fn fetch<'a>(&'a self, url: &'a Url) -> Fetching<'a>;
}

/// Makes a fetcher for each issuer.
pub trait Fetchers: Send + Sync + 'static {
    /// A fetcher of its own for an issuer that is reached in that way.
    ///
    /// # Errors
    /// It can't be made of that: a certificate that is none, for example.
    fn fetcher(&self, transport: &Transport) -> Result<Arc<dyn Fetch>, InvalidTransport>;
}

/// No fetcher can be made.
#[derive(Debug, thiserror::Error)]
#[error("keys can't be fetched in the configured way: {0}")]
pub struct InvalidTransport(String);

/// Makes fetchers over HTTP.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpFetchers;

impl Fetchers for HttpFetchers {
    fn fetcher(&self, transport: &Transport) -> Result<Arc<dyn Fetch>, InvalidTransport> {
        let fetch = HttpFetch::new(transport).map_err(|error| InvalidTransport(innermost(&error)))?;
        Ok(Arc::new(fetch))
    }
}

/// Fetches over HTTP.
#[derive(Debug)]
pub struct HttpFetch {
    client: Client,
}

impl HttpFetch {
    /// A fetcher that trusts the system's certificates, or those of `transport` in their place.
    ///
    /// # Errors
    /// The TLS library can't start, for want of any trusted certificate for example.
    pub fn new(transport: &Transport) -> Result<Self, reqwest::Error> {
        Self::with(transport, limits::FETCH_TIMEOUT, Arc::new(GuardedResolver))
    }

    fn with(transport: &Transport, timeout: Duration, resolver: Arc<dyn Resolve>) -> Result<Self, reqwest::Error> {
        let builder = Client::builder()
            .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(limits::CONNECT_TIMEOUT)
            .timeout(timeout)
            // Minutes lie between two fetches: no connection is kept that long.
            .pool_max_idle_per_host(0)
            .dns_resolver(resolver);
        Ok(Self { client: reached_by(builder, transport)?.build()? })
    }

    async fn get(&self, url: &Url) -> Result<Fetched, FetchError> {
        let unreachable = |error: reqwest::Error| {
            let cause = match (error.is_timeout(), error.is_connect()) {
                (true, false) => return FetchError::Slow(url.clone()),
                (true, true) => format!("no connection within {} s", limits::CONNECT_TIMEOUT.as_secs()),
                (false, _) => innermost(&error),
            };
            FetchError::Unreachable { url: url.clone(), cause }
        };
        let request = self.client.get(url.clone()).header("accept", "application/json");
        let asked = Instant::now();
        let mut response = request.send().await.map_err(unreachable)?;
        let dated = dated(response.headers(), asked, Instant::now());
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status { url: url.clone(), status: response.status().as_u16() });
        }
        let lifetime = lifetime(response.headers());
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
        Ok(Fetched { body, lifetime, dated })
    }
}

fn reached_by(mut builder: ClientBuilder, transport: &Transport) -> Result<ClientBuilder, reqwest::Error> {
    if let Some(ca) = &transport.ca {
        // In place of the system's, not beside them: whoever names an authority means that one.
        builder = builder.tls_certs_only(Certificate::from_pem_bundle(ca)?);
    }
    if let Some(proxy) = &transport.proxy {
        // Loopback is this machine, not the proxy's: plain http is allowed there because nobody is on the way.
        let loopback = NoProxy::from_string("localhost,127.0.0.0/8,::1");
        builder = builder.proxy(Proxy::all(proxy.clone())?.no_proxy(loopback));
    }
    Ok(builder)
}

/// For how long an answer says that it stays true: its `max-age` less the time that it has been under way.
fn lifetime(headers: &HeaderMap) -> Option<Duration> {
    let control = headers.typed_get::<CacheControl>()?;
    if control.no_store() || control.no_cache() {
        return Some(Duration::ZERO);
    }
    control.max_age().map(|most| most.saturating_sub(age(headers)))
}

/// For how long a cache has kept an answer; zero if none has (RFC 9111 section 5.1).
fn age(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(AGE).and_then(|age| age.to_str().ok()?.trim().parse().ok());
    seconds.map_or(Duration::ZERO, Duration::from_secs)
}

/// The time that the server gave an answer. A `Date` that is none is as if it were not there.
fn dated(headers: &HeaderMap, asked: Instant, answered: Instant) -> Option<DatedAnswer> {
    let since = SystemTime::from(headers.typed_get::<Date>()?).duration_since(UNIX_EPOCH).ok()?;
    let date = UnixTime::from_secs(0).plus(since);
    Some(DatedAnswer { date, age: age(headers), asked, answered })
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

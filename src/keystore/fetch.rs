//! Fetching documents: bounded in time and bytes, without redirects, only from addresses that may be called.
//!
//! The only home of reqwest in the service.

mod error;
mod names;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use headers::{CacheControl, Date, HeaderMapExt as _};
use reqwest::{
    Certificate, Client, ClientBuilder, NoProxy, Proxy, Response, StatusCode,
    dns::Resolve,
    header::{AGE, CONTENT_ENCODING, HeaderMap, LOCATION},
    redirect::Policy,
};
use tokio::time::Instant;
use url::Url;

use super::{
    clock_skew::DatedAnswer,
    source::Transport,
    url_guard::{self, Loopback},
};
use crate::{build_info, limits};
pub use error::FetchError;
use names::{GuardedResolver, SystemResolver, forbidden_by_resolver};
use portcullis_engine::time::UnixTime;

/// A document that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its bytes.
    pub body: Vec<u8>,
    /// For how long it says it stays true, if it says so (RFC 9111 section 4.2.1). A wish: bounded where it is used.
    pub lifetime: Option<Duration>,
    /// The time that the server gave it, if it did.
    pub dated: Option<DatedAnswer>,
    /// Says whether the server is this machine.
    pub is_local: bool,
}

/// What a fetch resolves to.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>>;

/// One way to get the document at a URL. Tests that need a fault no server makes on order have their own.
pub trait Fetch: Send + Sync + 'static {
    /// The document at that URL. `loopback` is whether its name may lead to this machine.
    fn fetch<'a>(&'a self, url: &'a Url, loopback: Loopback) -> Fetching<'a>;
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
pub struct HttpFetch {
    /// For addresses that the operator wrote.
    client: Client,
    /// For those that documents from elsewhere name: no name leads it to this machine. Made when it is first needed.
    elsewhere: OnceLock<Option<Client>>,
    way: Way,
}

impl fmt::Debug for HttpFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFetch").field("transport", &self.way.transport).finish_non_exhaustive()
    }
}

/// The way in which documents are reached.
struct Way {
    transport: Transport,
    timeout: Duration,
    names: Arc<dyn Resolve>,
}

impl Way {
    fn client(&self, loopback: Loopback) -> Result<Client, reqwest::Error> {
        // The operator wrote that name as well, whatever document the name that is asked for comes from.
        let proxy = self.transport.proxy.as_ref().and_then(|proxy| proxy.host_str().map(str::to_owned));
        let names = GuardedResolver { names: Arc::clone(&self.names), loopback, proxy };
        let builder = Client::builder()
            .user_agent(format!("portcullis/{}", build_info::VERSION))
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(limits::CONNECT_TIMEOUT)
            .timeout(self.timeout)
            // Minutes lie between two fetches: no connection is kept that long.
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(names));
        reached_by(builder, &self.transport)?.build()
    }
}

impl HttpFetch {
    /// A fetcher that trusts the system's certificates, or those of `transport` in their place.
    ///
    /// # Errors
    /// The TLS library can't start, for example because there is no trusted certificate.
    pub fn new(transport: &Transport) -> Result<Self, reqwest::Error> {
        Self::with(transport, limits::FETCH_TIMEOUT, Arc::new(SystemResolver))
    }

    fn with(transport: &Transport, timeout: Duration, names: Arc<dyn Resolve>) -> Result<Self, reqwest::Error> {
        let way = Way { transport: transport.clone(), timeout, names };
        Ok(Self { client: way.client(Loopback::Allowed)?, elsewhere: OnceLock::new(), way })
    }

    fn client(&self, loopback: Loopback) -> Option<&Client> {
        match loopback {
            Loopback::Allowed => Some(&self.client),
            Loopback::Refused => self.elsewhere.get_or_init(|| self.way.client(loopback).ok()).as_ref(),
        }
    }

    async fn get(&self, url: &Url, loopback: Loopback) -> Result<Fetched, FetchError> {
        let unreachable = |error: reqwest::Error| {
            if let Some(forbidden) = forbidden_by_resolver(&error) {
                return FetchError::Forbidden(forbidden);
            }
            let cause = match (error.is_timeout(), error.is_connect()) {
                (true, false) => return FetchError::Slow(url.clone()),
                (true, true) => format!("no connection within {} s", limits::CONNECT_TIMEOUT.as_secs()),
                (false, _) => connection_error(&error),
            };
            FetchError::Unreachable { url: url.clone(), cause }
        };
        // It was made of the same parts as the other one, so it can be made.
        let client = self.client(loopback).ok_or(FetchError::Bug)?;
        let request = client.get(url.clone()).header("accept", "application/json");
        let asked = Instant::now();
        let mut response = request.send().await.map_err(unreachable)?;
        let dated = dated(response.headers(), asked, Instant::now());
        if response.status() != StatusCode::OK {
            return Err(refused(url, &response));
        }
        let encoding = encoding(response.headers());
        let is_local = self.way.transport.proxy.is_none()
            && response.remote_addr().is_some_and(|address| address.ip().to_canonical().is_loopback());
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
        // Servers name encodings that they don't apply, `utf-8` among them: a body that begins as JSON does is read.
        if let Some(encoding) = encoding.filter(|_| !begins_as_object(&body)) {
            return Err(FetchError::Encoded { url: url.clone(), encoding });
        }
        Ok(Fetched { body, lifetime, dated, is_local })
    }
}

/// The error of an answer that is not 200: with its target, if it is a redirect to an address that could be fetched.
fn refused(url: &Url, response: &Response) -> FetchError {
    let (url, status) = (url.clone(), response.status().as_u16());
    let target = response.headers().get(LOCATION).and_then(|target| url.join(target.to_str().ok()?).ok());
    let is_fit = |to: &Url| url_guard::check_configured(to, true).is_ok();
    match target.filter(is_fit) {
        Some(to) if response.status().is_redirection() => {
            FetchError::Redirect { url, status, to: to.into(), remedy: None }
        }
        _ => FetchError::Status { url, status },
    }
}

/// Tells whether a document begins as a JSON object does, perhaps behind a byte order mark.
fn begins_as_object(body: &[u8]) -> bool {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start().starts_with(b"{")
}

/// The encoding of a body that is none of the plain ones, as far as it can be shown. None was asked for, and none is decoded:
/// the limit on bytes would not be one on the document.
fn encoding(headers: &HeaderMap) -> Option<String> {
    let named = headers.get_all(CONTENT_ENCODING).iter();
    let named: Vec<_> = named.map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase()).collect();
    let named = named.join(", ");
    let mut codings = named.split(',').map(str::trim);
    if codings.all(|coding| ["", "identity"].contains(&coding)) {
        return None;
    }
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || "-_.*, ".contains(*c);
    Some(named.chars().filter(is_plain).take(limits::CONTENT_ENCODING_CHARS).collect())
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
    fn fetch<'a>(&'a self, url: &'a Url, loopback: Loopback) -> Fetching<'a> {
        Box::pin(self.get(url, loopback))
    }
}

/// Describes why a connection failed. What the TLS library says of a server that speaks no TLS is no help.
fn connection_error(error: &reqwest::Error) -> String {
    let cause = innermost(error);
    if cause.contains("InvalidContentType") {
        "what answers there speaks no TLS: is it plain http, or is the port another one?".to_owned()
    } else {
        cause
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;

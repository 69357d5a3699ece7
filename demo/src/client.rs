//! The demo's HTTP client: it shows answers as they are, so it follows no redirect and uses no proxy.

use reqwest::{Method, redirect::Policy};
use url::form_urlencoded;

use super::error::DemoError;
use crate::limits;

/// A client for requests to the demo's own stack.
#[derive(Clone, Debug)]
pub(super) struct Client {
    inner: reqwest::Client,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) status: u16,
    /// In the order they came, repeated ones repeated.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Fetched {
    /// Every value of a header, by its name in lower case.
    pub(super) fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str()).collect()
    }
}

impl Client {
    pub(super) fn new() -> Result<Self, DemoError> {
        let builder = reqwest::Client::builder().no_proxy().redirect(Policy::none()).timeout(limits::REQUEST);
        let inner = builder.build().map_err(|error| failed("the HTTP client", &error))?;
        Ok(Self { inner })
    }

    /// GET with these headers.
    ///
    /// # Errors
    /// When there is no whole answer in time.
    pub(super) async fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Fetched, DemoError> {
        let mut request = self.inner.request(Method::GET, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        fetch(url, request).await
    }

    /// POST of a form.
    ///
    /// # Errors
    /// When there is no whole answer in time.
    pub(super) async fn post_form(&self, url: &str, form: &[(&str, &str)]) -> Result<Fetched, DemoError> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.inner.request(Method::POST, url);
        fetch(url, request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }
}

async fn fetch(url: &str, request: reqwest::RequestBuilder) -> Result<Fetched, DemoError> {
    let mut response = request.send().await.map_err(|error| failed(url, &error))?;
    let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(url, &error))? {
        if body.len().saturating_add(chunk.len()) > limits::ANSWER_BYTES {
            return Err(DemoError::Http { url: url.to_owned(), reason: "the answer is too long".to_owned() });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Fetched { status, headers, body })
}

/// reqwest's own text says little; the cause below it says `connection refused`.
fn failed(url: &str, error: &reqwest::Error) -> DemoError {
    let mut reason = if error.is_timeout() { "it took too long".to_owned() } else { String::new() };
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        reason = cause.to_string();
        source = cause.source();
    }
    if reason.is_empty() {
        reason = error.to_string();
    }
    DemoError::Http { url: url.to_owned(), reason }
}

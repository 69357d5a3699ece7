//! The two documents of the demo issuer, metadata and key set, and how they are sent: well, or with its fault.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_stream::{Stream, StreamExt};

use super::{alg::Alg, fault::Fault, issuer_state::Shared};
use crate::limits;

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Document {
    /// OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2.
    Metadata,
    /// RFC 7517 section 5.
    KeySet,
}

/// Where a redirect leads: the same place with this query, which answers well.
const REDIRECTED: &str = "redirected";
const JSON: &str = "application/json";
const PAGE: &str = "<!doctype html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>";
/// White space: as far as anybody can tell, a JSON document follows.
const CHUNK: &[u8] = &[b' '; 64 * 1024];

/// The answer to a request for a document.
pub(super) async fn answer(document: Document, shared: &Shared, uri: &Uri) -> Response {
    let fault = *shared.fault.borrow();
    match fault {
        Some(Fault::Stall) => {
            wait_until_other_than(Fault::Stall, &shared.fault).await;
            typed(JSON, text(document, shared, None).into())
        }
        Some(Fault::HalfBody) => half(text(document, shared, fault)),
        Some(Fault::Endless) => typed(JSON, endless(shared.fault.subscribe())),
        Some(Fault::Html) => typed("text/html; charset=utf-8", PAGE.into()),
        Some(Fault::Error500) => (StatusCode::INTERNAL_SERVER_ERROR, "internal server error").into_response(),
        Some(Fault::Redirect) if uri.query() != Some(REDIRECTED) => {
            (StatusCode::FOUND, [(header::LOCATION, format!("{}?{REDIRECTED}", uri.path()))]).into_response()
        }
        Some(Fault::ContentType) => {
            let wrong = if document == Document::KeySet { "application/octet-stream" } else { "text/html" };
            typed(wrong, text(document, shared, fault).into())
        }
        _ => {
            let mut response = typed(JSON, text(document, shared, fault).into());
            if let Some(value) = fault.and_then(Fault::cache_control) {
                response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
            }
            response
        }
    }
}

fn text(document: Document, shared: &Shared, fault: Option<Fault>) -> String {
    match document {
        Document::Metadata => metadata(&shared.issuer, fault),
        Document::KeySet => published(shared.jwk_set(), fault),
    }
    .to_string()
}

fn metadata(issuer: &str, fault: Option<Fault>) -> Value {
    let base = issuer.trim_end_matches('/');
    let algorithms: Vec<&str> = Alg::ALL.iter().map(|alg| alg.name()).collect();
    let named = if fault == Some(Fault::OtherIssuer) { "https://other-issuer.example/" } else { issuer };
    let keys = match fault {
        Some(Fault::ForbiddenKeys) => "http://169.254.169.254/jwks".to_owned(),
        _ => format!("{base}/jwks"),
    };
    json!({
        "issuer": named,
        "jwks_uri": keys,
        "token_endpoint": format!("{base}/token"),
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
    })
}

fn published(mut set: Value, fault: Option<Fault>) -> Value {
    if let Some(keys) = set.get_mut("keys").and_then(Value::as_array_mut) {
        match fault {
            Some(Fault::EmptyKeys) => keys.clear(),
            Some(Fault::RemoveKeys) => keys.retain(|key| key.get("kty").is_none_or(|kty| kty != "RSA")),
            _ => {}
        }
    }
    set
}

fn typed(kind: &'static str, body: Body) -> Response {
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}

/// Returns when the fault is lifted. A client that goes away earlier takes its request with it.
async fn wait_until_other_than(fault: Fault, faults: &watch::Sender<Option<Fault>>) {
    // An error means that the issuer is gone: nobody to wait for.
    let _ = faults.subscribe().wait_for(|now| *now != Some(fault)).await;
}

/// Gigabytes, of which only one chunk is ever in memory; they end with the fault, or when the client goes.
fn endless(faults: watch::Receiver<Option<Fault>>) -> Body {
    let chunks = tokio_stream::iter(0..limits::ENDLESS_BYTES / CHUNK.len() as u64)
        .take_while(move |_| *faults.borrow() == Some(Fault::Endless))
        .map(|_| Ok::<_, Infallible>(Bytes::from_static(CHUNK)));
    Body::from_stream(chunks)
}

/// The length of the whole text, and its first half.
fn half(text: String) -> Response {
    let length = text.len();
    let mut whole = Bytes::from(text);
    let body = Body::from_stream(HalfBody { half: Some(whole.split_to(length / 2)), paused: false });
    let mut response = typed(JSON, body);
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    response
}

/// A body that ends early: the connection is then closed. It pauses once before it ends, so that the half is sent off.
struct HalfBody {
    half: Option<Bytes>,
    paused: bool,
}

impl Stream for HalfBody {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(half)));
        }
        if self.paused {
            return Poll::Ready(None);
        }
        self.paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;

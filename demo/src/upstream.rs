//! The sample upstream: the quickstart's three routes, without one line of authorization code. It says what arrived, so
//! that a caller sees what Envoy let through and what it added.

use std::net::SocketAddr;

use axum::{
    Json, Router,
    http::{HeaderMap, Method, StatusCode, Uri},
};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use super::{error::DemoError, server::Server};

/// A running sample upstream. Dropping it stops it.
#[derive(Debug)]
pub struct DemoUpstream {
    server: Server,
}

impl DemoUpstream {
    /// Serves on `listener`.
    ///
    /// # Errors
    /// When the listener's address can't be read.
    pub fn start(listener: TcpListener) -> Result<Self, DemoError> {
        Ok(Self { server: Server::start(listener, Router::new().fallback(echo))? })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Stops.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}

async fn echo(method: Method, uri: Uri, headers: HeaderMap) -> (StatusCode, Json<Value>) {
    let (status, message) = route(uri.path());
    let body = json!({
        "message": message,
        "method": method.as_str(),
        "path": uri.path(),
        "query": uri.query(),
        "headers": seen(&headers),
    });
    (status, Json(body))
}

/// Express, whose quickstart this is, doesn't mind case and a last slash: nor do we, so that a gate which minds them in
/// another way than its backend would be seen to leak.
fn route(path: &str) -> (StatusCode, &'static str) {
    match path.trim_end_matches('/').to_ascii_lowercase().as_str() {
        "/api/public" => {
            (StatusCode::OK, "Hello from a public endpoint! You don't need to be authenticated to see this.")
        }
        "/api/private" => (StatusCode::OK, "Hello from a private endpoint! You need to be authenticated to see this."),
        "/api/private-scoped" => (
            StatusCode::OK,
            "Hello from a private endpoint! You need to be authenticated and have a scope of read:messages to see this.",
        ),
        _ => (StatusCode::NOT_FOUND, "The sample upstream has no such route."),
    }
}

/// Each header once, by its name as it came: a text, or a list of texts if it came repeatedly.
fn seen(headers: &HeaderMap) -> Value {
    let value = |name| {
        let mut texts: Vec<Value> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into()).collect();
        if texts.len() == 1 { texts.pop().unwrap_or_default() } else { Value::Array(texts) }
    };
    Value::Object(headers.keys().map(|name| (name.to_string(), value(name))).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answer(path: &str, headers: HeaderMap) -> (StatusCode, Value) {
        let (status, Json(body)) = echo(Method::GET, path.parse().unwrap(), headers).await;
        (status, body)
    }

    #[tokio::test]
    async fn the_three_routes_answer_as_in_the_quickstart() {
        for (path, start) in [
            ("/api/public", "Hello from a public endpoint!"),
            ("/api/private", "Hello from a private endpoint! You need to be authenticated to"),
            ("/api/private-scoped?x=1", "Hello from a private endpoint! You need to be authenticated and have a scope"),
            ("/API/Private/", "Hello from a private endpoint! You need to be authenticated to"),
        ] {
            let (status, body) = answer(path, HeaderMap::new()).await;
            assert_eq!(status, StatusCode::OK);
            assert!(body["message"].as_str().unwrap().starts_with(start), "{path}");
        }
    }

    #[tokio::test]
    async fn what_arrived_is_told_also_for_unknown_paths() {
        let headers = [("x-one", "1"), ("x_one", "2"), ("x-two", "a"), ("x-two", "b")];
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let _: bool = map.append::<axum::http::HeaderName>(name, value);
        }
        let (status, body) = answer("/Other/%2e?q=1", map).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(
            (&body["path"], &body["query"], &body["method"]),
            (&json!("/Other/%2e"), &json!("q=1"), &json!("GET"))
        );
        assert_eq!(body["headers"], json!({ "x-one": "1", "x_one": "2", "x-two": ["a", "b"] }));
    }
}

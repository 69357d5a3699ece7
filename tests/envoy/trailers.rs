//! Trailers of requests, which no ext_authz filter asks about: where Envoy hands them on, and where it drops them.

use std::{convert::Infallible, future::ready, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, client, server, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};

use crate::support::{self, envoy::Envoy, scoped, service::TestService};

/// Headers and trailers as an API gets them.
#[derive(Clone, Debug)]
struct Seen {
    headers: HeaderMap,
    trailers: HeaderMap,
}

/// An API that keeps what it gets, and answers 200.
struct Api {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// The version of HTTP that an API speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spoken {
    Http1,
    Http2,
}

impl Api {
    async fn start(spoken: Spoken) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<Seen>>>::default());
        let kept = Arc::clone(&seen);
        spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (stream, kept) = (TokioIo::new(stream), Arc::clone(&kept));
                let service = service_fn(move |request| keep(request, Arc::clone(&kept)));
                spawn(async move {
                    let _ = match spoken {
                        Spoken::Http1 => server::conn::http1::Builder::new().serve_connection(stream, service).await,
                        Spoken::Http2 => {
                            let builder = server::conn::http2::Builder::new(TokioExecutor::new());
                            builder.serve_connection(stream, service).await
                        }
                    };
                });
            }
        });
        Self { address, seen }
    }

    fn last(&self) -> Option<Seen> {
        self.seen.lock().pop()
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's tasks")]
fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) {
    tokio::spawn(task);
}

async fn keep(request: Request<Incoming>, kept: Arc<Mutex<Vec<Seen>>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let headers = request.headers().clone();
    let trailers = request.into_body().collect().await.unwrap().trailers().cloned().unwrap_or_default();
    kept.lock().push(Seen { headers, trailers });
    Ok(Response::new(Full::default()))
}

const FORGED: [(&str, &str); 2] = [("x-auth-subject", "forged"), ("authorization", "Bearer forged")];

/// Sends a request over HTTP/2 with forged trailers. Returns the status of the answer.
async fn over_http2(envoy: &Envoy, path: &str, token: Option<&str>) -> u16 {
    let stream = TokioIo::new(TcpStream::connect(envoy.address).await.unwrap());
    let (mut sender, connection) = client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    spawn(connection);
    let pairs = FORGED.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let trailers = HeaderMap::from_iter(pairs);
    let body = Full::new(Bytes::from_static(b"a")).with_trailers(ready(Some(Ok(trailers))));
    let mut request = Request::builder().uri(format!("http://api.example.com{path}"));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let answer = sender.send_request(request.body(body).unwrap()).await.unwrap();
    answer.status().as_u16()
}

/// Sends a request over HTTP/1 with forged trailers. Returns the status of the answer.
async fn over_http1(envoy: &Envoy, path: &str) -> u16 {
    let trailers = FORGED.map(|(name, value)| format!("{name}: {value}\r\n")).concat();
    let head = format!("GET {path} HTTP/1.1\r\nhost: api.example.com\r\nconnection: close\r\n");
    let request = format!("{head}transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n{trailers}\r\n");
    envoy.raw(request).await.status
}

/// The cluster of the API, which speaks HTTP/2.
const HTTP2_API: (&str, &str) = (
    "    - name: upstream\n      type: STATIC\n",
    "    - name: upstream\n      type: STATIC\n      typed_extension_protocol_options:\n        \
     envoy.extensions.upstreams.http.v3.HttpProtocolOptions:\n          \
     \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions\n          \
     explicit_http_config: { http2_protocol_options: {} }\n",
);
const ENABLED: (&str, &str) = (
    "                common_http_protocol_options:\n",
    "                http_protocol_options: { enable_trailers: true }\n                common_http_protocol_options:\n",
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trailers_of_http2_reach_an_api_that_speaks_it_unjudged() {
    let issuer = support::issuer().await;
    let service = TestService::start(&support::config(issuer.issuer())).await;
    let api = Api::start(Spoken::Http2).await;
    let envoy = Envoy::start(service.grpc, api.address, &[HTTP2_API]).await;
    // A token in a trailer is none.
    assert_eq!(over_http2(&envoy, "/api/private", None).await, 401);
    assert!(api.last().is_none());
    let token = scoped(&issuer, "read:messages");
    for (path, token, subject) in [("/api/public", None, None), ("/api/private", Some(&*token), Some("auth0|7"))] {
        assert_eq!(over_http2(&envoy, path, token).await, 200, "{path}");
        let seen = api.last().unwrap();
        for (name, value) in FORGED {
            assert_eq!(seen.trailers[name], value, "{path}: nothing removes them");
        }
        assert_eq!(seen.headers.get("x-auth-subject").map(|value| value.to_str().unwrap()), subject, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trailers_of_http1_are_dropped_unless_they_are_enabled() {
    let issuer = support::issuer().await;
    let service = TestService::start(&support::config(issuer.issuer())).await;
    let api = Api::start(Spoken::Http2).await;
    for (changes, are_there) in [(&[HTTP2_API][..], false), (&[HTTP2_API, ENABLED], true)] {
        let envoy = Envoy::start(service.grpc, api.address, changes).await;
        assert_eq!(over_http1(&envoy, "/api/public").await, 200);
        let seen = api.last().unwrap();
        assert_eq!(seen.trailers.contains_key("x-auth-subject"), are_there, "{seen:?}");
        assert!(!seen.headers.contains_key("x-auth-subject"), "{seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_that_speaks_http1_gets_no_trailers() {
    let issuer = support::issuer().await;
    let service = TestService::start(&support::config(issuer.issuer())).await;
    let api = Api::start(Spoken::Http1).await;
    let envoy = Envoy::start(service.grpc, api.address, &[]).await;
    assert_eq!(over_http2(&envoy, "/api/public", None).await, 200);
    let seen = api.last().unwrap();
    assert!(seen.trailers.is_empty() && !seen.headers.contains_key("x-auth-subject"), "{seen:?}");
}

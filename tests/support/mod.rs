//! What several tests need: an issuer, a service, requests, processes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test support")]
#![allow(dead_code, missing_docs, unreachable_pub, clippy::allow_attributes, reason = "each test binary uses its part")]

pub mod check;
pub mod envoy;
pub mod http2;
pub mod process;
pub mod raw_check;
pub mod service;
pub mod virtual_time;

use portcullis_demo::issuer::{DemoIssuer, TokenRequest};
use tokio::net::TcpListener;

pub const AUDIENCE: &str = "https://api.example.com";

/// The quickstart's policy, with what else tests need, for one issuer. Ports are the system's choice.
pub fn config(issuer: &str) -> String {
    format!(
        "listen: {{ grpc: '127.0.0.1:0', admin: '127.0.0.1:0' }}
issuers:
  - issuer: {issuer}
    audiences: [{AUDIENCE}]
routes:
  - {{ path: /api/public, access: public }}
  - {{ path: /api/private, access: authenticated }}
  - {{ path: /api/feed, access: optional }}
  - {{ path: /api/private-scoped, scopes: [read:messages] }}
  - {{ path: '/api/messages/{{id}}', methods: [GET], scopes: {{ any: [read:messages, admin:messages] }} }}
  - {{ path: '/api/messages/{{id}}', methods: [DELETE], scopes: [delete:messages], claims: {{ org_id: {{ equals: org_42 }} }} }}
  - {{ path: '/pkg.Greeter/Hello', scopes: [greet] }}
  - {{ host: admin.example.com, path: '/**', scopes: [admin], shadows: true }}
"
    )
}

/// An issuer on a port of its own.
pub async fn issuer() -> DemoIssuer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let name = format!("http://{}/", listener.local_addr().unwrap());
    DemoIssuer::start(listener, &name, AUDIENCE).await.unwrap()
}

/// A token with that scope.
pub fn scoped(issuer: &DemoIssuer, scope: &str) -> String {
    issuer.mint(&TokenRequest::new().subject("auth0|7").scope(scope)).unwrap()
}

/// The same token with its signature changed in the middle.
pub fn tampered(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let changed: String =
        signature.char_indices().map(|(at, c)| if at == 20 { if c == 'A' { 'B' } else { 'A' } } else { c }).collect();
    format!("{input}.{changed}")
}

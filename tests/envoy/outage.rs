//! Our trouble, as clients see it through Envoy.

use portcullis_demo::issuer::TokenRequest;

use crate::{
    Stack,
    support::{config, envoy::Envoy, issuer, process::nobody, service::TestService},
    upstream,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_portcullis_nothing_passes() {
    let upstream = upstream().await;
    let envoy = Envoy::start(nobody(), upstream.addr(), &[]).await;
    for path in ["/api/public", "/api/private", "/"] {
        let got = envoy.get(path, None).await;
        assert_eq!(got.status, 503, "{path}: the sample's status_on_error");
        assert!(!got.body.contains("\"headers\""), "{}", got.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_keys_it_is_503_with_retry_after() {
    let dead = format!("http://{}/", nobody());
    let service = TestService::start(&config(&dead)).await;
    let upstream = upstream().await;
    let envoy = Envoy::start(service.grpc, upstream.addr(), &[]).await;
    let minter = issuer().await;
    let token = minter.mint(&TokenRequest::new().claim("iss", dead.as_str())).unwrap();
    let got = envoy.get("/api/private", Some(&token)).await;
    assert_eq!(got.status, 503);
    assert!(got.header("retry-after").is_some() && got.header("www-authenticate").is_none(), "{got:?}");
    assert_eq!(envoy.get("/api/public", None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_portcullis_stops_requests_are_answered_or_refused_never_passed() {
    let stack = Stack::start().await;
    let (service, envoy) = (stack.service, stack.envoy);
    let (stopped, ()) = tokio::join!(service.stop(), async {
        for _ in 0..50 {
            let got = envoy.get("/api/private", None).await;
            assert!(matches!(got.status, 401 | 503), "{got:?}");
        }
    });
    assert!(stopped.is_ok());
    assert_eq!(envoy.get("/api/private", None).await.status, 503);
}

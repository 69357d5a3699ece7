//! The demo issuer's faults, as a client of it sees them. What Portcullis makes of them is tested over its own wire.

use std::time::Duration;

use clap::ValueEnum;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::{
    client::{Client, Fetched},
    issuer::DemoIssuer,
};

const METADATA: &str = ".well-known/openid-configuration";

async fn start() -> DemoIssuer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}/", listener.local_addr().unwrap());
    DemoIssuer::start(listener, &issuer, "api").await.unwrap()
}

async fn failing(fault: Fault) -> DemoIssuer {
    let issuer = start().await;
    issuer.set_fault(Some(fault)).await.unwrap();
    issuer
}

async fn get(issuer: &DemoIssuer, path: &str) -> Fetched {
    Client::new().unwrap().get(&format!("{}{path}", issuer.issuer()), &[]).await.unwrap()
}

fn json_of(answer: &Fetched) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

/// Asks on a connection of its own, and reads until the other end closes it or that many bytes have come.
async fn raw(issuer: &DemoIssuer, path: &str, most: u64) -> Vec<u8> {
    let mut stream = TcpStream::connect(issuer.addr()).await.unwrap();
    stream.write_all(format!("GET /{path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.take(most).read_to_end(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn what_is_no_document_is_sent_instead_of_both_until_the_fault_ends() {
    for (fault, status, kind) in
        [(Fault::Html, 200, "text/html; charset=utf-8"), (Fault::Error500, 500, "text/plain; charset=utf-8")]
    {
        let issuer = failing(fault).await;
        for path in [METADATA, "jwks"] {
            let answer = get(&issuer, path).await;
            assert_eq!((answer.status, answer.header("content-type")), (status, vec![kind]));
            assert!(serde_json::from_slice::<Value>(&answer.body).is_err());
        }
        issuer.set_fault(None).await.unwrap();
        assert_eq!(json_of(&get(&issuer, "jwks").await), issuer.jwk_set());
    }
}

#[tokio::test]
async fn a_redirect_leads_to_good_documents() {
    let issuer = failing(Fault::Redirect).await;
    for path in [METADATA, "jwks"] {
        let answer = get(&issuer, path).await;
        assert_eq!(answer.status, 302);
        let to = answer.header("location")[0].trim_start_matches('/');
        assert_eq!(get(&issuer, to).await.status, 200);
    }
}

#[tokio::test]
async fn half_a_body_is_announced_whole_and_closed() {
    let issuer = failing(Fault::HalfBody).await;
    let answer = String::from_utf8(raw(&issuer, "jwks", u64::MAX).await).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let whole = issuer.jwk_set().to_string();
    assert!(head.contains(&format!("content-length: {}", whole.len())), "{head}");
    assert_eq!((body.len(), whole.starts_with(body)), (whole.len() / 2, true));
}

#[tokio::test]
async fn an_endless_body_has_no_length_and_ends_with_the_fault() {
    let issuer = failing(Fault::Endless).await;
    let most = 8 * 1024 * 1024;
    let answer = raw(&issuer, "jwks", most).await;
    assert_eq!(answer.len() as u64, most);
    assert!(!String::from_utf8_lossy(&answer[..300]).contains("content-length"));
    // Somebody who is still reading sees the end.
    let mut stream = TcpStream::connect(issuer.addr()).await.unwrap();
    stream.write_all(b"GET /jwks HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    stream.read_exact(&mut [0; 1000]).await.unwrap();
    issuer.set_fault(None).await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(b"\r\n0\r\n\r\n"), "a whole chunked body (RFC 9112 section 7.1)");
}

#[tokio::test]
async fn a_stalled_request_is_answered_when_the_fault_ends() {
    let issuer = failing(Fault::Stall).await;
    let url = format!("{}jwks", issuer.issuer());
    let client = Client::new().unwrap();
    let mut asked = std::pin::pin!(client.get(&url, &[]));
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut asked).await.is_err());
    issuer.set_fault(None).await.unwrap();
    assert_eq!(asked.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_closed_door_refuses_and_opens_again_at_the_same_address() {
    let issuer = start().await;
    for _ in 0..2 {
        issuer.set_fault(Some(Fault::Refuse)).await.unwrap();
        let refused = TcpStream::connect(issuer.addr()).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        issuer.set_fault(None).await.unwrap();
        assert_eq!(get(&issuer, "jwks").await.status, 200);
    }
}

#[tokio::test]
async fn documents_are_changed_where_that_is_the_fault() {
    let issuer = failing(Fault::OtherIssuer).await;
    assert_ne!(json_of(&get(&issuer, METADATA).await)["issuer"], issuer.issuer());
    let issuer = failing(Fault::ForbiddenKeys).await;
    assert_eq!(json_of(&get(&issuer, METADATA).await)["jwks_uri"], "http://169.254.169.254/jwks");
    let issuer = failing(Fault::EmptyKeys).await;
    assert_eq!(json_of(&get(&issuer, "jwks").await), json!({ "keys": [] }));
    let issuer = failing(Fault::RemoveKeys).await;
    let set = json_of(&get(&issuer, "jwks").await);
    let kinds: Vec<&Value> = set["keys"].as_array().unwrap().iter().map(|key| &key["kty"]).collect();
    assert!(kinds.len() > 2 && kinds.iter().all(|kind| *kind != "RSA"), "{kinds:?}");
    let issuer = failing(Fault::ContentType).await;
    let (metadata, keys) = (get(&issuer, METADATA).await, get(&issuer, "jwks").await);
    assert_eq!(metadata.header("content-type"), ["text/html"]);
    assert_eq!(keys.header("content-type"), ["application/octet-stream"]);
    assert_eq!((json_of(&metadata)["issuer"].as_str(), json_of(&keys)), (Some(issuer.issuer()), issuer.jwk_set()));
}

#[tokio::test]
async fn cache_control_is_sent_as_it_is_and_changes_no_document() {
    for fault in Fault::value_variants().iter().filter(|fault| fault.cache_control().is_some()) {
        let issuer = failing(*fault).await;
        let answer = get(&issuer, "jwks").await;
        assert_eq!(answer.header("cache-control"), [fault.cache_control().unwrap()]);
        assert_eq!(json_of(&answer), issuer.jwk_set());
    }
}

#[tokio::test]
async fn old_keys_stay_beside_new_ones_unless_their_end_is_the_fault() {
    let issuer = start().await;
    let old = issuer.jwk_set()["keys"].as_array().unwrap().clone();
    issuer.set_fault(Some(Fault::NoStore)).await.unwrap();
    let both = issuer.jwk_set()["keys"].as_array().unwrap().clone();
    assert!(both.len() == 2 * old.len() && old.iter().all(|key| both.contains(key)));
    issuer.set_fault(Some(Fault::Rotate)).await.unwrap();
    let new = issuer.jwk_set()["keys"].as_array().unwrap().clone();
    assert!(new.len() == old.len() && new.iter().all(|key| !both.contains(key)));
    issuer.set_fault(Some(Fault::ReplaceKeys)).await.unwrap();
    let replaced = issuer.jwk_set();
    assert_eq!(replaced["keys"][0]["kid"], new[0]["kid"]);
    assert_ne!(replaced["keys"][0]["n"], new[0]["n"]);
}

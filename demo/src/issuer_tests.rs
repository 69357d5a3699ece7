//! The issuer over HTTP, as a client of it sees it.

use serde_json::json;

use super::*;
use crate::client::{Client, Fetched};

const AUDIENCE: &str = "https://api.example.com";

async fn start(path: &str) -> (DemoIssuer, Client) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}{path}", listener.local_addr().unwrap());
    (DemoIssuer::start(listener, &issuer, AUDIENCE).await.unwrap(), Client::new().unwrap())
}

fn json_of(answer: &Fetched) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn claims_of(answer: &Value) -> Value {
    use base64::Engine;
    let payload = answer["access_token"].as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn both_metadata_documents_lead_to_the_keys() {
    for (path, oidc, oauth) in [
        ("/", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"),
        ("", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"),
        ("/t/:a/", "/t/:a/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/t/:a"),
    ] {
        let (issuer, client) = start(path).await;
        for document in [oidc, oauth] {
            let answer = client.get(&format!("http://{}{document}", issuer.addr()), &[]).await.unwrap();
            assert_eq!(answer.status, 200, "{document}");
            let metadata = json_of(&answer);
            assert_eq!(metadata["issuer"], issuer.issuer());
            let keys = client.get(metadata["jwks_uri"].as_str().unwrap(), &[]).await.unwrap();
            assert_eq!(json_of(&keys), issuer.jwk_set());
        }
        assert_eq!(issuer.key_set_reads(), 2);
    }
}

#[tokio::test]
async fn a_token_is_issued_to_anybody() {
    let (issuer, client) = start("/").await;
    let token = format!("{}token", issuer.issuer());
    let form = [("grant_type", "client_credentials"), ("scope", "read:messages"), ("expires_in", "60")];
    let answer = client.post_form(&token, &form).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), ["no-store"]);
    let body = json_of(&answer);
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(60)));
    assert_eq!(body["scope"], "read:messages");
    let claims = claims_of(&body);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(issuer.issuer()), &json!(AUDIENCE)));

    let refused = client.post_form(&token, &[("grant_type", "authorization_code")]).await.unwrap();
    assert_eq!((refused.status, &json_of(&refused)["error"]), (400, &json!("unsupported_grant_type")));
    // A lifetime that reaches beyond all numbers is no reason to fall over.
    let form = [("grant_type", "client_credentials"), ("expires_in", "-9223372036854775808")];
    assert_eq!(client.post_form(&token, &form).await.unwrap().status, 200);
}

#[tokio::test]
async fn rotation_replaces_every_key() {
    let (issuer, _) = start("/").await;
    let before = issuer.jwk_set();
    issuer.rotate().await.unwrap();
    assert_ne!(before["keys"][0]["n"], issuer.jwk_set()["keys"][0]["n"]);
    assert_eq!(issuer.jwk_set()["keys"][0]["kid"], issuer.kid(Alg::Rs256));
}

#[tokio::test]
async fn after_shutdown_nobody_answers_also_not_on_open_connections() {
    let (issuer, client) = start("/").await;
    let keys = format!("{}jwks", issuer.issuer());
    client.get(&keys, &[]).await.unwrap();
    issuer.shutdown().await;
    assert!(client.get(&keys, &[]).await.is_err());
}

#[tokio::test]
async fn several_issuers_do_not_share_keys() {
    let ((one, _), (two, _)) = (start("/").await, start("/").await);
    assert_ne!(one.kid(Alg::Es256), two.kid(Alg::Es256));
    assert_ne!(one.addr(), two.addr());
}

#[tokio::test]
async fn an_issuer_that_is_no_url_is_refused() {
    for wrong in ["", "tenant", "ftp://h/", "http://h/?q", "http://h/#f", "http://"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let error = DemoIssuer::start(listener, wrong, AUDIENCE).await.unwrap_err();
        assert!(error.to_string().contains(&format!("`{wrong}`")), "{error}");
    }
}

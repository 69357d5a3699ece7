//! That no token, signature or secret is ever printed, at the most verbose level there is.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_demo::issuer::{Alg, TokenRequest};
use serde_json::json;
use tokio::{io::AsyncReadExt as _, net::TcpListener};

use crate::support::{
    AUDIENCE,
    check::{Client, get},
    config, issuer,
    process::Serve,
    tampered,
};

const SECRET: &str = "a shared secret that nobody but the partner knows";
const PROXY_PASSWORD: &str = "sesame-of-the-proxy";
const SUBJECT: &str = "auth0|a-person";

/// A token of the partner who shares a secret with us.
fn shared(issuer: &str) -> String {
    let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "iss": issuer, "aud": AUDIENCE, "exp": 4_000_000_000_u64, "sub": SUBJECT });
    let input = format!("{}.{}", encode(json!({ "alg": "HS256" })), encode(claims));
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    let signature = jsonwebtoken::crypto::sign(input.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
    format!("{input}.{signature}")
}

/// The parts of a token that say something: long enough that they appear nowhere by chance.
fn parts(token: &str) -> impl Iterator<Item = &str> {
    let long = token.split('.').filter(|part| part.len() > 60);
    long.map(|part| part.get(20..60).unwrap())
}

/// A proxy that reads what it is asked, password and all, and hangs up.
async fn proxy_that_hangs_up() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test's server")]
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
        }
    });
    address
}

/// What the admin port shows.
async fn pages(serve: &Serve) -> String {
    let mut printed = String::new();
    for page in ["/readyz", "/keys", "/metrics"] {
        printed += &reqwest::get(format!("http://{}{page}", serve.admin)).await.unwrap().text().await.unwrap();
    }
    printed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_signature_or_secret_is_in_any_log_line_at_any_level() {
    let issuer = issuer().await;
    let others = format!(
        "  - {{ issuer: partner, audiences: [{AUDIENCE}], secret_env: PARTNER }}
  - {{ issuer: 'https://far.test/', audiences: [{AUDIENCE}], jwks_uri: 'https://far.test/', \
     proxy: 'http://me:{PROXY_PASSWORD}@{}' }}\nroutes:",
        proxy_that_hangs_up().await
    );
    let dir = tempfile::tempdir().unwrap();
    let (file, saved) = (dir.path().join("portcullis.yaml"), dir.path().join("saved"));
    let text = config(issuer.issuer()).replace("routes:", &others);
    std::fs::write(&file, format!("keys_dir: {}\n{text}", saved.display())).unwrap();
    // Not only our own lines: those of every library below us.
    let serve =
        Serve::start(&["--config", file.to_str().unwrap(), "--log", "trace,x=trace"], &[("PARTNER", SECRET)]).await;
    let client = Client::connect(serve.grpc).await;

    let good = issuer.mint(&TokenRequest::new().subject(SUBJECT).scope("read:messages").alg(Alg::EdDsa)).unwrap();
    let mut tokens = vec![good.clone(), tampered(&good), shared("partner"), tampered(&shared("partner"))];
    for request in [
        TokenRequest::new().expires_in(-600),
        TokenRequest::new().audience("other"),
        TokenRequest::new().claim("iss", "https://evil.test/"),
        TokenRequest::new().claim("iss", "https://far.test/"),
        TokenRequest::new().header("kid", "unknown"),
        TokenRequest::new().header("alg", "none"),
        TokenRequest::new().claim("cnf", json!({"jkt": "x"})),
    ] {
        tokens.push(issuer.mint(&request.subject(SUBJECT)).unwrap());
    }
    tokens.push(format!("opaque-{}", "A1b2".repeat(30)));
    let mut statuses = Vec::new();
    for token in &tokens {
        for path in ["/api/private", "/api/private-scoped", "/api/feed", "/nowhere", "/api//private"] {
            let ask = get(&format!("{path}?access_token={token}")).bearer(token).header("cookie", format!("t={token}"));
            statuses.push(client.send(&ask).await.status);
            statuses.push(client.send(&ask.joined()).await.status);
        }
    }
    for status in [200, 400, 401, 403, 503] {
        assert!(statuses.contains(&status), "{status} never came: {statuses:?}");
    }
    let mut printed = pages(&serve).await;
    serve.signal("TERM");
    let (code, log) = serve.ended().await;
    assert_eq!(code, Some(0));
    for line in ["\"TRACE\"", "recv HEADERS", "request denied", "request allowed"] {
        assert!(log.contains(line), "too quiet to mean anything: no {line}");
    }
    printed += &log;
    for token in &tokens {
        for part in parts(token) {
            assert!(!printed.contains(part), "a part of a token: {part} in\n{}", line_with(&printed, part));
        }
    }
    for secret in [SECRET, PROXY_PASSWORD, SUBJECT, "access_token"] {
        assert!(!printed.contains(secret), "{secret} in\n{}", line_with(&printed, secret));
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("me:{secret}"));
        assert!(!printed.contains(&encoded), "{secret}, encoded");
    }
}

fn line_with<'t>(text: &'t str, part: &str) -> &'t str {
    text.lines().find(|line| line.contains(part)).unwrap_or_default()
}

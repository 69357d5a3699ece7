//! Keys over TLS with an authority of one's own, and through a proxy.

use std::{net::SocketAddr, sync::Arc};

use parking_lot::Mutex;
use portcullis_demo::issuer::{DemoIssuer, TokenRequest};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use crate::support::{check::get, config, issuer, service::TestService};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A key server with a certificate of that authority for `names`.
async fn key_server(authority: &Authority, names: &[&str], jwks: String) -> SocketAddr {
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, authority).unwrap();
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test's server")]
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that doesn't trust us ends the handshake.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", jwks.len());
            let _ = stream.write_all(format!("{head}{jwks}").as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    address
}

/// A proxy that connects every name to `target`, and remembers what it was asked for.
async fn proxy(target: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    #[expect(clippy::disallowed_methods, reason = "a test's server")]
    tokio::spawn(async move {
        loop {
            let mut client = BufReader::new(listener.accept().await.unwrap().0);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && client.read_line(&mut head).await.unwrap() > 0 {}
            seen.lock().push(head);
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let mut server = TcpStream::connect(target).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
    (address, asked)
}

/// A service whose keys come from there; its answer to a good token, and what `/readyz` says.
async fn outcome(issuer: &DemoIssuer, options: &str) -> (u16, String) {
    let text = config(issuer.issuer()).replacen("    audiences", &format!("{options}    audiences"), 1);
    let service = TestService::start(&text).await;
    let token = issuer.mint(&TokenRequest::new()).unwrap();
    let got = service.client().await.send(&get("/api/private").bearer(&token)).await;
    (got.status, service.page("/readyz").await.1)
}

fn file(authority: &Authority) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), authority.pem()).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_of_ones_own_is_trusted_and_no_other() {
    let issuer = issuer().await;
    let (ours, other) = (authority(), authority());
    let server = key_server(&ours, &["localhost"], issuer.jwk_set().to_string()).await;
    let source = format!("    jwks_uri: https://localhost:{}/jwks\n", server.port());
    let with = |authority: &Authority| {
        let file = file(authority);
        (format!("{source}    ca_file: {}\n", file.path().display()), file)
    };
    let (trusting, _file) = with(&ours);
    let (status, page) = outcome(&issuer, &trusting).await;
    assert_eq!(status, 200, "{page}");
    let (mistaken, _file) = with(&other);
    for options in [&source, &mistaken] {
        let (status, page) = outcome(&issuer, options).await;
        assert_eq!(status, 503);
        assert!(page.contains("certificate") || page.contains("UnknownIssuer"), "it says why: {page}");
    }
    let wrong_name = key_server(&ours, &["other.test"], issuer.jwk_set().to_string()).await;
    let elsewhere = trusting.replace(&server.port().to_string(), &wrong_name.port().to_string());
    let (status, page) = outcome(&issuer, &elsewhere).await;
    assert_eq!(status, 503);
    assert!(page.contains("not valid for name"), "a certificate for another name: {page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_a_proxy_names_are_the_proxys_business() {
    let issuer = issuer().await;
    let authority = authority();
    let server = key_server(&authority, &["keys.internal.test"], issuer.jwk_set().to_string()).await;
    let (proxy, asked) = proxy(server).await;
    let file = file(&authority);
    let options = format!(
        "    jwks_uri: https://keys.internal.test/jwks\n    ca_file: {}\n    proxy: http://me:sesame@{proxy}\n",
        file.path().display()
    );
    let (status, page) = outcome(&issuer, &options).await;
    assert_eq!(status, 200, "{page}");
    let asked = asked.lock();
    assert!(asked[0].starts_with("CONNECT keys.internal.test:443 "), "{asked:?}");
    assert!(asked[0].to_ascii_lowercase().contains("proxy-authorization: basic bwu6c2vzyw1l"), "{asked:?}");
    assert!(!page.contains("sesame"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_is_down_is_our_trouble_and_its_password_stays_secret() {
    let issuer = issuer().await;
    let nobody = crate::support::process::nobody();
    let options = format!("    jwks_uri: https://keys.internal.test/jwks\n    proxy: http://me:sesame@{nobody}\n");
    let (status, page) = outcome(&issuer, &options).await;
    assert_eq!(status, 503);
    assert!(page.contains("keys.internal.test") && !page.contains("sesame"), "{page}");
}

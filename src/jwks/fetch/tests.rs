use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

/// A server that answers one connection with these bytes and then holds it open or closes it.
async fn serve(answer: Vec<u8>, hold: bool) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/jwks", listener.local_addr().unwrap())).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test's server")]
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(&answer).await;
        if hold {
            tokio::time::sleep(Duration::from_secs(600)).await;
        }
    });
    url
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

async fn get(url: &Url) -> Result<Vec<u8>, FetchError> {
    HttpFetch::new(&Transport::default()).unwrap().fetch(url).await.map(|fetched| fetched.body)
}

#[test]
fn every_trouble_has_a_kind_for_metrics() {
    let url = || Url::parse("https://a.test/").unwrap();
    let metadata = |error| FetchError::Metadata(error);
    let document = || "https://a.test/".to_owned();
    let forbidden = || ForbiddenUrl::Scheme(String::new());
    let reason = InvalidKeySet::Empty;
    let (found, configured, written_at) = (String::new(), String::new(), String::new());
    let cases = [
        (FetchError::Forbidden(forbidden()), "forbidden_url"),
        (metadata(InvalidMetadata::ForbiddenJwksUri { document: document(), reason: forbidden() }), "forbidden_url"),
        (FetchError::Unreachable { url: url(), cause: String::new() }, "unreachable"),
        (FetchError::Slow(url()), "timeout"),
        (FetchError::TimedOut(String::new()), "timeout"),
        (FetchError::Status { url: url(), status: 500 }, "status"),
        (FetchError::TooLarge(url()), "too_large"),
        (
            metadata(InvalidMetadata::OtherIssuer { document: document(), found, configured, written_at }),
            "other_issuer",
        ),
        (metadata(InvalidMetadata::NotAnObject(document())), "metadata"),
        (metadata(InvalidMetadata::NoJwksUri(document())), "metadata"),
        (FetchError::KeySet { place: document(), reason }, "key_set"),
        (FetchError::File { path: document(), cause: std::io::ErrorKind::NotFound.into() }, "file"),
        (FetchError::Bug, "bug"),
    ];
    for (error, kind) in &cases {
        assert_eq!(error.kind(), *kind, "{error}");
    }
    let mut kinds = cases.map(|(_, kind)| kind).to_vec();
    kinds.dedup();
    assert_eq!(kinds, FetchError::KINDS, "all of them, each once");
}

#[tokio::test]
async fn a_200_is_read_whole() {
    let url = serve(answer("200 OK", b"{}"), false).await;
    assert_eq!(get(&url).await.unwrap(), b"{}");
}

#[tokio::test]
async fn other_statuses_and_redirects_are_errors() {
    for head in ["404 Not Found", "500 Oops", "204 No Content", "302 Found\r\nlocation: http://127.0.0.1:1/"] {
        let url = serve(answer(head, b""), false).await;
        assert!(matches!(get(&url).await, Err(FetchError::Status { .. })), "{head}");
    }
}

#[tokio::test]
async fn bodies_are_bounded_with_and_without_a_length() {
    let body = vec![b'a'; limits::KEY_DOCUMENT_BYTES];
    let url = serve(answer("200 OK", &body), false).await;
    assert_eq!(get(&url).await.unwrap().len(), limits::KEY_DOCUMENT_BYTES);
    let body = vec![b'a'; limits::KEY_DOCUMENT_BYTES + 1];
    let url = serve(answer("200 OK", &body), false).await;
    assert!(matches!(get(&url).await, Err(FetchError::TooLarge(_))));
    let endless = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), body].concat();
    let url = serve(endless, true).await;
    assert!(matches!(get(&url).await, Err(FetchError::TooLarge(_))));
}

#[tokio::test]
async fn half_a_body_and_a_refused_connection_are_unreachable() {
    let url = serve(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_vec(), false).await;
    assert!(matches!(get(&url).await, Err(FetchError::Unreachable { .. })));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let error = get(&url).await.unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
}

fn header_map(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(reqwest::header::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
    }
    headers
}

#[test]
fn the_time_of_an_answer_is_its_date_with_its_age_beside_it() {
    let now = Instant::now();
    let of = |pairs: &[(&str, &str)]| {
        let answer = dated(&header_map(pairs), now, now)?;
        Some((answer.date.as_millis(), answer.age.as_secs()))
    };
    let date = ("date", "Tue, 15 Nov 1994 08:12:31 GMT");
    assert_eq!(of(&[date]), Some((784_887_151_000, 0)));
    assert_eq!(of(&[date, ("age", "30")]), Some((784_887_151_000, 30)));
    assert_eq!(of(&[date, ("age", "old")]), Some((784_887_151_000, 0)));
    for none in [&[][..], &[("age", "30")], &[("date", "yesterday")], &[("date", "Tue, 15 Nov 1911 08:12:31 GMT")]] {
        assert_eq!(of(none), None, "{none:?}");
    }
}

#[test]
fn the_lifetime_of_an_answer_is_its_max_age_less_its_age() {
    let of = |pairs: &[(&str, &str)]| lifetime(&header_map(pairs)).map(|lifetime| lifetime.as_secs());
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[("cache-control", "public, max-age=600, must-revalidate")]), Some(600));
    assert_eq!(of(&[("cache-control", "max-age=600"), ("age", "590")]), Some(10));
    assert_eq!(of(&[("cache-control", "max-age=600"), ("age", "700")]), Some(0));
    assert_eq!(of(&[("cache-control", "max-age=600"), ("age", "old")]), Some(600));
    assert_eq!(of(&[("cache-control", "no-store, max-age=600")]), Some(0));
    assert_eq!(of(&[("cache-control", "no-cache")]), Some(0));
    for odd in ["", "public", "max-age", "max-age=", "max-age=soon", "max-age=-1", "\u{1f}"] {
        if let Ok(value) = reqwest::header::HeaderValue::from_bytes(odd.as_bytes()) {
            assert_eq!(of(&[("cache-control", value.to_str().unwrap())]), None, "{odd}");
        }
    }
}

#[tokio::test]
async fn names_that_resolve_to_forbidden_addresses_are_refused() {
    let resolved = GuardedResolver.resolve("localhost".parse().unwrap()).await;
    assert!(resolved.is_ok());
    for name in ["169.254.169.254", "0.0.0.0", "::ffff:127.0.0.1"] {
        // The system resolver passes literals through, which makes a name server unnecessary here.
        assert!(GuardedResolver.resolve(name.parse().unwrap()).await.is_err(), "{name}");
    }
}

/// Leads every name to that address.
#[derive(Debug)]
struct Everywhere(SocketAddr);

impl Resolve for Everywhere {
    fn resolve(&self, _: Name) -> Resolving {
        let found = [self.0];
        Box::pin(async move { Ok(Box::new(found.into_iter()) as Addrs) })
    }
}

#[tokio::test]
async fn names_are_asked_of_the_resolver_that_is_given_and_of_no_other() {
    let url = serve(answer("200 OK", b"{}"), false).await;
    let address = SocketAddr::from(([127, 0, 0, 1], url.port().unwrap()));
    let fetch = HttpFetch::with(&Transport::default(), limits::FETCH_TIMEOUT, Arc::new(Everywhere(address))).unwrap();
    let named = Url::parse(&format!("http://keys.test:{}/jwks", address.port())).unwrap();
    assert_eq!(fetch.fetch(&named).await.unwrap().body, b"{}");
}

#[tokio::test]
async fn loopback_is_this_machine_and_never_the_proxys() {
    let proxy = Url::parse("http://127.0.0.1:1/").unwrap();
    let fetch = HttpFetch::new(&Transport { ca: None, proxy: Some(proxy) }).unwrap();
    let url = serve(answer("200 OK", b"{}"), false).await;
    assert_eq!(fetch.fetch(&url).await.unwrap().body, b"{}");
    let url = serve(answer("200 OK", b"{}"), false).await;
    let named = Url::parse(&format!("http://localhost:{}/jwks", url.port().unwrap())).unwrap();
    assert_eq!(fetch.fetch(&named).await.unwrap().body, b"{}");
    let elsewhere = Url::parse("http://keys.test/jwks").unwrap();
    let error = fetch.fetch(&elsewhere).await.unwrap_err();
    assert!(error.to_string().contains("refused"), "the proxy is asked, and nobody is there: {error}");
}

#[tokio::test]
async fn a_server_that_drips_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test's server")]
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
        while stream.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let impatient =
        HttpFetch::with(&Transport::default(), Duration::from_millis(200), Arc::new(GuardedResolver)).unwrap();
    // Without a timeout of its own this would end with the body, after twenty seconds.
    let outcome = tokio::time::timeout(Duration::from_secs(10), impatient.fetch(&url)).await;
    let outcome = outcome.unwrap();
    assert!(matches!(outcome, Err(FetchError::Slow(_))), "{outcome:?}");
}

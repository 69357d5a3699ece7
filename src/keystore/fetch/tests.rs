use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolving};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;
use crate::keystore::{discovery::InvalidMetadata, url_guard::ForbiddenUrl};
use portcullis_engine::keys::key_set::InvalidKeySet;

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
    HttpFetch::new(&Transport::default()).unwrap().fetch(url, Loopback::Allowed).await.map(|fetched| fetched.body)
}

#[test]
fn every_trouble_has_a_kind_for_metrics() {
    let url = || Url::parse("https://a.test/").unwrap();
    let metadata = |error| FetchError::Metadata(error);
    let document = || "https://a.test/".to_owned();
    let forbidden = || ForbiddenUrl::Scheme(String::new());
    let reason = InvalidKeySet::Empty;
    let (found, configured) = (String::new(), String::new());
    let advice = String::new;
    let cases = [
        (FetchError::Forbidden(forbidden()), "forbidden_url"),
        (
            metadata(InvalidMetadata::ForbiddenJwksUri { document: document(), reason: forbidden(), advice: None }),
            "forbidden_url",
        ),
        (FetchError::Unreachable { url: url(), cause: String::new() }, "unreachable"),
        (FetchError::Slow(url()), "timeout"),
        (FetchError::TimedOut(String::new()), "timeout"),
        (FetchError::Status { url: url(), status: 500 }, "status"),
        (FetchError::Redirect { url: url(), status: 301, to: url().into(), remedy: None }, "status"),
        (
            FetchError::NoMetadata {
                helpful: FetchError::Status { url: url(), status: 500 }.into(),
                other: FetchError::Slow(url()).into(),
            },
            "status",
        ),
        (FetchError::TooLarge(url()), "too_large"),
        (FetchError::Encoded { url: url(), encoding: "br".to_owned() }, "encoded"),
        (
            metadata(InvalidMetadata::OtherIssuer { document: document(), found, configured, advice: advice() }),
            "other_issuer",
        ),
        (metadata(InvalidMetadata::NotAnObject { document: document(), kind: None }), "metadata"),
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
async fn other_statuses_are_errors_and_a_redirect_names_its_target() {
    for head in ["404 Not Found", "500 Oops", "204 No Content", "404 Not Found\r\nlocation: https://a.test/"] {
        let url = serve(answer(head, b""), false).await;
        assert!(matches!(get(&url).await, Err(FetchError::Status { .. })), "{head}");
    }
    for (location, target) in [
        ("https://a.test/jwks/", Some("https://a.test/jwks/")),
        ("/jwks/", Some("/jwks/")),
        ("https://a.test/login?state=hunter2", Some("https://a.test/login")),
        // Nothing that could be advised, or that may be shown.
        ("https://user:hunter2@a.test/", None),
        ("https://169.254.169.254/", None),
        ("file:///etc/passwd", None),
        ("https://${HOST}/", None),
    ] {
        for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
            let url = serve(answer(&format!("{status}\r\nlocation: {location}"), b""), false).await;
            let error = get(&url).await.unwrap_err();
            let text = error.to_string();
            match target {
                Some(target) => {
                    assert!(matches!(error, FetchError::Redirect { .. }), "{location}: {text}");
                    assert!(text.contains(&format!("{target}`")) && text.contains("not 200: it points to"), "{text}");
                }
                None => assert!(matches!(error, FetchError::Status { .. }), "{location}: {text}"),
            }
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}

/// Nothing in the first bytes of brotli tells what they are.
#[tokio::test]
async fn a_body_that_is_encoded_is_named_by_its_encoding() {
    let encoded = |name: &str| answer(&format!("200 OK\r\ncontent-encoding: {name}"), b"\x0b\x01\x80{}\x03");
    for (name, told) in
        [("br", "br"), ("gzip", "gzip"), ("Zstd", "zstd"), ("identity, br", "identity, br"), ("a\tb`c", "abc")]
    {
        let error = get(&serve(encoded(name), false).await).await.unwrap_err();
        assert!(matches!(error, FetchError::Encoded { .. }), "{name}: {error}");
        let told = format!("compressed or encoded (`content-encoding: {told}`), though nobody asked for that");
        assert!(error.to_string().contains(&told), "{error}");
    }
    let error = get(&serve(encoded(&"b".repeat(5000)), false).await).await.unwrap_err();
    assert!(error.to_string().len() < 300, "{error}");
    for name in ["identity", "Identity", ""] {
        assert!(get(&serve(encoded(name), false).await).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn a_plain_body_is_read_whatever_encoding_is_named() {
    for (name, body) in [("utf-8", &b"{}"[..]), ("br", b"\xef\xbb\xbf \n{}"), ("gzip", b"{ }")] {
        let answer = answer(&format!("200 OK\r\ncontent-encoding: {name}"), body);
        assert_eq!(get(&serve(answer, false).await).await.unwrap(), body, "{name}");
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

fn guarded(loopback: Loopback, proxy: Option<&str>) -> GuardedResolver {
    GuardedResolver { names: Arc::new(SystemResolver), loopback, proxy: proxy.map(str::to_owned) }
}

#[tokio::test]
async fn names_that_resolve_to_forbidden_addresses_are_refused() {
    let resolve = |loopback, name: &str| guarded(loopback, None).resolve(name.parse().unwrap());
    assert!(resolve(Loopback::Allowed, "localhost").await.is_ok());
    for name in ["169.254.169.254", "0.0.0.0", "::ffff:127.0.0.1"] {
        // The system resolver passes literals through, which makes a name server unnecessary here.
        for loopback in [Loopback::Allowed, Loopback::Refused] {
            assert!(resolve(loopback, name).await.is_err(), "{name}");
        }
    }
    for name in ["localhost", "127.0.0.1", "::1"] {
        assert!(resolve(Loopback::Refused, name).await.is_err(), "{name}");
        let proxy = guarded(Loopback::Refused, Some(name)).resolve(name.parse().unwrap()).await;
        assert!(proxy.is_ok(), "the operator wrote the proxy's name: {name}");
        assert!(guarded(Loopback::Refused, Some("proxy.test")).resolve(name.parse().unwrap()).await.is_err(), "{name}");
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
    let fetched = fetch.fetch(&named, Loopback::Allowed).await.unwrap();
    assert_eq!((fetched.body.as_slice(), fetched.is_local), (&b"{}"[..], true), "whatever it is called");
}

/// A name that a stranger's metadata has may lead to this machine.
#[tokio::test]
async fn a_discovered_name_never_leads_to_this_machine() {
    let url = serve(answer("200 OK", b"{}"), false).await;
    let address = SocketAddr::from(([127, 0, 0, 1], url.port().unwrap()));
    let fetch = HttpFetch::with(&Transport::default(), limits::FETCH_TIMEOUT, Arc::new(Everywhere(address))).unwrap();
    let named = Url::parse(&format!("http://keys.test:{}/jwks", address.port())).unwrap();
    let error = fetch.fetch(&named, Loopback::Refused).await.unwrap_err();
    assert_eq!(error.kind(), "forbidden_url", "{error}");
    assert!(error.to_string().starts_with("`keys.test` resolves to this machine"), "{error}");
    // The server is there all the same, and has been asked nothing.
    assert!(fetch.fetch(&named, Loopback::Allowed).await.is_ok());
}

#[tokio::test]
async fn loopback_is_this_machine_and_never_the_proxys() {
    let proxy = Url::parse("http://127.0.0.1:1/").unwrap();
    let fetch = HttpFetch::new(&Transport { ca: None, proxy: Some(proxy) }).unwrap();
    let url = serve(answer("200 OK", b"{}"), false).await;
    assert_eq!(fetch.fetch(&url, Loopback::Allowed).await.unwrap().body, b"{}");
    let url = serve(answer("200 OK", b"{}"), false).await;
    let named = Url::parse(&format!("http://localhost:{}/jwks", url.port().unwrap())).unwrap();
    assert_eq!(fetch.fetch(&named, Loopback::Allowed).await.unwrap().body, b"{}");
    let elsewhere = Url::parse("http://keys.test/jwks").unwrap();
    let error = fetch.fetch(&elsewhere, Loopback::Allowed).await.unwrap_err();
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
        HttpFetch::with(&Transport::default(), Duration::from_millis(200), Arc::new(SystemResolver)).unwrap();
    // Without a timeout of its own this would end with the body, after twenty seconds.
    let outcome = tokio::time::timeout(Duration::from_secs(10), impatient.fetch(&url, Loopback::Allowed)).await;
    let outcome = outcome.unwrap();
    assert!(matches!(outcome, Err(FetchError::Slow(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_told_in_plain_words() {
    let mut url = serve(answer("400 Bad Request", b""), true).await;
    url.set_scheme("https").unwrap();
    let error = get(&url).await.unwrap_err().to_string();
    assert!(error.contains("speaks no TLS") && !error.contains("InvalidContentType"), "{error}");
}

#[tokio::test]
async fn the_target_of_a_redirect_is_named_without_its_query() {
    for (target, shown) in [
        (
            "https://keys.test/jwks?key=hunter2",
            "it points to `https://keys.test/jwks` and a query, which is not shown, and",
        ),
        ("https://keys.test/jwks", "it points to `https://keys.test/jwks`, and redirects"),
    ] {
        let url = serve(answer(&format!("302 Found\r\nlocation: {target}"), b""), false).await;
        let error = get(&url).await.unwrap_err().to_string();
        assert!(error.contains(shown) && !error.contains("hunter2"), "{error}");
    }
}

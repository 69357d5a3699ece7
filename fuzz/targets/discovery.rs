//! A metadata document: a text as it is, or one made of words.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use portcullis::keystore::{
    discovery::{self, MetadataDocument},
    url_guard::{self, Loopback},
};
use portcullis_engine::keys::document::without_bom;
use portcullis_fuzz::{
    json_reference::strict_object,
    json_writer::{self, Words},
};
use serde_json::Value;
use url::{Host, Url};

const ISSUER: &str = "https://tenant.test/";

/// Where the document came from: over TLS, from loopback, from a port.
const DOCUMENTS: [&str; 3] = [
    "https://tenant.test/.well-known/openid-configuration",
    "http://127.0.0.1:8080/.well-known/openid-configuration",
    "http://tenant.test:8080/x/.well-known/oauth-authorization-server",
];

const WORDS: Words = Words {
    names: &["issuer", "access_token_issuer", "jwks_uri", "authorization_endpoint", "keys"],
    values: &[
        r#""https://tenant.test/""#,
        r#""https://tenant.test""#,
        r#""https://TENANT.test/""#,
        r#"["https://tenant.test/"]"#,
        r#""https://keys.test/jwks""#,
        r#""http://tenant.test/jwks""#,
        r#""http://127.0.0.1:8080/jwks""#,
        r#""http://tenant.test:8080/jwks""#,
        r#""https://169.254.169.254/""#,
        r#""https://0xa9fea9fe/""#,
        r#""https://[::ffff:169.254.169.254]/""#,
        r#""https://[64:ff9b::a9fe:a9fe]/""#,
        r#""https://a:b@keys.test/""#,
        r#""file:///etc/passwd""#,
        r#""/jwks""#,
        "null",
        "7",
        r#""\u001b[31mred\u202e""#,
        r#""https:keys.test""#,
        r#""https:\\\\keys.test\\a""#,
        r#""\u00a0https://keys.test/""#,
        r#""https://keys.test/?secret=hunter2#x""#,
    ],
    members: &[r#""issuer":"https://tenant.test/""#, r#""issuer":"https:\/\/tenant.test\/""#],
};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let text = json_writer::read(input, &WORDS);
    for document in DOCUMENTS {
        let document = Url::parse(document).expect("a URL of ours");
        let loopback = if url_guard::is_loopback(&document) { Loopback::Allowed } else { Loopback::Refused };
        let read = MetadataDocument { text: &text, url: &document, loopback, allow_http: true };
        match discovery::jwks_uri(read, ISSUER, "portcullis.yaml:3") {
            Ok(url) => {
                only_this_issuers_document_counts(without_bom(&text), &url);
                the_url_may_be_called(&url, &document, loopback);
            }
            Err(error) => a_message_is_fit_for_a_terminal(&error.to_string(), &text),
        }
    }
    judging_a_url_twice_is_judging_it_once(&text);
});

/// RFC 8414 section 3.3, and AD FS's own name for the issuer of access tokens.
fn only_this_issuers_document_counts(text: &[u8], url: &Url) {
    let members = strict_object(text).expect("strictly one object");
    let names = |member: &str| members.get(member) == Some(&Value::from(ISSUER));
    assert!(names("issuer") || names("access_token_issuer"));
    let named = members.get("jwks_uri").and_then(Value::as_str).expect("a string");
    assert_eq!(Url::parse(named).as_ref(), Ok(url));
}

fn the_url_may_be_called(url: &Url, document: &Url, loopback: Loopback) {
    assert_eq!(url_guard::check_discovered(url, document, loopback), Ok(()));
    assert!(url.scheme() == "https" || (url.scheme() == "http" && url.origin() == document.origin()), "{url}");
    assert!(url.username().is_empty() && url.password().is_none());
    let ip = match url.host().expect("an address to call") {
        Host::Domain(name) => {
            assert!(name.parse::<IpAddr>().is_err(), "an address that is taken for a name: {name}");
            return;
        }
        Host::Ipv4(ip) => ip,
        // Where an IPv4 address may hide: in the last four bytes behind some prefixes, or after that of 6to4.
        Host::Ipv6(ip) if ip.is_loopback() => return,
        Host::Ipv6(ip) => match ip.octets() {
            [0x20, 0x02, a, b, c, d, ..] | [0, 0x64, 0xFF, 0x9B, .., a, b, c, d] => Ipv4Addr::new(a, b, c, d),
            // Compatible, mapped, translated.
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d]
            | [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, a, b, c, d]
            | [0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, a, b, c, d] => Ipv4Addr::new(a, b, c, d),
            _ => {
                assert!(!ip.is_unicast_link_local() && !ip.is_multicast(), "{ip}");
                return;
            }
        },
    };
    assert!(!ip.is_link_local() && !ip.is_multicast() && !ip.is_broadcast() && ip.octets()[0] != 0, "{ip}");
}

/// It is printed and logged, and parts of it come from a stranger's document.
fn a_message_is_fit_for_a_terminal(message: &str, text: &[u8]) {
    let is_unfit = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!message.contains(is_unfit), "{message:?}");
    assert!(message.len() < 4096, "{} bytes", message.len());
    // Queries and passwords may be secrets; a host of that name is none.
    let text = String::from_utf8_lossy(text);
    let count = |part: &str| text.matches(part).count();
    let is_query = text.contains("?secret=hunter2") && count("?secret=hunter2") == count("secret=hunter2");
    assert!(!is_query || !message.contains("secret=hunter2"), "{message}");
}

/// What is parsed and what is called are the same URL.
fn judging_a_url_twice_is_judging_it_once(text: &[u8]) {
    let Ok(url) = Url::parse(&String::from_utf8_lossy(text)) else { return };
    let again = Url::parse(url.as_str()).expect("a URL written out is a URL");
    for allow_http in [false, true] {
        assert_eq!(url_guard::check_configured(&url, allow_http), url_guard::check_configured(&again, allow_http));
    }
    let shown = url_guard::shown(&url);
    let authority = shown.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    assert!(!url.has_host() || !authority.contains('@'), "a password is shown: {shown}");
    if url_guard::check_configured(&url, false).is_ok() && url.scheme() == "http" {
        assert!(url_guard::is_loopback(&url), "plain http to {url}");
    }
}

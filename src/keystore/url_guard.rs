//! Where keys may be fetched from: no plain text across a network, and no addresses that only insiders should reach.
//!
//! CVE-2026-41413: a URL in a document of another party must not make the service call the cloud's metadata service.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::limits;

/// The reason why a URL may not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForbiddenUrl {
    /// Plain `http:` without `allow_http`.
    #[error("`{0}` is not https; plain http is for loopback, or for configured URLs with `allow_http: true`")]
    PlainHttp(String),
    /// Neither http nor https.
    #[error("`{0}` is not an https URL")]
    Scheme(String),
    /// An address that no key server has.
    #[error("`{0}` is {1}")]
    Address(String, &'static str),
    /// A user or password in the URL.
    #[error("`{0}` has a user name or password in it")]
    Userinfo(String),
    /// A host that no server has, or another character that can't be sent.
    #[error("`{0}` has characters in it that no address of a server has")]
    Characters(String),
    /// `http:` that a document asks for.
    #[error("`{0}` is plain http, which a document can't ask for")]
    PlainHttpOfDocument(String),
    /// A name that leads to an address that no key server has.
    #[error("`{0}` resolves to {1}")]
    Resolves(String, &'static str),
}

/// The permission for a name to lead to this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loopback {
    /// The name may lead to this machine: the operator wrote it, or a document that came from this machine did.
    Allowed,
    /// The name may not lead to this machine: a document from elsewhere has it.
    Refused,
}

const THIS_MACHINE: &str = "this machine, which no document from elsewhere may name";

/// Checks a URL that the operator wrote.
///
/// # Errors
/// [`ForbiddenUrl`].
pub fn check_configured(url: &Url, allow_http: bool) -> Result<(), ForbiddenUrl> {
    check(url, allow_http || is_loopback(url))
}

/// Checks a URL that the document at `document` names. What is allowed there for plain http is not allowed here, but
/// for the origin that the document itself came from: nothing is lost there that was not lost before. `loopback` is whether
/// the document came from this machine.
///
/// # Errors
/// [`ForbiddenUrl`].
pub fn check_discovered(url: &Url, document: &Url, loopback: Loopback) -> Result<(), ForbiddenUrl> {
    if is_loopback(url) && loopback == Loopback::Refused {
        return Err(ForbiddenUrl::Address(shown(url), THIS_MACHINE));
    }
    check(url, url.origin() == document.origin()).map_err(|error| match error {
        ForbiddenUrl::PlainHttp(url) => ForbiddenUrl::PlainHttpOfDocument(url),
        other => other,
    })
}

/// Checks an address that a name has led to.
///
/// # Errors
/// [`ForbiddenUrl::Resolves`].
pub fn check_resolved(name: &str, ip: IpAddr, loopback: Loopback) -> Result<(), ForbiddenUrl> {
    let here = (loopback == Loopback::Refused && ip.is_loopback()).then_some(THIS_MACHINE);
    match forbidden(ip).or(here) {
        Some(why) => Err(ForbiddenUrl::Resolves(name.chars().take(limits::SHOWN_URL_CHARS).collect(), why)),
        None => Ok(()),
    }
}

fn check(url: &Url, plain_http: bool) -> Result<(), ForbiddenUrl> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(ForbiddenUrl::Scheme(shown(url)));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ForbiddenUrl::Userinfo(shown(url)));
    }
    let literal = match url.host() {
        Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
        Some(Host::Domain(_)) | None => None,
    };
    if let Some(why) = literal.and_then(forbidden) {
        return Err(ForbiddenUrl::Address(shown(url), why));
    }
    if !can_be_sent(url) {
        return Err(ForbiddenUrl::Characters(shown(url)));
    }
    if url.scheme() == "http" && !plain_http {
        return Err(ForbiddenUrl::PlainHttp(shown(url)));
    }
    Ok(())
}

/// Says whether the HTTP client can send that URL. The URL library takes more: `https://${HOST}/` is a URL to it.
#[must_use]
pub fn can_be_sent(url: &Url) -> bool {
    let is_host_character = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let is_name = url.domain().is_none_or(|name| !name.is_empty() && name.bytes().all(is_host_character));
    is_name && url.as_str().parse::<http::Uri>().is_ok()
}

/// A URL for people: without user, password, query and fragment, which may be secrets, and not too long, as some come out
/// of remote documents.
#[must_use]
pub fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let whole = format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path());
    whole.chars().take(limits::SHOWN_URL_CHARS).collect()
}

/// Says whether a URL's host is this machine by its spelling: a loopback literal or `localhost`.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// Returns why an address is never connected to, for every name that leads there; `None` if it may be connected to.
///
/// Private ranges may be: key servers inside a company live there.
#[must_use]
pub fn forbidden(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => forbidden_v4(ip),
        IpAddr::V6(ip) => forbidden_v6(ip),
    }
}

fn forbidden_v4(ip: Ipv4Addr) -> Option<&'static str> {
    // Metadata services outside 169.254.0.0/16: Alibaba, Oracle, Azure.
    const METADATA: [Ipv4Addr; 3] =
        [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192), Ipv4Addr::new(168, 63, 129, 16)];
    if ip.is_link_local() {
        Some("a link-local address, where cloud metadata services are")
    } else if METADATA.contains(&ip) {
        Some("the address of a cloud metadata service")
    } else if ip.octets().starts_with(&[0]) || ip.is_broadcast() || ip.is_multicast() {
        Some("not the address of a server")
    } else {
        None
    }
}

fn forbidden_v6(ip: Ipv6Addr) -> Option<&'static str> {
    // Google, Oracle, Scaleway.
    const METADATA: [Ipv6Addr; 3] = [
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
        Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
        Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
    ];
    if ip.is_loopback() {
        None
    } else if embeds_ipv4(ip) {
        Some("an IPv4 address that is written as an IPv6 address")
    } else if ip.is_unicast_link_local() || ip.segments().first().is_some_and(|first| first & 0xffc0 == 0xfec0) {
        // Site-local addresses (RFC 3879) have been given up; a host that still has one is internal.
        Some("a link-local address, where cloud metadata services are")
    } else if METADATA.contains(&ip) || ip.segments().starts_with(&[0xfd00, 0xec2]) {
        // All that AWS has on a machine: metadata, DNS, time, credentials of pods.
        Some("the address of a cloud metadata service")
    } else if ip.is_unspecified() || ip.is_multicast() {
        Some("not the address of a server")
    } else {
        None
    }
}

/// Says whether an address is another spelling of an IPv4 address: mapped or compatible (RFC 4291 section 2.5.5), translated (RFC 7915),
/// NAT64 (RFC 6052), 6to4 (RFC 3056) or Teredo (RFC 4380).
fn embeds_ipv4(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    ip.to_ipv4().is_some()
        || segments.starts_with(&[0, 0, 0, 0, 0xffff, 0])
        || segments.starts_with(&[0x64, 0xff9b])
        || segments.starts_with(&[0x2002])
        || segments.starts_with(&[0x2001, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn plain_http_is_for_loopback_or_by_permission() {
        for good in ["https://a.test/x", "http://127.0.0.1:1/x", "http://localhost/x", "http://[::1]/x"] {
            assert_eq!(check_configured(&url(good), false), Ok(()), "{good}");
        }
        for bad in ["http://a.test/x", "http://10.0.0.1/", "http://localhost.evil.test/"] {
            assert!(matches!(check_configured(&url(bad), false), Err(ForbiddenUrl::PlainHttp(_))), "{bad}");
            assert_eq!(check_configured(&url(bad), true), Ok(()), "{bad}");
        }
        for bad in ["ftp://a.test/", "file:///etc/passwd", "unix:/x"] {
            assert!(matches!(check_configured(&url(bad), true), Err(ForbiddenUrl::Scheme(_))), "{bad}");
        }
    }

    #[test]
    fn a_document_can_allow_plain_http_for_its_own_origin_only() {
        let document = url("http://issuer.test:8080/.well-known/openid-configuration");
        assert_eq!(check_discovered(&url("http://issuer.test:8080/jwks"), &document, Loopback::Refused), Ok(()));
        for bad in
            ["http://issuer.test/jwks", "http://127.0.0.1/jwks", "http://localhost:8080/", "http://other.test:8080/"]
        {
            assert!(check_discovered(&url(bad), &document, Loopback::Refused).is_err(), "{bad}");
        }
        assert_eq!(check_discovered(&url("https://keys.test/jwks"), &document, Loopback::Refused), Ok(()));
        for here in ["https://localhost/jwks", "https://127.0.0.1:8443/jwks", "https://[::1]/jwks"] {
            let refused = check_discovered(&url(here), &document, Loopback::Refused);
            assert!(matches!(refused, Err(ForbiddenUrl::Address(..))), "{here}");
            let allowed = check_discovered(&url(here), &url("http://localhost:8080/"), Loopback::Allowed);
            assert_eq!(allowed, Ok(()), "{here}");
        }
        let error = check_discovered(&url("http://a.test/jwks"), &url("https://a.test/"), Loopback::Refused);
        assert_eq!(error, Err(ForbiddenUrl::PlainHttpOfDocument("http://a.test/jwks".to_owned())));
    }

    #[test]
    fn a_name_of_a_document_from_elsewhere_may_not_lead_here() {
        for ip in ["127.0.0.1", "127.8.9.10", "::1"] {
            let ip: IpAddr = ip.parse().unwrap();
            assert!(check_resolved("keys.test", ip, Loopback::Refused).is_err(), "{ip}");
            assert_eq!(check_resolved("keys.test", ip, Loopback::Allowed), Ok(()), "{ip}");
        }
        for ip in ["169.254.169.254", "0.0.0.0", "::ffff:127.0.0.1", "fd00:ec2::254"] {
            for loopback in [Loopback::Allowed, Loopback::Refused] {
                assert!(check_resolved("keys.test", ip.parse().unwrap(), loopback).is_err(), "{ip}");
            }
        }
        assert_eq!(check_resolved("keys.test", "10.0.0.1".parse().unwrap(), Loopback::Refused), Ok(()));
    }

    #[test]
    fn what_the_http_client_cannot_send_is_refused_before() {
        for text in [
            "https://${IDP_HOST}/realms/main",
            "https://{tenant}.test/",
            "https://$HOST/",
            "https://a(b).test/",
            "https://a'b.test/",
            "https://a+b.test/",
            "https://a*b.test/",
        ] {
            let got = check_configured(&url(text), true);
            assert!(matches!(got, Err(ForbiddenUrl::Characters(_))), "{text}: {got:?}");
        }
        for text in ["https://a_b.test/", "https://bücher.test/", "https://a.test./", "https://a.test/{x}?y={z}&`^|"] {
            assert_eq!(check_configured(&url(text), false), Ok(()), "{text}");
        }
    }

    #[test]
    fn metadata_addresses_are_forbidden_in_every_spelling() {
        let spellings = [
            "https://169.254.169.254/",
            "https://0xa9fea9fe/",
            "https://2852039166/",
            "https://169.254.1.1/",
            "https://[::ffff:169.254.169.254]/",
            "https://[::ffff:a9fe:a9fe]/",
            "https://[64:ff9b::a9fe:a9fe]/",
            "https://[::127.0.0.1]/",
            "https://[fe80::1]/",
            "https://[fd00:ec2::254]/",
            "https://100.100.100.200/",
            "https://0.0.0.0/",
            "https://[::]/",
            "https://255.255.255.255/",
            "https://224.0.0.1/",
            "https://0.1.2.3/",
            "https://[::ffff:127.0.0.1]/",
            "https://[fd20:ce::254]/",
            "https://[fd00:c1::a9fe:a9fe]/",
            "https://168.63.129.16/",
            "https://[fd00:42::42]/",
            "https://[2002:a9fe:a9fe::1]/",
            "https://[::ffff:0:a9fe:a9fe]/",
            "https://[fd00:ec2::23]/",
            "https://[fec0::1]/",
            "https://[feff::1]/",
            "https://[2001:0:a9fe:a9fe::1]/",
            "https://[ff02::1]/",
            "https://[ff0e::1]/",
        ];
        for text in spellings {
            assert!(matches!(check_configured(&url(text), true), Err(ForbiddenUrl::Address(..))), "{text}");
        }
        for text in ["https://10.0.0.1/", "https://192.168.1.1/", "https://[fd12::1]/", "https://[2001:db8::1]/"] {
            assert_eq!(check_configured(&url(text), false), Ok(()), "{text}");
        }
    }

    #[test]
    fn a_url_is_shown_without_what_may_be_secret_and_not_without_end() {
        let whole = url("https://me:hunter2@a.test:8443/b/c?key=hunter2#hunter2");
        assert_eq!(shown(&whole), "https://a.test:8443/b/c");
        assert_eq!(shown(&url("https://a.test")), "https://a.test/");
        let long = url(&format!("https://a.test/{}", "b".repeat(1000)));
        assert_eq!(shown(&long).len(), limits::SHOWN_URL_CHARS);
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_repeated() {
        let error = check_configured(&url("https://user:hunter2@a.test/"), false).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        for half in ["https://user@a.test/", "https://:hunter2@a.test/"] {
            assert!(matches!(check_configured(&url(half), false), Err(ForbiddenUrl::Userinfo(_))), "{half}");
        }
    }
}

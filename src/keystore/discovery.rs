//! Issuer metadata: OpenID Connect Discovery 1.0 section 4 and RFC 8414 section 3.

use serde_json::Value;
use url::Url;

use super::url_guard::{self, ForbiddenUrl, Loopback, shown};
use crate::printable;
use portcullis_engine::{
    keys::document::{self, without_bom},
    strict_json,
};

/// Why a metadata document names no key set. The provider's or the operator's doing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMetadata {
    /// Not a JSON object.
    #[error("the metadata at `{document}` is not a JSON object{}", because(*.kind))]
    NotAnObject {
        /// The URL of the document.
        document: String,
        /// A description of the document, where its beginning tells.
        kind: Option<&'static str>,
    },
    /// RFC 8414 section 3.3: the issuer must be identical to the one asked for, or anybody's document would do.
    #[error("the metadata at `{document}` names {}, but `{configured}` is configured; {advice}", issuer(found))]
    OtherIssuer {
        /// The URL of the document.
        document: String,
        /// What it says, made safe to print.
        found: String,
        /// What the configuration says.
        configured: String,
        /// The remedy, as far as the document tells.
        advice: String,
    },
    /// No `jwks_uri`, or not a URL.
    #[error("the metadata at `{0}` has no valid `jwks_uri`")]
    NoJwksUri(String),
    /// A `jwks_uri` that may not be fetched.
    #[error("the `jwks_uri` of the metadata at `{document}` is refused: {reason}{}", advice.as_deref().unwrap_or(""))]
    ForbiddenJwksUri {
        /// The URL of the document.
        document: String,
        /// Why.
        reason: ForbiddenUrl,
        /// The remedy, with `; ` before it, where there is one.
        advice: Option<String>,
    },
}

fn because(kind: Option<&'static str>) -> String {
    kind.map(|kind| format!(": {kind}")).unwrap_or_default()
}

fn issuer(found: &str) -> String {
    if found.is_empty() { "no issuer".to_owned() } else { format!("issuer `{found}`") }
}

/// A metadata document, and what the configuration says about the place that it came from.
#[derive(Clone, Copy, Debug)]
pub struct MetadataDocument<'a> {
    /// The bytes of the document.
    pub text: &'a [u8],
    /// The URL of the document.
    pub url: &'a Url,
    /// Says whether names in it may lead to this machine.
    pub loopback: Loopback,
    /// Says whether the configuration allows plain http for the URLs that it names itself.
    pub allow_http: bool,
}

/// Reads the `jwks_uri` of a metadata document of that issuer. `written_at` is where the configuration names the issuer.
///
/// # Errors
/// [`InvalidMetadata`].
pub fn jwks_uri(document: MetadataDocument<'_>, issuer: &str, written_at: &str) -> Result<Url, InvalidMetadata> {
    let text = without_bom(document.text);
    let place = || shown(document.url);
    let members = strict_json::parse_object(text)
        .map_err(|_| InvalidMetadata::NotAnObject { document: place(), kind: document::kind_of(text) })?;
    let member = |name: &str| members.get(name).and_then(Value::as_str);
    // [MS-OIDCE] section 2.2.3.2: AD FS names the `iss` of its access tokens apart from that of its ID tokens.
    let of_access_tokens = member("access_token_issuer");
    let found = member("issuer").unwrap_or_default();
    if found != issuer && of_access_tokens != Some(issuer) {
        return Err(InvalidMetadata::OtherIssuer {
            document: place(),
            found: printable(found),
            configured: issuer.to_owned(),
            advice: advice_on_issuer(found, of_access_tokens, issuer, written_at),
        });
    }
    let uri = member("jwks_uri").and_then(|text| Url::parse(text).ok());
    let uri = uri.ok_or_else(|| InvalidMetadata::NoJwksUri(place()))?;
    match url_guard::check_discovered(&uri, document.url, document.loopback) {
        Ok(()) => Ok(uri),
        Err(reason) => {
            let advice = advice_on_place(&reason, &uri, document.allow_http);
            Err(InvalidMetadata::ForbiddenJwksUri { document: place(), reason, advice })
        }
    }
}

/// Returns the remedy where the document is of another issuer. The name in it is repeated as advice only if a token can have it.
fn advice_on_issuer(found: &str, of_access_tokens: Option<&str>, configured: &str, written_at: &str) -> String {
    let write = |name: &str| format!("write `issuer: {name}` in place of `issuer: {configured}` ({written_at})");
    if found.contains("${") {
        return "that is a variable that was not replaced by its value: mend the configuration of the provider"
            .to_owned();
    }
    if is_template(found) {
        return "that is a template for many tenants, and no token has it: name your tenant's own metadata in \
                `discovery_url`, or its key set in `jwks_uri`"
            .to_owned();
    }
    if found.contains('?') && of_access_tokens.is_none() {
        return "an issuer has no query (RFC 8414 section 2): look into a token of your provider's for its name"
            .to_owned();
    }
    match of_access_tokens {
        Some(name) if can_be_issuer(name) => {
            format!(
                "its access tokens have another one, its `access_token_issuer`: if that is your provider, {}",
                write(name)
            )
        }
        _ if can_be_issuer(found) => format!("if that is your provider, {}", write(found)),
        _ if found.is_empty() => {
            "so it is no metadata of an issuer: name its own in `discovery_url`, or its key set in \
                                  `jwks_uri`"
                .to_owned()
        }
        _ => "that can't be the `iss` of a token: look into a token of your provider's for its name".to_owned(),
    }
}

/// Returns the remedy where a key set may not be fetched. Only the operator can allow plain http.
fn advice_on_place(reason: &ForbiddenUrl, uri: &Url, allow_http: bool) -> Option<String> {
    let ForbiddenUrl::PlainHttpOfDocument(shown) = reason else { return None };
    // A query may be a secret, and is not shown.
    let place = if uri.query().is_none() { format!("`jwks_uri: {shown}`") } else { "it as `jwks_uri`".to_owned() };
    let allowed = if allow_http { "" } else { " and `allow_http: true`" };
    Some(format!("; if it is right, write {place}{allowed} in place of `discovery_url`"))
}

/// Says whether a name has a part that each tenant has of its own: `{tenantid}`, `<tenant>`, `:tenant`.
fn is_template(name: &str) -> bool {
    let encloses =
        |open, close| name.find(open).is_some_and(|at| name.get(at..).is_some_and(|rest| rest.contains(close)));
    encloses('{', '}') || encloses('<', '>') || name.contains("/:") || name.to_ascii_lowercase().contains("%7b")
}

/// Says whether a token can have that `iss`, and a line of the configuration too, as it is. An issuer has no query and no
/// fragment (RFC 8414 section 2).
fn can_be_issuer(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_graphic() && !br#"{}<>$`"'\#?"#.contains(&b);
    (1..=NAME_CHARS).contains(&name.len())
        && name.bytes().all(is_plain)
        && !name.contains("/.well-known/")
        && !is_template(name)
}

/// Characters of a remote name that are shown.
const NAME_CHARS: usize = 200;

/// Remote text for an operator's terminal, bounded: one issuer must not read as another. A query may be a secret, and is left out.
fn printable(text: &str) -> String {
    let shown = text.split_inclusive('?').next().unwrap_or_default();
    let left_out = if shown.len() < text.len() { "…" } else { "" };
    let shown: String = shown.chars().take(NAME_CHARS).collect();
    format!("{}{left_out}", printable::one_line(&shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://tenant.test/";

    fn read(text: &str) -> Result<Url, InvalidMetadata> {
        read_as(text, ISSUER, false)
    }

    #[test]
    fn the_query_of_a_name_is_neither_shown_nor_proposed() {
        for text in [
            r#"{"issuer":"https://other.test/?secret=hunter2"}"#,
            r#"{"issuer":"https://other.test/","access_token_issuer":"https://other.test/?secret=hunter2"}"#,
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("https://other.test/") && !error.contains("hunter2"), "{error}");
        }
        let error = read(r#"{"issuer":"https://other.test/?secret=hunter2"}"#).unwrap_err().to_string();
        assert!(error.contains("issuer `https://other.test/?…`") && !error.contains("write"), "{error}");
        assert!(error.contains("an issuer has no query (RFC 8414 section 2)"), "{error}");
    }

    fn read_as(text: &str, issuer: &str, allow_http: bool) -> Result<Url, InvalidMetadata> {
        let url = Url::parse("https://tenant.test/.well-known/openid-configuration").unwrap();
        let document = MetadataDocument { text: text.as_bytes(), url: &url, loopback: Loopback::Refused, allow_http };
        jwks_uri(document, issuer, "portcullis.yaml:3")
    }

    #[test]
    fn the_key_set_of_the_same_issuer_is_found() {
        let got = read(r#"{"issuer":"https://tenant.test/","jwks_uri":"https://keys.test/jwks"}"#).unwrap();
        assert_eq!(got.as_str(), "https://keys.test/jwks");
    }

    #[test]
    fn another_issuer_is_reported_with_both_strings_and_the_line_to_change() {
        let error = read(r#"{"issuer":"https://tenant.test","jwks_uri":"https://keys.test/jwks"}"#).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("names issuer `https://tenant.test`, but `https://tenant.test/` is configured"),
            "{text}"
        );
        assert!(
            text.contains(
                "write `issuer: https://tenant.test` in place of `issuer: https://tenant.test/` (portcullis.yaml:3)"
            ),
            "{text}"
        );
    }

    /// AD FS: ID tokens have another issuer than access tokens.
    #[test]
    fn the_issuer_of_access_tokens_makes_a_document_the_right_one() {
        let adfs = r#"{"issuer":"https://adfs.test/adfs","access_token_issuer":"http://adfs.test/adfs/services/trust",
                       "jwks_uri":"https://keys.test/jwks"}"#;
        let got = read_as(adfs, "http://adfs.test/adfs/services/trust", false).unwrap();
        assert_eq!(got.as_str(), "https://keys.test/jwks");
        let text = read_as(adfs, "https://adfs.test/", false).unwrap_err().to_string();
        assert!(text.contains("write `issuer: http://adfs.test/adfs/services/trust` in place of"), "{text}");
        assert!(!text.contains("write `issuer: https://adfs.test/adfs`"), "no access token has it: {text}");
        let list =
            adfs.replace("\"http://adfs.test/adfs/services/trust\"", "[\"http://adfs.test/adfs/services/trust\"]");
        assert!(read_as(&list, "http://adfs.test/adfs/services/trust", false).is_err());
    }

    #[test]
    fn a_name_that_no_token_can_have_is_never_advised() {
        for name in [
            "https://login.test/{tenantid}/v2.0",
            "https://login.test/%7Btenantid%7D/v2.0",
            "https://<tenant>.test/",
            "https://login.test/:tenant/",
            "https://login.test/${TENANT}",
            "https://a.test/ b",
            "https://a.test/`x`",
            "https://a.test/\\u202e",
            "https://a.test/.well-known/openid-configuration",
            "",
        ] {
            let text = read(&format!(r#"{{"issuer":"{name}"}}"#)).unwrap_err().to_string();
            assert!(!text.contains("write `issuer:"), "{text}");
        }
        let text = read(r#"{"issuer":"https://login.test/{tenantid}/v2.0"}"#).unwrap_err().to_string();
        assert!(text.contains("a template for many tenants") && text.contains("your tenant's own"), "{text}");
        let text = read("{}").unwrap_err().to_string();
        assert!(text.contains("names no issuer"), "{text}");
    }

    #[test]
    fn plain_http_of_a_document_is_for_the_operator_to_allow() {
        let text = format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"http://keycloak:8080/certs"}}"#);
        let told = |allow_http| read_as(&text, ISSUER, allow_http).unwrap_err().to_string();
        assert!(told(true).ends_with("write `jwks_uri: http://keycloak:8080/certs` in place of `discovery_url`"));
        assert!(
            told(false).contains("`jwks_uri: http://keycloak:8080/certs` and `allow_http: true`"),
            "{}",
            told(false)
        );
        let secret = text.replace("certs", "certs?key=hunter2");
        assert!(!read_as(&secret, ISSUER, true).unwrap_err().to_string().contains("hunter2"));
    }

    #[test]
    fn a_byte_order_mark_does_no_harm_and_what_is_no_json_is_named() {
        let good = format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"https://keys.test/jwks"}}"#);
        assert!(read(&format!("\u{feff}{good}")).is_ok());
        assert!(read(&format!("\u{feff}\u{feff}{good}")).is_err());
        for (text, word) in [("<!doctype html>", "HTML"), ("", "empty")] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn odd_documents_are_refused() {
        assert!(matches!(read("<html>"), Err(InvalidMetadata::NotAnObject { .. })));
        assert!(matches!(read("{}"), Err(InvalidMetadata::OtherIssuer { .. })));
        assert!(matches!(read(r#"{"issuer":["https://tenant.test/"]}"#), Err(InvalidMetadata::OtherIssuer { .. })));
        let with = |uri: &str| read(&format!(r#"{{"issuer":"{ISSUER}","jwks_uri":{uri}}}"#));
        for uri in ["7", "null", r#""""#, r#""/jwks""#, r#""not a url""#] {
            assert!(matches!(with(uri), Err(InvalidMetadata::NoJwksUri(_))), "{uri}");
        }
        for uri in [r#""http://tenant.test/jwks""#, r#""https://169.254.169.254/""#, r#""file:///etc/passwd""#] {
            assert!(matches!(with(uri), Err(InvalidMetadata::ForbiddenJwksUri { .. })), "{uri}");
        }
    }

    #[test]
    fn a_variable_that_nobody_replaced_is_no_template_for_tenants() {
        let error = read(r#"{"issuer":"https://${HOST}/v2.0"}"#).unwrap_err().to_string();
        assert!(error.contains("a variable that was not replaced") && !error.contains("tenants"), "{error}");
        let error = read(r#"{"issuer":"https://a.test/{tenantid}/v2.0"}"#).unwrap_err().to_string();
        assert!(error.contains("a template for many tenants"), "{error}");
    }

    #[test]
    fn remote_text_is_made_safe_for_a_terminal() {
        let error = read(r#"{"issuer":"\u001b[31mred\u202e"}"#).unwrap_err();
        assert!(!error.to_string().contains(['\u{1b}', '\u{202e}']));
    }
}

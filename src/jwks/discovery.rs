//! Issuer metadata: OpenID Connect Discovery 1.0 section 4 and RFC 8414 section 3.

use serde_json::Value;
use url::Url;

use super::address::{self, ForbiddenUrl, shown};
use crate::json;

/// Why a metadata document names no key set. The provider's or the operator's doing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMetadata {
    /// Not a JSON object.
    #[error("the metadata at `{0}` is not a JSON object")]
    NotAnObject(String),
    /// RFC 8414 section 3.3: the issuer must be identical to the one asked for, or anybody's document would do.
    #[error(
        "the metadata at `{document}` names issuer `{found}`, but `{configured}` is configured; \
         if that is your provider, write `issuer: {found}` in place of `issuer: {configured}` ({written_at})"
    )]
    OtherIssuer {
        /// Where the document is.
        document: String,
        /// What it says, made safe to print.
        found: String,
        /// What the configuration says.
        configured: String,
        /// Where it says so.
        written_at: String,
    },
    /// No `jwks_uri`, or not a URL.
    #[error("the metadata at `{0}` has no valid `jwks_uri`")]
    NoJwksUri(String),
    /// A `jwks_uri` that may not be fetched.
    #[error("the `jwks_uri` of the metadata at `{document}` is refused: {reason}")]
    ForbiddenJwksUri {
        /// Where the document is.
        document: String,
        /// Why.
        reason: ForbiddenUrl,
    },
}

/// The `jwks_uri` of a metadata document. `written_at` is where the configuration names the issuer.
///
/// # Errors
/// [`InvalidMetadata`].
pub fn jwks_uri(text: &[u8], document: &Url, issuer: &str, written_at: &str) -> Result<Url, InvalidMetadata> {
    let members = json::parse_object(text).map_err(|_| InvalidMetadata::NotAnObject(shown(document)))?;
    let found = members.get("issuer").and_then(Value::as_str).unwrap_or_default();
    if found != issuer {
        return Err(InvalidMetadata::OtherIssuer {
            document: shown(document),
            found: printable(found),
            configured: issuer.to_owned(),
            written_at: written_at.to_owned(),
        });
    }
    let uri = members.get("jwks_uri").and_then(Value::as_str).and_then(|text| Url::parse(text).ok());
    let uri = uri.ok_or_else(|| InvalidMetadata::NoJwksUri(shown(document)))?;
    match address::check_discovered(&uri, document) {
        Ok(()) => Ok(uri),
        Err(reason) => Err(InvalidMetadata::ForbiddenJwksUri { document: shown(document), reason }),
    }
}

/// Remote text for an operator's terminal: bounded, without control characters, and without the invisible ones that turn
/// text around, so that one issuer can't read as another.
fn printable(text: &str) -> String {
    let is_visible = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().filter(is_visible).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://tenant.test/";

    fn read(text: &str) -> Result<Url, InvalidMetadata> {
        let document = Url::parse("https://tenant.test/.well-known/openid-configuration").unwrap();
        jwks_uri(text.as_bytes(), &document, ISSUER, "portcullis.yaml:3")
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

    #[test]
    fn odd_documents_are_refused() {
        assert!(matches!(read("<html>"), Err(InvalidMetadata::NotAnObject(_))));
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
    fn remote_text_is_made_safe_for_a_terminal() {
        let error = read(r#"{"issuer":"\u001b[31mred\u202e"}"#).unwrap_err();
        assert!(!error.to_string().contains(['\u{1b}', '\u{202e}']));
    }
}

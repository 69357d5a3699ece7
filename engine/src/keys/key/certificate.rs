//! The key in the first certificate of a JWK's `x5c` (RFC 7517 section 4.7).
//!
//! It counts because the issuer published it in its own key set, over the same connection as the numbers of other keys. So
//! neither its dates nor the rest of the chain say more, and they are not looked at. `x5c` in a token is never read.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use spki::der::{Decode as _, Reader as _, SliceReader, Tag, Tagged as _, asn1::AnyRef};

use crate::keys::{public_key, unusable::UnusableKey};

/// Reads the members of the JWK that the first certificate is for; `None` if `x5c` names no certificate.
///
/// # Errors
/// [`UnusableKey::Certificate`]: what it names is no list of certificates, or holds no key of a type that is known here.
pub(super) fn members(jwk: &Map<String, Value>) -> Result<Option<Map<String, Value>>, UnusableKey> {
    let chain = match jwk.get("x5c") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(chain)) if chain.iter().all(Value::is_string) => chain,
        Some(_) => return Err(UnusableKey::Certificate),
    };
    let Some(first) = chain.first().and_then(Value::as_str) else { return Ok(None) };
    key(first).map(Some).ok_or(UnusableKey::Certificate)
}

fn key(certificate: &str) -> Option<Map<String, Value>> {
    // RFC 7517: base64, not base64url. Some providers break its lines.
    let text: String = certificate.split_ascii_whitespace().collect();
    let der = STANDARD.decode(text).ok()?;
    match public_key::jwk(subject_public_key_info(&der)?)? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// Finds the key in a certificate of any version (RFC 5280 section 4.1): many sets have some of version 1, as those of
/// Keycloak.
fn subject_public_key_info(certificate: &[u8]) -> Option<&[u8]> {
    let to_be_signed = SliceReader::new(content(certificate)?).ok()?.tlv_bytes().ok()?;
    let mut fields = SliceReader::new(content(to_be_signed)?).ok()?;
    let first = fields.tlv_bytes().ok()?;
    // Version 1 is not written.
    if first.first() == Some(&VERSION) {
        fields.tlv_bytes().ok()?;
    }
    // After the serial number: the algorithm of the signature, the issuer, the validity and the subject.
    for _ in 0..4 {
        content(fields.tlv_bytes().ok()?)?;
    }
    fields.tlv_bytes().ok()
}

/// The tag of the field `version`: context-specific, constructed, number 0.
const VERSION: u8 = 0xA0;

/// Returns the content of one whole sequence.
fn content(der: &[u8]) -> Option<&[u8]> {
    let any = AnyRef::from_der(der).ok()?;
    (any.tag() == Tag::Sequence).then(|| any.value())
}

//! Evidence about a refused token: facts for the log, and for people who ask why.
//!
//! A refused token is read once more for that, by those few denials that have a log line: verifying stays as it is.
#![deny(clippy::wildcard_enum_match_arm, clippy::arithmetic_side_effects)]

use serde_json::Value;

use super::{
    claim_checks,
    verifier::{Verifier, read},
};
use crate::{
    digest::{sha256, short_hex},
    jwt::claims::Claims,
    limits,
    oauth::access_token::AccessToken,
    reason::{DenyReason, TokenFault},
};

/// Facts about a refused token that may be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The issuer, where the signature is true.
    pub issuer: Option<String>,
    /// The client that the token was given to, where its signature is true.
    pub client_id: Option<String>,
    /// The beginning of the SHA-256 of its `iss`, where that is no configured issuer.
    pub issuer_sha256: Option<String>,
    /// The beginnings of the SHA-256 of its audiences, where none of them is a right one, with commas between.
    pub audience_sha256: Option<String>,
}

impl Verifier {
    /// Returns the evidence about a token that was denied for that reason.
    ///
    /// Of texts that anybody could have written, and of those that are for others, there is only a digest.
    #[must_use]
    pub fn evidence(&self, token: AccessToken<'_>, reason: DenyReason) -> Evidence {
        let Ok((_, _, claims)) = read(token) else { return Evidence::default() };
        let Ok(Some(issuer)) = claims.name("iss") else { return Evidence::default() };
        let Some(rules) = self.issuers.get(issuer) else {
            let is_it = reason == TokenFault::UnknownIssuer.into();
            let issuer_sha256 = is_it.then(|| short_hex(&sha256(issuer.as_bytes())));
            return Evidence { issuer_sha256, ..Evidence::default() };
        };
        let fault = if let DenyReason::Token(fault) = reason { Some(fault) } else { None };
        let is_signed = fault.is_some_and(is_found_behind_signature);
        let is_for_others = fault == Some(TokenFault::WrongAudience) || reason == DenyReason::AudienceNotAdmitted;
        let client_id = if is_signed { claim_checks::client_id(&claims, rules) } else { None };
        let audience_sha256 = if is_for_others { audiences(&claims, &rules.audience_claim) } else { None };
        Evidence {
            issuer: is_signed.then(|| issuer.to_owned()),
            client_id: client_id.map(str::to_owned),
            issuer_sha256: None,
            audience_sha256,
        }
    }
}

/// Says whether a fault is found only in tokens whose signature is true.
///
/// SECURITY: what such a token says is its issuer's word. A fault that can also be found before the signature is checked is
/// none of these: a forger could write any client's name beside it.
const fn is_found_behind_signature(fault: TokenFault) -> bool {
    match fault {
        TokenFault::WrongAudience
        | TokenFault::Expired
        | TokenFault::NotYetValid
        | TokenFault::IssuedInFuture
        | TokenFault::TooOld
        | TokenFault::NotAnAccessToken
        | TokenFault::Bound
        | TokenFault::ClientNotAllowed
        | TokenFault::ClaimRule => true,
        TokenFault::Opaque
        | TokenFault::Encrypted
        | TokenFault::Malformed
        | TokenFault::AlgorithmNotAllowed
        | TokenFault::CriticalHeader
        | TokenFault::TypeNotAllowed
        | TokenFault::UnknownIssuer
        | TokenFault::UnknownKey
        | TokenFault::AmbiguousKey
        | TokenFault::BadSignature
        | TokenFault::MalformedClaims => false,
    }
}

/// Digests of the audiences that a claim names: of many, the first ones.
fn audiences(claims: &Claims, claim: &str) -> Option<String> {
    let texts: Vec<&str> = match claims.get(claim)? {
        Value::String(text) => vec![text],
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).take(limits::LOGGED_AUDIENCES).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    let digests: Vec<String> = texts.iter().map(|text| short_hex(&sha256(text.as_bytes()))).collect();
    (!digests.is_empty()).then(|| digests.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::jwt::verifier::tests::{claims, rules, sign};

    fn evidence(token: &str, reason: impl Into<DenyReason>) -> Evidence {
        let token = AccessToken::parse(token.as_bytes()).unwrap();
        Verifier::new([rules()]).evidence(token, reason.into())
    }

    fn with(changes: Value, reason: impl Into<DenyReason>) -> Evidence {
        evidence(&sign(&json!({"alg": "HS256"}), &claims(changes)), reason)
    }

    /// The beginning of what `printf %s TEXT | sha256sum` prints.
    fn digest(text: &str) -> Option<String> {
        Some(short_hex(&sha256(text.as_bytes())))
    }

    /// The evidence that a true signature makes of the usual token.
    fn of_c1() -> Evidence {
        let issuer = Some(rules().issuer.as_ref().to_owned());
        Evidence { issuer, client_id: Some("c1".to_owned()), ..Evidence::default() }
    }

    #[test]
    fn an_unknown_issuer_and_wrong_audiences_have_digests() {
        let unknown = with(json!({"iss": "https://evil.test/"}), TokenFault::UnknownIssuer);
        assert_eq!(unknown, Evidence { issuer_sha256: digest("https://evil.test/"), ..Evidence::default() });
        let one = Evidence { audience_sha256: digest("other"), ..of_c1() };
        assert_eq!(with(json!({"aud": "other"}), TokenFault::WrongAudience), one);
        assert_eq!(with(json!({"aud": ["other"]}), TokenFault::WrongAudience), one);
        let several = with(json!({"aud": ["a", "b", "c", "d", "e"]}), DenyReason::AudienceNotAdmitted).audience_sha256;
        let wanted = ["a", "b", "c", "d"].map(|text| digest(text).unwrap()).join(",");
        assert_eq!(several, Some(wanted), "of many the first ones");
        assert_eq!(with(json!({"aud": []}), TokenFault::WrongAudience).audience_sha256, None);
    }

    #[test]
    fn other_reasons_and_tokens_that_cannot_be_read_have_none() {
        assert_eq!(with(json!({"iss": "https://evil.test/"}), DenyReason::NoRoute), Evidence::default());
        assert_eq!(with(json!({"iss": 7}), TokenFault::MalformedClaims), Evidence::default());
        assert_eq!(evidence("opaque", TokenFault::Opaque), Evidence::default());
        let late = with(json!({}), TokenFault::Expired);
        assert_eq!(late, of_c1());
    }

    #[test]
    fn a_client_is_named_only_beside_faults_that_a_forged_token_never_has() {
        let fault_of = |reason| if let DenyReason::Token(fault) = reason { Some(fault) } else { None };
        for fault in DenyReason::all().filter_map(fault_of) {
            let named = with(json!({}), fault);
            assert_eq!(named.client_id.is_some(), is_found_behind_signature(fault), "{fault:?}");
            assert_eq!(named.issuer.is_some(), is_found_behind_signature(fault), "{fault:?}");
        }
        // Every claim that a forger could choose to get another answer than that the signature is false.
        for changes in [
            json!({}),
            json!({"aud": "other"}),
            json!({"exp": 1}),
            json!({"nbf": 4_000_000_000_u64}),
            json!({"iat": 4_000_000_000_u64}),
            json!({"at_hash": "x"}),
            json!({"typ": "ID"}),
            json!({"token_use": "id"}),
            json!({"cnf": {"jkt": "x"}}),
            json!({"exp": "-"}),
        ] {
            let token = sign(&json!({"alg": "HS256"}), &claims(changes.clone()));
            let (input, signature) = token.rsplit_once('.').unwrap();
            let forged = format!("{input}.{}", signature.chars().rev().collect::<String>());
            let fault = crate::jwt::verifier::tests::fault_of(&forged);
            assert!(!is_found_behind_signature(fault), "{changes}: {fault:?}");
        }
    }
}

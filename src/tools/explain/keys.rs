//! The keys of the token's issuer: which are there, which are skipped and why, and what would help where none is the token's.

use std::sync::Arc;

use super::value::text;
use crate::limits;
use portcullis_engine::{
    jwt::header::Header,
    keys::{
        algorithm::Algorithm,
        key::{KeyLabel, VerificationKey, hint::KeyHint},
        key_set::KeySet,
    },
    reason::TokenFault,
};

/// The keys that an issuer has now, and what a token says about the one that signed it.
pub(super) struct KeyView<'a> {
    pub(super) set: Arc<KeySet>,
    pub(super) header: &'a Header,
}

impl KeyView<'_> {
    /// The keys that are there, and those that are skipped.
    pub(super) fn describe(&self) -> String {
        let keys: Vec<String> = self.set.keys().iter().map(named).collect();
        let skipped: Vec<String> = self.set.skipped().iter().map(ToString::to_string).collect();
        let skipped = if skipped.is_empty() { String::new() } else { format!("; {}", shown(&skipped, "; ")) };
        format!("the issuer has {}{skipped}", shown(&keys, ", "))
    }

    /// Returns what would make the token pass, as far as the keys tell.
    pub(super) fn help(&self, fault: TokenFault) -> String {
        let (hint, algorithm) = (self.header.key_hint(), self.header.algorithm);
        let fitting = self.set.fitting(hint, algorithm).count();
        match (fault, hint.kid) {
            (TokenFault::AmbiguousKey, Some(kid)) => format!(
                "ask the issuer to give each key a `kid` of its own, or put the right one into `jwks_file`: {fitting} keys are \
                 called {}, and a new token changes nothing",
                text(kid)
            ),
            (TokenFault::AmbiguousKey, None) => format!(
                "ask the issuer for tokens with a `kid`, or put the right keys into `jwks_file`: the token has none, {fitting} \
                 keys fit it, and at most {} are tried",
                limits::KEYS_TRIED
            ),
            (TokenFault::BadSignature, Some(kid)) => format!(
                "send the token exactly as the issuer gave it, or get a new one: the issuer's key {} did not sign this one",
                text(kid)
            ),
            (TokenFault::BadSignature, None) => {
                let tried = format!("none of the issuer's that fit it ({fitting} for {}) signed it", algorithm.name());
                let otherwise = "send the token exactly as the issuer gave it, or get a new one";
                match self.skipped(|_| true) {
                    Some(skipped) => format!(
                        "mend a skipped key if it is the one that signed the token, or else {otherwise}: the token names no \
                         key, {tried}, and {skipped}"
                    ),
                    None => format!("{otherwise}: it names no key, and {tried}"),
                }
            }
            (_, Some(kid)) => self.unknown(kid, algorithm),
            (_, None) => self.nothing_fits(hint, algorithm),
        }
    }

    /// A token names a key that is not among those that can be used.
    fn unknown(&self, kid: &str, algorithm: Algorithm) -> String {
        let is_it = |key: &&VerificationKey| key.kid() == Some(kid);
        if let Some(key) = self.set.keys().iter().find(is_it) {
            return format!(
                "ask the issuer for a token that is signed as its key is published: {}, and the token says {}",
                named(key),
                algorithm.name()
            );
        }
        if let Some(skipped) = self.skipped(|key| key.is_named(kid)) {
            return format!("mend the key, and not the token: {skipped}");
        }
        if kid.is_empty() {
            return "ask the issuer for tokens with a `kid`, or without an empty one: an empty `kid` names no key"
                .to_owned();
        }
        let is_unnamed = |key: &VerificationKey| key.kid().is_none() && key.algorithms().any(|own| own == algorithm);
        if self.set.keys().iter().any(is_unnamed) {
            return format!(
                "ask the issuer to publish the `kid` {}, or put its key into `public_key_file`: its key for {} has no `kid`, so \
                 it is for tokens without one",
                text(kid),
                algorithm.name()
            );
        }
        format!("get a new token: the issuer has no key {} now, and may have replaced it", text(kid))
    }

    /// A token names no key by `kid`, and no key fits.
    fn nothing_fits(&self, hint: KeyHint<'_>, algorithm: Algorithm) -> String {
        let is_it = |key: &&VerificationKey| key.algorithms().any(|own| key.is_named_by_certificate(hint, own));
        match self.set.keys().iter().find(is_it) {
            Some(key) if key.algorithms().any(|own| own == algorithm) => {
                return format!(
                    "ask the issuer for tokens whose `x5t` and `x5t#S256` are of one certificate: one is that of {}, the \
                     other is not",
                    named(key)
                );
            }
            Some(key) => {
                return format!(
                    "ask the issuer for a token that is signed as its key is published: {}, and the token says {}",
                    named(key),
                    algorithm.name()
                );
            }
            None => {}
        }
        if let Some(skipped) = self.skipped(|key| key.has_certificate(hint)) {
            return format!("mend the key, and not the token: {skipped}");
        }
        let skipped = self.skipped(|_| true).map(|skipped| format!("; {skipped}")).unwrap_or_default();
        if self.set.fitting(KeyHint::default(), algorithm).next().is_some() {
            let certificate = hint.x5t.or(hint.x5t_s256).unwrap_or_default();
            return format!(
                "get a new token: the issuer has no key of the certificate {} now, and may have replaced it{skipped}",
                text(certificate)
            );
        }
        format!("get a token signed as the issuer's keys are for: none of them is for {}{skipped}", algorithm.name())
    }

    /// Describes the skipped keys of that kind; `None` if there is none.
    fn skipped(&self, is_meant: impl Fn(&KeyLabel) -> bool) -> Option<String> {
        let meant = self.set.skipped().iter().filter(|skipped| skipped.key.as_ref().is_some_and(&is_meant));
        let meant: Vec<String> = meant.map(ToString::to_string).collect();
        (!meant.is_empty()).then(|| shown(&meant, "; "))
    }
}

/// A key by its name and its algorithms.
fn named(key: &VerificationKey) -> String {
    let name = key.kid().map_or_else(|| "a key without a `kid`".to_owned(), |kid| format!("key {}", text(kid)));
    let algorithms: Vec<&str> = key.algorithms().map(Algorithm::name).collect();
    format!("{name} for {}", algorithms.join(" "))
}

fn shown(items: &[String], between: &str) -> String {
    let first: Vec<&str> = items.iter().take(SHOWN).map(String::as_str).collect();
    match items.len().saturating_sub(first.len()) {
        0 => first.join(between),
        more => format!("{}{between}and {more} more", first.join(between)),
    }
}

const SHOWN: usize = 8;

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    fn jwk(seed: u8, extra: &str) -> String {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"{extra}}}"#)
    }

    const P384: &str = r#"{"kid":"p2","kty":"EC","crv":"P-384","x":"qofKIr6LBTeOscce8yCtdG4dO2KLp5uYWfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3","y":"NhfeSpYmLG9dnpi_kpLcKfj0Hb0omhR86doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f"}"#;

    fn helped(keys: &[String], header: &str, fault: TokenFault) -> (String, String) {
        let set = KeySet::parse(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes(), &[Algorithm::EdDSA]).unwrap();
        let header = Header::parse(header.as_bytes()).unwrap();
        let view = KeyView { set: Arc::new(set), header: &header };
        (view.describe(), view.help(fault))
    }

    #[test]
    fn the_keys_are_named_with_those_that_are_skipped() {
        let keys =
            [jwk(1, r#","kid":"a""#), jwk(2, ""), P384.to_owned(), r#"{"kid":"e","kty":"RSA","use":"enc"}"#.into()];
        let (there, _) = helped(&keys, r#"{"alg":"EdDSA"}"#, TokenFault::BadSignature);
        assert_eq!(
            there,
            "the issuer has key `a` for EdDSA, a key without a `kid` for EdDSA; key `p2` (EC P-384) is skipped: it is for \
             ES384, which the issuer's `algorithms` lack: add it there if its tokens are to pass; key `e` (RSA) is skipped: \
             its `use` or `key_ops` say that it is not for verifying signatures"
        );
    }

    #[test]
    fn a_skipped_key_is_named_where_a_token_without_a_kid_may_be_its() {
        use TokenFault as F;
        let encrypts = jwk(1, r#","x5t":"a","x5t#S256":"sa","use":"enc""#);
        let keys = [encrypts, jwk(2, r#","kid":"b","x5t":"b""#)];
        for (header, fault, part) in [
            (r#"{"alg":"EdDSA","x5t":"a"}"#, F::UnknownKey, "mend the key, and not the token: key number 1 of the set"),
            (r#"{"alg":"EdDSA","x5t#S256":"sa"}"#, F::UnknownKey, "mend the key, and not the token: key number 1"),
            (r#"{"alg":"EdDSA"}"#, F::BadSignature, "mend a skipped key if it is the one that signed the token"),
            (
                r#"{"alg":"EdDSA"}"#,
                F::BadSignature,
                "and key number 1 of the set, which has no `kid`, (OKP Ed25519) is skipped",
            ),
            (r#"{"alg":"EdDSA","x5t":"z"}"#, F::UnknownKey, "replaced it; key number 1 of the set"),
            (r#"{"alg":"RS256"}"#, F::UnknownKey, "none of them is for RS256; key number 1 of the set"),
            (r#"{"alg":"RS256","x5t":"b"}"#, F::UnknownKey, "key `b` for EdDSA, and the token says RS256"),
        ] {
            let (_, help) = helped(&keys, header, fault);
            assert!(help.contains(part), "{header}: {help}");
        }
        let named = [jwk(2, r#","kid":"b","x5t":"b","x5t#S256":"sb""#)];
        let (_, help) = helped(&named, r#"{"alg":"EdDSA","x5t":"b","x5t#S256":"z"}"#, F::UnknownKey);
        assert!(help.contains("of one certificate: one is that of key `b` for EdDSA"), "{help}");
        let (_, help) = helped(&named, r#"{"alg":"EdDSA","kid":""}"#, F::UnknownKey);
        assert!(help.starts_with("ask the issuer for tokens with a `kid`") && !help.contains("new token"), "{help}");
    }

    #[test]
    fn what_helps_is_true_for_the_case() {
        use TokenFault as F;
        let named = |names: &[&str]| -> Vec<String> {
            (1..).zip(names).map(|(seed, kid)| jwk(seed, &format!(r#","kid":"{kid}","x5t":"t{kid}""#))).collect()
        };
        let (one, five) = (named(&["a"]), named(&["a", "b", "c", "d", "e"]));
        let skipped = [jwk(1, r#","kid":"a""#), P384.to_owned()];
        for (keys, header, fault, part) in [
            (&five[..], r#"{"alg":"EdDSA"}"#, F::AmbiguousKey, "5 keys fit it, and at most 4 are tried"),
            (&named(&["a", "a"]), r#"{"alg":"EdDSA","kid":"a"}"#, F::AmbiguousKey, "2 keys are called `a`"),
            (&one, r#"{"alg":"EdDSA","kid":"a"}"#, F::BadSignature, "the issuer's key `a` did not sign this one"),
            (&one, r#"{"alg":"EdDSA"}"#, F::BadSignature, "that fit it (1 for EdDSA) signed it"),
            (&five[..3], r#"{"alg":"EdDSA"}"#, F::BadSignature, "that fit it (3 for EdDSA) signed it"),
            (&one, r#"{"alg":"EdDSA","kid":"z"}"#, F::UnknownKey, "get a new token: the issuer has no key `z` now"),
            (&one, r#"{"alg":"RS256","kid":"a"}"#, F::UnknownKey, "key `a` for EdDSA, and the token says RS256"),
            (
                &skipped,
                r#"{"alg":"ES384","kid":"p2"}"#,
                F::UnknownKey,
                "it is for ES384, which the issuer's `algorithms` lack",
            ),
            (&[jwk(1, "")], r#"{"alg":"EdDSA","kid":"z"}"#, F::UnknownKey, "put its key into `public_key_file`"),
            (&one, r#"{"alg":"RS256"}"#, F::UnknownKey, "none of them is for RS256"),
            (&one, r#"{"alg":"EdDSA","x5t":"tz"}"#, F::UnknownKey, "no key of the certificate `tz` now"),
        ] {
            let (_, help) = helped(keys, header, fault);
            assert!(help.contains(part), "{header}: {help}");
            let is_new = help.contains("get a new");
            assert_eq!(is_new, fault == F::BadSignature || part.contains("now"), "only where a new one helps: {help}");
        }
    }
}

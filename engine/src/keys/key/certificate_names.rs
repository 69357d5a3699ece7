//! The names of the certificate of a key (RFC 7517 sections 4.8 and 4.9): thumbprints that tokens may name it by.

use serde_json::{Map, Value};

use super::hint::KeyHint;

/// The names that a key has by its certificate, as far as its JWK says them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CertificateNames {
    pub(super) x5t: Option<String>,
    pub(super) x5t_s256: Option<String>,
}

impl CertificateNames {
    pub(super) fn read(jwk: &Map<String, Value>) -> Self {
        let name = |member: &str| jwk.get(member).and_then(Value::as_str).map(str::to_owned);
        Self { x5t: name("x5t"), x5t_s256: name("x5t#S256") }
    }

    /// Says whether nothing that a token says about the certificate is known to be another one's.
    pub(super) fn may_be(&self, hint: KeyHint<'_>) -> bool {
        let differs = |mine: &Option<String>, named: Option<&str>| match (mine, named) {
            (Some(mine), Some(named)) => mine != named,
            (None, _) | (_, None) => false,
        };
        !differs(&self.x5t, hint.x5t) && !differs(&self.x5t_s256, hint.x5t_s256)
    }

    /// Says whether a token names this certificate by one of its thumbprints.
    pub(super) fn is_named(&self, hint: KeyHint<'_>) -> bool {
        let is_named = |mine: &Option<String>, named: Option<&str>| named.is_some() && mine.as_deref() == named;
        is_named(&self.x5t, hint.x5t) || is_named(&self.x5t_s256, hint.x5t_s256)
    }
}

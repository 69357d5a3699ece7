//! Signature algorithms, by their names in RFC 7518 section 3.1 and RFC 8037 section 3.1: those that are verified here.
//!
//! A closed list: what is not in it has no value, so `none` can't be configured, chosen or compared with.

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of RFC 7518 section 3.1")]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    ES512,
    /// Over Ed25519 only: no library that we build on verifies Ed448.
    EdDSA,
    HS256,
    HS384,
    HS512,
}

impl Algorithm {
    /// Those of public keys.
    pub const ASYMMETRIC: [Self; 10] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::EdDSA,
    ];
    /// Those of shared secrets.
    pub const SYMMETRIC: [Self; 3] = [Self::HS256, Self::HS384, Self::HS512];

    /// The value of `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
        }
    }

    /// The algorithm that a header or a key names, case-sensitively.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        // RFC 9864 section 2.2: what `EdDSA` with an Ed25519 key has always been, by a name that says so.
        if name == "Ed25519" {
            return Some(Self::EdDSA);
        }
        Self::ASYMMETRIC.into_iter().chain(Self::SYMMETRIC).find(|algorithm| algorithm.name() == name)
    }

    /// Whether it takes a shared secret.
    #[must_use]
    pub const fn is_hmac(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_and_nothing_else_is_taken() {
        for algorithm in Algorithm::ASYMMETRIC {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
            assert!(!algorithm.is_hmac());
        }
        for algorithm in Algorithm::SYMMETRIC {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
            assert!(algorithm.is_hmac());
        }
        assert_eq!(Algorithm::from_name("Ed25519"), Some(Algorithm::EdDSA));
        for wrong in ["none", "None", "", "rs256", "RS1", "ES256K", "Ed448", "eddsa", "RSA-OAEP", "dir"] {
            assert_eq!(Algorithm::from_name(wrong), None, "{wrong}");
        }
    }
}

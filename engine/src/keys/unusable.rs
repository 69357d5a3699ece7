//! The reasons for which a key is skipped, in words that name what to mend.

use crate::{keys::algorithm::Algorithm, limits};

/// The reason why a key of a set is skipped. The set survives (RFC 7517 section 5).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableKey {
    /// Not a JWK at all.
    #[error("it is not a readable JSON Web Key")]
    Unreadable,
    /// A member that must be there.
    #[error("it has no `{0}`")]
    Missing(&'static str),
    /// `use` or `key_ops` say that it is not for signatures.
    #[error("its `use` or `key_ops` say that it is not for verifying signatures")]
    NotForSignatures,
    /// A type, a curve or an `alg` that is not verified here.
    #[error("its {0} is not supported")]
    Unsupported(&'static str),
    /// An `alg` for keys of another type.
    #[error("its `alg` is not for keys of its type")]
    UnfitAlgorithm,
    /// The key is for these algorithms, and the issuer is configured for others.
    #[error("it is for {}, which the issuer's `algorithms` lack: add {} there if its tokens are to pass", either(.0), pronoun(.0))]
    NotConfigured(Vec<Algorithm>),
    /// An RSA modulus outside [`limits::RSA_MODULUS_BITS`].
    #[error("its RSA modulus has {0} bits (2048 to 8192 are allowed)")]
    RsaSize(usize),
    /// An RSA exponent under which signatures prove nothing, or that only costs time.
    #[error("its RSA exponent `e` is not an odd number from 3 to 33 bits")]
    RsaExponent,
    /// An RSA modulus that anybody can factor.
    #[error("its RSA modulus is divisible by {0}, so it is no product of two large primes")]
    SmallFactor(u16),
    /// A modulus of CVE-2017-15361.
    #[error("its RSA modulus has the fingerprint of CVE-2017-15361 (ROCA): its private key can be computed")]
    Roca,
    /// An Ed25519 point of small order (RFC 8032 section 5.1): signatures under it prove nothing.
    #[error("its `x` is a point of small order, for which anybody can make signatures")]
    SmallOrder,
    /// A number that is not written as RFC 7518 section 6 wants it.
    #[error("its `{0}` is not base64url without padding (RFC 7515 section 2)")]
    NotBase64Url(&'static str),
    /// A number of the wrong length.
    #[error("its `{member}` has {found} bytes, and its curve needs {wanted}")]
    Length {
        /// The member of the JWK.
        member: &'static str,
        /// The number of its bytes.
        found: usize,
        /// The number that the curve needs.
        wanted: usize,
    },
    /// The crypto library refuses its numbers.
    #[error("its numbers are not a valid public key")]
    Invalid,
    /// An `x5c` of which no key can be read.
    #[error(
        "its `x5c` is no list of certificates in base64 (RFC 7517 section 4.7), or the first one is not for a key that can \
         be used here"
    )]
    Certificate,
    /// A certificate of another key than that of the numbers.
    #[error("the first certificate of its `x5c` holds another key than the numbers beside it")]
    OtherCertificate,
    /// A private or shared key in a public set: every reader of the set can sign.
    #[error("its private part is published, so anyone can sign with it")]
    Private,
    /// A file with PEM that is not one public key.
    #[error("{0}")]
    Pem(&'static str),
    /// More keys in the set than [`limits::KEYS_PER_SET`]; the rest is not looked at.
    #[error("the set has {0} keys, and only the first {max} are looked at", max = limits::KEYS_PER_SET)]
    TooMany(usize),
    /// A `kid` longer than its limit.
    #[error("its `kid` has more than {max} bytes", max = limits::KID_BYTES)]
    KidTooLong,
}

impl UnusableKey {
    /// Says whether the key is as it should be, and only not meant for this service.
    #[must_use]
    pub const fn is_for_others(&self) -> bool {
        matches!(self, Self::NotForSignatures | Self::Unsupported(_) | Self::NotConfigured(_))
    }
}

fn either(algorithms: &[Algorithm]) -> String {
    let names: Vec<&str> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "no algorithm".to_owned(),
    }
}

fn pronoun(algorithms: &[Algorithm]) -> &'static str {
    if algorithms.len() > 1 { "one" } else { "it" }
}

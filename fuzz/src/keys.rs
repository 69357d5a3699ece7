//! Key material without a secret in the repository: a key pair of a constant seed, the curves' base points, and numbers
//! with the size of an RSA modulus.

use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

use crate::base64url;

/// Name, x and y of the base points (FIPS 186, SP 800-186): valid public keys that are nobody's.
pub const BASE_POINTS: [(&str, &str, &str); 3] = [
    ("P-256", "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"),
    (
        "P-384",
        "qofKIr6LBTeOscce8yCtdG4dO2KLp5uYWfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3",
        "NhfeSpYmLG9dnpi_kpLcKfj0Hb0omhR86doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f",
    ),
    (
        "P-521",
        "AMaFjga3BATpzZ4-y2YjlbRCnGSBOQU_tSH4KK9ga009uqFLXnfv51ko_h3BJ6L_qN4zSLPBhWpCm_l-fjHC5b1m",
        "ARg5KWp4mjvABFyKX7QsfRvZmPVESVebRGgXr70XJz5mLJfucple9CZAxVC5AT-tB2E1PHCGonLCQIi-lHaf0WZQ",
    ),
];

/// Signs with Ed25519.
pub struct Signer(Ed25519KeyPair);

impl Signer {
    /// A pair that depends on the seed alone.
    pub fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("32 bytes are a seed"))
    }

    /// Its public half, a JWK.
    pub fn jwk(&self, kid: &str) -> String {
        let x = base64url::encode(self.0.public_key().as_ref());
        format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{x}"}}"#)
    }

    /// A compact JWS.
    pub fn sign(&self, header: &[u8], payload: &[u8]) -> String {
        let input = format!("{}.{}", base64url::encode(header), base64url::encode(payload));
        let signature = self.0.sign(input.as_bytes());
        format!("{input}.{}", base64url::encode(signature.as_ref()))
    }
}

/// Members of JWKs that belong together: keys of every kind, good ones and some that must not be used.
pub fn jwk_members() -> &'static [&'static str] {
    static MEMBERS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let mut members = Vec::new();
        for (curve, x, y) in BASE_POINTS {
            members.push(format!(r#""kty":"EC","crv":"{curve}","x":"{x}","y":"{y}""#));
            members.push(format!(r#""kty":"EC","crv":"{curve}","x":"{y}","y":"{x}""#));
        }
        for (bits, exponent) in
            [(1024, 65537), (2047, 65537), (2048, 65537), (2048, 1), (2048, 2), (8192, 3), (8193, 3)]
        {
            let (n, e) = (base64url::encode(&modulus(bits)), base64url::encode(&number(exponent)));
            members.push(format!(r#""kty":"RSA","n":"{n}","e":"{e}""#));
        }
        for seed in [1, 2] {
            let jwk = Signer::new(seed).jwk("a");
            members.push(jwk.trim_matches(['{', '}']).to_owned());
        }
        members.push(r#""kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0""#.to_owned());
        members.into_iter().map(|text| &*text.leak()).collect()
    });
    &MEMBERS
}

/// A number of so many bits without a small factor.
fn modulus(bits: usize) -> Vec<u8> {
    let mut bytes = vec![0x5A; bits.div_ceil(8)];
    let top = (bits - 1) % 8;
    bytes[0] = (1 << top) | (bytes[0] & ((1 << top) - 1));
    *bytes.last_mut().expect("it has bits") = 0xFF;
    let rest =
        |bytes: &[u8], divisor: u32| bytes.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % divisor);
    while (2..168).any(|divisor| rest(&bytes, divisor) == 0) {
        *bytes.last_mut().expect("it has bits") -= 2;
    }
    bytes
}

fn number(value: u32) -> Vec<u8> {
    value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

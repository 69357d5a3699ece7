//! Keys under which a signature proves nothing, although their form is right.

use crate::keys::unusable::UnusableKey;

/// Refuses RSA moduli with small factors, 2 among them, and those of CVE-2017-15361.
///
/// ROCA ("The Return of Coppersmith's Attack", Nemec and others, 2017): the faulty library made primes of the form
/// `k * M + (65537^a mod M)` with a product M of the first primes. So the modulus is a power of 65537 modulo each of them,
/// which of other moduli one in some 10^8 is.
pub(super) fn check_modulus(modulus: &[u8]) -> Result<(), UnusableKey> {
    let remainders = SMALL_PRIMES.map(|prime| (prime, remainder(modulus, prime)));
    if let Some((prime, _)) = remainders.iter().find(|(_, remainder)| *remainder == 0) {
        return Err(UnusableKey::SmallFactor(*prime));
    }
    let is_marked = remainders.iter().all(|(prime, remainder)| is_power_of_65537(*remainder, *prime));
    if is_marked { Err(UnusableKey::Roca) } else { Ok(()) }
}

const SMALL_PRIMES: [u16; 39] = [
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

fn remainder(number: &[u8], prime: u16) -> u16 {
    let prime = u32::from(prime);
    let rest = number.iter().fold(0, |rest: u32, byte| (rest * 256 + u32::from(*byte)) % prime);
    u16::try_from(rest).unwrap_or(0)
}

fn is_power_of_65537(number: u16, prime: u16) -> bool {
    let (prime, number) = (u32::from(prime), u32::from(number));
    let mut power = 1 % prime;
    for _ in 0..prime {
        if power == number {
            return true;
        }
        power = power * (65_537 % prime) % prime;
    }
    false
}

/// Refuses the Ed25519 points of small order: under each of them anybody can make a signature that is true for many messages
/// or for all (RFC 8032 section 8.4 leaves them to the application).
pub(super) fn check_point(point: &[u8; 32]) -> Result<(), UnusableKey> {
    let mut plain = *point;
    // The sign of the other coordinate.
    plain[31] &= 0x7F;
    if SMALL_ORDER.contains(&plain) { Err(UnusableKey::SmallOrder) } else { Ok(()) }
}

/// The second coordinates of the eight points of small order, in all encodings: two of them have one of 2^255 - 19 or more.
const SMALL_ORDER: [[u8; 32]; 7] = [
    with_ends(0, 0, 0),
    with_ends(1, 0, 0),
    with_ends(0xEC, 0xFF, 0x7F),
    with_ends(0xED, 0xFF, 0x7F),
    with_ends(0xEE, 0xFF, 0x7F),
    [
        0x26, 0xE8, 0x95, 0x8F, 0xC2, 0xB2, 0x27, 0xB0, 0x45, 0xC3, 0xF4, 0x89, 0xF2, 0xEF, 0x98, 0xF0, 0xD5, 0xDF,
        0xAC, 0x05, 0xD3, 0xC6, 0x33, 0x39, 0xB1, 0x38, 0x02, 0x88, 0x6D, 0x53, 0xFC, 0x05,
    ],
    [
        0xC7, 0x17, 0x6A, 0x70, 0x3D, 0x4D, 0xD8, 0x4F, 0xBA, 0x3C, 0x0B, 0x76, 0x0D, 0x10, 0x67, 0x0F, 0x2A, 0x20,
        0x53, 0xFA, 0x2C, 0x39, 0xCC, 0xC6, 0x4E, 0xC7, 0xFD, 0x77, 0x92, 0xAC, 0x03, 0x7A,
    ],
];

/// A number in little-endian order: its first byte, 30 equal ones, its last.
const fn with_ends(first: u8, between: u8, last: u8) -> [u8; 32] {
    let mut number = [between; 32];
    number[0] = first;
    number[31] = last;
    number
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rsa::{KeySize, PublicKeyComponents},
        signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RsaKeyPair},
    };

    use super::*;

    /// 65537 to the power of 129, which has 2065 bits: what a faulty chip could have made has the same remainders.
    fn marked() -> Vec<u8> {
        let mut little_endian = vec![1_u8];
        for _ in 0..129 {
            let shifted = [&[0, 0][..], &little_endian].concat();
            let mut carry = 0_u16;
            let digit = |number: &[u8], at: usize| u16::from(number.get(at).copied().unwrap_or(0));
            little_endian = (0..shifted.len() + 1)
                .map(|at| {
                    let sum = digit(&shifted, at) + digit(&little_endian, at) + carry;
                    carry = sum >> 8;
                    sum.to_le_bytes()[0]
                })
                .collect();
        }
        little_endian.into_iter().rev().skip_while(|byte| *byte == 0).collect()
    }

    #[test]
    fn moduli_that_can_be_factored_are_refused() {
        let mut modulus = marked();
        assert_eq!(modulus.len(), 259);
        assert_eq!(check_modulus(&modulus), Err(UnusableKey::Roca));
        *modulus.last_mut().unwrap() -= 1;
        assert_eq!(check_modulus(&modulus), Err(UnusableKey::SmallFactor(2)));
        assert_eq!(check_modulus(&[0xFF; 256]), Err(UnusableKey::SmallFactor(3)));
        for _ in 0..3 {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
            let parts = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
            assert_eq!(check_modulus(&parts.n), Ok(()));
        }
    }

    #[test]
    fn points_of_small_order_are_refused_in_every_encoding() {
        let mut accepted = 0;
        for point in SMALL_ORDER {
            for sign in [0, 0x80] {
                let mut point = point;
                point[31] |= sign;
                assert_eq!(check_point(&point), Err(UnusableKey::SmallOrder), "{point:?}");
                // The crypto library takes some of them, and then a signature that no key has made.
                let mut forged = [0; 64];
                forged[0] = 1;
                let key = ParsedPublicKey::new(&ED25519, point);
                accepted += u32::from(key.is_ok_and(|key| key.verify_sig(b"whatever", &forged).is_ok()));
            }
        }
        assert!(accepted > 0, "else this test has no reason");
        let pair = Ed25519KeyPair::generate().unwrap();
        assert_eq!(check_point(pair.public_key().as_ref().try_into().unwrap()), Ok(()));
    }
}

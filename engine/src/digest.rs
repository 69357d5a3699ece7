//! SHA-256, for names that nobody can make collide: of tokens in the cache, of issuers in a directory.

use aws_lc_rs::digest;

/// A SHA-256 digest.
pub type Sha256 = [u8; 32];

/// The digest of these bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Sha256 {
    let mut digest = [0; 32];
    // Both have 32 bytes; were it otherwise, the rest would stay zero rather than be out of bounds.
    digest.iter_mut().zip(digest::digest(&digest::SHA256, bytes).as_ref()).for_each(|(to, from)| *to = *from);
    digest
}

/// The first 12 hex digits of a digest: a short name for a text that people know, a file or an issuer. It hides no text that
/// can be guessed.
#[must_use]
pub fn short_hex(digest: &Sha256) -> String {
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_sha_256() {
        // FIPS 180-4, the example of one block.
        let hex: String = sha256(b"abc").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(short_hex(&sha256(b"abc")), "ba7816bf8f01");
    }
}

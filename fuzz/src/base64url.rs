//! Base64url without padding (RFC 4648 section 5), once more and plainly.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The bytes of a text in its one spelling, or `None` if it has another or is none.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut waiting, mut count) = (0_usize, 0);
    for character in text {
        let value = ALPHABET.iter().position(|known| known == character)?;
        (waiting, count) = (waiting << 6 | value, count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((waiting >> count) as u8);
            waiting &= (1 << count) - 1;
        }
    }
    // Six bits left over are a character too many, and bits that are set would make a second spelling.
    (count < 6 && waiting == 0).then_some(bytes)
}

/// The one spelling of some bytes.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + 1);
    for three in bytes.chunks(3) {
        let bits = three.iter().chain(&[0, 0]).take(3).fold(0, |bits, byte| bits << 8 | usize::from(*byte));
        let characters = [18, 12, 6, 0].map(|shift| char::from(ALPHABET[bits >> shift & 63]));
        text.extend(characters.iter().take(three.len() + 1));
    }
    text
}

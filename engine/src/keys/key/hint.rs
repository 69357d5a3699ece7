//! The hints in a token about the key that signed it. They prove nothing: the signature does.

/// The names of a key in a token's header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyHint<'a> {
    /// `kid`
    pub kid: Option<&'a str>,
    /// `x5t`: the SHA-1 of a certificate, a name like another. Looked at only where there is no `kid`.
    pub x5t: Option<&'a str>,
    /// `x5t#S256`: the SHA-256 of a certificate, likewise.
    pub x5t_s256: Option<&'a str>,
}

impl<'a> From<Option<&'a str>> for KeyHint<'a> {
    fn from(kid: Option<&'a str>) -> Self {
        Self { kid, ..Self::default() }
    }
}

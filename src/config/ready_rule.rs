//! The rule by which the service says that it is ready.

/// The rule by which `/readyz` decides that the service is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadyRule {
    /// At least one issuer has keys, or no rule looks at tokens.
    #[default]
    Keys,
    /// Every issuer has keys, or a first fetch of them has failed.
    Started,
}

impl ReadyRule {
    /// The word for it in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Started => "started",
        }
    }
}

//! The answer of a running instance, as a probe tells it.

/// An answer to the question for health.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) is_healthy: bool,
    /// The address or the page that was asked.
    pub(super) asked: String,
    /// The answer, or the reason why there is none.
    pub(super) found: String,
}

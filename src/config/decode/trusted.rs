//! The other parts of a configuration that requirements refer to.

use portcullis_engine::{jwt::issuer_rules::IssuerRules, oauth::implies::Implications};

/// The other parts of a configuration that requirements refer to.
#[derive(Clone, Copy)]
pub(super) struct Trusted<'a> {
    /// The issuers; `None` if they can't be read, and so nothing is known of them.
    pub(super) issuers: Option<&'a [&'a IssuerRules]>,
    pub(super) implications: &'a Implications,
}

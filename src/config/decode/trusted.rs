//! What requirements refer to elsewhere in the configuration.

use portcullis_engine::{jwt::issuer_rules::IssuerRules, oauth::implies::Implications};

/// What else the configuration says that requirements refer to.
#[derive(Clone, Copy)]
pub(super) struct Trusted<'a> {
    /// The issuers; `None` if they can't be read, and so nothing is known of them.
    pub(super) issuers: Option<&'a [&'a IssuerRules]>,
    pub(super) implications: &'a Implications,
}

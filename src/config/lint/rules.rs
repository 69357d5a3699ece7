//! The part of a configuration that lints about its meaning look at.

use portcullis_engine::{jwt::issuer_rules::IssuerRules, policy::Policy};

/// The part of a configuration that is about requests and tokens.
pub(crate) struct Rules<'c> {
    pub(crate) policy: &'c Policy,
    pub(crate) issuers: Vec<&'c IssuerRules>,
}

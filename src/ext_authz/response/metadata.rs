//! What Envoy's access log can print, safe for a line of text. Nothing of an unverified token is in it.

use super::{
    encode::{Field, Part, encoded},
    values::{Listed, Safe},
};
use crate::{jwt::verifier::VerifiedToken, policy::rule::RuleId};

/// `dynamic_metadata` of a `CheckResponse`.
const METADATA: u8 = 4;

/// The encoded names of the fields that vary: the `key` of an entry of a `google.protobuf.Struct`.
const RULE: &[u8] = b"\x0A\x04rule";
const SCOPES: &[u8] = b"\x0A\x06scopes";
const ISSUER: &[u8] = b"\x0A\x06issuer";
const CLIENT_ID: &[u8] = b"\x0A\x09client_id";
const SUBJECT: &[u8] = b"\x0A\x07subject";

/// What is the same for every answer of a kind: the decision and the reason.
pub(super) fn outcome(decision: &str, reason: &str) -> Box<[u8]> {
    encoded(&[text(b"\x0A\x08decision", decision), text(b"\x0A\x06reason", reason)])
}

/// All of it. `outcome` is of [`outcome`].
pub(super) fn metadata<'a>(
    outcome: &'a [u8],
    rule: Option<&'a RuleId>,
    token: Option<&'a VerifiedToken>,
    with_subject: bool,
) -> impl Part + 'a {
    let rule = rule.map(|rule| text(RULE, rule.as_str()));
    let token = token.map(|token| {
        let subject = token.subject().filter(|_| with_subject);
        (
            // `list_value` of a Value.
            entry(SCOPES, Field::new(6, Listed(token.scopes()))),
            text(ISSUER, token.issuer()),
            token.client_id().map(|id| text(CLIENT_ID, Safe::of(id))),
            subject.map(|id| text(SUBJECT, Safe::of(id))),
        )
    });
    Field::new(METADATA, (outcome, rule, token))
}

fn text<V: Part>(name: &[u8], value: V) -> Field<(&[u8], Field<Field<V>>)> {
    // `string_value` of a Value.
    entry(name, Field::new(3, value))
}

fn entry<V: Part>(name: &[u8], value: V) -> Field<(&[u8], Field<V>)> {
    // `fields` of a Struct; the `value` of an entry.
    Field::new(1, (name, Field::new(2, value)))
}

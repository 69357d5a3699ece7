//! What Envoy's access log can print, safe for a line of text. Nothing of an unverified token is in it.

use super::{
    header_value::{Listed, Safe},
    protobuf_writer::{Field, Fixed, Part, encoded},
};
use portcullis_engine::{jwt::verified_token::VerifiedToken, policy::rule::RuleId};

/// `dynamic_metadata` of a `CheckResponse`.
const METADATA: u8 = 4;

/// The encoded names of the fields that vary: the `key` of an entry of a `google.protobuf.Struct`.
const RULE: Fixed<6> = Fixed(b"\x0A\x04rule");
const SCOPES: Fixed<8> = Fixed(b"\x0A\x06scopes");
const ISSUER: Fixed<8> = Fixed(b"\x0A\x06issuer");
const CLIENT_ID: Fixed<11> = Fixed(b"\x0A\x09client_id");
const SUBJECT: Fixed<9> = Fixed(b"\x0A\x07subject");

/// What is the same for every answer of a kind: the decision and the reason.
pub(super) fn outcome(decision: &str, reason: &str) -> Box<[u8]> {
    encoded(&(text(Fixed(b"\x0A\x08decision"), decision), text(Fixed(b"\x0A\x06reason"), reason)))
}

/// All of it. `outcome` is of [`outcome`].
#[inline]
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

#[inline]
fn text<const N: usize, V: Part>(name: Fixed<N>, value: V) -> Field<(Fixed<N>, Field<Field<V>>)> {
    // `string_value` of a Value.
    entry(name, Field::new(3, value))
}

#[inline]
fn entry<const N: usize, V: Part>(name: Fixed<N>, value: V) -> Field<(Fixed<N>, Field<V>)> {
    // `fields` of a Struct; the `value` of an entry.
    Field::new(1, (name, Field::new(2, value)))
}

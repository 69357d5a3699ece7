//! The only file that builds a `CheckResponse`, through two doors: [`allow`], which takes a permit, and [`deny`].
//!
//! SECURITY: to Envoy a status code of 0, or no status at all, is an allow, whatever else is in the message. So the
//! default message is an open door, and no other file may make one.
//!
//! An answer is written once, into one buffer of the right size, from pieces that were encoded when the configuration was
//! loaded and from what the request and its token add.
#![deny(clippy::wildcard_enum_match_arm, clippy::arithmetic_side_effects)]

mod denial_templates;
mod header_value;
mod identity_headers;
mod metadata;
mod protobuf_writer;
mod removals;

use std::fmt;

use bytes::Bytes;

use self::{
    denial_templates::{RETRY_AFTER, Refusals, WWW_AUTHENTICATE},
    identity_headers::{Names, header},
    metadata::metadata,
    protobuf_writer::{Field, Fixed, Part},
    removals::Removals,
};
use super::decode::attributes::Attributes;
use portcullis_engine::{
    answer::identity::IdentityHeaders, authorizer::Denial, oauth::challenge::scope_attribute, policy::rule::Permit,
};

/// `status` of a `CheckResponse` whose code is 0, which is left out on the wire.
const STATUS_OK: Fixed<2> = Fixed(b"\x0A\x00");
/// `denied_response` and `ok_response` of a `CheckResponse`.
const DENIED: u8 = 2;
const OK: u8 = 3;

/// The denial for a bug of ours, whole. Nothing has to succeed for it to be sent.
const INTERNAL: &[u8] = b"\
    \x00\x00\x00\x00\xE0\
    \x0A\x0C\x08\x0D\x12\x08internal\
    \x12\xA3\x01\
    \x0A\x03\x08\xF4\x03\
    \x12\x1D\x0A\x19\x0A\x0Dcache-control\x12\x08no-store\x18\x02\
    \x12\x2C\x0A\x28\x0A\x0Ccontent-type\x12\x18application/problem+json\x18\x02\
    \x1A\x4F{\"detail\":\"the authorizer failed\",\"status\":500,\"title\":\"Internal Server Error\"}\
    \x22\x2A\
    \x0A\x12\x0A\x08decision\x12\x06\x1A\x04deny\
    \x0A\x14\x0A\x06reason\x12\x0A\x1A\x08internal";

/// An encoded `CheckResponse`, as a gRPC message with its prefix. There is no way to make one but the doors of this file:
/// bytes from elsewhere, none at all among them, could decode to an allow.
#[derive(Clone)]
pub struct Answer(Bytes);

/// The bytes before a message: whether it is compressed, and its length (the gRPC protocol over HTTP/2,
/// "Length-Prefixed-Message").
pub(super) const PREFIX_BYTES: usize = 5;

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the bytes: an identity is in them.
        write!(f, "Answer({} bytes)", self.0.len().saturating_sub(PREFIX_BYTES))
    }
}

impl Answer {
    /// The message of these parts.
    fn of(parts: &impl Part) -> Self {
        let size = parts.size();
        let whole = size.saturating_add(PREFIX_BYTES);
        // An answer is some headers of bounded length, far from 4 GiB.
        let Ok(length) = u32::try_from(size) else { return internal() };
        let mut bytes = Vec::with_capacity(whole);
        bytes.push(0);
        bytes.extend_from_slice(&length.to_be_bytes());
        parts.put(&mut bytes);
        // SECURITY: lengths are written before what they count. Should one ever be wrong, Envoy would read something else
        // than was meant.
        if bytes.len() == whole { Self(bytes.into()) } else { internal() }
    }

    /// The bytes of the message.
    #[must_use]
    pub fn into_bytes(mut self) -> Bytes {
        self.0.split_off(PREFIX_BYTES.min(self.0.len()))
    }

    /// The message with its prefix, as it is sent.
    pub(super) fn into_frame(self) -> Bytes {
        self.0
    }
}

/// What one configuration's answers are made of.
#[derive(Clone, Debug)]
pub struct Replies {
    names: Names,
    removals: Removals,
    refusals: Refusals,
    /// The first fields of the metadata of an allow.
    allowed: Box<[u8]>,
    subject_in_metadata: bool,
}

impl Replies {
    /// The answers of a configuration with these identity headers.
    #[must_use]
    pub fn new(identity: &IdentityHeaders) -> Self {
        Self {
            names: Names::new(identity),
            removals: Removals::new(identity),
            refusals: Refusals::new(),
            allowed: metadata::outcome("allow", "ok"),
            subject_in_metadata: identity.subject_in_metadata,
        }
    }
}

/// The message that lets a request pass.
#[must_use]
pub fn allow(permit: &Permit, attributes: &Attributes<'_>, replies: &Replies) -> Answer {
    let token = permit.token();
    let sets = replies.names.of(token);
    let removed = replies.removals.of(attributes, sets.slots);
    let metadata = metadata(&replies.allowed, Some(permit.rule()), token, replies.subject_in_metadata);
    Answer::of(&(STATUS_OK, Field::new(OK, (&sets.headers, &removed)), &metadata))
}

/// The message that turns a request away.
#[must_use]
pub fn deny(denial: &Denial, attributes: &Attributes<'_>, replies: &Replies) -> Answer {
    let Some(refusal) = replies.refusals.of(denial.reason) else { return internal() };
    let needed = refusal.challenge_with_scope.as_deref().zip(denial.needed.as_ref());
    let with_scope = needed.map(|(text, needed)| (text, scope_attribute(needed)));
    let with_scope = with_scope.as_ref().map(|(text, scope)| header(WWW_AUTHENTICATE, (*text, scope.as_str())));
    let challenge = if with_scope.is_some() { &[] } else { &*refusal.challenge };
    // Whole seconds, rounded up: a client that comes back early is turned away again.
    let retry_after = denial.retry_after.map(|wait| wait.as_secs().saturating_add(1).to_string());
    let retry_after = retry_after.as_deref().map(|seconds| header(RETRY_AFTER, seconds));
    let headers = (&*refusal.start, challenge, with_scope, retry_after);
    let (rule, token) = (denial.rule.as_ref(), denial.token.as_deref());
    let metadata = metadata(&refusal.outcome, rule, token, replies.subject_in_metadata);
    let status = &*refusal.status;
    if attributes.is_grpc() {
        Answer::of(&(status, Field::new(DENIED, (&headers, &*refusal.grpc)), &metadata))
    } else {
        let problem = refusal.problem(attributes.request_id());
        Answer::of(&(status, Field::new(DENIED, (&headers, &problem)), &metadata))
    }
}

/// The denial for a bug of ours, when no more is known of the request than that there was one.
#[must_use]
pub fn internal() -> Answer {
    Answer(Bytes::from_static(INTERNAL))
}

#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod tests;

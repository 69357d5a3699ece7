//! The only file that builds a `CheckResponse`, through two doors: [`allow`], which takes a permit, and [`deny`].
//!
//! SECURITY: to Envoy a status code of 0, or no status at all, is an allow, whatever else is in the message. So the
//! default message is an open door, and no other file may make one.
#![deny(clippy::wildcard_enum_match_arm, clippy::arithmetic_side_effects)]

use std::{collections::BTreeSet, fmt};

use bytes::Bytes;
use prost::Message as _;
use prost_types::{ListValue, Struct, Value, value::Kind};

use super::{
    attributes::Attributes,
    proto::{
        envoy::{
            config::core::v3::{HeaderValue, HeaderValueOption, header_value_option::HeaderAppendAction},
            service::auth::v3::{CheckResponse, DeniedHttpResponse, OkHttpResponse, check_response::HttpResponse},
            r#type::v3::HttpStatus,
        },
        google::rpc::Status,
    },
};
use crate::{
    authorizer::Denial,
    bearer::challenge::{self, Challenge},
    identity::{Aliases, IdentityHeaders, OVERRIDES, fold},
    jwt::verifier::VerifiedToken,
    policy::rule::{Permit, RuleId},
};

const ALLOWED: &str = "ok";

/// An encoded `CheckResponse`. There is no way to make one but the two doors of this file: bytes from elsewhere, none at
/// all among them, could decode to an allow.
#[derive(Clone)]
pub struct Answer(Bytes);

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the bytes: an identity is in them.
        write!(f, "Answer({} bytes)", self.0.len())
    }
}

impl Answer {
    fn encode(response: &CheckResponse) -> Self {
        Self(response.encode_to_vec().into())
    }

    /// The bytes, to be sent.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

/// The message that lets a request pass.
#[must_use]
pub fn allow(permit: &Permit, attributes: &Attributes<'_>, identity: &IdentityHeaders) -> Answer {
    let sets = identity_sets(permit, identity);
    let removals = removals(&sets, attributes, identity);
    let headers = sets.into_iter().map(|(name, value)| header(name, value)).collect();
    let ok = OkHttpResponse { headers, headers_to_remove: removals.into_iter().collect(), ..OkHttpResponse::default() };
    let metadata = metadata("allow", ALLOWED, Some(permit.rule()), permit.token(), identity);
    let response = CheckResponse {
        status: Some(Status { code: 0, ..Status::default() }),
        http_response: Some(HttpResponse::OkResponse(ok)),
        dynamic_metadata: Some(metadata),
    };
    Answer::encode(&response)
}

/// The message that turns a request away.
#[must_use]
pub fn deny(denial: &Denial, attributes: &Attributes<'_>, identity: &IdentityHeaders) -> Answer {
    let answer = challenge::answer(denial.reason, denial.needed.as_ref());
    let is_grpc = attributes.is_grpc();
    let mut headers = vec![header("cache-control", "no-store".to_owned())];
    if let Some(challenge) = &answer.www_authenticate {
        headers.push(header("www-authenticate", challenge.clone()));
    }
    if let Some(wait) = denial.retry_after {
        // Whole seconds, rounded up: a client that comes back early is turned away again.
        let seconds = wait.as_secs().saturating_add(1);
        headers.push(header("retry-after", seconds.to_string()));
    }
    if is_grpc {
        // Wins over Envoy's own mapping, which knows only 401 and 403.
        headers.push(header("grpc-status", answer.status.grpc().to_string()));
    } else {
        headers.push(header("content-type", "application/problem+json".to_owned()));
    }
    let body = if is_grpc { answer.detail.to_owned() } else { problem(&answer, attributes.request_id()) };
    let status = Some(HttpStatus { code: i32::from(answer.status.http()) });
    let denied = DeniedHttpResponse { status, headers, body };
    let reason = denial.reason.code();
    let metadata = metadata("deny", reason, denial.rule.as_ref(), denial.token.as_deref(), identity);
    let response = CheckResponse {
        status: Some(Status { code: i32::from(answer.status.grpc()), message: reason.to_owned(), details: vec![] }),
        http_response: Some(HttpResponse::DeniedResponse(denied)),
        dynamic_metadata: Some(metadata),
    };
    Answer::encode(&response)
}

/// A problem document, RFC 9457.
fn problem(answer: &Challenge, request_id: Option<&str>) -> String {
    let mut problem = serde_json::json!({
        "title": answer.title,
        "status": answer.status.http(),
        "detail": answer.detail,
    });
    if let Some(members) = problem.as_object_mut() {
        members.extend(answer.error.map(|error| ("error".to_owned(), error.into())));
        members.extend(request_id.map(|id| ("request_id".to_owned(), id.into())));
    }
    problem.to_string()
}

fn header(key: &str, value: String) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue { key: key.to_owned(), value, raw_value: vec![] }),
        // Written out always: with neither field set, versions of Envoy differ.
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
        ..HeaderValueOption::default()
    }
}

/// The identity headers that have a value.
fn identity_sets<'a>(permit: &Permit, identity: &'a IdentityHeaders) -> Vec<(&'a str, String)> {
    let Some(token) = permit.token() else { return Vec::new() };
    let scopes = token.scopes();
    let values = [
        (&identity.subject, token.subject().map(header_safe)),
        (&identity.scopes, (!scopes.is_empty()).then(|| scopes.to_scope_string())),
        (&identity.issuer, Some(header_safe(token.issuer()))),
        (&identity.client_id, token.client_id().map(header_safe)),
    ];
    let named = values.into_iter().filter_map(|(name, value)| Some((name.as_ref()?.as_str(), value?)));
    named.filter(|(_, value)| !value.is_empty()).collect()
}

/// Visible ASCII as it is, everything else percent-encoded, so that the value survives every hop and two values never
/// become one. That takes the percent sign along: else the subjects `a b` and `a%20b` would be the same header.
fn header_safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            safe.push(char::from(byte));
        } else {
            safe.push_str(&format!("%{byte:02X}"));
        }
    }
    safe
}

/// The headers that must not reach the upstream as the client sent them.
///
/// Never one that is set: Envoy removes after it sets.
fn removals(sets: &[(&str, String)], attributes: &Attributes<'_>, identity: &IdentityHeaders) -> BTreeSet<String> {
    let mut guarded: Vec<&str> = identity.guarded().collect();
    if !identity.forward_overrides {
        guarded.extend(OVERRIDES);
    }
    let mut removals: BTreeSet<String> = guarded.iter().map(|name| (*name).to_owned()).collect();
    // Backends that read CGI variables fold `x_auth_subject` and `x.auth.subject` into `X-Auth-Subject`: CVE-2026-33433.
    let folded: BTreeSet<String> = guarded.iter().map(|name| fold(name)).collect();
    let seen = attributes.names().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase());
    removals.extend(seen.filter(|name| folded.contains(&fold(name))));
    if identity.aliases == Aliases::Always {
        removals.extend(guarded.iter().flat_map(|name| crate::identity::spellings(name)));
    }
    if !identity.forward_authorization {
        removals.insert("authorization".to_owned());
    }
    for (name, _) in sets {
        removals.remove(*name);
    }
    removals
}

/// What Envoy's access log can print, safe for a line of text. Nothing of an unverified token is in it.
fn metadata(
    decision: &str,
    reason: &str,
    rule: Option<&RuleId>,
    token: Option<&VerifiedToken>,
    identity: &IdentityHeaders,
) -> Struct {
    let text = |text: &str| Value { kind: Some(Kind::StringValue(text.to_owned())) };
    let mut fields = vec![("decision", text(decision)), ("reason", text(reason))];
    fields.extend(rule.map(|rule| ("rule", text(rule.as_str()))));
    if let Some(token) = token {
        let values = token.scopes().iter().map(|scope| text(scope.as_str())).collect();
        fields.push(("scopes", Value { kind: Some(Kind::ListValue(ListValue { values })) }));
        fields.push(("issuer", text(token.issuer())));
        fields.extend(token.client_id().map(|id| ("client_id", text(&header_safe(id)))));
        fields.extend(
            token.subject().filter(|_| identity.subject_in_metadata).map(|id| ("subject", text(&header_safe(id)))),
        );
    }
    Struct { fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
}

#[cfg(test)]
mod tests;

//! The answers as prost makes them of complete messages: slow and obvious, and what the fast ones are held against.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use envoy_types::pb::envoy::service::auth::v3 as complete;
use proptest::{collection::vec, option, prelude::*, sample::select};
use prost::Message as _;
use prost_types::{ListValue, Struct, Value, value::Kind};
use serde_json::json;

use super::{Answer, Attributes, INTERNAL, Replies, internal};
use crate::{
    ext_authz::proto::{
        envoy::{
            config::core::v3::{HeaderMap, HeaderValue, HeaderValueOption, header_value_option::HeaderAppendAction},
            service::auth::v3::{
                AttributeContext, CheckRequest, CheckResponse, DeniedHttpResponse, OkHttpResponse,
                attribute_context::{HttpRequest, Request},
                check_response::HttpResponse,
            },
            r#type::v3::HttpStatus,
        },
        google::rpc::Status,
    },
    limits::NAME_CLAIM_BYTES,
};
use portcullis_engine::{
    answer::identity::{Aliases, HeaderName, IdentityHeaders, fold, overrides, spellings},
    authorizer::Denial,
    jwt::verified_token::VerifiedToken,
    oauth::{
        challenge::{self, Challenge},
        scope::{Scope, ScopeRequirement},
    },
    policy::rule::{Access, Permit, Requirement, Rule, RuleId},
    reason::DenyReason,
    request::target::RequestTarget,
};

const ALLOWED: &str = "ok";

/// The message that lets a request pass.
fn allow(permit: &Permit, attributes: &Attributes<'_>, identity: &IdentityHeaders) -> CheckResponse {
    let sets = identity_sets(permit, identity);
    let removals = removals(&sets, attributes, identity);
    let headers = sets.into_iter().map(|(name, value)| header(name, value)).collect();
    let ok = OkHttpResponse { headers, headers_to_remove: removals.into_iter().collect(), ..OkHttpResponse::default() };
    let metadata = metadata("allow", ALLOWED, Some(permit.rule()), permit.token(), identity);
    CheckResponse {
        status: Some(Status { code: 0, ..Status::default() }),
        http_response: Some(HttpResponse::OkResponse(ok)),
        dynamic_metadata: Some(metadata),
    }
}

/// The message that turns a request away.
fn deny(denial: &Denial, attributes: &Attributes<'_>, identity: &IdentityHeaders) -> CheckResponse {
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
    CheckResponse {
        status: Some(Status { code: i32::from(answer.status.grpc()), message: reason.to_owned(), details: vec![] }),
        http_response: Some(HttpResponse::DeniedResponse(denied)),
        dynamic_metadata: Some(metadata),
    }
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
        guarded.extend(overrides());
    }
    guarded.extend(identity.remove.iter().map(HeaderName::as_str));
    let unseen = guarded.iter().filter(|name| !identity.is_removed_only_if_seen(name));
    let mut removals: BTreeSet<String> = unseen.map(|name| (*name).to_owned()).collect();
    // Backends that read CGI variables fold `x_auth_subject` and `x.auth.subject` into `X-Auth-Subject`: CVE-2026-33433.
    let folded: BTreeSet<String> = guarded.iter().map(|name| fold(name)).collect();
    let seen = attributes.headers().map(|(name, _)| name.to_ascii_lowercase());
    removals.extend(seen.filter(|name| folded.contains(&fold(name))));
    if identity.aliases == Aliases::Always {
        removals.extend(guarded.iter().flat_map(|name| spellings(name)));
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
        let values = token.scopes().iter().map(text).collect();
        fields.push(("scopes", Value { kind: Some(Kind::ListValue(ListValue { values })) }));
        fields.push(("issuer", text(token.issuer())));
        fields.extend(token.client_id().map(|id| ("client_id", text(&header_safe(id)))));
        fields.extend(
            token.subject().filter(|_| identity.subject_in_metadata).map(|id| ("subject", text(&header_safe(id)))),
        );
    }
    Struct { fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
}

/// Both readers of an answer say what the obvious way would have said.
fn same(answer: Answer, wanted: &CheckResponse) {
    let bytes = answer.into_bytes();
    assert_eq!(CheckResponse::decode(bytes.clone()).as_ref(), Ok(wanted));
    let encoded = wanted.encode_to_vec();
    assert_eq!(bytes.len(), encoded.len(), "an answer has nothing in it twice, and no length is padded");
    let theirs = complete::CheckResponse::decode(&*encoded).unwrap();
    assert_eq!(complete::CheckResponse::decode(bytes), Ok(theirs));
}

fn attributes(headers: &[(String, String)], id: &str) -> Attributes<'static> {
    let header = |(key, value): &(String, String)| HeaderValue {
        key: key.clone(),
        value: String::new(),
        raw_value: value.as_bytes().into(),
    };
    let headers = headers.iter().map(header).collect();
    let http = HttpRequest {
        id: id.to_owned(),
        method: "GET".into(),
        path: "/".into(),
        header_map: Some(HeaderMap { headers }),
        ..Default::default()
    };
    let request = Some(Request { http: Some(http), ..Default::default() });
    let message = CheckRequest { attributes: Some(AttributeContext { request, ..Default::default() }) };
    // Tests are short: what they read may live on.
    Attributes::decode(message.encode_to_vec().leak()).unwrap()
}

fn permit(rule: &str, claims: Option<serde_json::Value>) -> Permit {
    let id = RuleId::new(rule);
    match claims {
        None => Rule { id, access: Access::Public }.admit_anonymous().unwrap(),
        Some(claims) => {
            let rule = Rule { id, access: Access::Token(Requirement::default()) };
            rule.admit(Arc::new(VerifiedToken::for_tests(claims)), &RequestTarget::for_tests("/")).unwrap()
        }
    }
}

/// A name for one of the four headers: usual, of our own, or none.
fn name() -> impl Strategy<Value = Option<HeaderName>> {
    let names =
        select(vec!["x-auth-subject", "x-auth-scopes", "x-auth-issuer", "x_user", "x.y-z_w", "a", "x-forwarded-host"]);
    option::weighted(0.8, names.prop_map(|name| HeaderName::parse(name).unwrap()))
}

fn identity() -> impl Strategy<Value = IdentityHeaders> {
    let aliases = select(vec![Aliases::Seen, Aliases::Always]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let usual = any::<bool>();
    ([name(), name(), name(), name()], aliases, flags, usual).prop_map(|(names, aliases, flags, usual)| {
        let [subject, scopes, issuer, client_id] = names;
        let mut identity = IdentityHeaders::default();
        if !usual {
            (identity.subject, identity.scopes, identity.issuer, identity.client_id) =
                (subject, scopes, issuer, client_id);
        }
        identity.aliases = aliases;
        (identity.forward_authorization, identity.forward_overrides, identity.subject_in_metadata) = flags;
        identity
    })
}

/// A text as a token may have it.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9|:/.@-]{0,40}",
        "[ -~]{0,12}",
        any::<String>(),
        select(vec!["", "%", "a b%20", "\r\nx: y", "é", "\u{0}", "\u{10FFFF}"]).prop_map(str::to_owned),
        (100_usize..140).prop_map(|length| "s".repeat(length)),
        (980_usize..=NAME_CLAIM_BYTES).prop_map(|length| "s".repeat(length)),
    ]
    .prop_filter("claims are bounded", |text| text.len() <= NAME_CLAIM_BYTES)
}

/// The name of a rule: around the lengths where the number of bytes of a length changes.
fn rule() -> impl Strategy<Value = String> {
    prop_oneof![text(), (16_300_usize..16_390).prop_map(|length| "r".repeat(length))]
}

fn claims() -> impl Strategy<Value = serde_json::Value> {
    // An empty name is refused long before it gets here.
    let (subject, client) = (option::of(text()), option::of(text()));
    let scopes = vec("[!#-\\[\\]-~]{1,12}", 0..5);
    (subject, client, scopes).prop_map(|(subject, client, scopes)| {
        let mut claims = json!({ "scope": scopes.join(" ") });
        for (name, value) in [("sub", subject), ("client_id", client)] {
            if let Some(value) = value {
                claims[name] = value.into();
            }
        }
        claims
    })
}

/// Headers that fold to guarded ones, are some, or look like some.
fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let names = [
        "x-auth-subject",
        "X_Auth.Subject",
        "x.auth_scopes",
        "x~auth'issuer",
        "Script!Name",
        "x-tenant",
        "x*tenant",
        "x-user",
        "X.User",
        "x_y.z-w",
        "x-y-z-w",
        "A",
        "authorization",
        "Authorization",
        "x-forwarded-host",
        "X-Forwarded_Host",
        "forwarded",
        "FORWARDED",
        "x-auth-subjecт",
        "x-auth-subjecs",
        "y-auth-subject",
        "accept",
        ":path",
        "",
    ];
    let types = select(vec!["application/grpc", "application/grpc+proto", "application/json"]);
    let kind = option::of(types).prop_map(|kind| kind.map(|kind| ("content-type".to_owned(), kind.to_owned())));
    let spoofed = vec((select(names.to_vec()), "[ -~]{0,8}"), 0..6);
    (kind, spoofed).prop_map(|(kind, spoofed)| {
        let spoofed = spoofed.into_iter().map(|(name, value)| (name.to_owned(), value));
        kind.into_iter().chain(spoofed).collect()
    })
}

fn denial() -> impl Strategy<Value = Denial> {
    let reasons = select(DenyReason::all().collect::<Vec<_>>());
    let scopes = vec("[a-z:]{1,60}", 0..4);
    let waits = option::of((0_u64..200_000_000).prop_map(Duration::from_millis));
    let rule = option::of(rule());
    (reasons, rule, option::of(scopes), option::of(claims()), waits).prop_map(
        |(reason, rule, needed, token, retry_after)| {
            let needed = needed.map(|texts| {
                let all = texts.iter().map(|text| Scope::parse(text).unwrap().into()).collect();
                ScopeRequirement { all, any: vec![] }
            });
            let token = token.map(|claims| Arc::new(VerifiedToken::for_tests(claims)));
            Denial {
                reason,
                rule: rule.map(|rule| RuleId::new(&rule)),
                needed,
                token,
                retry_after,
                without_keys_of: None,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_allow_is_what_prost_would_have_made(
        identity in identity(), claims in option::weighted(0.9, claims()), headers in headers(), rule in rule(),
    ) {
        let (permit, attributes) = (permit(&rule, claims), attributes(&headers, "7"));
        same(super::allow(&permit, &attributes, &Replies::new(&identity)), &allow(&permit, &attributes, &identity));
    }

    #[test]
    fn a_denial_is_what_prost_would_have_made(
        identity in identity(), denial in denial(), headers in headers(), id in "[a-z0-9-]{0,70}",
    ) {
        let attributes = attributes(&headers, &id);
        same(super::deny(&denial, &attributes, &Replies::new(&identity)), &deny(&denial, &attributes, &identity));
    }
}

#[test]
fn every_reason_is_denied_as_prost_would_have() {
    let identity = IdentityHeaders::default();
    let replies = Replies::new(&identity);
    let grpc = ("content-type".to_owned(), "application/grpc".to_owned());
    for reason in DenyReason::all() {
        for headers in [&[][..], std::slice::from_ref(&grpc)] {
            let (denial, attributes) = (Denial::without_rule(reason), attributes(headers, "req-1"));
            same(super::deny(&denial, &attributes, &replies), &deny(&denial, &attributes, &identity));
        }
    }
}

#[test]
fn the_denial_for_a_bug_is_at_hand() {
    let denial = Denial::without_rule(DenyReason::Internal);
    let (attributes, identity) = (Attributes::default(), IdentityHeaders::default());
    same(internal(), &deny(&denial, &attributes, &identity));
    let assembled = super::deny(&denial, &attributes, &Replies::new(&identity)).into_frame();
    assert_eq!(assembled, INTERNAL);
}

/// A part that does not keep its word.
struct Liar;

impl super::Part for Liar {
    fn size(&self) -> usize {
        3
    }

    fn put(&self, into: &mut Vec<u8>) {
        super::STATUS_OK.put(into);
    }
}

#[test]
fn an_answer_whose_lengths_are_wrong_is_not_sent() {
    assert_eq!(Answer::of(&Liar).into_frame(), INTERNAL);
}

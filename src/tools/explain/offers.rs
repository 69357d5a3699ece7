//! Remedies that depend on what the issuer or the rule at hand would take.

use super::{
    token_view::View,
    value::{either, text},
};
use portcullis_engine::{keys::algorithm::Algorithm, policy::condition::Condition, request::method::Method};

/// Returns what to do about an algorithm that is not one of the issuer's.
pub(super) fn algorithm(view: &View<'_>) -> Option<String> {
    let own = view.rules?.algorithms.as_slice();
    let names = either(own.iter().map(|one| one.name()));
    // A shared secret and public keys are never used side by side, and `none` is no algorithm.
    let is_addable = |other: &Algorithm| !other.is_hmac() && !own.iter().any(|own| own.is_hmac());
    Some(match view.algorithm().and_then(Algorithm::from_name).filter(is_addable) {
        Some(other) => format!(
            "get a token signed with {names}, as the issuer's `algorithms` say, or add `{}` there",
            other.name()
        ),
        None => format!("get a token signed with {names}: the issuer's `algorithms` have no other one"),
    })
}

/// Returns what to do about a `typ` that no access token of a strict issuer has.
pub(super) fn token_type(view: &View<'_>) -> Option<String> {
    let is_strict = view.rules.is_some_and(|rules| rules.strict);
    is_strict.then(|| "send an access token whose `typ` is `at+jwt`: its issuer is `strict`".to_owned())
}

/// Returns what to do about a method that a named policy never admits.
pub(super) fn method_of_policy(method: &Method) -> String {
    format!(
        "remove the named policy from the Envoy route of such requests, and name {} in `methods` of a route for this path, if \
         it is wanted: a named policy admits no method that acts on more than the path says",
        text(method.as_str())
    )
}

/// Returns what to do about a condition on the host of a request that has none. Of a path the segment is always there.
pub(super) fn absent_host(condition: &Condition<'_>) -> String {
    format!("say which host: {condition} compares a claim with it (`--host`)")
}

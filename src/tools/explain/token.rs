//! The token: every check in the verifier's order.
//!
//! Most faults come of one check only. Of the others ("malformed") the verifier's own functions say which one it was:
//! each is asked here as the verifier asks it, and the first in order that gives the verdict's fault is the one.

use super::{
    explanation::Signatures,
    steps::{Check, Outcome, Walk},
    times::tolerance,
    token_view::View,
    unreadable::{json_depth, name, overlong, strict_names, unreadable_date},
    value::{either, json, text},
};
use crate::{
    config::show_duration,
    limits,
    tools::simulate::{response::Answered, timestamp},
};
use portcullis_engine::{
    jwt::{
        claims::Claims,
        issuer_rules::{IssuerRules, NonEmpty},
    },
    reason::{DenyReason, TokenFault},
};

const PART: &str = "token";

/// One check of the verifier: the faults that come of it alone, and what its function says where others share one.
struct Made {
    name: &'static str,
    alone: &'static [TokenFault],
    shared: Option<TokenFault>,
    known: Check,
}

fn check(name: &'static str, alone: &'static [TokenFault], known: Check) -> Made {
    Made { name, alone, shared: None, known }
}

impl Made {
    fn or(self, shared: Option<TokenFault>) -> Self {
        Self { shared, ..self }
    }
}

/// Every check that the verifier makes of a token, in its order.
pub(super) fn walk(walk: &mut Walk, view: &View<'_>, answered: &Answered, signatures: Signatures) {
    let ignored = answered.allowed && answered.token.is_none();
    if view.token.is_none() || ignored {
        return;
    }
    let fault = match answered.deny {
        Some(DenyReason::Token(fault)) => Some(fault),
        _ => None,
    };
    let unavailable = answered.deny == Some(DenyReason::KeysUnavailable);
    let mut blamed = false;
    for made in form(view).into_iter().chain(keys()).chain(claims(view)) {
        let is_key = matches!(made.name, "key" | "signature");
        let is_fault = fault.is_some_and(|fault| made.alone.contains(&fault) || made.shared == Some(fault));
        let failed = !blamed && (is_fault || unavailable && made.name == "key");
        blamed |= failed;
        let known = if is_key { of_key(view, made.known, unavailable) } else { made.known };
        match signatures {
            Signatures::NotChecked if is_key && !failed => {
                let known = known.note("not checked: offline there are no keys (`--live` fetches them)");
                walk.skipped(PART, made.name, Outcome::NotChecked, known);
            }
            Signatures::MadeHere if is_key && !failed => {
                let known = Check::default().note("not checked: the token was made of claims");
                walk.skipped(PART, made.name, Outcome::NotChecked, known);
            }
            _ => walk.made(PART, made.name, failed, known),
        }
    }
    // No check of this list is the one: then the list is wrong, and must not seem to say that all passed.
    if fault.is_some() && !blamed {
        walk.made(PART, "another check", true, Check::default().expected("see the reason of the verdict"));
    }
}

fn of_key(view: &View<'_>, known: Check, unavailable: bool) -> Check {
    let names = ["kid", "x5t", "x5t#S256"].into_iter().filter_map(|name| Some((name, view.members.get(name)?)));
    let mut found: Vec<String> = names.map(|(name, value)| format!("{name} {}", json(Some(value)))).collect();
    if !view.members.contains_key("kid") {
        found.insert(0, "no kid".to_owned());
    }
    let known = Check { found: Some(found.join(", ")), ..known };
    match view.keys() {
        _ if unavailable => known.note("the issuer's keys can't be had"),
        Some(keys) => known.note(keys.describe()),
        None => known,
    }
}

/// What is looked at before any key.
fn form(view: &View<'_>) -> Vec<Made> {
    use TokenFault as F;
    let parts = view.token.map_or(0, |token| token.expose().split('.').count());
    let header = view.header.as_ref().and_then(|header| header.as_ref().err()).copied();
    let shared = |fault: F| header.filter(|found| *found == fault);
    let member = |name: &str| json(view.members.get(name));
    let allowed = view.rules.map(|rules| either(rules.algorithms.as_slice().iter().map(|one| one.name())));
    let kind = match parts {
        1 => "1 part: an opaque token, or none".to_owned(),
        5 => "5 parts: an encrypted token".to_owned(),
        3 => "3 parts, one of which is not base64url or is too long".to_owned(),
        parts => format!("{parts} parts"),
    };
    // Said of three parts only where one of them is broken.
    let is_whole = view.compact.as_ref().is_some_and(Result::is_ok);
    let kind = if is_whole { format!("{parts} parts") } else { kind };
    vec![
        check("form", &[F::Opaque, F::Encrypted], Check::found(kind).expected("3 parts of base64url: a signed JWT"))
            .or(view.compact.as_ref().and_then(|compact| compact.as_ref().err()).copied()),
        check(
            "header",
            &[],
            Check::found(format!("alg {}", member("alg"))).expected("a JSON object with a known `alg`"),
        )
        .or(shared(F::Malformed).or_else(|| shared(F::AlgorithmNotAllowed))),
        check("crit", &[F::CriticalHeader], Check::found(member("crit")).expected("nothing: no extension is known")),
        check("typ", &[], Check::found(member("typ")).expected("`JWT`, `at+jwt` or nothing"))
            .or(shared(F::TypeNotAllowed)),
        check(
            "claims",
            &[],
            Check::found(count(view))
                .expected(format!("one JSON object of at most {} levels, no member twice", limits::JSON_DEPTH)),
        )
        .or(view.parsed.as_ref().and_then(|claims| claims.as_ref().err()).copied()),
        check("issuer", &[F::UnknownIssuer], name(view, "iss", &either(view.issuers.iter().copied())))
            .or(view.missing(|claims| claims.name("iss"))),
        check(
            "algorithm",
            &[F::AlgorithmNotAllowed],
            Check { found: Some(member("alg")), expected: allowed, note: None },
        ),
    ]
}

fn count(view: &View<'_>) -> String {
    let claims = view.compact.as_ref().and_then(|compact| compact.as_ref().ok());
    let Some(text) = claims.map(|compact| &*compact.payload) else { return "no readable JSON object".to_owned() };
    match portcullis_engine::strict_json::parse_object(text) {
        Ok(members) => format!("{} claims", members.len()),
        Err(_) if json_depth(text) > limits::JSON_DEPTH => format!("{} levels of JSON", json_depth(text)),
        Err(_) => "no readable JSON object".to_owned(),
    }
}

fn keys() -> Vec<Made> {
    use TokenFault as F;
    vec![
        check(
            "key",
            &[F::UnknownKey, F::AmbiguousKey],
            Check::default().expected(format!(
                "the one key of the issuer with its `kid`; without a `kid` at most {} that fit",
                limits::KEYS_TRIED
            )),
        ),
        check("signature", &[F::BadSignature], Check::default().expected("the issuer's")),
    ]
}

/// What is looked at once the signature is true.
fn claims(view: &View<'_>) -> Vec<Made> {
    use TokenFault as F;
    let Some(rules) = view.rules else {
        let names = [
            "kind",
            "binding",
            "audience",
            "exp",
            "iat and nbf",
            "subject",
            "client_id",
            "jti",
            "client",
            "claim rules",
        ];
        return names.into_iter().map(|name| check(name, &[], Check::default())).collect();
    };
    let mut made = kind(view, rules);
    let audience = &rules.audience_claim;
    made.push(
        check(
            "audience",
            &[F::WrongAudience],
            Check::found(format!("{audience} {}", view.claim(audience)))
                .expected(either(rules.audiences.as_slice().iter().map(String::as_str))),
        )
        .or(view.asked(|claims| claims.check_audience(audience, rules.audiences.as_slice()))),
    );
    made.extend(dates(view, rules));
    made.push(
        check("subject", &[], name(view, "sub", "a string, if it is there"))
            .or(view.asked(|claims| claims.name("sub"))),
    );
    for claim in ["client_id", "jti"].into_iter().filter(|claim| rules.audience_claim != *claim) {
        let known = Check::found(view.claim(claim)).expected("a string, if it is there");
        made.push(check(claim, &[], known).or(view.asked(|claims| claims.text(claim))));
    }
    if rules.strict {
        let named = |claims: &Claims| {
            ["sub", "client_id", "jti"].iter().find_map(|claim| match claims.name(claim) {
                Ok(Some(_)) => None,
                Ok(None) | Err(_) => Some(F::MalformedClaims),
            })
        };
        let dated = view.missing(|claims| claims.date("iat"));
        let known = strict_names(view).expected(format!(
            "`sub`, `client_id`, `jti` and `iat` (RFC 9068), no name of more than {} bytes",
            limits::NAME_CLAIM_BYTES
        ));
        made.push(check("strict claims", &[], known).or(view.claims().and_then(named).or(dated)));
    }
    made.extend(issuer_rules(view, rules));
    made.extend(overlong_client(view, rules));
    made
}

/// A client's id beyond its limit denies nothing, but nothing is told of it either.
fn overlong_client(view: &View<'_>, rules: &IssuerRules) -> Option<Made> {
    let named = rules.client_id_claims.iter().find(|claim| view.claims().is_some_and(|claims| claims.has(claim)))?;
    let note = format!(
        "more than {} bytes: it is as if it were absent, and neither the upstream nor the log gets it",
        limits::NAME_CLAIM_BYTES
    );
    Some(check("client's id", &[], Check::found(overlong(view, named)?).note(note)))
}

fn kind(view: &View<'_>, rules: &IssuerRules) -> Vec<Made> {
    use TokenFault as F;
    let marks = ["at_hash", "c_hash", "s_hash", "events", "token_use"];
    let present: Vec<&str> =
        marks.into_iter().filter(|mark| view.claims().is_some_and(|claims| claims.has(mark))).collect();
    let known = match (present.as_slice(), view.claims().and_then(|claims| claims.get("typ"))) {
        ([], None) => Check::found("nothing against it"),
        ([], typ) => Check::found(format!("claim typ {}", json(typ))),
        (marks, _) => Check::found(format!("claim {}", super::value::all(marks.iter().copied()))),
    };
    let mut made = Vec::new();
    if rules.strict {
        let typ = Check::found(json(view.members.get("typ"))).expected("`at+jwt` (RFC 9068)");
        made.push(check("strict typ", &[F::TypeNotAllowed], typ));
    }
    made.push(
        check("kind", &[F::NotAnAccessToken], known.expected("an access token: no ID, refresh or logout token"))
            .or(view.asked(|claims| claims.name("typ"))),
    );
    made.push(check(
        "binding",
        &[F::Bound],
        Check::found(view.claim("cnf")).expected("nothing: bindings aren't checked"),
    ));
    made
}

fn dates(view: &View<'_>, rules: &IssuerRules) -> Vec<Made> {
    use TokenFault as F;
    let (now, give) = (timestamp::show(view.now), tolerance(rules.clock_tolerance));
    let both = |claims: &Claims| claims.date("iat").and_then(|_| claims.date("nbf"));
    let mut made = vec![
        check(
            "exp",
            &[F::Expired],
            unreadable_date(view, "exp")
                .unwrap_or_else(|| Check::found(view.date("exp")).expected(format!("after {now}{give}"))),
        )
        .or(view.missing(|claims| claims.date("exp"))),
        check(
            "iat and nbf",
            &[],
            unreadable_date(view, "iat")
                .or_else(|| unreadable_date(view, "nbf"))
                .unwrap_or_else(|| Check::default().expected("numbers, if they are there")),
        )
        .or(view.asked(both)),
        check("nbf", &[F::NotYetValid], Check::found(view.date("nbf")).expected(format!("not after {now}{give}"))),
        check("iat", &[F::IssuedInFuture], Check::found(view.date("iat")).expected(format!("not after {now}{give}"))),
    ];
    if let Some(most) = rules.max_token_age {
        let known = Check::found(view.date("iat")).expected(format!("at most {} ago{give}", show_duration(most)));
        made.push(check("max_token_age", &[F::TooOld], known).or(view.missing(|claims| claims.date("iat"))));
    }
    made
}

fn issuer_rules(view: &View<'_>, rules: &IssuerRules) -> Vec<Made> {
    use TokenFault as F;
    let mut made = Vec::new();
    if let Some(clients) = &rules.clients {
        let named: Vec<String> = rules
            .client_id_claims
            .iter()
            .filter_map(|claim| Some(format!("{claim} {}", json(Some(view.claims()?.get(claim)?)))))
            .collect();
        let found = if named.is_empty() { "no client".to_owned() } else { named.join(", ") };
        let known = Check::found(found).expected(either(NonEmpty::as_slice(clients).iter().map(String::as_str)));
        made.push(check("client", &[F::ClientNotAllowed], known));
    }
    let unmet = view.claims().and_then(|claims| rules.claims.iter().find(|rule| !rule.is_met_by(claims)));
    if let Some(shown) = unmet.or_else(|| rules.claims.first()) {
        let found = json(view.claims().and_then(|claims| claims.at(&shown.claim)));
        let known = Check::found(found).expected(text(&shown.to_string()));
        made.push(check("claim rules", &[F::ClaimRule], known));
    }
    made
}

//! One of `issuers`: what its tokens must be.

use std::time::Duration;

use super::{
    algorithm, around::Around, bag::Bag, claim, duration, fields::Fields, issuer_keys, key_source, read,
    spec::IssuerSpec,
};
use crate::{
    config::{error::Problem, lint_catalogue::Lint, schema::ISSUER},
    document::tree::{Entry, Node, Value},
    limits,
};
use portcullis_engine::{
    jwt::{
        claim_path::ClaimPath,
        issuer_rules::{IssuerRules, NonEmpty},
    },
    keys::algorithm::Algorithm,
};

const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);
/// A tolerance beyond it is more than clocks need.
const CLOCK_TOLERANCE_USUAL: Duration = Duration::from_secs(60);

/// An issuer, as far as it could be decoded.
pub(super) fn decode<'n>(bag: &mut Bag, node: &'n Node, around: Around<'_>) -> Option<IssuerSpec<'n>> {
    let fields = Fields::read(bag, node, "an issuer", ISSUER)?;
    let help = "write the exact string of its tokens' `iss` claim";
    let issuer = fields.require(bag, "issuer", "an issuer", help);
    let name = issuer.and_then(|entry| read::text(bag, entry));
    let algorithms = algorithm::decode(bag, &fields, key_source::has_secret(&fields));
    let keys = issuer_keys::decode(bag, &fields, name, around.base);
    let written_at = issuer.map(|entry| around.locate(&entry.node.place)).unwrap_or_default();
    let rules = rules(bag, &fields, name, algorithms.clone());
    Some(IssuerSpec { rules, algorithms, keys, written_at })
}

/// The rules for the tokens of an issuer.
fn rules(
    bag: &mut Bag,
    fields: &Fields<'_>,
    name: Option<&str>,
    algorithms: Option<NonEmpty<Algorithm>>,
) -> Option<IssuerRules> {
    let audiences = audiences(bag, fields);
    let clock_tolerance = clock_tolerance(bag, fields.get("clock_tolerance"));
    let max_token_age = max_token_age(bag, fields.get("max_token_age"));
    let strict = read::flag_or(bag, fields.get("strict"), false);
    let audience_claim = match fields.get("audience_claim") {
        Some(entry) => read::text(bag, entry).map(str::to_owned),
        None => Some("aud".to_owned()),
    };
    if let (Some(true), Some(entry)) = (strict, fields.get("audience_claim"))
        && audience_claim.as_deref().is_some_and(|claim| claim != "aud")
    {
        let problem = Problem::error(&entry.node.place, "`strict` asks for the claim `aud`, and this for another one");
        bag.push(problem.help("RFC 9068 tokens name their audience in `aud`: remove one of the two"));
    }
    let client_id_claims = names_of_claims(bag, fields, "client_id_claims", &["client_id", "azp", "cid", "appid"]);
    let scope_claims = scope_claims(bag, fields);
    let clients = match fields.get("clients") {
        Some(entry) => read::texts(bag, entry).map(NonEmpty::new),
        None => (!fields.mentions("clients")).then_some(None),
    };
    let claims = match fields.get("claims") {
        Some(entry) => claim::decode(bag, entry),
        None => (!fields.mentions("claims")).then(Vec::new),
    };
    Some(IssuerRules {
        issuer: name?.into(),
        audiences: audiences?,
        algorithms: algorithms?,
        clock_tolerance: clock_tolerance?,
        max_token_age: max_token_age?,
        strict: strict?,
        audience_claim: audience_claim?,
        client_id_claims: client_id_claims?,
        scope_claims: scope_claims?,
        clients: clients?,
        claims: claims?,
    })
}

fn audiences(bag: &mut Bag, fields: &Fields<'_>) -> Option<NonEmpty<String>> {
    let help = "name this API as the provider does: `audiences: [https://api.example.com]`";
    let entry = fields.require(bag, "audiences", "an issuer", help)?;
    NonEmpty::new(read::texts(bag, entry)?)
}

fn clock_tolerance(bag: &mut Bag, entry: Option<&Entry>) -> Option<Duration> {
    let Some(entry) = entry else { return Some(CLOCK_TOLERANCE) };
    let help = "write a number with its unit, 5 minutes at most: `5s`";
    let tolerance = duration::decode(bag, entry, &(Duration::ZERO..=CLOCK_TOLERANCE_USUAL), help)?;
    if tolerance > limits::CLOCK_TOLERANCE_MAX {
        let message = format!("`clock_tolerance` is more than {}", duration::show(limits::CLOCK_TOLERANCE_MAX));
        let help = "expired tokens stay valid for that long: some seconds make up for clocks that differ";
        bag.push(Problem::error(&entry.node.place, message).help(help));
        return None;
    }
    if tolerance > CLOCK_TOLERANCE_USUAL {
        let message = format!("expired tokens stay valid for another {}", duration::show(tolerance));
        let help = "some seconds make up for clocks that differ; synchronise them rather than waiting longer";
        bag.push(Problem::warning(&entry.node.place, message).lint(Lint::ClockTolerance).help(help));
    }
    Some(tolerance)
}

fn max_token_age(bag: &mut Bag, entry: Option<&Entry>) -> Option<Option<Duration>> {
    let Some(entry) = entry else { return Some(None) };
    if matches!(&entry.node.value, Value::String(text) if text == "none") {
        return Some(None);
    }
    let help = "write how old a token may be, `24h`, or `none`";
    let age = duration::decode(bag, entry, &(Duration::from_secs(1)..=Duration::MAX), help)?;
    if age.is_zero() {
        let problem = Problem::error(&entry.node.place, "`max_token_age` is zero, so every token would be too old");
        bag.push(problem.help(help));
        return None;
    }
    Some(Some(age))
}

fn scope_claims(bag: &mut Bag, fields: &Fields<'_>) -> Option<Vec<ClaimPath>> {
    let one = |bag: &mut Bag, node: &Node, what: &str| {
        let text = read::text_of(bag, node, what)?;
        claim::path(bag, text, &node.place)
    };
    match fields.get("scope_claims") {
        Some(entry) => read::list_of(bag, entry, one),
        None => Some(["scope", "scp"].map(ClaimPath::top_level).to_vec()),
    }
}

fn names_of_claims(bag: &mut Bag, fields: &Fields<'_>, name: &str, default: &[&str]) -> Option<Vec<String>> {
    match fields.get(name) {
        Some(entry) => read::texts(bag, entry),
        None => Some(default.iter().map(|claim| (*claim).to_owned()).collect()),
    }
}

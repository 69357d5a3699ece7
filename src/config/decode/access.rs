//! What a route or a named policy asks: `access`, `issuers`, `audiences`, `scopes` and `claims`.

use std::sync::Arc;

use super::{bag::Bag, claim, fields::Fields, read, request_context::Site, scopes, trusted::Trusted};
use crate::{
    config::error::Problem,
    document::{
        suggest::{closest, listed, quoted},
        tree::{Entry, Node},
    },
};
use portcullis_engine::{
    jwt::issuer_rules::NonEmpty,
    oauth::scope::ScopeRequirement,
    policy::rule::{Access, Requirement},
};

/// What `access` can be.
#[derive(Clone, Copy, PartialEq)]
enum Word {
    Public,
    Optional,
    Authenticated,
}

/// What asks for a token.
const DEMANDS: [&str; 4] = ["scopes", "claims", "issuers", "audiences"];

/// What is asked. It must be said: nothing is open or closed by omission. `what` is `a route`, for example.
pub(super) fn decode(
    bag: &mut Bag,
    fields: &Fields<'_>,
    what: &str,
    site: Site<'_>,
    trusted: Trusted<'_>,
) -> Option<Access> {
    let written = fields.get("access");
    let words = [("public", Word::Public), ("authenticated", Word::Authenticated), ("optional", Word::Optional)];
    let word = written.map(|entry| read::word(bag, entry, &words));
    let requirement = requirement(bag, fields, site, trusted);
    if !fields.mentions("access") && !DEMANDS.iter().any(|name| fields.mentions(name)) {
        let problem = Problem::error(fields.place(), format!("{what} doesn't say who may use it"));
        bag.push(
            problem.help("write `access: public`, `access: authenticated`, or the `scopes` that a token must have"),
        );
        return None;
    }
    let word = word.unwrap_or(Some(Word::Authenticated))?;
    let demand = DEMANDS.iter().find_map(|name| fields.get(name));
    if let (Some(access), Some(demand)) = (written, demand)
        && word != Word::Authenticated
    {
        let name = if word == Word::Public { "public" } else { "optional" };
        let message = format!("`{}` asks for a token on {what} that doesn't need one", demand.key);
        let problem = Problem::error(&demand.place, message);
        let problem = problem.label("needs a token").and(&access.node.place, "needs none");
        bag.push(problem.help(format!("remove `access: {name}`, or remove `{}`", demand.key)));
        return None;
    }
    Some(match word {
        Word::Public => Access::Public,
        Word::Optional => Access::Optional,
        Word::Authenticated => Access::Token(requirement?),
    })
}

fn requirement(bag: &mut Bag, fields: &Fields<'_>, site: Site<'_>, trusted: Trusted<'_>) -> Option<Requirement> {
    let issuers = fields.get("issuers").map(|entry| issuers(bag, entry, trusted));
    let audiences = fields.get("audiences").map(|entry| audiences(bag, entry, trusted));
    let scopes = fields.get("scopes").map(|entry| scopes::decode(bag, entry, trusted.implications));
    let claims = fields.get("claims").map(|entry| claim::decode_for_requests(bag, entry, site));
    let (claims, bindings) = claims.unwrap_or_else(|| Some(Default::default()))?;
    Some(Requirement {
        issuers: issuers.map_or(Some(None), |read| read.map(Some))?,
        audiences: audiences.map_or(Some(None), |read| read.map(Some))?,
        scopes: scopes.unwrap_or_else(|| Some(ScopeRequirement::default()))?,
        claims,
        bindings,
    })
}

/// Issuers of the file. Another one is nobody's: what this narrows must be there.
fn issuers(bag: &mut Bag, entry: &Entry, trusted: Trusted<'_>) -> Option<NonEmpty<Arc<str>>> {
    let known: Option<Vec<&str>> =
        trusted.issuers.map(|issuers| issuers.iter().map(|issuer| &*issuer.issuer).collect());
    let chosen = read::list_of(bag, entry, |bag, node, what| {
        let text = read::text_of(bag, node, what)?;
        is_known(bag, node, text, "an issuer of this file", known.as_deref()).then(|| Arc::from(text))
    })?;
    NonEmpty::new(chosen)
}

/// Audiences of some issuer of the file: an issuer takes no tokens for others.
fn audiences(bag: &mut Bag, entry: &Entry, trusted: Trusted<'_>) -> Option<NonEmpty<String>> {
    let known: Option<Vec<&str>> = trusted.issuers.map(|issuers| {
        let audiences = issuers.iter().flat_map(|issuer| issuer.audiences.as_slice());
        audiences.map(String::as_str).collect()
    });
    let chosen = read::list_of(bag, entry, |bag, node, what| {
        let text = read::text_of(bag, node, what)?;
        is_known(bag, node, text, "an audience of any issuer of this file", known.as_deref()).then(|| text.to_owned())
    })?;
    NonEmpty::new(chosen)
}

fn is_known(bag: &mut Bag, node: &Node, text: &str, what: &str, known: Option<&[&str]>) -> bool {
    let Some(known) = known else { return true };
    if known.contains(&text) {
        return true;
    }
    let problem = Problem::error(&node.place, format!("{} is not {what}", quoted(text)));
    bag.push(match closest(text, known.iter().copied()) {
        Some(meant) => problem.help(format!("did you mean `{meant}`?")),
        None if known.is_empty() => problem.help("there are none"),
        None => problem.help(format!("write {}, or add it under `issuers`", listed(known, "or"))),
    });
    false
}

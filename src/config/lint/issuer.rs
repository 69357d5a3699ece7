//! Issuers that can't be right: each provider names itself in one way only, and neither its metadata nor a token has
//! another one.

use url::Url;

use super::{
    super::lint_catalogue::Lint,
    provider::{self, Provider},
    query::{Word, issuers, text},
};
use crate::{
    config::error::Problem,
    document::{suggest::quoted, tree::Node},
};

const WELL_KNOWN: &str = "/.well-known/";

pub(super) fn check(root: &Node, problems: &mut Vec<Problem>) {
    for node in issuers(root) {
        let Some(issuer) = text(node, "issuer") else { continue };
        problems.extend(okta_org_server(issuer));
        match name_of(issuer) {
            Some(problem) => problems.push(problem),
            // What is wrong about the issuer itself would be said twice.
            None => problems.extend(text(node, "discovery_url").and_then(|url| discovery(issuer, url))),
        }
    }
}

/// Okta's documentation: tokens of the org authorization server are for Okta alone, and can't be verified by others.
fn okta_org_server(issuer: Word<'_>) -> Option<Problem> {
    let url = Url::parse(issuer.text).ok()?;
    if provider::of(&url)? != Provider::Okta || issuer.text.trim_end_matches('/') != url.origin().ascii_serialization()
    {
        return None;
    }
    let message =
        "this is Okta's org authorization server, which signs access tokens with a key that it doesn't publish";
    let help = format!(
        "write a custom authorization server: {}",
        quoted(&format!("{}/oauth2/default", issuer.text.trim_end_matches('/')))
    );
    Some(Problem::warning(issuer.place, message).lint(Lint::OktaOrgServer).help(help))
}

fn name_of(issuer: Word<'_>) -> Option<Problem> {
    let problem = |message: String| Problem::warning(issuer.place, message).lint(Lint::IssuerMismatch);
    let shown = quoted(issuer.text);
    if let Some((base, _)) = issuer.text.split_once(WELL_KNOWN) {
        let message = format!("{shown} is the address of a document, and no token's `iss`");
        let known = Url::parse(base).ok().and_then(|url| provider::issuer_for(base, &url));
        let help = match known {
            Some(Ok(name)) => format!("write {}", quoted(&name)),
            Some(Err(help)) => help,
            None => {
                format!("write {}, with or without a slash at its end, as the document's `issuer` has it", quoted(base))
            }
        };
        return Some(problem(message).help(help));
    }
    let url = Url::parse(issuer.text).ok()?;
    match provider::issuer_for(issuer.text, &url)? {
        Ok(expected) if expected == issuer.text => None,
        Ok(expected) => {
            let help = format!("write {}: tokens whose `iss` is not exactly this are refused", quoted(&expected));
            Some(problem(format!("{shown} is not how {} names itself", provider::name(&url)?)).help(help))
        }
        Err(help) => {
            Some(problem(format!("no token of {} has {shown} as its `iss`", provider::name(&url)?)).help(help))
        }
    }
}

/// Whether the metadata is that of another issuer: then no keys are taken from it.
fn discovery(issuer: Word<'_>, document: Word<'_>) -> Option<Problem> {
    let base = document.text.split_once(WELL_KNOWN).map_or(document.text, |(base, _)| base);
    let url = Url::parse(base).ok()?;
    let problem = |message: String| {
        let problem = Problem::warning(document.place, message).lint(Lint::IssuerMismatch);
        problem.label("the metadata").and(issuer.place, "the issuer")
    };
    match provider::metadata_at(base, &url)? {
        Ok(names) if names == issuer.text => None,
        Ok(names) => {
            let message = format!("the metadata there names the issuer {}, not this one", quoted(&names));
            Some(problem(message).help("both must be the same, character by character, or no keys are taken from it"))
        }
        Err(help) => Some(problem("the metadata there names no single issuer".to_owned()).help(help)),
    }
}

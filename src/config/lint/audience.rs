//! Audiences that tokens don't have, or that tokens for others have, too.

use std::collections::HashMap;

use url::Url;

use super::{
    super::lint_catalogue::Lint,
    provider::{self, Provider},
    query::{Word, get, issuers, rules, text, texts},
};
use crate::{
    config::error::Problem,
    document::{suggest::quoted, tree::Node},
};

/// Microsoft Graph, by its URL and by its id: its tokens are signed in a way that nobody else can verify.
const GRAPH: [&str; 3] =
    ["https://graph.microsoft.com", "https://graph.microsoft.com/", "00000003-0000-0000-c000-000000000000"];

pub(super) fn check(root: &Node, problems: &mut Vec<Problem>) {
    for node in issuers(root) {
        let provider = text(node, "issuer").and_then(|issuer| provider::of(&Url::parse(issuer.text).ok()?));
        let audiences: Vec<Word<'_>> = texts(node, "audiences").collect();
        problems.extend(audiences.iter().filter_map(|audience| shared(*audience, provider)));
        match provider {
            Some(Provider::Entra) => problems.extend(v2_audience(&audiences)),
            Some(Provider::Cognito) => problems.extend(cognito(node, &audiences)),
            _ => {}
        }
    }
    spellings(root, problems);
}

/// Audiences in tokens that were asked for something else.
fn shared(audience: Word<'_>, provider: Option<Provider>) -> Option<Problem> {
    let host_and_path = audience.text.strip_prefix("https://").and_then(|rest| rest.split_once('/'));
    let (lint, message, help) = if audience.text == "account" {
        let message = "the audience `account` is in nearly every token of a Keycloak realm".to_owned();
        (Lint::SharedAudience, message, "add an audience mapper to the client, and name that audience here")
    } else if host_and_path.is_some_and(|(host, path)| host.ends_with(".auth0.com") && path == "userinfo") {
        let message = format!("the audience {} is in every token of a sign-in at this tenant", quoted(audience.text));
        (Lint::SharedAudience, message, "name the identifier of your API, and let clients ask for it: `audience=…`")
    } else if GRAPH.contains(&audience.text) && matches!(provider, Some(Provider::Entra | Provider::EntraV1)) {
        let message = "tokens for Microsoft Graph can be verified by Microsoft Graph alone".to_owned();
        (Lint::EntraAudience, message, "name your API's client id, and let clients ask for a scope of your API")
    } else {
        return None;
    };
    Some(Problem::warning(audience.place, message).lint(lint).help(help))
}

/// In v2.0 tokens the audience is the client id, whatever the client asked for.
fn v2_audience(audiences: &[Word<'_>]) -> Option<Problem> {
    let first = audiences.first()?;
    if !audiences.iter().all(|audience| audience.text.starts_with("api://")) {
        return None;
    }
    let message = format!("v2.0 tokens never have the audience {}", quoted(first.text));
    let help = "write the API's client id, a GUID; its App ID URI is the audience of v1.0 tokens only";
    Some(Problem::warning(first.place, message).lint(Lint::EntraAudience).help(help))
}

fn cognito(node: &Node, audiences: &[Word<'_>]) -> Option<Problem> {
    // A URL is what a client asks for with `resource`, and then it is in `aud`.
    let is_resource = audiences.iter().any(|audience| audience.text.contains("://"));
    if get(node, "audience_claim").is_some() || is_resource {
        return None;
    }
    let message = "access tokens of Amazon Cognito have no `aud`, unless a client asked for a resource";
    let problem = Problem::warning(audiences.first()?.place, message).lint(Lint::CognitoAudience);
    Some(problem.help("add `audience_claim: client_id`, and name the ids of your app clients here"))
}

/// One list has `https://api.example.com`, another one `https://api.example.com/`: audiences are compared whole. A list
/// that has both means it.
fn spellings(root: &Node, problems: &mut Vec<Problem>) {
    let plain = |text: &str| text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
    let lists = issuers(root).iter().chain(rules(root)).filter_map(|node| get(node, "audiences"));
    let mut seen: HashMap<String, Word<'_>> = HashMap::new();
    for list in lists {
        let mut of_list: HashMap<String, Word<'_>> = HashMap::new();
        for audience in super::query::words(list) {
            let key = plain(audience.text);
            if of_list.insert(key.clone(), audience).is_some() {
                seen.remove(&key);
                continue;
            }
            let Some(other) = seen.get(&key).filter(|other| other.text != audience.text) else { continue };
            let message = format!("{} and {} are two audiences", quoted(audience.text), quoted(other.text));
            let problem = Problem::warning(audience.place, message).lint(Lint::AudienceSpelling);
            let problem = problem.label("this one").and(other.place, "and this one");
            problems.push(problem.help("they are compared character by character: write both as the provider does"));
        }
        for (key, audience) in of_list {
            seen.entry(key).or_insert(audience);
        }
    }
}

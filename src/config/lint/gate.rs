//! Issuers that may be reached through this very gate: an instance without keys is not ready, so where nothing but ready
//! instances is asked, none of them would ever get any.

use std::collections::HashMap;

use url::Url;

use super::{
    super::lint_catalogue::Lint,
    query::{Word, get, issuers, routes, text},
};
use crate::{
    config::error::Problem,
    document::{
        suggest::quoted,
        tree::{Node, Place},
    },
};
use portcullis_engine::{policy::HostPattern, request::host::Host};

/// Fields of an issuer whose keys come with the configuration or from a file.
const WITHOUT_NETWORK: [&str; 4] = ["jwks_file", "public_key_file", "secret_file", "secret_env"];

pub(super) fn check(root: &Node, problems: &mut Vec<Problem>) {
    if text(root, "ready").is_some_and(|rule| rule.text == "started") {
        return;
    }
    let mut named: HashMap<Host, &Place> = HashMap::new();
    for host in routes(root).iter().filter_map(|route| text(route, "host")) {
        // `*.example.com` often stands for an API's hosts beside a provider's one: no sign that the provider is behind it.
        if let Ok(HostPattern::Exact(name)) = HostPattern::parse(host.text) {
            named.entry(name).or_insert(host.place);
        }
    }
    let asked = issuers(root).iter().filter_map(asked);
    problems.extend(asked.filter_map(|(url, host)| Some(problem(url, &host, named.get(&host)?))));
}

/// The host that an issuer's keys are fetched from, and the URL that says so.
fn asked(issuer: &Node) -> Option<(Word<'_>, Host)> {
    if WITHOUT_NETWORK.iter().any(|field| get(issuer, field).is_some()) {
        return None;
    }
    let url = ["jwks_uri", "discovery_url", "issuer"].into_iter().find_map(|field| text(issuer, field))?;
    let host = Host::parse(Url::parse(url.text).ok()?.host_str()?).ok()?;
    Some((url, host))
}

fn problem(url: Word<'_>, host: &Host, route: &Place) -> Problem {
    let message = format!("keys are fetched from {}, a host that a route names", quoted(host.as_str()));
    let problem = Problem::warning(url.place, message).lint(Lint::IssuerBehindGate);
    problem.label("the keys' host").and(route, "the same host").help(
        "if it is reached through this very gate, write `ready: started`: otherwise an instance becomes ready only with \
         keys, and could get none as long as no instance is ready",
    )
}

//! `matches` of a claim: the part of the request that it must match.

use super::{bag::Bag, request_context::Site};
use crate::{
    config::error::Problem,
    document::{
        suggest::{closest, listed, quoted},
        tree::{Entry, Value},
    },
};
use portcullis_engine::policy::{PathPattern, binding::RequestPart};

/// The part of the request.
pub(super) fn decode(bag: &mut Bag, entry: &Entry, site: Site<'_>) -> Option<RequestPart> {
    let text = match &entry.node.value {
        Value::String(text) => text.as_str(),
        // Without quotes, braces are a section.
        Value::Section(fields) if fields.len() == 1 => {
            let name = fields.first().map(|field| field.key.as_str()).unwrap_or_default();
            let problem = Problem::error(&entry.node.place, "`matches` must be a string, not a section");
            bag.push(problem.help(format!("quote it: {}", quoted(&format!("matches: \"{{{name}}}\"")))));
            return None;
        }
        other => {
            let problem = Problem::error(&entry.node.place, format!("`matches` must be a string, not {other}"));
            bag.push(problem.help(HELP));
            return None;
        }
    };
    match (text, site) {
        (_, Site::Unknown) => None,
        ("host", _) => Some(RequestPart::Host),
        ("subdomain", site) => subdomain(bag, entry, site),
        (text, site) => {
            let Some(name) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
                let problem = Problem::error(&entry.node.place, format!("`matches` can't be {}", quoted(text)));
                bag.push(match closest(text, ["host", "subdomain"]) {
                    Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                    None => problem.help(HELP),
                });
                return None;
            };
            segment(bag, entry, name, site)
        }
    }
}

const HELP: &str = "write `\"{org}\"` for a `{org}` of the path, `host`, or `subdomain` for the `*` of `*.example.com`";

fn subdomain(bag: &mut Bag, entry: &Entry, site: Site<'_>) -> Option<RequestPart> {
    let part = match site {
        Site::Route { host, .. } => RequestPart::subdomain(host),
        Site::Policy | Site::Unknown => None,
    };
    if part.is_none() {
        let problem = Problem::error(&entry.node.place, "`subdomain` is what `*` stands for, and there is no `*` here");
        bag.push(problem.help("give the route a host such as `*.example.com`, or write `host` for the whole name"));
    }
    part
}

fn segment(bag: &mut Bag, entry: &Entry, name: &str, site: Site<'_>) -> Option<RequestPart> {
    let Site::Route { path, .. } = site else {
        let problem = Problem::error(&entry.node.place, "a named policy has no path with parameters in it");
        bag.push(problem.help("write `host`, or a route with `path:` instead"));
        return None;
    };
    let mut at = path.params().filter(|(param, _)| *param == name).map(|(_, index)| index);
    match (at.next(), at.next()) {
        (Some(index), None) => {
            Some(RequestPart::Segment { name: name.into(), index, verb: path.verb(index).map(Into::into) })
        }
        (Some(_), Some(_)) => {
            let message = format!("`{{{name}}}` is there twice in the path");
            bag.push(Problem::error(&entry.node.place, message).help("give the two different names"));
            None
        }
        (None, _) => {
            bag.push(unknown(entry, name, path));
            None
        }
    }
}

fn unknown(entry: &Entry, name: &str, path: &PathPattern) -> Problem {
    let names: Vec<&str> = path.params().map(|(name, _)| name).collect();
    let problem = Problem::error(&entry.node.place, format!("the path `{path}` has no `{{{name}}}`"));
    match closest(name, names.iter().copied()) {
        Some(meant) => problem.help(format!("did you mean `{{{meant}}}`?")),
        None if names.is_empty() => problem.help("name a segment of the path, as in `/orgs/{org}`"),
        None => problem.help(format!("its parameters: {}", listed(&names, "and"))),
    }
}

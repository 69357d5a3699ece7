//! Where an issuer's keys come from: discovery, or one of six fields.

use std::path::Path;

use super::{
    bag::Bag,
    fields::Fields,
    read,
    spec::{NamedFile, SourceSpec},
    url::{discovery_documents, key_url, without_userinfo},
};
use crate::{
    config::{error::Problem, variables::PREFIX},
    document::{
        redact::secret_text::is_key_material,
        suggest::{listed, quoted},
        tree::{Entry, Place},
    },
    keystore::source::KeySource,
};

const SOURCES: [&str; 6] = ["discovery_url", "jwks_uri", "jwks_file", "public_key_file", "secret_file", "secret_env"];
/// Those that name a shared secret.
const SECRETS: [&str; 2] = ["secret_file", "secret_env"];

/// The source of an issuer's keys; `issuer` is its name, if that could be read.
pub(super) fn decode<'n>(
    bag: &mut Bag,
    fields: &Fields<'n>,
    issuer: Option<&str>,
    base: &Path,
) -> Option<SourceSpec<'n>> {
    let allow_http = read::flag_or(bag, fields.get("allow_http"), false);
    let written: Vec<&'n Entry> = SOURCES.iter().filter_map(|name| fields.get(name)).collect();
    if let [first, second, others @ ..] = written.as_slice() {
        let names: Vec<&str> = written.iter().map(|entry| entry.key.as_str()).collect();
        let quantity = if others.is_empty() { "both" } else { "all" };
        let message = format!("{} {quantity} say where the keys are", listed(&names, "and"));
        let mut problem = Problem::error(&second.place, message).label("or here").and(&first.place, "here");
        for entry in others {
            problem = problem.and(&entry.place, "or here");
        }
        bag.push(problem.help("keep one: an issuer has one source of keys"));
        for entry in written {
            judge_form(bag, entry, allow_http);
        }
        return None;
    }
    let Some(entry) = written.first() else {
        if SOURCES.iter().any(|name| fields.mentions(name)) {
            return None;
        }
        return from_issuer(bag, fields, issuer?, allow_http?).map(SourceSpec::Remote);
    };
    let named = |entry: &'n Entry, name: &str| NamedFile { entry, path: base.join(name) };
    match entry.key.as_str() {
        "jwks_file" => Some(SourceSpec::JwksFile(named(entry, file_name(bag, entry)?))),
        "public_key_file" => Some(SourceSpec::PublicKeyFile(named(entry, file_name(bag, entry)?))),
        "secret_file" => Some(SourceSpec::SecretFile(named(entry, read::text(bag, entry)?))),
        "secret_env" => Some(SourceSpec::SecretVariable(entry, name_of_variable(bag, entry)?)),
        "jwks_uri" => {
            let (text, allow_http) = (read::text(bag, entry)?, allow_http?);
            let url = key_url(bag, &entry.node.place, text, allow_http)?;
            Some(SourceSpec::Remote(KeySource::JwksUri { url, allow_http }))
        }
        _ => {
            let (text, allow_http) = (read::text(bag, entry)?, allow_http?);
            let url = key_url(bag, &entry.node.place, text, allow_http)?;
            let is_document = url.path().contains("/.well-known/");
            let documents = if is_document { vec![url] } else { documents(bag, &entry.node.place, &url)? };
            Some(SourceSpec::Remote(KeySource::Discovery { documents, allow_http }))
        }
    }
}

/// Judges the value of one source of several. No file is opened: the operator may remove this one.
fn judge_form(bag: &mut Bag, entry: &Entry, allow_http: Option<bool>) {
    let text = read::text(bag, entry);
    if let (Some(text), Some(allow_http), true) =
        (text, allow_http, ["jwks_uri", "discovery_url"].contains(&entry.key.as_str()))
    {
        key_url(bag, &entry.node.place, text, allow_http);
    }
}

/// The name of a file. Whoever pasted the key itself is not to see it repeated, in a message or in a log.
fn file_name<'n>(bag: &mut Bag, entry: &'n Entry) -> Option<&'n str> {
    let text = read::text(bag, entry)?;
    if !is_key_material(text) {
        return Some(text);
    }
    let problem = Problem::error(&entry.node.place, format!("`{}` is not the name of a file", entry.key));
    bag.push(problem.help("write the key into a file and name that file"));
    None
}

/// The name of the variable with the secret.
fn name_of_variable<'n>(bag: &mut Bag, entry: &'n Entry) -> Option<&'n str> {
    let name = read::text(bag, entry)?;
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    // What is written may be the secret itself: it is not repeated unless it is the name of a variable.
    let problem = if !name.bytes().all(is_name) {
        Problem::error(&entry.node.place, "`secret_env` is not the name of a variable")
            .help("write the name of the variable, never the secret")
    } else if name.starts_with(PREFIX) {
        Problem::error(&entry.node.place, format!("the variable of a secret can't start with `{PREFIX}`"))
            .help("such names set fields of this file: call it otherwise")
    } else {
        return Some(name);
    };
    bag.push(problem);
    None
}

/// What kind of keys an issuer's fields speak of; `None` if they contradict each other or can't be read.
pub(super) fn has_secret(fields: &Fields<'_>) -> Option<bool> {
    let mentioned = SOURCES.iter().filter(|name| fields.mentions(name)).count();
    let is_there = SECRETS.iter().any(|name| fields.get(name).is_some());
    match (is_there, SECRETS.iter().any(|name| fields.mentions(name))) {
        (true, _) if mentioned == 1 => Some(true),
        (false, false) => Some(false),
        _ => None,
    }
}

/// Discovery where the issuer's own name says.
fn from_issuer(bag: &mut Bag, fields: &Fields<'_>, issuer: &str, allow_http: bool) -> Option<KeySource> {
    let place = &fields.get("issuer")?.node.place;
    let looks_like_url = issuer.contains("://") && matches!(url::Url::parse(issuer), Ok(url) if url.has_host());
    if !looks_like_url {
        let message =
            format!("{} is not a URL, so its keys can't be discovered from it", quoted(&without_userinfo(issuer)));
        let help =
            "write the issuer as its tokens do, with `https://`, or add `jwks_uri`, `jwks_file` or `discovery_url`";
        bag.push(Problem::error(place, message).help(help));
        return None;
    }
    let url = key_url(bag, place, issuer, allow_http)?;
    let documents = documents(bag, place, &url)?;
    Some(KeySource::Discovery { documents, allow_http })
}

/// RFC 8414 section 2: an issuer has no query, so there is no place for one in the documents' addresses.
fn documents(bag: &mut Bag, place: &Place, base: &url::Url) -> Option<Vec<url::Url>> {
    if base.query().is_some() {
        let problem =
            Problem::error(place, format!("{} has a query, so no metadata is found from it", quoted(base.as_str())));
        bag.push(problem.help("remove the `?` and what follows, or add `jwks_uri` or `jwks_file`"));
        return None;
    }
    Some(discovery_documents(base))
}

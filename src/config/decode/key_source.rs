//! Where an issuer's keys come from: discovery, or one of four fields.

use std::path::Path;

use super::{
    Bag,
    fields::Fields,
    read, secret,
    url::{discovery_documents, key_url, without_userinfo},
};
use crate::{
    config::{
        error::Problem,
        suggest::quoted,
        tree::{Entry, Place},
    },
    jwks::source::KeySource,
};

const SOURCES: [&str; 4] = ["discovery_url", "jwks_uri", "jwks_file", "secret_file"];

/// The source of an issuer's keys; `issuer` is its name, if that could be read.
pub(super) fn decode(bag: &mut Bag, fields: &Fields<'_>, issuer: Option<&str>, base: &Path) -> Option<KeySource> {
    let allow_http = read::flag_or(bag, fields.get("allow_http"), false);
    let written: Vec<&Entry> = SOURCES.iter().filter_map(|name| fields.get(name)).collect();
    if let [first, second, ..] = written.as_slice() {
        let message = format!("`{}` and `{}` both say where the keys are", first.key, second.key);
        let problem = Problem::error(&second.place, message).label("or here").and(&first.place, "here");
        bag.push(problem.help("keep one: an issuer has one source of keys"));
        return None;
    }
    let Some(entry) = written.first() else {
        if SOURCES.iter().any(|name| fields.mentions(name)) {
            return None;
        }
        return from_issuer(bag, fields, issuer?, allow_http?);
    };
    match entry.key.as_str() {
        "jwks_file" => read::text(bag, entry).map(|file| KeySource::JwksFile(base.join(file))),
        "secret_file" => secret::read(bag, entry, base).map(KeySource::Secret),
        "jwks_uri" => {
            let (text, allow_http) = (read::text(bag, entry)?, allow_http?);
            let url = key_url(bag, &entry.node.place, text, allow_http)?;
            Some(KeySource::JwksUri { url, allow_http })
        }
        _ => {
            let (text, allow_http) = (read::text(bag, entry)?, allow_http?);
            let url = key_url(bag, &entry.node.place, text, allow_http)?;
            let is_document = url.path().contains("/.well-known/");
            let documents = if is_document { vec![url] } else { documents(bag, &entry.node.place, &url)? };
            Some(KeySource::Discovery { documents, allow_http })
        }
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

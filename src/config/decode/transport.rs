//! `ca_file` and `proxy`: how an issuer's documents are fetched.

use std::path::Path;

use url::Url;

use super::{
    bag::Bag,
    fields::Fields,
    read,
    spec::{NamedFile, TransportSpec},
    url::{is_host, without_userinfo},
};
use crate::{
    config::error::Problem,
    document::{suggest::quoted, tree::Entry},
    keystore::url_guard::can_be_sent,
};

/// Sources of keys that nothing is fetched for.
const LOCAL: [&str; 4] = ["jwks_file", "public_key_file", "secret_file", "secret_env"];

/// How to fetch; the system's certificates and no proxy if nothing is written.
pub(super) fn decode<'n>(bag: &mut Bag, fields: &Fields<'n>, base: &Path) -> TransportSpec<'n> {
    if !fits_source(bag, fields) {
        return TransportSpec::default();
    }
    let (ca, proxy) = (fields.get("ca_file"), fields.get("proxy"));
    let ca_file = ca.and_then(|entry| Some(NamedFile { entry, path: base.join(read::text(bag, entry)?) }));
    let proxy_url = proxy.and_then(|entry| self::proxy(bag, entry));
    let is_whole = ca.is_some() == ca_file.is_some() && proxy.is_some() == proxy_url.is_some() && !is_spoiled(fields);
    TransportSpec { ca_file, proxy: proxy_url, is_whole }
}

/// Whether keys are fetched at all, if it is said how.
fn fits_source(bag: &mut Bag, fields: &Fields<'_>) -> bool {
    let mut fits = true;
    for entry in ["ca_file", "proxy"].iter().filter_map(|name| fields.get(name)) {
        if let Some(local) = LOCAL.iter().find_map(|name| fields.get(name)) {
            let message = format!("`{}` is for keys that are fetched, and these are not", entry.key);
            let problem = Problem::error(&entry.place, message).label("here").and(&local.place, "the keys");
            bag.push(problem.help("remove one of the two"));
            fits = false;
        }
    }
    fits
}

fn is_spoiled(fields: &Fields<'_>) -> bool {
    ["ca_file", "proxy"].iter().any(|name| fields.mentions(name) && fields.get(name).is_none())
}

fn proxy(bag: &mut Bag, entry: &Entry) -> Option<Url> {
    let text = read::text(bag, entry)?;
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && is_origin(&url) && is_host(&url) => Some(url),
        _ => {
            let message = format!("{} is not the URL of a proxy", quoted(&without_userinfo(text)));
            let help = "write `http://host:port`; in a password, `#`, `?`, `/` and `@` are percent-encoded";
            bag.push(Problem::error(&entry.node.place, message).help(help));
            None
        }
    }
}

/// Says whether a URL can be called, and has no more than a scheme, a host and a port, and perhaps a user.
fn is_origin(url: &Url) -> bool {
    url.has_host() && can_be_sent(url) && url.path() == "/" && url.query().is_none() && url.fragment().is_none()
}

//! `ca_file` and `proxy`: how an issuer's documents are fetched.

use std::{path::Path, sync::Arc};

use rustls_pki_types::{CertificateDer, pem::PemObject};
use url::Url;

use super::{
    Bag,
    fields::Fields,
    file_mode, read,
    url::{is_host, without_userinfo},
};
use crate::{
    config::error::Problem,
    document::{suggest::quoted, tree::Entry},
    files,
    keystore::{source::Transport, url_guard::can_be_sent},
    limits,
};

/// Sources of keys that nothing is fetched for.
const LOCAL: [&str; 4] = ["jwks_file", "public_key_file", "secret_file", "secret_env"];

/// How to fetch; the system's certificates and no proxy if nothing is written.
pub(super) fn decode(bag: &mut Bag, fields: &Fields<'_>, base: &Path) -> Option<Transport> {
    if !fits_source(bag, fields) {
        return None;
    }
    let ca = fields.get("ca_file").map(|entry| ca(bag, entry, base));
    let proxy = fields.get("proxy").map(|entry| proxy(bag, entry));
    let ca = ca.map_or(Some(None), |read| read.map(Some));
    let proxy = proxy.map_or(Some(None), |read| read.map(Some));
    (!is_spoiled(fields)).then_some(Transport { ca: ca?, proxy: proxy? })
}

/// Judges what is written, and opens no file.
pub(super) fn check_form(bag: &mut Bag, fields: &Fields<'_>) -> Option<()> {
    if !fits_source(bag, fields) {
        return None;
    }
    let ca = fields.get("ca_file").is_none_or(|entry| read::text(bag, entry).is_some());
    let proxy = fields.get("proxy").is_none_or(|entry| proxy(bag, entry).is_some());
    (ca && proxy && !is_spoiled(fields)).then_some(())
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

fn ca(bag: &mut Bag, entry: &Entry, base: &Path) -> Option<Arc<[u8]>> {
    let path = base.join(read::text(bag, entry)?);
    let read =
        files::read(&path, limits::CA_FILE_BYTES).map_err(|error| error.to_string()).and_then(
            |bytes| match certificates(&bytes) {
                0 => Err("there is no readable PEM certificate in it".to_owned()),
                _ => Ok(bytes),
            },
        );
    match read {
        Ok(bytes) => {
            file_mode::warn(bag, entry, &path);
            Some(bytes.into())
        }
        Err(why) => {
            let shown = quoted(&path.display().to_string());
            let problem =
                Problem::error(&entry.node.place, format!("the certificates of {shown} can't be used: {why}"));
            bag.push(problem.help("name a PEM file, `-----BEGIN CERTIFICATE-----`, of the authorities to trust"));
            None
        }
    }
}

/// How many certificates there are; none if one of them is broken.
fn certificates(pem: &[u8]) -> usize {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    read.map_or(0, |read| read.len())
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

//! `secret_file` and `secret_env`: the shared secret of an issuer, read once. Messages name the file or the variable,
//! never what is in it.

use std::{collections::BTreeMap, fs::File, io::Read as _, path::Path};

use super::{file_mode, secret_strength};
use crate::{
    config::{
        decode::{bag::Bag, spec::NamedFile},
        error::Problem,
        redact::is_variable,
    },
    document::{
        suggest::quoted,
        tree::{Entry, Place},
    },
    files::{self, ReadError},
    limits,
};
use portcullis_engine::keys::{algorithm::Algorithm, secret::Secret};

/// The secret of the file that a field names, less one line break at its end.
pub(super) fn read(bag: &mut Bag, file: &NamedFile<'_>) -> Option<Secret> {
    let NamedFile { entry, path } = file;
    let bytes = match bytes_of(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            // What is written may be the secret itself: it is not repeated.
            let field = match &entry.node.place {
                Place::Variable(name) => name,
                Place::File(_) | Place::Nowhere => "secret_file",
            };
            let message = format!("the file that `{field}` names can't be read: {error}");
            let help = "write the name of a file, never the secret; a relative name starts at the directory of the \
                        configuration file";
            bag.push(Problem::error(&entry.node.place, message).help(help));
            return None;
        }
    };
    file_mode::warn(bag, entry, path);
    judged(bag, entry, &bytes, &quoted(&path.display().to_string()))
}

/// The secret of the variable that a field names, less one line break at its end.
pub(super) fn from_variable(
    bag: &mut Bag,
    entry: &Entry,
    name: &str,
    env: &BTreeMap<String, String>,
) -> Option<Secret> {
    if let Some(value) = env.get(name) {
        return judged(bag, entry, value.as_bytes(), &quoted(name));
    }
    // What is written may be the secret itself: it is not repeated unless it can't be one.
    let problem = if is_variable(name) {
        let message = format!("the variable {} that `secret_env` names is not set, or no text", quoted(name));
        Problem::error(&entry.node.place, message).help("set it, or name another one")
    } else {
        Problem::error(&entry.node.place, "the variable that `secret_env` names is not set, or no text")
            .help("set it, or name another; the name is not the secret")
    };
    bag.push(problem);
    None
}

/// The secret of these bytes, if they may be one. Keys are looked for first: a longer secret is no help where a key stands.
fn judged(bag: &mut Bag, entry: &Entry, bytes: &[u8], shown: &str) -> Option<Secret> {
    if !secret_strength::is_no_key(bag, entry, bytes, shown) {
        return None;
    }
    let bytes = bytes.strip_suffix(b"\n").map_or(bytes, |line| line.strip_suffix(b"\r").unwrap_or(line));
    let range = limits::SECRET_BYTES;
    if !range.contains(&bytes.len()) {
        let amount = if bytes.len() < *range.start() { "fewer" } else { "more" };
        let bound = if bytes.len() < *range.start() { range.start() } else { range.end() };
        let problem =
            Problem::error(&entry.node.place, format!("the secret in {shown} has {amount} than {bound} bytes"));
        bag.push(problem.help("make one: `openssl rand -base64 48 > FILE`"));
        return None;
    }
    secret_strength::warn(bag, entry, bytes, shown);
    Some(Secret::new(bytes.to_vec()))
}

/// What is in the file, up to a little more than a secret may have: two for a line break and one to see that there is
/// more.
fn bytes_of(path: &Path) -> Result<Vec<u8>, ReadError> {
    let most = limits::SECRET_BYTES.end().saturating_add(3);
    let mut bytes = Vec::with_capacity(most);
    let file: File = files::open(path)?;
    file.take(u64::try_from(most).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// RFC 7518 section 3.2: a key of the same size as the hash output, or larger.
pub(super) fn check_length(bag: &mut Bag, entry: &Entry, secret: &Secret, algorithms: &[Algorithm]) {
    let least = |algorithm: &Algorithm| match algorithm {
        Algorithm::HS512 => 64,
        Algorithm::HS384 => 48,
        _ => 32,
    };
    let Some(strongest) = algorithms.iter().max_by_key(|algorithm| least(algorithm)) else { return };
    if secret.expose().len() < least(strongest) {
        let message = format!("the secret is too short for {strongest:?}, which needs {} bytes", least(strongest));
        let problem = Problem::error(&entry.node.place, message);
        bag.push(problem.help("make a longer one: `openssl rand -base64 64 > FILE`"));
    }
}

//! What is in the files of `jwks_file` and `public_key_file`, if they are there: they are read again when the service
//! runs, so what can't be used is a warning; a private key in one is an error.

use super::{Bag, fields::Fields};
use crate::{
    config::{error::Problem, lint::Lint},
    document::{suggest::quoted, tree::Entry},
    files::{self, ReadError},
    keystore::source::KeySource,
    limits,
};
use portcullis_engine::keys::{
    algorithm::Algorithm,
    key_set::{InvalidKeySet, KeySet},
    unusable::UnusableKey,
};

type Parse = fn(&[u8], &[Algorithm]) -> Result<KeySet, InvalidKeySet>;

/// Looks into the file of an issuer's keys. That there is none is said elsewhere.
pub(super) fn check(bag: &mut Bag, fields: &Fields<'_>, source: &KeySource, algorithms: &[Algorithm]) {
    let (field, path, parse): (_, _, Parse) = match source {
        KeySource::JwksFile(path) => ("jwks_file", path, KeySet::parse),
        KeySource::PublicKeyFile(path) => ("public_key_file", path, KeySet::from_public_key),
        KeySource::Discovery { .. } | KeySource::JwksUri { .. } | KeySource::Secret(_) => return,
    };
    let read = files::read(path, limits::KEY_DOCUMENT_BYTES);
    let Some(entry) = fields.get(field) else { return };
    let shown = quoted(&path.display().to_string());
    let text = match read {
        Ok(text) => text,
        Err(error @ ReadError::TooLarge(_)) => {
            let problem = Problem::warning(&entry.node.place, format!("the keys of {shown} can't be used: {error}"));
            bag.push(problem.lint(Lint::KeyFile).help("name a file of this issuer's keys alone"));
            return;
        }
        Err(ReadError::Io(_) | ReadError::NotRegular(_)) => return,
    };
    let reason = match parse(&text, algorithms) {
        Ok(set) => return warn_of_skipped(bag, entry, &set, &shown),
        Err(reason) => reason,
    };
    let message = format!("the keys of {shown} can't be used: {reason}");
    let is_private = match &reason {
        InvalidKeySet::PublicKey(reason) => *reason == UnusableKey::Private,
        InvalidKeySet::NothingUsable { skipped, .. } => skipped.iter().any(|key| key.reason == UnusableKey::Private),
        InvalidKeySet::NotAKeySet(_) | InvalidKeySet::Empty => false,
    } || text.windows(PRIVATE.len()).any(|part| part == PRIVATE);
    bag.push(if is_private {
        Problem::error(&entry.node.place, message)
            .help("whoever can read this file can sign tokens: put only the public half there")
    } else {
        Problem::warning(&entry.node.place, message)
            .lint(Lint::KeyFile)
            .help("until it can, tokens of this issuer are answered with 503")
    });
}

/// Keys that should be usable, and are not. Those for other purposes and algorithms belong there.
fn warn_of_skipped(bag: &mut Bag, entry: &Entry, set: &KeySet, shown: &str) {
    for skipped in set.skipped().iter().filter(|skipped| !skipped.reason.is_for_others()) {
        let problem = Problem::warning(&entry.node.place, format!("in {shown} {skipped}"));
        bag.push(problem.lint(Lint::KeyFile).help("mend or remove that key: tokens that it signed are refused"));
    }
}

const PRIVATE: &[u8] = b"PRIVATE KEY-----";

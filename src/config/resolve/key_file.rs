//! What is in the files of `jwks_file` and `public_key_file`, if they are there: they are read again when the service
//! runs, so what can't be used is a warning; a private key in one is an error.

use super::file_mode;
use crate::{
    config::{
        decode::{bag::Bag, spec::NamedFile},
        error::Problem,
        lint_catalogue::Lint,
    },
    document::{suggest::quoted, tree::Entry},
    files::{self, ReadError},
    limits,
};
use portcullis_engine::keys::{
    algorithm::Algorithm,
    key_set::{InvalidKeySet, KeySet},
    unusable::UnusableKey,
};

/// A reader of the text of a file of keys.
type Parse = fn(&[u8], &[Algorithm]) -> Result<KeySet, InvalidKeySet>;

/// Looks at the file of an issuer's keys and, where the algorithms are known, into it.
pub(super) fn check(bag: &mut Bag, file: &NamedFile<'_>, parse: Parse, algorithms: Option<&[Algorithm]>) {
    let NamedFile { entry, path } = file;
    warn_of_no_file(bag, file);
    file_mode::warn(bag, entry, path);
    let Some(algorithms) = algorithms else { return };
    let read = files::read(path, limits::KEY_DOCUMENT_BYTES);
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

/// Warns of a file that is not there. It may appear later, so this forbids nothing.
fn warn_of_no_file(bag: &mut Bag, file: &NamedFile<'_>) {
    let NamedFile { entry, path } = file;
    let Err(reason) = files::open(path) else { return };
    let shown = quoted(&path.display().to_string());
    let problem = Problem::warning(&entry.node.place, format!("the key file {shown} can't be read yet: {reason}"));
    bag.push(problem.lint(Lint::KeyFile).help("until it is there, tokens of this issuer are answered with 503"));
}

//! What is in the files of `jwks_file` and `public_key_file`, if they are there: they are read again when the service
//! runs, so what can't be used is a warning; a private key in one is an error.

use std::{fs::File, io::Read as _, path::Path};

use super::{Bag, fields::Fields};
use crate::{
    config::{error::Problem, lint::Lint, suggest::quoted},
    jwks::{
        key::UnusableKey,
        key_set::{InvalidKeySet, KeySet},
        source::KeySource,
    },
    jwt::algorithm::Algorithm,
    limits,
};

type Parse = fn(&[u8], &[Algorithm]) -> Result<KeySet, InvalidKeySet>;

/// Looks into the file of an issuer's keys. That there is none is said elsewhere.
pub(super) fn check(bag: &mut Bag, fields: &Fields<'_>, source: &KeySource, algorithms: &[Algorithm]) {
    let (field, path, parse): (_, _, Parse) = match source {
        KeySource::JwksFile(path) => ("jwks_file", path, KeySet::parse),
        KeySource::PublicKeyFile(path) => ("public_key_file", path, KeySet::from_public_key),
        KeySource::Discovery { .. } | KeySource::JwksUri { .. } | KeySource::Secret(_) => return,
    };
    let (Some(entry), Some(text)) = (fields.get(field), text_of(path)) else { return };
    let shown = quoted(&path.display().to_string());
    let Err(reason) = parse(&text, algorithms) else { return };
    let message = format!("the keys of {shown} can't be used: {reason}");
    let is_private = matches!(
        &reason,
        InvalidKeySet::PublicKey(UnusableKey::Private)
            | InvalidKeySet::NothingUsable { first: UnusableKey::Private, .. }
    ) || text.windows(PRIVATE.len()).any(|part| part == PRIVATE);
    bag.push(if is_private {
        Problem::error(&entry.node.place, message)
            .help("whoever can read this file can sign tokens: put only the public half there")
    } else {
        Problem::warning(&entry.node.place, message)
            .lint(Lint::KeyFile)
            .help("until it can, tokens of this issuer are answered with 503")
    });
}

const PRIVATE: &[u8] = b"PRIVATE KEY-----";

/// The bytes of a regular file, as many as a key set may have.
fn text_of(path: &Path) -> Option<Vec<u8>> {
    if !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut text = Vec::new();
    File::open(path).ok()?.take(limits::KEY_DOCUMENT_BYTES as u64).read_to_end(&mut text).ok()?;
    Some(text)
}

//! `algorithms`: a closed list. What the token says never adds to it (RFC 8725 section 3.1).

use jsonwebtoken::Algorithm;

use super::{Bag, fields::Fields, read};
use crate::{
    config::{error::Problem, suggest::quoted, tree::Node},
    jwt::issuer_rules::NonEmpty,
};

const ASYMMETRIC: [(&str, Algorithm); 9] = [
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];
const SYMMETRIC: [(&str, Algorithm); 3] =
    [("HS256", Algorithm::HS256), ("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)];

/// The algorithms of an issuer. `has_secret` is `None` if that is not clear, and then no algorithm is out of place. With a shared secret HMAC only, otherwise signatures only, so that a public key is
/// never taken for a secret.
pub(super) fn decode(bag: &mut Bag, fields: &Fields<'_>, has_secret: Option<bool>) -> Option<NonEmpty<Algorithm>> {
    let algorithms = match fields.get("algorithms") {
        Some(entry) => read::list_of(bag, entry, |bag, node, what| one(bag, node, what, has_secret))?,
        None if fields.mentions("algorithms") => return None,
        None if has_secret == Some(true) => vec![Algorithm::HS256],
        None => vec![Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA],
    };
    NonEmpty::new(algorithms)
}

fn one(bag: &mut Bag, node: &Node, what: &str, has_secret: Option<bool>) -> Option<Algorithm> {
    let text = read::text_of(bag, node, what)?;
    let (allowed, others): (&[_], &[_]) =
        if has_secret == Some(true) { (&SYMMETRIC, &ASYMMETRIC) } else { (&ASYMMETRIC, &SYMMETRIC) };
    let find = |list: &[(&str, Algorithm)]| list.iter().find(|(name, _)| *name == text).map(|(_, found)| *found);
    if let Some(algorithm) = find(allowed).or_else(|| find(others).filter(|_| has_secret.is_none())) {
        return Some(algorithm);
    }
    let names: Vec<&str> = allowed.iter().map(|(name, _)| *name).collect();
    let (message, help) = if text.eq_ignore_ascii_case("none") {
        ("there is no algorithm `none`".to_owned(), "an unsigned token proves nothing; remove it".to_owned())
    } else if find(others).is_some() {
        let help = if has_secret == Some(true) {
            format!("a shared secret verifies {}", crate::config::suggest::listed(&names, "or"))
        } else {
            "HMAC needs `secret_file` as the only source of keys".to_owned()
        };
        (format!("{} doesn't fit this issuer's keys", quoted(text)), help)
    } else {
        (format!("{} is not an algorithm that is verified here", quoted(text)), read::choose(text, &names))
    };
    bag.push(Problem::error(&node.place, message).help(help));
    None
}

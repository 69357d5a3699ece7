//! `algorithms`: a closed list. What the token says never adds to it (RFC 8725 section 3.1).

use super::{bag::Bag, fields::Fields, read};
use crate::{
    config::error::Problem,
    document::{
        suggest::{listed, quoted},
        tree::Node,
    },
};
use portcullis_engine::{jwt::issuer_rules::NonEmpty, keys::algorithm::Algorithm};

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
    let allowed: &[Algorithm] = if has_secret == Some(true) { &Algorithm::SYMMETRIC } else { &Algorithm::ASYMMETRIC };
    let names: Vec<&str> = allowed.iter().map(|algorithm| algorithm.name()).collect();
    let text = read::text_or(bag, node, what, |_| format!("write {}", listed(&names, "or")))?;
    let found = Algorithm::from_name(text);
    if let Some(algorithm) = found
        && has_secret.is_none_or(|has_secret| has_secret == algorithm.is_hmac())
    {
        return Some(algorithm);
    }
    let (message, help) = if text.eq_ignore_ascii_case("none") {
        ("there is no algorithm `none`".to_owned(), "an unsigned token proves nothing; remove it".to_owned())
    } else if found.is_some() {
        let help = if has_secret == Some(true) {
            format!("a shared secret verifies {}", listed(&names, "or"))
        } else {
            "HMAC needs `secret_file` or `secret_env` as the only source of keys".to_owned()
        };
        (format!("{} doesn't fit this issuer's keys", quoted(text)), help)
    } else {
        (format!("{} is not an algorithm that is verified here", quoted(text)), read::choose(text, &names))
    };
    bag.push(Problem::error(&node.place, message).help(help));
    None
}

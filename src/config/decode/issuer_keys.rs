//! The fields of an issuer about its keys, by their form: nothing that they name is read.

use std::{path::Path, time::Duration};

use super::{bag::Bag, duration, fields::Fields, key_source, spec::KeysSpec, transport};
use crate::{config::error::Problem, limits};

/// Decodes the fields about the keys of an issuer; `name` is the issuer's, if that could be read.
pub(super) fn decode<'n>(bag: &mut Bag, fields: &Fields<'n>, name: Option<&str>, base: &Path) -> KeysSpec<'n> {
    KeysSpec {
        source: key_source::decode(bag, fields, name, base),
        transport: transport::decode(bag, fields, base),
        max_stale: max_stale(bag, fields),
    }
}

fn max_stale(bag: &mut Bag, fields: &Fields<'_>) -> Option<Duration> {
    let Some(entry) = fields.get("max_stale") else { return Some(limits::KEYS_MAX_STALE) };
    if let Some(secret) = fields.get("secret_file").or_else(|| fields.get("secret_env")) {
        let problem = Problem::error(&entry.place, "`max_stale` has no meaning for a shared secret");
        bag.push(problem.label("here").and(&secret.place, "the secret").help("remove it: a secret does not age"));
        return None;
    }
    let range = limits::KEYS_MAX_STALE_RANGE;
    let help = "write for how long keys stay in use while their issuer can't be reached: `24h`";
    let age = duration::decode(bag, entry, &range, help)?;
    if !range.contains(&age) {
        let (least, most) = (duration::show(*range.start()), duration::show(*range.end()));
        let problem = Problem::error(&entry.node.place, format!("`max_stale` is not between {least} and {most}"));
        bag.push(problem.help(help));
        return None;
    }
    Some(age)
}

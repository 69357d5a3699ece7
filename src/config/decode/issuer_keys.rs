//! The fields of an issuer about its keys, in two ways: to fetch with, which reads what they name, and by their form
//! alone, where neither secrets nor files are at hand.

use std::{path::PathBuf, time::Duration};

use super::{Around, Bag, duration, fields::Fields, key_file, key_source, secret, transport};
use crate::{
    config::error::Problem,
    document::tree::Value,
    keystore::source::{KeySource, Transport},
    limits,
};
use portcullis_engine::keys::algorithm::Algorithm;

/// Decodes those fields. Given are the name and the algorithms of the issuer, as far as they could be read.
pub(super) type DecodeKeys<'a, K> = &'a dyn Fn(&mut Bag, &Fields<'_>, Option<&str>, Option<&[Algorithm]>) -> Option<K>;

/// Where an issuer's keys are and how they are kept.
pub(super) struct IssuerKeys {
    pub(super) source: KeySource,
    pub(super) transport: Transport,
    pub(super) max_stale: Duration,
    /// Files that were read for it, once and for all.
    pub(super) read_files: Vec<PathBuf>,
}

/// Reads secrets and certificates, and looks into files of keys.
pub(super) fn decode(
    bag: &mut Bag,
    fields: &Fields<'_>,
    name: Option<&str>,
    algorithms: Option<&[Algorithm]>,
    around: Around<'_>,
) -> Option<IssuerKeys> {
    let source = key_source::decode(bag, fields, name, around);
    if let (Some(source), Some(algorithms)) = (&source, algorithms) {
        secret::check_length(bag, fields, source, algorithms);
        key_file::check(bag, fields, source, algorithms);
    }
    let transport = transport::decode(bag, fields, around.base);
    let max_stale = max_stale(bag, fields);
    let read = ["secret_file", "ca_file"].into_iter().filter_map(|name| fields.get(name));
    let names = read.filter_map(|entry| match &entry.node.value {
        Value::String(name) => Some(around.base.join(name)),
        _ => None,
    });
    Some(IssuerKeys { source: source?, transport: transport?, max_stale: max_stale?, read_files: names.collect() })
}

/// Judges their form and opens nothing: what they name is on another machine.
pub(super) fn check_form(bag: &mut Bag, fields: &Fields<'_>, name: Option<&str>) -> Option<()> {
    let source = key_source::check_form(bag, fields, name);
    let transport = transport::check_form(bag, fields);
    let max_stale = max_stale(bag, fields);
    source?;
    transport?;
    max_stale.map(drop)
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

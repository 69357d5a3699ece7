//! A whole configuration file: its sections, and what they mean together.

use std::path::{Path, PathBuf};

use super::{
    around::Around,
    bag::Bag,
    fields::Fields,
    identity, issuers, listen, other_file, policy, read,
    spec::{ConfigSpec, IssuerSpec, Settings},
};
use crate::{
    config::{error::Problem, listen::Listen, ready_rule::ReadyRule, schema::FILE},
    document::tree::{Node, Place, Value},
};
use portcullis_engine::request::host::HostHandling;

/// Decodes a tree, and reads nothing that it names.
pub(crate) fn decode<'n>(bag: &mut Bag, root: &'n Node, around: Around<'_>) -> ConfigSpec<'n> {
    decode_file(bag, root, around).unwrap_or_default()
}

fn decode_file<'n>(bag: &mut Bag, root: &'n Node, around: Around<'_>) -> Option<ConfigSpec<'n>> {
    if matches!(root.value, Value::Null) {
        let problem = Problem::error(&Place::Nowhere, "the file is empty");
        bag.push(problem.help("it needs at least `routes`, and `issuers` for those that need a token"));
        return None;
    }
    if let Some(problem) = other_file::find(root) {
        bag.push(problem);
        return None;
    }
    let fields = Fields::read(bag, root, "the file", FILE)?;
    let listen = listen::decode(bag, fields.get("listen"));
    let issuers = issuers::decode(bag, &fields, around);
    let settings = settings(bag, &fields, listen, issuers.as_deref(), around);
    Some(ConfigSpec { settings, issuers: issuers.unwrap_or_default() })
}

/// Decodes everything but the issuers and where to listen.
fn settings(
    bag: &mut Bag,
    fields: &Fields<'_>,
    listen: Option<Listen>,
    issuers: Option<&[Option<IssuerSpec<'_>>]>,
    around: Around<'_>,
) -> Option<Settings> {
    let trusted = issuers.and_then(ConfigSpec::rules);
    let policy = policy::decode(bag, fields, trusted.as_deref(), around);
    let identity = identity::decode(bag, fields.get("identity"));
    if let (Some(issuers), Some(place)) = (&trusted, policy.as_ref().and_then(|policy| policy.token_needed_at))
        && issuers.is_empty()
    {
        let problem = Problem::error(place, "tokens are judged here, but there are no issuers to trust");
        bag.push(problem.help("add `issuers: [{ issuer: https://…, audiences: [https://…] }]`"));
    }
    let keys_dir = match fields.get("keys_dir") {
        Some(entry) => Some(around.base.join(read::text(bag, entry)?)),
        None => None,
    };
    let ready = ready(bag, fields);
    let hosts = hosts(bag, fields);
    let tests = tests(bag, fields, around.base);
    let (policy, ready, tests) = (policy?.policy?.with_hosts(hosts?), ready?, tests?);
    issuers?;
    Some(Settings { listen: listen?, policy, identity: identity?, keys_dir, ready, tests })
}

/// Decodes where a tree listens, whatever the rest of it is.
pub(crate) fn decode_listen(bag: &mut Bag, root: &Node) -> Option<Listen> {
    let entry = match &root.value {
        Value::Section(entries) => entries.iter().find(|entry| entry.key == "listen"),
        _ => None,
    };
    listen::decode(bag, entry).filter(|_| !bag.has_errors())
}

/// Decodes the rule by which `/readyz` decides.
fn ready(bag: &mut Bag, fields: &Fields<'_>) -> Option<ReadyRule> {
    let rules = [ReadyRule::Keys, ReadyRule::Started].map(|rule| (rule.name(), rule));
    fields.get("ready").map_or(Some(ReadyRule::Keys), |entry| read::word(bag, entry, &rules))
}

/// Decodes what Envoy does to hosts.
fn hosts(bag: &mut Bag, fields: &Fields<'_>) -> Option<HostHandling> {
    let words = [HostHandling::AsSent, HostHandling::Stripped].map(|handling| (handling.name(), handling));
    fields.get("hosts").map_or(Some(HostHandling::AsSent), |entry| read::word(bag, entry, &words))
}

/// Files with tests of the policy.
fn tests(bag: &mut Bag, fields: &Fields<'_>, base: &Path) -> Option<Vec<PathBuf>> {
    match fields.get("tests") {
        Some(entry) => Some(read::texts(bag, entry)?.iter().map(|name| base.join(name)).collect()),
        None => (!fields.mentions("tests")).then(Vec::new),
    }
}

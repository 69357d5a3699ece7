//! A tree of nodes to a [`Config`], every problem at once: small functions that push into a list of problems and go
//! on. What follows from a problem already reported is not reported again.

mod access;
mod algorithm;
mod binding;
mod claim;
mod duration;
pub(crate) mod fields;
mod file_mode;
pub(super) mod foreign;
mod identity;
mod implies;
mod issuer;
mod issuer_keys;
mod issuers;
mod key_file;
mod key_source;
mod listen;
mod misplaced;
mod name;
mod named;
pub(super) mod other_file;
mod policy;
pub(crate) mod read;
mod route;
mod scopes;
mod secret;
mod secret_strength;
mod socket;
mod transport;
pub(super) mod unread;
mod url;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

pub(crate) use duration::{parse as parse_duration, show as show_duration};

use super::{
    Config, IssuerConfig, Listen, ReadyRule,
    error::{Problem, SHOWN, Severity},
    lint,
    schema::FILE,
};
use crate::document::{
    source::Source,
    tree::{Node, Place, Value},
};
use crate::limits;
use fields::Fields;
use issuer_keys::{DecodeKeys, IssuerKeys};
use portcullis_engine::{
    answer::identity::IdentityHeaders, jwt::issuer_rules::IssuerRules, keys::algorithm::Algorithm, policy::Policy,
    request::host::HostHandling,
};
use unread::Unread;

/// The problems so far.
#[derive(Default)]
pub(crate) struct Bag(Vec<Problem>);

impl Bag {
    pub(crate) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Whether there are so many that help for one more is no help.
    fn is_full(&self) -> bool {
        self.0.len() >= limits::CONFIG_SUGGESTIONS
    }

    /// Whether one more problem would be printed in full: help for others is for nobody.
    pub(crate) fn is_shown(&self) -> bool {
        self.0.len() < SHOWN
    }

    /// Every problem.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.0
    }

    fn error_count(&self) -> usize {
        self.0.iter().filter(|problem| problem.severity() == Severity::Error).count()
    }
}

/// What a configuration may name outside of itself.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    /// Where relative names of files start.
    pub(super) base: &'a Path,
    /// The environment.
    pub(super) env: &'a BTreeMap<String, String>,
    /// The file.
    pub(super) source: Option<&'a Arc<Source>>,
}

impl Around<'_> {
    /// A place for people: `portcullis.yaml:7`, or the name of a variable.
    fn locate(&self, place: &Place) -> String {
        match (place, self.source) {
            (Place::File(span), Some(source)) => format!("{}:{}", source.name(), source.position(span.start).0),
            (Place::Variable(name), _) => name.to_string(),
            (Place::File(_) | Place::Nowhere, _) => String::new(),
        }
    }
}

/// The configuration of a tree, and every problem of it beside those already found. There is a configuration only if no problem is an error.
pub(super) fn decode(root: &Node, around: Around<'_>, found: Vec<Problem>) -> (Option<Config>, Vec<Problem>) {
    let keys = |bag: &mut Bag, fields: &Fields<'_>, name: Option<&str>, algorithms: Option<&[Algorithm]>| {
        issuer_keys::decode(bag, fields, name, algorithms, around)
    };
    let (file, mut problems) = decode_with(root, around, found, &keys);
    let config = file.map(|file| Config {
        listen: file.listen,
        issuers: file.issuers.into_iter().map(with_keys).collect(),
        policy: file.policy,
        identity: file.identity,
        keys_dir: file.keys_dir,
        ready: file.ready,
        tests: file.tests,
    });
    let rules = config.as_ref().map(|config| lint::Rules {
        policy: &config.policy,
        issuers: config.issuers.iter().map(|issuer| &issuer.rules).collect(),
    });
    add_lints(&mut problems, lint::check(root, rules.as_ref()));
    (config, problems)
}

/// Adds what lints found. What they know of a value that is an error already explains it, and is not said twice.
fn add_lints(problems: &mut Vec<Problem>, found: Vec<Problem>) {
    let errors: Vec<usize> = (0..problems.len()).filter(|at| is_error(problems.get(*at))).collect();
    for warning in found {
        let is_placeholder =
            warning.kind() == Some(lint::Lint::Placeholder) && errors.len() < limits::CONFIG_SUGGESTIONS;
        let mut explained = errors
            .iter()
            .filter(|_| is_placeholder)
            .filter_map(|at| problems.get_mut(*at).map(|error| error.explained_by(&warning)));
        if !explained.any(|is_explained| is_explained) {
            problems.push(warning);
        }
    }
}

fn is_error(problem: Option<&Problem>) -> bool {
    problem.is_some_and(|problem| problem.severity() == Severity::Error)
}

/// The same without what the configuration names outside of itself: no secret and no file is read.
pub(super) fn decode_offline(root: &Node, around: Around<'_>, found: Vec<Problem>) -> (Option<Rules>, Vec<Problem>) {
    let keys = |bag: &mut Bag, fields: &Fields<'_>, name: Option<&str>, _: Option<&[Algorithm]>| {
        issuer_keys::check_form(bag, fields, name)
    };
    let (file, mut problems) = decode_with(root, around, found, &keys);
    let rules = file.map(|file| Rules {
        unread: unread::list(root, around),
        listen: file.listen,
        policy: file.policy,
        issuers: file.issuers.into_iter().map(|issuer| issuer.rules).collect(),
        identity: file.identity,
        tests: file.tests,
    });
    let known =
        rules.as_ref().map(|rules| lint::Rules { policy: &rules.policy, issuers: rules.issuers.iter().collect() });
    add_lints(&mut problems, lint::check(root, known.as_ref()));
    (rules, problems)
}

/// Decodes where a tree listens, whatever the rest of it is.
pub(super) fn decode_listen(root: &Node, _: Around<'_>, found: Vec<Problem>) -> (Option<Listen>, Vec<Problem>) {
    let mut bag = Bag(found);
    let entry = match &root.value {
        Value::Section(entries) => entries.iter().find(|entry| entry.key == "listen"),
        _ => None,
    };
    let listen = listen::decode(&mut bag, entry).filter(|_| bag.error_count() == 0);
    (listen, bag.0)
}

/// What decides, without what it takes to serve.
pub(super) struct Rules {
    pub(super) listen: Listen,
    pub(super) policy: Policy,
    pub(super) issuers: Vec<IssuerRules>,
    pub(super) identity: IdentityHeaders,
    pub(super) tests: Vec<PathBuf>,
    pub(super) unread: Vec<Unread>,
}

/// A whole file, with what the fields about keys were decoded to.
struct DecodedFile<K> {
    listen: Listen,
    issuers: Vec<issuer::Decoded<K>>,
    policy: Policy,
    identity: IdentityHeaders,
    keys_dir: Option<PathBuf>,
    ready: ReadyRule,
    tests: Vec<PathBuf>,
}

fn with_keys(issuer: issuer::Decoded<IssuerKeys>) -> IssuerConfig {
    let issuer::Decoded { rules, keys, written_at } = issuer;
    let IssuerKeys { source, transport, max_stale, read_files } = keys;
    IssuerConfig { rules, source, transport, max_stale, written_at, read_files }
}

fn decode_with<K>(
    root: &Node,
    around: Around<'_>,
    found: Vec<Problem>,
    keys: DecodeKeys<'_, K>,
) -> (Option<DecodedFile<K>>, Vec<Problem>) {
    let mut bag = Bag(found);
    let file = decode_file(&mut bag, root, around, keys).filter(|_| bag.error_count() == 0);
    (file, bag.0)
}

fn decode_file<K>(bag: &mut Bag, root: &Node, around: Around<'_>, keys: DecodeKeys<'_, K>) -> Option<DecodedFile<K>> {
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
    let issuers = issuers::decode(bag, &fields, keys, around);
    let trusted: Option<Vec<&IssuerRules>> =
        issuers.as_ref().map(|issuers| issuers.iter().map(|issuer| &issuer.rules).collect());
    let policy = policy::decode(bag, &fields, trusted.as_deref(), around);
    let identity = identity::decode(bag, fields.get("identity"));
    if let (Some(issuers), Some(place)) = (&issuers, policy.as_ref().and_then(|policy| policy.token_needed_at))
        && issuers.is_empty()
    {
        let problem = Problem::error(place, "tokens are judged here, but there are no issuers to trust");
        bag.push(problem.help("add `issuers: [{ issuer: https://…, audiences: [https://…] }]`"));
    }
    let keys_dir = match fields.get("keys_dir") {
        Some(entry) => Some(around.base.join(read::text(bag, entry)?)),
        None => None,
    };
    let ready = ready(bag, &fields);
    let hosts = hosts(bag, &fields);
    let tests = tests(bag, &fields, around.base);
    let (policy, ready, tests) = (policy?.policy?.with_hosts(hosts?), ready?, tests?);
    Some(DecodedFile { listen: listen?, issuers: issuers?, policy, identity: identity?, keys_dir, ready, tests })
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

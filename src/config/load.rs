//! From a file, or from two variables, to a configuration.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    configuration::Config,
    decode::{
        self, Around,
        bag::Bag,
        spec::Settings,
        unread::{self, Unread},
    },
    env,
    error::{ConfigErrors, Problem},
    lint::{self, merge, rules::Rules},
    listen::Listen,
    ready_rule::ReadyRule,
    redact,
    resolve::resolve,
    variables, yaml,
};
use crate::{
    document::{
        source::Source,
        suggest::quoted,
        tree::{Entry, Node, Place, Value},
    },
    files::{self, ReadError},
    limits,
};
use portcullis_engine::{
    answer::identity::IdentityHeaders,
    digest::{Sha256, sha256},
    jwt::issuer_rules::IssuerRules,
    policy::Policy,
};

/// What problems of a start without a file belong to.
const ENVIRONMENT: &str = "environment";

/// A configuration that can be used, and what the operator should know about it.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Warnings; often none.
    pub warnings: ConfigErrors,
    /// The file it was read from, if there is one.
    pub file: Option<LoadedFile>,
}

/// Which file a configuration was read from, and what stood in it.
#[derive(Clone, Debug)]
pub struct LoadedFile {
    /// The file.
    pub path: PathBuf,
    /// The SHA-256 of its bytes.
    pub digest: Sha256,
}

/// Loads a configuration: the file, or the one that `PORTCULLIS_CONFIG` names, overlaid by `env`. Without a file
/// `PORTCULLIS_ISSUER` and `PORTCULLIS_AUDIENCE` make a configuration that asks for a valid token on every path.
///
/// `env` is the whole environment. Secrets that the configuration names are read here.
///
/// # Errors
/// Every problem there is, warnings included. At least one is an error.
pub fn load(path: Option<&Path>, env: &BTreeMap<String, String>) -> Result<Loaded, ConfigErrors> {
    let Some(path) = env::path_of(path, env) else { return with_keys(from_environment(env)?, env) };
    let text = read_given(path)?;
    let file = Some(LoadedFile { path: path.to_owned(), digest: sha256(text.as_bytes()) });
    Ok(Loaded { file, ..parse(&text, &path.display().to_string(), env)? })
}

/// The text of a configuration file, a regular one within its limit.
///
/// # Errors
/// The one problem that it can't be read.
pub fn read(path: &Path) -> Result<String, ConfigErrors> {
    text_of(files::read(path, limits::CONFIG_BYTES), path)
}

/// The text of a configuration file from what was read of it.
///
/// # Errors
/// As [`read`].
pub fn text_of(read: Result<Vec<u8>, ReadError>, path: &Path) -> Result<String, ConfigErrors> {
    let text = text_from(read, path, WHAT, SMALLER);
    text.map_err(|problem| ConfigErrors::single(&path.display().to_string(), *problem))
}

/// Says whether a file is a configuration by its first look: it has rules or issuers. Of a file that can't be read, nothing
/// is said here.
#[must_use]
pub fn is_configuration(path: &Path) -> bool {
    let Ok(text) = read(path) else { return false };
    let Ok(root) = yaml::parse(&text) else { return false };
    let Value::Section(entries) = root.value else { return false };
    entries.iter().any(|entry| ["routes", "issuers", "policies", "listen", "default"].contains(&entry.key.as_str()))
}

/// What of a configuration decides about requests, without what it takes to serve it.
#[derive(Debug)]
pub struct Offline {
    /// Which request needs what.
    pub policy: Policy,
    /// What the issuers' tokens must be.
    pub issuers: Vec<IssuerRules>,
    /// What goes upstream.
    pub identity: IdentityHeaders,
    /// Files with tests of the policy.
    pub tests: Vec<PathBuf>,
    /// The files and variables that the configuration names, none of which was read.
    pub unread: Vec<Unread>,
    listen: Listen,
    /// Warnings; often none.
    pub warnings: ConfigErrors,
}

impl Offline {
    /// The part of the configuration that an Envoy's is compared with: no issuer is in it, as it has no keys.
    #[must_use]
    pub fn without_issuers(self) -> Config {
        Config {
            listen: self.listen,
            issuers: Vec::new(),
            policy: self.policy,
            identity: self.identity,
            keys_dir: None,
            ready: ReadyRule::default(),
            tests: self.tests,
        }
    }
}

/// Says whether nothing names a configuration: no path, and no variable that a start without a file takes.
pub(crate) fn is_absent(path: Option<&Path>, env: &BTreeMap<String, String>) -> bool {
    env::path_of(path, env).is_none()
        && ![variables::ISSUER, variables::AUDIENCE].iter().any(|name| env.contains_key(*name))
}

/// Loads what [`load`] does and reads nothing that the configuration names: no secret, no key, no certificate, so that
/// a policy can be tried where none of them is. What comes of it can't be served: it has no source of keys.
///
/// # Errors
/// As [`load`], but for problems of what is named.
pub fn load_offline(path: Option<&Path>, env: &BTreeMap<String, String>) -> Result<Offline, ConfigErrors> {
    without_keys(Tree::load(path, env)?, env)
}

/// Loads what [`parse`] does and reads nothing that the configuration names.
///
/// # Errors
/// As [`load_offline`].
pub fn parse_offline(text: &str, file_name: &str, env: &BTreeMap<String, String>) -> Result<Offline, ConfigErrors> {
    without_keys(Tree::parse(text, file_name, env)?, env)
}

/// Loads a configuration from the text of a file. Names of files in it start at the directory of `file_name`.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, file_name: &str, env: &BTreeMap<String, String>) -> Result<Loaded, ConfigErrors> {
    with_keys(Tree::parse(text, file_name, env)?, env)
}

/// A configuration as it is written, before it is decoded.
pub(crate) struct Tree {
    root: Node,
    /// What its problems belong to.
    name: String,
    source: Option<Arc<Source>>,
    problems: Vec<Problem>,
}

impl Tree {
    /// The tree of nothing: defaults hold.
    pub(crate) fn empty() -> Self {
        let root = Node { value: Value::Null, place: Place::Nowhere, plain: true };
        Self { root, name: ENVIRONMENT.to_owned(), source: None, problems: Vec::new() }
    }

    pub(crate) fn load(path: Option<&Path>, env: &BTreeMap<String, String>) -> Result<Self, ConfigErrors> {
        let Some(path) = env::path_of(path, env) else { return from_environment(env) };
        Self::parse(&read_given(path)?, &path.display().to_string(), env)
    }

    fn parse(text: &str, file_name: &str, env: &BTreeMap<String, String>) -> Result<Self, ConfigErrors> {
        let parsed = yaml::parse(text);
        let source = Arc::new(Source::new(file_name, text, redact::masked(text, parsed.as_ref().ok())));
        let mut problems = Vec::new();
        for name in [variables::ISSUER, variables::AUDIENCE].into_iter().filter(|name| env.contains_key(*name)) {
            let problem =
                Problem::error(&Place::Variable(name.into()), format!("`{name}` is set beside a configuration file"));
            problems.push(problem.help("it is for starting without a file: unset it, and write `issuers` in the file"));
        }
        match parsed {
            Ok(root) => Ok(Self { root, name: file_name.to_owned(), source: Some(source), problems }),
            Err(problem) => {
                problems.push(*problem);
                Err(ConfigErrors::new(file_name, Some(&source), problems))
            }
        }
    }

    /// Lays the environment over it. Returns the problems so far as well.
    pub(crate) fn overlay(mut self, env: &BTreeMap<String, String>) -> (Self, Bag) {
        let mut problems = std::mem::take(&mut self.problems);
        env::overlay(&mut self.root, env, &mut problems);
        (self, Bag::new(problems))
    }

    /// The root of the text.
    pub(crate) const fn root(&self) -> &Node {
        &self.root
    }

    /// The problems that were found in it.
    pub(crate) fn errors(&self, problems: Vec<Problem>) -> ConfigErrors {
        ConfigErrors::new(&self.name, self.source.as_ref(), problems)
    }

    fn around(&self) -> Around<'_> {
        let base = match &self.source {
            Some(_) => Path::new(&self.name).parent().unwrap_or_else(|| Path::new("")),
            None => Path::new(""),
        };
        Around { base, source: self.source.as_ref() }
    }

    /// The problems so far, and what lints find; `rules` are there if nothing so far is an error.
    fn with_lints(&self, bag: Bag, rules: Option<&Rules<'_>>) -> ConfigErrors {
        let mut problems = bag.into_problems();
        merge::add_findings(&mut problems, lint::check(&self.root, rules));
        self.errors(problems)
    }
}

fn with_keys(tree: Tree, env: &BTreeMap<String, String>) -> Result<Loaded, ConfigErrors> {
    let (tree, mut bag) = tree.overlay(env);
    let spec = decode::decode(&mut bag, tree.root(), tree.around());
    let config = resolve(&mut bag, spec, env);
    let rules = config.as_ref().map(|config| Rules {
        policy: &config.policy,
        issuers: config.issuers.iter().map(|issuer| &issuer.rules).collect(),
    });
    let warnings = tree.with_lints(bag, rules.as_ref());
    match config {
        Some(config) => Ok(Loaded { config, warnings, file: None }),
        None => Err(warnings),
    }
}

fn without_keys(tree: Tree, env: &BTreeMap<String, String>) -> Result<Offline, ConfigErrors> {
    let (tree, mut bag) = tree.overlay(env);
    let spec = decode::decode(&mut bag, tree.root(), tree.around());
    let issuers: Option<Vec<IssuerRules>> = spec.issuers.into_iter().map(|issuer| issuer?.rules).collect();
    let Some((Settings { listen, policy, identity, tests, .. }, issuers)) =
        spec.settings.zip(issuers).filter(|_| !bag.has_errors())
    else {
        return Err(tree.with_lints(bag, None));
    };
    let warnings = tree.with_lints(bag, Some(&Rules { policy: &policy, issuers: issuers.iter().collect() }));
    let unread = unread::list(tree.root(), tree.around());
    Ok(Offline { policy, issuers, identity, tests, unread, listen, warnings })
}

/// One issuer, its audiences, and a valid token on every path.
fn from_environment(env: &BTreeMap<String, String>) -> Result<Tree, ConfigErrors> {
    let of = |name: &str| env.get(name).filter(|value| !value.is_empty());
    match (of(variables::ISSUER), of(variables::AUDIENCE)) {
        (Some(issuer), Some(audience)) => {
            let (root, name) = (tree_of(issuer, audience), ENVIRONMENT.to_owned());
            Ok(Tree { root, name, source: None, problems: Vec::new() })
        }
        (issuer, audience) => Err(nothing_to_load(env, issuer.is_some(), audience.is_some())),
    }
}

fn nothing_to_load(env: &BTreeMap<String, String>, has_issuer: bool, has_audience: bool) -> ConfigErrors {
    let mut problems = Vec::new();
    let mut nothing = Node { value: Value::Null, place: Place::Nowhere, plain: true };
    env::overlay(&mut nothing, env, &mut problems);
    let message = match (has_issuer, has_audience) {
        (true, _) => format!("`{}` is set, but not `{}`", variables::ISSUER, variables::AUDIENCE),
        (_, true) => format!("`{}` is set, but not `{}`", variables::AUDIENCE, variables::ISSUER),
        _ => "there is no configuration".to_owned(),
    };
    let help = format!(
        "start with a file, `--config portcullis.yaml`, or without one: set both `{}` and `{}`",
        variables::ISSUER,
        variables::AUDIENCE
    );
    // A variable that is set but empty is reported as that.
    if !problems
        .iter()
        .any(|problem| [Some(variables::ISSUER), Some(variables::AUDIENCE)].contains(&problem.variable()))
    {
        problems.push(Problem::error(&Place::Nowhere, message).help(help));
    }
    ConfigErrors::new(ENVIRONMENT, None, problems)
}

/// The tree of the file that the two variables stand for.
fn tree_of(issuer: &str, audience: &str) -> Node {
    let (issuer_name, audience_name) = (Arc::from(variables::ISSUER), Arc::from(variables::AUDIENCE));
    let text = |text: &str| Node::from_variable(&issuer_name, text);
    let with = |value: Value| Node { value, ..text("") };
    let section = |fields: Vec<(&str, Node)>| {
        let entry = |(key, node): (&str, Node)| Entry { key: key.to_owned(), place: node.place.clone(), node };
        with(Value::Section(fields.into_iter().map(entry).collect()))
    };
    let names = audience.split(',').map(|name| Node::from_variable(&audience_name, name.trim())).collect();
    let audiences = Node { value: Value::List(names), ..Node::from_variable(&audience_name, "") };
    let issuers = vec![section(vec![("issuer", text(issuer)), ("audiences", audiences)])];
    let routes = vec![section(vec![("path", text("/**")), ("access", text("authenticated"))])];
    section(vec![("issuers", with(Value::List(issuers))), ("routes", with(Value::List(routes)))])
}

/// The first bytes of a file of gzip (RFC 1952 section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];
const WHAT: &str = "the configuration file";
const SMALLER: &str = "cover several routes with one pattern, `/api/**`";

/// The text of a configuration file that a command was given, within its limit.
fn read_given(path: &Path) -> Result<String, ConfigErrors> {
    let text = read_argument(path, WHAT, limits::CONFIG_BYTES, SMALLER);
    text.map_err(|problem| ConfigErrors::single(&path.display().to_string(), *problem))
}

/// The text of a regular file of at most so many bytes; `smaller` says what to do with a larger one.
pub(crate) fn read_text(path: &Path, what: &str, most: usize, smaller: &str) -> Result<String, Box<Problem>> {
    text_from(files::read(path, most), path, what, smaller)
}

/// The text of a file that a command was given, which may be its standard input.
pub(crate) fn read_argument(path: &Path, what: &str, most: usize, smaller: &str) -> Result<String, Box<Problem>> {
    text_from(files::read_argument(path, most), path, what, smaller)
}

fn text_from(read: Result<Vec<u8>, ReadError>, path: &Path, what: &str, smaller: &str) -> Result<String, Box<Problem>> {
    let fail = |message: String, help: &str| Box::new(Problem::error(&Place::Nowhere, message).help(help));
    let shown = quoted(&path.display().to_string());
    let bytes = read.map_err(|error| match error {
        ReadError::TooLarge(most) => fail(format!("{what} {shown} has more than {} MiB", most >> 20), smaller),
        ReadError::Io(_) | ReadError::NotRegular(_) => {
            fail(format!("{what} {shown} can't be read: {error}"), "name a file, YAML or JSON, that this user may read")
        }
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        if error.as_bytes().starts_with(&GZIP) {
            return fail(format!("{what} {shown} is compressed"), "unpack it first: `gunzip`");
        }
        let line = error.as_bytes().iter().take(at).filter(|b| **b == b'\n').count().saturating_add(1);
        fail(format!("{what} {shown} is not UTF-8 text in line {line}"), "save it as UTF-8")
    })
}

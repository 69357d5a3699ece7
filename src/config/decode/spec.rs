//! A configuration as it is written: it names files and variables, and none of them was read.

use std::{path::PathBuf, time::Duration};

use url::Url;

use crate::{
    config::{listen::Listen, ready_rule::ReadyRule},
    document::tree::Entry,
    keystore::source::KeySource,
};
use portcullis_engine::{
    answer::identity::IdentityHeaders,
    jwt::issuer_rules::{IssuerRules, NonEmpty},
    keys::algorithm::Algorithm,
    policy::Policy,
};

/// A configuration, as far as it could be decoded: what it names is looked at even where other parts are broken.
#[derive(Default)]
pub(crate) struct ConfigSpec<'n> {
    /// Everything but the issuers; `None` if a part of it is broken.
    pub(crate) settings: Option<Settings>,
    /// The issuers; `None` for one that is no section of fields.
    pub(crate) issuers: Vec<Option<IssuerSpec<'n>>>,
}

/// Everything of a configuration that names nothing to be read at once.
pub(crate) struct Settings {
    pub(crate) listen: Listen,
    pub(crate) policy: Policy,
    pub(crate) identity: IdentityHeaders,
    pub(crate) keys_dir: Option<PathBuf>,
    pub(crate) ready: ReadyRule,
    pub(crate) tests: Vec<PathBuf>,
}

/// An entry of `issuers`.
pub(crate) struct IssuerSpec<'n> {
    /// The rules for the issuer's tokens; `None` if that could not be decoded.
    pub(crate) rules: Option<IssuerRules>,
    /// The algorithms of its tokens, if these could be decoded.
    pub(crate) algorithms: Option<NonEmpty<Algorithm>>,
    pub(crate) keys: KeysSpec<'n>,
    /// The place of the issuer's name, for people.
    pub(crate) written_at: String,
}

/// The fields about the keys of an issuer.
pub(crate) struct KeysSpec<'n> {
    /// The source of the keys, if that could be decoded.
    pub(crate) source: Option<SourceSpec<'n>>,
    pub(crate) transport: TransportSpec<'n>,
    /// The age that keys may reach, if that could be decoded.
    pub(crate) max_stale: Option<Duration>,
}

/// The one source of keys that is written.
pub(crate) enum SourceSpec<'n> {
    /// A source that is fetched.
    Remote(KeySource),
    /// The file of a key set.
    JwksFile(NamedFile<'n>),
    /// The file of a public key.
    PublicKeyFile(NamedFile<'n>),
    /// The file of a shared secret.
    SecretFile(NamedFile<'n>),
    /// The variable of a shared secret, by its name.
    SecretVariable(&'n Entry, &'n str),
}

/// A file by its name.
pub(crate) struct NamedFile<'n> {
    /// The field that names it.
    pub(crate) entry: &'n Entry,
    /// The name of the file, from the directory of the configuration file on.
    pub(crate) path: PathBuf,
}

/// The fields about how an issuer's documents are fetched.
#[derive(Default)]
pub(crate) struct TransportSpec<'n> {
    pub(crate) ca_file: Option<NamedFile<'n>>,
    pub(crate) proxy: Option<Url>,
    /// Says whether nothing of it is broken.
    pub(crate) is_whole: bool,
}

impl ConfigSpec<'_> {
    /// The rules of all issuers; `None` if an issuer is broken.
    pub(super) fn rules<'s>(issuers: &'s [Option<IssuerSpec<'_>>]) -> Option<Vec<&'s IssuerRules>> {
        issuers.iter().map(|issuer| issuer.as_ref().filter(|issuer| issuer.keys.is_whole())?.rules.as_ref()).collect()
    }
}

impl KeysSpec<'_> {
    /// Says whether nothing of it is broken.
    fn is_whole(&self) -> bool {
        self.source.is_some() && self.transport.is_whole && self.max_stale.is_some()
    }
}

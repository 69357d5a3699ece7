//! A whole, valid configuration.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{listen::Listen, ready_rule::ReadyRule};
use crate::keystore::source::{KeySource, Transport};
use portcullis_engine::{answer::identity::IdentityHeaders, jwt::issuer_rules::IssuerRules, policy::Policy};

/// A whole, valid configuration.
#[derive(Debug)]
pub struct Config {
    /// The addresses to listen on.
    pub listen: Listen,
    /// The issuers whose tokens are taken. May be empty: then only public routes can be opened.
    pub issuers: Vec<IssuerConfig>,
    /// The policy: the rule for each request.
    pub policy: Policy,
    /// The headers that go upstream.
    pub identity: IdentityHeaders,
    /// The directory in which the last good keys of issuers are saved, for a start while an issuer is down.
    pub keys_dir: Option<PathBuf>,
    /// The rule by which `/readyz` decides.
    pub ready: ReadyRule,
    /// Files with tests of the policy, which a reload must pass.
    pub tests: Vec<PathBuf>,
}

/// One issuer: what its tokens must be, and where its keys are.
#[derive(Clone, Debug)]
pub struct IssuerConfig {
    /// The rules for the issuer's tokens.
    pub rules: IssuerRules,
    /// The source of the issuer's keys.
    pub source: KeySource,
    /// The way in which the keys are fetched.
    pub transport: Transport,
    /// The age that the keys may reach while the issuer can't be reached.
    pub max_stale: Duration,
    /// The place of the issuer's name, for people: `portcullis.yaml:7`, or the name of a variable.
    pub written_at: String,
    /// Files whose text is in here: of a secret, and of the authorities to trust.
    pub read_files: Vec<PathBuf>,
}

impl Config {
    /// The files whose text decides together with the configuration's own, as of when it was loaded: tests, secrets and
    /// certificates. Files of keys are read again all the time.
    pub fn read_files(&self) -> impl Iterator<Item = &Path> {
        self.tests.iter().chain(self.issuers.iter().flat_map(|issuer| &issuer.read_files)).map(PathBuf::as_path)
    }
}

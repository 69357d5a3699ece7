//! The configuration: a YAML file, overlaid by the environment, decoded with every problem reported at once.
//!
//! `parse` turns text into a [`tree`] of nodes that know their place, `env` lays the environment over it, `decode` turns
//! the tree into a [`Config`] and never stops at the first problem, [`error`] prints the problems. Nothing here opens a
//! socket; files named in the configuration (secrets) are read by [`load()`].

pub(crate) mod decode;
pub(crate) mod env;
pub mod error;
pub(crate) mod health;
pub(crate) mod kubernetes;
pub mod lint;
pub(crate) mod load;
pub(crate) mod other_document;
pub(crate) mod redact;
pub mod report;
pub(crate) mod schema;
pub mod site;
pub(crate) mod socket;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

pub(crate) use crate::document::suggest::{closest, quoted};
pub use decode::unread::Unread;
pub(crate) use decode::{parse_duration, show_duration};
pub(crate) use env::path_of;
pub use health::{HealthAddress, health_address};
pub(crate) use load::is_absent;
pub use load::{
    Loaded, LoadedFile, Offline, is_configuration, load, load_offline, parse, parse_offline, read, text_of,
};
pub use schema::json_schema;
pub use socket::{SocketAccess, SocketGroup, SocketMode, UnixSocket};

use crate::keystore::source::{KeySource, Transport};
use portcullis_engine::{answer::identity::IdentityHeaders, jwt::issuer_rules::IssuerRules, policy::Policy};

/// A whole, valid configuration.
#[derive(Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: Listen,
    /// Whose tokens are taken. May be empty: then only public routes can be opened.
    pub issuers: Vec<IssuerConfig>,
    /// Which request needs what.
    pub policy: Policy,
    /// What goes upstream.
    pub identity: IdentityHeaders,
    /// Where the last good keys of issuers are saved, for a start while an issuer is down.
    pub keys_dir: Option<PathBuf>,
    /// The rule by which `/readyz` decides.
    pub ready: ReadyRule,
    /// Files with tests of the policy, which a reload must pass.
    pub tests: Vec<PathBuf>,
}

/// The rule by which `/readyz` decides that the service is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadyRule {
    /// At least one issuer has keys, or no rule looks at tokens.
    #[default]
    Keys,
    /// Every issuer has keys, or a first fetch of them has failed.
    Started,
}

impl ReadyRule {
    /// The word for it in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Started => "started",
        }
    }
}

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// For Envoy.
    pub grpc: ListenAddr,
    /// For operators; `None` if switched off.
    pub admin: Option<SocketAddr>,
    /// The number of gRPC connections that may be open at once, as far as file descriptors allow.
    pub max_connections: usize,
}

/// A TCP address or a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddr {
    /// `host:port`.
    Tcp(SocketAddr),
    /// `unix:/path`.
    Unix(UnixSocket),
}

/// One issuer: what its tokens must be, and where its keys are.
#[derive(Clone, Debug)]
pub struct IssuerConfig {
    /// What its tokens must be.
    pub rules: IssuerRules,
    /// Where its keys are.
    pub source: KeySource,
    /// How they are fetched.
    pub transport: Transport,
    /// How old its keys may become while it can't be reached.
    pub max_stale: Duration,
    /// Where its name stands, for people: `portcullis.yaml:7`, or the name of a variable.
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

//! The names of the variables of the environment that are read.

/// The prefix of every variable that Portcullis reads.
pub(crate) const PREFIX: &str = "PORTCULLIS_";
/// The issuer of a start without a file.
pub(crate) const ISSUER: &str = "PORTCULLIS_ISSUER";
/// The audiences of a start without a file, separated by commas.
pub(crate) const AUDIENCE: &str = "PORTCULLIS_AUDIENCE";
/// The variable that names the configuration file.
pub(crate) const CONFIG: &str = "PORTCULLIS_CONFIG";
/// The start of the names of all settings of `listen`.
pub(crate) const LISTEN: &str = "PORTCULLIS_LISTEN";
/// The name that sets `listen.admin`.
pub(crate) const LISTEN_ADMIN: &str = "PORTCULLIS_LISTEN__ADMIN";
/// The name that sets `listen.grpc`.
pub(crate) const LISTEN_GRPC: &str = "PORTCULLIS_LISTEN__GRPC";
/// The name that sets `listen.grpc.address`.
pub(crate) const LISTEN_GRPC_ADDRESS: &str = "PORTCULLIS_LISTEN__GRPC__ADDRESS";
/// Names that are no fields of the file: the last four set options of `serve`.
pub(crate) const OTHERS: [&str; 7] = [
    ISSUER,
    AUDIENCE,
    CONFIG,
    "PORTCULLIS_DRAIN_NOTICE",
    "PORTCULLIS_LOG",
    "PORTCULLIS_LOG_FORMAT",
    "PORTCULLIS_THREADS",
];

//! Why the service can't start or go on.

use std::{fmt, io};

use super::listen::BindError;
use crate::keystore::{fetch::InvalidTransport, saved::RefusedDir};

/// Why the service can't start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address can't be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// An issuer's keys can't be fetched in the configured way.
    #[error("issuer `{issuer}`: {cause}")]
    Transport {
        /// Whose keys.
        issuer: String,
        /// Why.
        cause: InvalidTransport,
    },
    /// Others can write to the directory of saved keys.
    #[error("`keys_dir`: {0}")]
    KeysDir(RefusedDir),
    /// A part of the service ended by itself.
    #[error("the {part} ended: {cause}")]
    Part {
        /// Which part.
        part: &'static str,
        /// Why.
        cause: String,
    },
}

impl From<io::Error> for ServeError {
    fn from(error: io::Error) -> Self {
        Self::Part { part: "listener", cause: error.to_string() }
    }
}

/// The outcome of a part's task, as far as it is an error.
pub(super) fn part(part: &'static str, outcome: Result<(), impl fmt::Display>) -> Result<(), ServeError> {
    outcome.map_err(|cause| ServeError::Part { part, cause: cause.to_string() })
}

/// The same of a task that was joined.
pub(super) fn finished(ended: Result<Result<(), ServeError>, tokio::task::JoinError>) -> Result<(), ServeError> {
    ended.map_err(|error| ServeError::Part { part: "task", cause: error.to_string() })?
}

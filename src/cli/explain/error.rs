//! The errors of `portcullis explain`.

use super::{input::InputError, request::RequestError};
use crate::{
    config::error::ConfigErrors,
    tools::simulate::{request::CapturedError, simulator::StageError, timestamp::InvalidMoment},
};

/// The reason for which there is no explanation.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExplainError {
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("{0}: {1}")]
    Input(&'static str, InputError),
    #[error("`--check-request`: {0}")]
    Captured(#[from] CapturedError),
    #[error("`--at`: {0}")]
    At(#[from] InvalidMoment),
    #[error("`--claims` name no issuer: add `iss`, one of the configured issuers")]
    NoIssuer,
    #[error("the configuration has no issuers, so no token counts: leave out `--claims`")]
    NoIssuers,
    #[error("the credentials are given twice, in the header `authorization` and with `{0}`: leave one out")]
    TwoCredentials(&'static str),
    #[error("only one of the inputs can be standard input")]
    TwoInputs,
    #[error("{0}")]
    Keys(String),
    #[error(transparent)]
    Stage(#[from] StageError),
}

//! The reasons why keys could not be had.

use url::Url;

use crate::{
    keystore::{
        discovery::InvalidMetadata,
        url_guard::{ForbiddenUrl, shown},
    },
    limits,
};
use portcullis_engine::keys::key_set::InvalidKeySet;

/// The reason why keys could not be had. For operators: the text may name URLs and what a server answered, never a body.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The URL may not be fetched.
    #[error(transparent)]
    Forbidden(#[from] ForbiddenUrl),
    /// No connection, or a broken answer.
    #[error("`{}` can't be reached: {cause}", shown(url))]
    Unreachable {
        /// The URL that was asked.
        url: Url,
        /// The innermost cause of the failure.
        cause: String,
    },
    /// No whole answer in time.
    #[error("`{}` gave no whole answer within {max} s", shown(.0), max = limits::FETCH_TIMEOUT.as_secs())]
    Slow(Url),
    /// An answer, but not 200. Redirects are not followed.
    #[error("`{}` answered {status}, not 200", shown(url))]
    Status {
        /// The URL that was asked.
        url: Url,
        /// The status of the answer.
        status: u16,
    },
    /// A redirect, which is not followed: who may name addresses is the operator.
    #[error("`{}` answered {status}, not 200: it points to `{}`{}, and redirects are not followed{}", shown(url), shown(to), unshown(to), remedy.unwrap_or(""))]
    Redirect {
        /// The URL that was asked.
        url: Url,
        /// The status of the answer.
        status: u16,
        /// The target of the redirect, as far as it may be shown.
        to: Box<Url>,
        /// The remedy, where it is known.
        remedy: Option<&'static str>,
    },
    /// No place has metadata. What each said.
    #[error("{helpful}; {other}")]
    NoMetadata {
        /// The error that helps most.
        helpful: Box<Self>,
        /// The error of the other place.
        other: Box<Self>,
    },
    /// Neither an answer nor an error in [`limits::ATTEMPT_TIMEOUT`].
    #[error("the keys of `{0}` did not come within {max} s", max = limits::ATTEMPT_TIMEOUT.as_secs())]
    TimedOut(String),
    /// A bug in reading the answer.
    #[error("reading the keys failed: a bug, please report it")]
    Bug,
    /// More bytes than [`limits::KEY_DOCUMENT_BYTES`].
    #[error("`{}` sent more than {max} bytes", shown(.0), max = limits::KEY_DOCUMENT_BYTES)]
    TooLarge(Url),
    /// The body is encoded, and only the server can send it as it is.
    #[error(
        "`{}` is compressed or encoded (`content-encoding: {encoding}`), though nobody asked for that: the server has to send it as it is",
        shown(url)
    )]
    Encoded {
        /// The URL that was asked.
        url: Url,
        /// The encoding that the answer names.
        encoding: String,
    },
    /// The file can't be read or written.
    #[error("`{path}` can't be used: {cause}")]
    File {
        /// The path of the file.
        path: String,
        /// The reason that the system gives.
        cause: std::io::Error,
    },
    /// Metadata without a key set that may be used.
    #[error(transparent)]
    Metadata(#[from] InvalidMetadata),
    /// Not a key set.
    #[error("`{place}`: {reason}")]
    KeySet {
        /// The URL or file that the key set came from.
        place: String,
        /// The fault of the key set.
        reason: InvalidKeySet,
    },
}

/// Says that a URL has more than is shown: a query may be a secret.
fn unshown(url: &Url) -> &'static str {
    if url.query().is_some() { " and a query, which is not shown" } else { "" }
}

impl FetchError {
    /// Says whether the server gave no answer at all, or no whole one in time, so that asking it for something else would
    /// probably take as long.
    #[must_use]
    pub fn is_without_answer(&self) -> bool {
        matches!(self.most_helpful(), Self::Unreachable { .. } | Self::Slow(_) | Self::TimedOut(_))
    }

    /// Returns the one error that decides what kind of trouble it is.
    #[must_use]
    pub fn most_helpful(&self) -> &Self {
        if let Self::NoMetadata { helpful, .. } = self { helpful.most_helpful() } else { self }
    }

    /// The kinds of trouble that there are.
    pub const KINDS: [&'static str; 11] = [
        "forbidden_url",
        "unreachable",
        "timeout",
        "status",
        "too_large",
        "encoded",
        "other_issuer",
        "metadata",
        "key_set",
        "file",
        "bug",
    ];

    /// Returns the kind of trouble, for a metric's label: one of [`Self::KINDS`].
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoMetadata { helpful, .. } => helpful.kind(),
            Self::Forbidden(_) | Self::Metadata(InvalidMetadata::ForbiddenJwksUri { .. }) => "forbidden_url",
            Self::Unreachable { .. } => "unreachable",
            Self::Slow(_) | Self::TimedOut(_) => "timeout",
            Self::Status { .. } | Self::Redirect { .. } => "status",
            Self::TooLarge(_) => "too_large",
            Self::Encoded { .. } => "encoded",
            Self::Metadata(InvalidMetadata::OtherIssuer { .. }) => "other_issuer",
            Self::Metadata(InvalidMetadata::NotAnObject { .. } | InvalidMetadata::NoJwksUri(_)) => "metadata",
            Self::KeySet { .. } => "key_set",
            Self::File { .. } => "file",
            Self::Bug => "bug",
        }
    }
}

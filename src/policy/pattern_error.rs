//! Why a text is not a path pattern: what was found, and what to write instead.

use thiserror::Error;

use super::fold::percent_encode;
use crate::decision::RequestFault;

/// Why a text is not a path pattern.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// It does not start with `/`.
    #[error("the path `{0}` does not start with `/`")]
    NotAbsolute(String),
    /// It has a query.
    #[error("the path `{0}` has a query, but rules are about paths alone")]
    Query(String),
    /// It has an empty segment.
    #[error("the path `{0}` has an empty segment, `//`")]
    EmptySegment(String),
    /// A segment has braces but is not one parameter.
    #[error("the segment `{0}` is not a parameter")]
    Param(String),
    /// There is a `*` other than in `/**` at the end.
    #[error("the segment `{0}` has a `*`, which stands only in `/**` at the end")]
    Star(String),
    /// A segment starts with a colon, as parameters do elsewhere.
    #[error("the segment `{found}` is not how a parameter is written here")]
    Colon {
        /// The segment.
        found: String,
        /// What follows the colon.
        name: String,
    },
    /// A segment looks like a parameter of another syntax, or like a regular expression.
    #[error("the segment `{found}` is not how a parameter is written here")]
    Foreign {
        /// The segment.
        found: String,
        /// The parameter's name, as far as it can be told.
        name: String,
    },
    /// A literal is not written the way requests are compared.
    #[error("the segment `{found}` is not in canonical form")]
    NotCanonical {
        /// The segment.
        found: String,
        /// Its canonical form.
        canonical: String,
    },
    /// A literal that is refused in every request, so that the rule could never decide.
    #[error("the segment `{found}` has {}, and every such request is refused", describe(*fault))]
    Refused {
        /// The segment.
        found: String,
        /// What a request with it is refused for.
        fault: RequestFault,
    },
    /// It is longer than any request's path may be.
    #[error("the path has more than {limit} {unit}")]
    TooLong {
        /// What is allowed.
        limit: usize,
        /// Of what.
        unit: &'static str,
    },
}

impl PatternError {
    /// What to write instead.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::NotAbsolute(text) => format!("write `/{text}`"),
            Self::Query(text) => format!("write `{}`", text.split('?').next().unwrap_or_default()),
            Self::EmptySegment(_) => "write one `/` between segments".to_owned(),
            Self::Param(_) => "write `{name}` as the whole segment: letters, digits, `_` and `-` in braces".to_owned(),
            Self::Star(_) => "write `{name}` for any one segment, `/**` at the end for everything below".to_owned(),
            Self::Colon { name, .. } => format!("write `{{{name}}}`"),
            Self::Foreign { name, .. } => format!("write `{{{name}}}` as the whole segment, for any one segment"),
            Self::NotCanonical { canonical, .. } => format!("write `{canonical}`"),
            Self::Refused { found, fault } => match fault {
                RequestFault::NonAscii | RequestFault::ControlCharacter => format!("write `{}`", percent_encode(found)),
                _ => "leave it out: requests that parsers could read differently never reach a rule".to_owned(),
            },
            Self::TooLong { .. } => "cover longer paths with `/**`".to_owned(),
        }
    }
}

/// In a configuration's words, what a literal can't have.
fn describe(fault: RequestFault) -> &'static str {
    match fault {
        RequestFault::DotSegment => "a `.` or `..` segment",
        RequestFault::EncodedSlash => "a `\\` or an encoded slash",
        RequestFault::PathParameter => "a `;`",
        RequestFault::Fragment => "a `#`",
        RequestFault::ControlCharacter => "a space or a control character",
        RequestFault::NonAscii => "a character beyond ASCII",
        RequestFault::BrokenEscape => "a `%` without two hex digits",
        RequestFault::AmbiguousEscape => "an escape that can be read in two ways",
        RequestFault::PathTooLong => "too many bytes",
        RequestFault::NoHttpRequest
        | RequestFault::TooLarge
        | RequestFault::PathNotAbsolute
        | RequestFault::EmptySegment
        | RequestFault::CaseAmbiguous
        | RequestFault::LaxReading
        | RequestFault::Host
        | RequestFault::Method
        | RequestFault::Connect => "something that no request can have",
    }
}

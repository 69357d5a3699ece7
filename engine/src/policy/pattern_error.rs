//! The reasons for which a text is not a path pattern: what was found.

use thiserror::Error;

use crate::reason::RequestFault;

/// The reason for which a text is not a path pattern.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// The text does not start with `/`.
    #[error("the path `{0}` does not start with `/`")]
    NotAbsolute(String),
    /// A path that starts with `/` and has a regular expression in it.
    #[error("the path `{}` has a regular expression in it", shown(.0))]
    Expression(String),
    /// The text has a query.
    #[error("the path `{}?…` has a query, but rules are about paths alone", path_of(.0))]
    Query(String),
    /// The text has an empty segment.
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
        /// The segment as it is written.
        found: String,
        /// The text that follows the colon.
        name: String,
    },
    /// A segment looks like a parameter of another syntax, or like a regular expression.
    #[error("the segment `{found}` is not how a parameter is written here")]
    Foreign {
        /// The segment as it is written.
        found: String,
        /// The parameter's name, as far as it can be told.
        name: String,
    },
    /// A literal is not written the way requests are compared.
    #[error("the segment `{found}` is not in canonical form")]
    NotCanonical {
        /// The segment as it is written.
        found: String,
        /// The canonical form of the segment.
        canonical: String,
    },
    /// A literal that is refused in every request, so that the rule could never decide.
    #[error("the segment `{found}` has {}, and every such request is refused", describe(*fault))]
    Refused {
        /// The segment as it is written.
        found: String,
        /// The fault for which a request with the segment is refused.
        fault: RequestFault,
    },
    /// The pattern is longer than any request's path may be.
    #[error("the path has more than {limit} {unit}")]
    TooLong {
        /// The number that is allowed.
        limit: usize,
        /// The unit of the number.
        unit: &'static str,
    },
}

/// The text of an expression without what may be a query behind it.
fn shown(text: &str) -> String {
    match text.split_once('?') {
        Some((before, query)) if query.contains('=') => format!("{before}?…"),
        _ => text.to_owned(),
    }
}

/// A path without its query, in which there may be a key.
pub(super) fn path_of(text: &str) -> &str {
    text.split('?').next().unwrap_or_default()
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

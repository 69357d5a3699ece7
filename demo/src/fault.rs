//! The ways in which the demo issuer fails on order: what real providers have done, and what an attacker would do.

use clap::ValueEnum;

/// One way for an issuer to fail. Each begins with new keys, which the issuer signs with from then on: if no key were
/// missing, nobody would look for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum Fault {
    /// Puts new keys in and takes the old ones out, as in any rotation
    Rotate,
    /// Puts new keys under the names (`kid`) of the old ones
    ReplaceKeys,
    /// Signs with RSA keys that its key set does not have
    RemoveKeys,
    /// Publishes a key set without keys
    EmptyKeys,
    /// Accepts connections and never answers
    Stall,
    /// Announces a whole document, sends half of it and closes
    HalfBody,
    /// Sends a document of gigabytes
    Endless,
    /// Sends a page for people, with status 200
    Html,
    /// Answers 500
    #[value(name = "error-500")]
    Error500,
    /// Redirects to good documents, at another place of its own
    Redirect,
    /// Sends good documents as text/html and application/octet-stream
    ContentType,
    /// Names another issuer in its metadata
    OtherIssuer,
    /// Names a cloud's metadata service as its `jwks_uri`
    ForbiddenKeys,
    /// Sends good documents with `Cache-Control: no-store`
    NoStore,
    /// Sends good documents with `Cache-Control: max-age=0`
    #[value(name = "max-age-0")]
    MaxAge0,
    /// Sends good documents with `Cache-Control: max-age=99999999999`
    MaxAgeHuge,
    /// Sends good documents with a `Cache-Control` that is none
    CacheGarbage,
    /// Refuses connections
    Refuse,
}

impl Fault {
    /// Its name on the command line and in the README.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// What the issuer does, in one line.
    #[must_use]
    pub fn help(self) -> String {
        let help = self.to_possible_value().and_then(|value| value.get_help().map(ToString::to_string));
        help.unwrap_or_default()
    }

    /// The `outcome` under which `portcullis_jwks_refresh_total` counts fetches from such an issuer.
    #[must_use]
    pub const fn outcome(self) -> &'static str {
        match self {
            Self::Rotate
            | Self::ReplaceKeys
            | Self::RemoveKeys
            | Self::ContentType
            | Self::NoStore
            | Self::MaxAge0
            | Self::MaxAgeHuge
            | Self::CacheGarbage => "success",
            Self::EmptyKeys => "key_set",
            Self::Stall => "timeout",
            Self::HalfBody | Self::Refuse => "unreachable",
            Self::Endless => "too_large",
            Self::Html => "metadata",
            Self::Error500 | Self::Redirect => "status",
            Self::OtherIssuer => "other_issuer",
            Self::ForbiddenKeys => "forbidden_url",
        }
    }

    /// The `Cache-Control` that it sends, if that is its fault.
    pub(super) const fn cache_control(self) -> Option<&'static str> {
        match self {
            Self::NoStore => Some("no-store"),
            Self::MaxAge0 => Some("max-age=0"),
            Self::MaxAgeHuge => Some("max-age=99999999999"),
            Self::CacheGarbage => Some("max-age=soon, max-age=-1, =;\"max-age=\\"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_name_and_a_line_of_help() {
        let names: Vec<String> = Fault::value_variants().iter().map(|fault| fault.name()).collect();
        assert_eq!(names.len(), 18);
        for fault in Fault::value_variants() {
            assert_eq!(Fault::from_str(&fault.name(), false), Ok(*fault));
            assert!(!fault.help().is_empty() && !fault.help().ends_with('.'), "{fault:?}");
        }
        assert!(names.contains(&"error-500".to_owned()) && names.contains(&"max-age-huge".to_owned()), "{names:?}");
        assert!(Fault::from_str("stal", false).is_err() && Fault::from_str("Stall", false).is_err());
    }
}

//! Which hosts a route is for.

use std::fmt;

use thiserror::Error;

use crate::request::host::Host;

/// Which hosts a route is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HostPattern {
    /// This one.
    Exact(Host),
    /// Every name below this one, at any depth, but not the name itself: `*.example.com`.
    Suffix(Host),
    /// All hosts, and requests that have none.
    Any,
}

/// Why a text is not a host pattern.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HostPatternError {
    /// There is a `*` that is not the whole first label.
    #[error("the `*` in host `{0}` is not its whole first label")]
    Star(String),
    /// There is a port.
    #[error("host `{0}` has a port, but ports are never compared")]
    Port(String),
    /// It is not a name or an address.
    #[error("`{0}` is not a host name or an IP address")]
    NotAHost(String),
}

impl HostPatternError {
    /// What to write instead.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Star(_) => {
                "write `*.example.com` for every name below `example.com`, or leave the host out for all".to_owned()
            }
            Self::Port(text) => match Host::parse(text.trim_start_matches("*.")) {
                Ok(host) if text.starts_with("*.") => format!("write `*.{host}`"),
                Ok(host) => format!("write `{host}`"),
                Err(_) => "leave the port out".to_owned(),
            },
            Self::NotAHost(text) if let Some(host) = host_of_url(text) => format!("write `{host}`"),
            Self::NotAHost(_) => {
                "write a name such as `api.example.com`, an address such as `10.0.0.1` or `[::1]`, or `*.example.com`"
                    .to_owned()
            }
        }
    }
}

/// The host of a text that is a URL.
fn host_of_url(text: &str) -> Option<Host> {
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    // Behind the user and the password, if there are any.
    let authority = authority.rsplit('@').next()?;
    // The port is left out, too. An IPv6 literal has colons of its own.
    let name = if authority.ends_with(']') {
        authority
    } else {
        authority.rsplit_once(':').map_or(authority, |(name, _)| name)
    };
    Host::parse(name).ok()
}

impl HostPattern {
    /// The pattern of a configuration's text: a host, `*.` and a name, or `*`.
    ///
    /// # Errors
    /// What about the text is not a pattern.
    pub fn parse(text: &str) -> Result<Self, HostPatternError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let (is_suffix, name) = text.strip_prefix("*.").map_or((false, text), |name| (true, name));
        if name.contains('*') {
            return Err(HostPatternError::Star(text.to_owned()));
        }
        let host = Host::parse(name).map_err(|_| HostPatternError::NotAHost(text.to_owned()))?;
        // What is left after an IPv6 literal's bracket can only be a port.
        if name.rsplit(']').next().is_some_and(|rest| rest.contains(':')) {
            return Err(HostPatternError::Port(text.to_owned()));
        }
        match (is_suffix, host.is_address()) {
            (true, true) => Err(HostPatternError::NotAHost(text.to_owned())),
            (true, false) => Ok(Self::Suffix(host)),
            (false, _) => Ok(Self::Exact(host)),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => write!(f, "{host}"),
            Self::Suffix(host) => write!(f, "*.{host}"),
            Self::Any => f.write_str("*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_pattern_is_a_host_a_suffix_or_a_star() {
        for (text, shown) in [
            ("*", "*"),
            ("Admin.Example.com", "admin.example.com"),
            ("*.Example.com.", "*.example.com"),
            ("[::1]", "[::1]"),
            ("10.0.0.1", "10.0.0.1"),
        ] {
            assert_eq!(HostPattern::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_not_one_is_said_with_help() {
        for (text, help) in [
            ("a.*.com", "leave the host out"),
            ("*a.com", "leave the host out"),
            ("*.*.com", "leave the host out"),
            ("**", "leave the host out"),
            ("admin.example.com:8443", "write `admin.example.com`"),
            ("*.example.com:8443", "write `*.example.com`"),
            ("[::1]:80", "write `[::1]`"),
            ("", "write a name"),
            ("*.", "write a name"),
            ("*.10.0.0.1", "write a name"),
            ("a,b", "write a name"),
            ("https://admin.example.com", "write `admin.example.com`"),
            ("http://a.test:8080/x", "write `a.test`"),
            ("https://[::1]", "write `[::1]`"),
            ("https://a b/", "write a name"),
        ] {
            let error = HostPattern::parse(text).unwrap_err();
            assert!(error.help().contains(help), "{text}: {}", error.help());
            assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
        }
        let with_password = HostPattern::parse("https://user:hunter2@admin.example.com:8443/").unwrap_err();
        assert_eq!(with_password.help(), "write `admin.example.com`");
    }
}

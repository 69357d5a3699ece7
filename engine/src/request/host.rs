//! Hosts of requests, and what a rule may say about them.
//!
//! No port is judged: Envoy can route `admin.example.com:1234` to the virtual host `admin.example.com`. Nor must it: so where a
//! host came with one, the rule for that host must not ask for less than what holds for any host.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    ops::Deref,
};

use crate::{limits, reason::RequestFault};

/// The treatment that the proxy gives to the host of a request before it chooses a virtual host by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostHandling {
    /// Nothing: `a.example:8443` may be routed as another host than `a.example`.
    #[default]
    AsSent,
    /// The proxy strips port and trailing dot (in Envoy, `strip_any_host_port` and `strip_trailing_host_dot`).
    Stripped,
}

impl HostHandling {
    /// The word for it in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsSent => "as_sent",
            Self::Stripped => "stripped",
        }
    }
}

/// One host: a name in lower case without trailing dot, or an IP literal in its usual form, IPv6 in brackets. No port.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(Box<str>);

/// The host of a request, and whether it was sent as another text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHost {
    host: Host,
    spelling: HostSpelling,
}

/// The difference between the text that was sent and the canonical one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HostSpelling {
    /// In case at most, which Envoy ignores when it looks for a virtual host.
    Same,
    /// The text has a port, a trailing dot, or both.
    PortOrDot,
    /// The text is an address that is written in another way, such as `[0:0::1]`.
    OtherAddress,
}

impl RequestHost {
    /// The host of a `:authority` or `Host` value.
    ///
    /// # Errors
    /// As [`Host::parse`].
    pub fn parse(raw: impl AsRef<[u8]>) -> Result<Self, RequestFault> {
        let raw = raw.as_ref();
        if let Some(name) = usual(raw) {
            return Ok(Self { host: Host(name.into()), spelling: HostSpelling::Same });
        }
        let host = Host::parse_any(raw)?;
        let is_same = |text: &str| text.eq_ignore_ascii_case(host.as_str());
        let text = std::str::from_utf8(raw).map_err(|_| RequestFault::Host)?;
        let (bare, _) = split_port(text).ok_or(RequestFault::Host)?;
        let spelling = if is_same(text) {
            HostSpelling::Same
        } else if is_same(bare.strip_suffix('.').unwrap_or(bare)) {
            HostSpelling::PortOrDot
        } else {
            HostSpelling::OtherAddress
        };
        Ok(Self { host, spelling })
    }

    /// Says whether a proxy that handles hosts like this may route the request as that of another host.
    pub(crate) fn may_be_routed_as_another(&self, handling: HostHandling) -> bool {
        match self.spelling {
            HostSpelling::Same => false,
            HostSpelling::PortOrDot => handling == HostHandling::AsSent,
            HostSpelling::OtherAddress => true,
        }
    }
}

impl Deref for RequestHost {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

/// A host as it is written in a policy.
impl From<Host> for RequestHost {
    fn from(host: Host) -> Self {
        Self { host, spelling: HostSpelling::Same }
    }
}

impl Host {
    /// The host of a `:authority` or `Host` value.
    ///
    /// # Errors
    /// [`RequestFault::Host`] for anything but one valid name or IP literal with at most a port: two values joined by a
    /// comma and `user@host` among it.
    pub fn parse(raw: impl AsRef<[u8]>) -> Result<Self, RequestFault> {
        let raw = raw.as_ref();
        match usual(raw) {
            Some(name) => Ok(Self(name.into())),
            None => Self::parse_any(raw),
        }
    }

    fn parse_any(raw: &[u8]) -> Result<Self, RequestFault> {
        let text = std::str::from_utf8(raw).map_err(|_| RequestFault::Host)?;
        if text.len() > limits::HOST_BYTES {
            return Err(RequestFault::Host);
        }
        let (host, port) = split_port(text).ok_or(RequestFault::Host)?;
        if !port.is_none_or(is_port) {
            return Err(RequestFault::Host);
        }
        canonical(host).map(|host| Self(host.into())).ok_or(RequestFault::Host)
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is an IP literal.
    pub(crate) fn is_address(&self) -> bool {
        self.0.starts_with('[')
            || self.0.ends_with(|last: char| last.is_ascii_digit()) && self.0.parse::<Ipv4Addr>().is_ok()
    }

    /// Its parent domains, longest first: `b.c` and `c` for `a.b.c`. An IP literal has none.
    pub(crate) fn parents(&self) -> impl Iterator<Item = &str> {
        let name = if self.is_address() { "" } else { &*self.0 };
        std::iter::successors(parent(name), |name| parent(name))
    }
}

/// What nearly all hosts are: a name in its canonical form, in labels that begin and end with a letter, a digit or an
/// underscore, the last one with a letter, without a port. `None` says nothing, but that it has to be looked at closely.
fn usual(raw: &[u8]) -> Option<&str> {
    let (mut before, mut label, mut last) = (b'.', 0_usize, b'0');
    for &byte in raw {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' => {
                if label == 0 {
                    last = byte;
                }
                label = label.wrapping_add(1);
            }
            b'-' if before != b'.' => label = label.wrapping_add(1),
            b'.' if before != b'.' && before != b'-' && label <= limits::HOST_LABEL_BYTES => label = 0,
            _ => return None,
        }
        before = byte;
    }
    // What begins with a letter is no number: neither `12` nor `0x1f`.
    let is_name = label > 0 && label <= limits::HOST_LABEL_BYTES && before != b'-' && !last.is_ascii_digit();
    if is_name && raw.len() <= limits::HOST_NAME_BYTES { std::str::from_utf8(raw).ok() } else { None }
}

fn parent(name: &str) -> Option<&str> {
    name.split_once('.').map(|(_, parent)| parent)
}

/// Everything before the port, and the port. `None` if brackets or colons make no sense.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if text.starts_with('[') {
        let (host, rest) = text.split_at_checked(text.find(']')?.checked_add(1)?)?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, Some(port))),
        None => Some((text, None)),
    }
}

fn is_port(text: &str) -> bool {
    // RFC 3986 section 3.2.3 allows an empty port; nobody sends one in good faith.
    (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

fn canonical(host: &str) -> Option<String> {
    if let Some(literal) = host.strip_prefix('[') {
        let address: Ipv6Addr = literal.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if name.is_empty() || name.len() > limits::HOST_NAME_BYTES || !name.split('.').all(is_label) {
        return None;
    }
    // `127.1`, `0177.0.0.1` and `0x7f000001` are names to one parser and addresses to another (WHATWG URL, "ends in a
    // number"), so a last label that is a number must be part of a plain dotted quad.
    if name.rsplit('.').next().is_some_and(is_number) {
        return name.parse::<Ipv4Addr>().ok().map(|address| address.to_string());
    }
    Some(name)
}

/// LDH and the underscore of service names, RFC 1123 section 2.1 and RFC 2782.
fn is_label(label: &str) -> bool {
    (1..=limits::HOST_LABEL_BYTES).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_number(label: &str) -> bool {
    let is_hex = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    label.bytes().all(|byte| byte.is_ascii_digit()) || label.strip_prefix("0x").is_some_and(is_hex)
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;

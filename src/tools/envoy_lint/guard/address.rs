//! Addresses of servers, compared as machines do and not as they are written.

use std::{
    ffi::{OsStr, OsString},
    net::IpAddr,
    path::{Path, PathBuf},
};

use crate::{document::tree::Node, tools::envoy_lint::read};

/// The address of a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Address {
    Host(Host, Port),
    /// The path of a Unix domain socket, or the name of an abstract one.
    Socket(OsString),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Host {
    /// An address, as IPv4 if it is one that is mapped into IPv6.
    Ip(IpAddr),
    /// A name in lower case, without the dot at its end.
    Name(String),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Port {
    Number(u64),
    /// A name that a resolver of Envoy finds the number for.
    Named(String),
}

impl Address {
    /// Reads an `envoy.config.core.v3.Address`; none if it is of another kind.
    pub(crate) fn new(node: &Node) -> Option<Self> {
        let Some(socket) = read::value(node, "socket_address") else {
            return read::at(node, &["pipe", "path"]).and_then(read::as_text).map(Self::of_socket);
        };
        let named = read::text(socket, "named_port").filter(|name| !name.is_empty());
        let number = || read::value(socket, "port_value").and_then(read::number).unwrap_or_default();
        let port = named.map_or_else(|| Port::Number(number()), |name| Port::Named(name.to_owned()));
        read::text(socket, "address").map(|host| Self::Host(Host::new(host), port))
    }

    fn of_socket(path: &str) -> Self {
        // The name of an abstract socket is no path.
        let is_abstract = path.starts_with('@');
        let normal = || Path::new(path).components().collect::<PathBuf>().into_os_string();
        Self::Socket(if is_abstract { OsString::from(path) } else { normal() })
    }

    pub(crate) fn is_loopback(&self) -> bool {
        match self {
            Self::Host(Host::Ip(ip), _) => ip.is_loopback(),
            Self::Host(Host::Name(name), _) => name == "localhost",
            Self::Socket(_) => false,
        }
    }

    /// Tells whether a server that listens at this address is certainly the one at the other.
    pub(crate) fn serves(&self, other: &Self) -> bool {
        let is_any = matches!(self, Self::Host(Host::Ip(ip), _) if ip.is_unspecified());
        self == other || is_any && other.is_loopback() && self.port().is_some() && self.port() == other.port()
    }

    /// Tells whether two addresses may be of one server: names have any address, a machine has several, and a path may be a
    /// link to another one.
    pub(crate) fn may_be(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Host(one, port), Self::Host(other, other_port)) => {
                port.may_be(other_port) && (one == other || !(one.is_far() && other.is_far()))
            }
            (Self::Socket(one), Self::Socket(other)) => one == other || !(is_abstract(one) || is_abstract(other)),
            _ => false,
        }
    }

    const fn port(&self) -> Option<&Port> {
        match self {
            Self::Host(_, port) => Some(port),
            Self::Socket(_) => None,
        }
    }
}

impl Host {
    fn new(text: &str) -> Self {
        text.parse::<IpAddr>().map_or_else(
            |_| Self::Name(text.trim_end_matches('.').to_ascii_lowercase()),
            |ip| Self::Ip(ip.to_canonical()),
        )
    }

    /// Tells whether it is an address that is no other one as well.
    const fn is_far(&self) -> bool {
        match self {
            Self::Ip(ip) => !ip.is_loopback() && !ip.is_unspecified(),
            Self::Name(_) => false,
        }
    }
}

impl Port {
    fn may_be(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one == other,
            _ => true,
        }
    }
}

fn is_abstract(path: &OsStr) -> bool {
    path.as_encoded_bytes().starts_with(b"@")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse::parse;

    fn host(host: &str, port: &str) -> Address {
        Address::new(&parse(&format!("socket_address: {{ address: '{host}', {port} }}")).unwrap()).unwrap()
    }

    fn pipe(path: &str) -> Address {
        Address::new(&parse(&format!("pipe: {{ path: '{path}' }}")).unwrap()).unwrap()
    }

    #[test]
    fn one_server_by_two_names_is_one_address() {
        let at = |name: &str| host(name, "port_value: 80");
        for (one, other) in
            [("2001:db8::1", "2001:0DB8:0::1"), ("::ffff:10.0.0.1", "10.0.0.1"), ("Api.example.", "api.example")]
        {
            assert_eq!(at(one), at(other));
        }
        assert_ne!(at("10.0.0.1"), at("10.0.0.2"));
        assert_ne!(at("10.0.0.1"), host("10.0.0.1", "port_value: 81"));
        for (one, other) in [("/x/api.sock", "/x//api.sock"), ("/x/api.sock", "/x/./api.sock")] {
            assert_eq!(pipe(one), pipe(other));
        }
        assert_ne!(pipe("/x/a.sock"), pipe("/x/b.sock"));
        assert_ne!(pipe("@x/a"), pipe("@x//a"));
    }

    #[test]
    fn names_machines_links_and_named_ports_may_be_one_server() {
        let at = |name: &str| host(name, "port_value: 80");
        for (one, other, may_be) in [
            (at("api.example"), at("10.0.0.1"), true),
            (at("127.0.0.1"), at("10.0.0.1"), true),
            (at("::ffff:127.0.0.1"), at("10.0.0.1"), true),
            (at("10.0.0.2"), at("10.0.0.1"), false),
            (at("api.example"), host("api.example", "port_value: 81"), false),
            (at("10.0.0.1"), host("10.0.0.1", "named_port: http"), true),
            (pipe("/a"), pipe("/b"), true),
            (pipe("@a"), pipe("@b"), false),
            (pipe("@a"), pipe("/a"), false),
            (pipe("/a"), at("127.0.0.1"), false),
        ] {
            assert_eq!(one.may_be(&other), may_be, "{one:?} {other:?}");
            assert_eq!(other.may_be(&one), may_be, "{other:?} {one:?}");
        }
    }

    #[test]
    fn a_server_on_all_addresses_is_at_the_loopback_one() {
        let any = host("0.0.0.0", "port_value: 80");
        assert!(any.serves(&host("127.0.0.1", "port_value: 80")) && any.serves(&host("localhost", "port_value: 80")));
        assert!(!any.serves(&host("127.0.0.1", "port_value: 81")) && !any.serves(&host("10.0.0.1", "port_value: 80")));
    }
}

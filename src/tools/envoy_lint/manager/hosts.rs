//! Hosts with a port or a trailing dot: Envoy must route `a.example:8443` as the host by whose rules Portcullis judges it.

use std::collections::BTreeSet;

use crate::{
    config::lint::Lint,
    document::{suggest::quoted, tree::Node},
    tools::envoy_lint::{around::Around, findings::Findings, read},
};
use portcullis_engine::{policy::HostPattern, request::host::HostHandling};

/// The first label of a host that a suffix pattern matches, and no domain of Envoy names.
const SAMPLE: &str = "portcullis-sample";

/// The settings with which Envoy takes off what is sent behind a host.
const STRIPS: [&str; 2] = ["strip_any_host_port", "strip_trailing_host_dot"];

/// Lints an `HttpConnectionManager` against the rules for hosts that ask for less than those for any host.
pub(crate) fn lint(findings: &mut Findings, around: &Around<'_>, manager: &Node) {
    let Some(policy) = around.config.map(|config| &config.policy) else { return };
    let kept: Vec<_> = STRIPS.into_iter().filter(|setting| read::switched_on(manager, setting).is_none()).collect();
    if kept.is_empty() {
        return;
    }
    let routes = read::value(manager, "route_config").filter(|routes| is_complete(routes)).map(VirtualHosts::new);
    let [port, dot] = STRIPS.map(|setting| kept.contains(&setting));
    let ports = ports(routes.as_ref()).into_iter().map(|port| format!(":{port}")).filter(|_| port);
    let endings: Vec<String> = ports.chain(dot.then(|| ".".to_owned())).collect();
    let sent_apart = |host: String| {
        let is_routed_apart = |sent: &String| {
            let handles_as_sent = policy.hosts() == HostHandling::AsSent;
            handles_as_sent || routes.as_ref().is_none_or(|routes| routes.are_apart(&host, sent))
        };
        let sent = endings.iter().map(|ending| format!("{host}{ending}")).find(is_routed_apart)?;
        Some((host, sent))
    };
    let hosts = policy.hosts_asking_for_less();
    let affected = hosts.into_iter().flat_map(|pattern| hosts_of(pattern, routes.as_ref())).find_map(sent_apart);
    let Some((host, sent)) = affected else { return };
    let settings: Vec<String> = kept.iter().map(|setting| format!("`{setting}: true`")).collect();
    let settings = settings.join(" and ");
    let place = read::field(manager, "stat_prefix").map_or(&manager.place, |entry| &entry.place);
    let (host, sent) = (quoted(&host), quoted(&sent));
    match policy.hosts() {
        HostHandling::Stripped => {
            let message = format!(
                "the policy says `hosts: stripped`, and this Envoy does not strip all: {sent} is judged by the rules for {host}, \
                 which ask for less than those for any host, and may be routed as another one"
            );
            let help =
                format!("set {settings}, or take `hosts: stripped` out of the policy: such requests then get 400");
            findings.error(Lint::EnvoyHosts, place, message, help);
        }
        HostHandling::AsSent => {
            let message = format!(
                "requests for {sent} get 400: Envoy may route them as another host than {host}, whose rules ask for less than \
                 those for any host"
            );
            let help = format!("set {settings}: Envoy then routes, and Portcullis judges, the host without them");
            findings.warn(Lint::EnvoyHosts, place, message, help);
        }
    }
}

/// Returns hosts that a pattern matches: one that Envoy's file does not name, and those that it names.
fn hosts_of(pattern: &HostPattern, routes: Option<&VirtualHosts<'_>>) -> Vec<String> {
    let parent = match pattern {
        HostPattern::Any => return Vec::new(),
        HostPattern::Exact(host) => return vec![host.as_str().to_owned()],
        HostPattern::Suffix(parent) => parent.as_str(),
    };
    let named = routes.into_iter().flat_map(|routes| &routes.domains).filter_map(|(domain, _)| {
        let host = domain.split(':').next().filter(|host| !host.contains('*'))?;
        host.strip_suffix(parent).filter(|below| below.len() > 1 && below.ends_with('.')).map(|_| host.to_owned())
    });
    [format!("{SAMPLE}.{parent}")].into_iter().chain(named).collect()
}

/// Returns ports that Envoy may route in different ways: one that its file does not name, and those that it names.
fn ports(routes: Option<&VirtualHosts<'_>>) -> Vec<u16> {
    let domains = routes.into_iter().flat_map(|routes| &routes.domains);
    let named: BTreeSet<u16> = domains.filter_map(|(domain, _)| domain.rsplit_once(':')?.1.parse().ok()).collect();
    let other = (8443..=u16::MAX).find(|port| !named.contains(port));
    other.into_iter().chain(named).collect()
}

/// Says whether all virtual hosts of a `RouteConfiguration` are there to be seen.
fn is_complete(routes: &Node) -> bool {
    ["vhds", "virtual_host_matcher"].iter().all(|name| read::field(routes, name).is_none())
}

/// The virtual hosts of a `RouteConfiguration` by their domains.
#[derive(Debug)]
struct VirtualHosts<'n> {
    domains: Vec<(String, &'n Node)>,
    ignores_port: bool,
}

impl<'n> VirtualHosts<'n> {
    fn new(routes: &'n Node) -> Self {
        let domains_of = |node| {
            let texts = read::list(node, "domains").iter().filter_map(read::as_text);
            texts.map(move |domain| (domain.to_ascii_lowercase(), node))
        };
        Self {
            domains: read::list(routes, "virtual_hosts").iter().flat_map(domains_of).collect(),
            ignores_port: read::switched_on(routes, "ignore_port_in_host_matching").is_some(),
        }
    }

    /// Says whether two texts of a host lead to different virtual hosts.
    fn are_apart(&self, one: &str, other: &str) -> bool {
        let of = |host| self.find(host).map(std::ptr::from_ref);
        of(one) != of(other)
    }

    /// The virtual host that Envoy chooses: by exact domain, then by the longest `*suffix`, then by the longest `prefix*`,
    /// then `*`.
    fn find(&self, host: &str) -> Option<&'n Node> {
        let is_port = |rest: &str| !rest.contains(']');
        let bare = host.rsplit_once(':').filter(|(_, rest)| self.ignores_port && is_port(rest));
        let host = bare.map_or(host, |(name, _)| name);
        let rank = |domain: &str| {
            let has_more = host.len() > domain.len().saturating_sub(1);
            match (domain.strip_prefix('*'), domain.strip_suffix('*')) {
                _ if domain == host => Some((3, 0)),
                (Some(""), _) => Some((0, 0)),
                (Some(suffix), _) if has_more && host.ends_with(suffix) => Some((2, suffix.len())),
                (_, Some(prefix)) if has_more && host.starts_with(prefix) => Some((1, prefix.len())),
                _ => None,
            }
        };
        let ranked = self.domains.iter().filter_map(|(domain, node)| Some((rank(domain)?, *node)));
        ranked.max_by_key(|(rank, _)| *rank).map(|(_, node)| node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse::parse;

    #[test]
    fn a_virtual_host_is_chosen_as_by_envoy() {
        let routes = "{ virtual_hosts: [{ name: any, domains: ['*'] }, { name: exact, domains: [a.test, 'B.test:8443'] },
            { name: suffix, domains: ['*.test'] }, { name: longer, domains: ['*.b.test'] }, { name: prefix, domains: ['a.*', 'c:*'] }] }";
        let routes = parse(routes).unwrap();
        for (host, name) in [
            ("a.test", "exact"),
            ("a.test:1", "prefix"),
            ("a.test.", "prefix"),
            ("b.test:8443", "exact"),
            ("b.test:1", "any"),
            ("x.test", "suffix"),
            ("x.b.test", "longer"),
            (".test", "any"),
            ("c:1", "prefix"),
            ("other", "any"),
        ] {
            assert_eq!(
                VirtualHosts::new(&routes).find(host).and_then(|node| read::text(node, "name")),
                Some(name),
                "{host}"
            );
        }
        let routes =
            parse("{ ignore_port_in_host_matching: true, virtual_hosts: [{ name: one, domains: [a.test] }] }").unwrap();
        let routes = VirtualHosts::new(&routes);
        assert!(routes.find("a.test:1").is_some() && routes.find("a.test.").is_none());
    }
}

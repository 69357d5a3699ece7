//! Hosts with a port or a trailing dot, and `%2F` that is data: what Envoy has to be set to for a policy that says so.

use portcullis::{config, tools::envoy_lint::lint};
use portcullis_demo::issuer::DemoIssuer;

use crate::{
    Stack,
    envoy_faults::changed,
    support::{self, scoped, service::TestService},
};

const START: &str = "                stat_prefix: ingress\n";
const STRIPS: &str = "                stat_prefix: ingress\n                strip_any_host_port: true\n                strip_trailing_host_dot: true\n";
/// A virtual host that answers with a header of its own.
const HOSTS: (&str, &str) = (
    "                  virtual_hosts:\n",
    concat!(
        "                  virtual_hosts:\n",
        "                    - name: www\n                      domains: [www.example.com]\n",
        "                      response_headers_to_add: [{ header: { key: x-virtual-host, value: www } }]\n",
        "                      routes: [{ match: { prefix: / }, route: { cluster: upstream } }]\n",
    ),
);

/// A policy with these routes and fields.
fn policy(issuer: &DemoIssuer, rest: &str) -> String {
    let config = support::config(issuer.issuer());
    format!("{}{rest}", config.split_once("routes:\n").unwrap().0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_with_a_port_reaches_another_api_only_where_the_lint_says_so() {
    const ROUTES: &str = "routes: [{ host: www.example.com, path: '/**', access: public, shadows: true }, { path: '/**', scopes: [admin] }]\n";
    let sent = ["www.example.com", "www.example.com:1234", "www.example.com."];
    let (www, other, refused) = ((404, true), (404, false), (400, false));
    for (fields, start, expected, is_found) in [
        ("", START, [www, refused, refused], true),
        ("", STRIPS, [www; 3], false),
        ("hosts: stripped\n", STRIPS, [www; 3], false),
        // The upstream behind all other hosts answers, without a token: an error of the lint.
        ("hosts: stripped\n", START, [www, other, other], true),
    ] {
        let issuer = support::issuer().await;
        let text = policy(&issuer, &format!("{ROUTES}{fields}"));
        let service = TestService::start(&text).await;
        let changes = [HOSTS, (START, start)];
        let stack = Stack::of(issuer, service, &changes).await;
        for (host, expected) in sent.iter().zip(expected) {
            let request = format!("GET /secret HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
            let got = stack.envoy.raw(request).await;
            // The upstream knows no such path: a 404 comes from there.
            assert_eq!((got.status, got.header("x-virtual-host").is_some()), expected, "{fields} {host}: {got:?}");
        }
        let config = config::parse(&text, "test.yaml", &std::collections::BTreeMap::new()).unwrap().config;
        let found = lint(&changed("hosts", &changes), "envoy.yaml", Some(&config));
        assert_eq!(found.problems().count() > 0, is_found, "{fields}: {:?}", found.problems().next());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_for_hosts_alone_serve_another_port_as_the_documents_say() {
    const ROUTES: &str = "routes: [{ host: www.example.com, path: '/**', access: public }]\n";
    const STRIPS_DOT: &str = "                stat_prefix: ingress\n                strip_trailing_host_dot: true\n";
    let ignoring = format!("                  ignore_port_in_host_matching: true\n{}", HOSTS.1);
    for (fields, hosts, start, odd) in [
        ("", HOSTS.1, START, (400, false)),
        ("", HOSTS.1, STRIPS, (404, true)),
        ("hosts: stripped\n", ignoring.as_str(), STRIPS_DOT, (404, true)),
    ] {
        let issuer = support::issuer().await;
        let text = policy(&issuer, &format!("{ROUTES}{fields}"));
        let service = TestService::start(&text).await;
        let changes = [(HOSTS.0, hosts), (START, start)];
        let stack = Stack::of(issuer, service, &changes).await;
        for (host, expected) in
            [("www.example.com", (404, true)), ("www.example.com:8443", odd), ("www.example.com.", odd)]
        {
            let request = format!("GET /x HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
            let got = stack.envoy.raw(request).await;
            assert_eq!((got.status, got.header("x-virtual-host").is_some()), expected, "{fields} {host}: {got:?}");
        }
        let config = config::parse(&text, "test.yaml", &std::collections::BTreeMap::new()).unwrap().config;
        let found = lint(&changed("hosts", &changes), "envoy.yaml", Some(&config));
        assert_eq!(found.problems().count() > 0, odd.0 == 400, "{fields}: {:?}", found.problems().next());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encoded_slash_arrives_where_envoy_keeps_it() {
    const REJECTS: &str = "path_with_escaped_slashes_action: REJECT_REQUEST";
    let routes = "routes: [{ path: '/repos/**', scopes: [read:messages], encoded_slashes: allow }]\n";
    for (action, status) in [(REJECTS, 400), ("path_with_escaped_slashes_action: KEEP_UNCHANGED", 404)] {
        let issuer = support::issuer().await;
        let service = TestService::start(&policy(&issuer, routes)).await;
        let stack = Stack::of(issuer, service, &[(REJECTS, action)]).await;
        let token = scoped(&stack.issuer, "read:messages");
        let got = stack.envoy.get("/repos/group%2Fname", Some(&token)).await;
        assert_eq!((got.status, got.body.contains("/repos/group%2Fname")), (status, status == 404), "{}", got.body);
        assert_eq!(stack.envoy.get("/repos/a%2F..", Some(&token)).await.status, 400);
    }
}

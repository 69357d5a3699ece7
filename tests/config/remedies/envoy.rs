//! Help of `check --envoy`, followed: a faulty file is changed as it says, and nothing is found any more.

mod behind;
mod kubernetes;
mod transport;

use std::{fs, path::Path};

use portcullis::{
    config::lint::Lint,
    tools::envoy_lint::{Allowed, check_files},
};

use super::sources::{is_of, literals, unfollowed};
use crate::{
    envoy_faults::{self, FAULTS, SAMPLE},
    envoy_restarts::RESTART_FAULTS,
    parse,
};

/// A faulty file and the one that its help makes of it, with the configurations of Portcullis beside both.
struct Case {
    name: &'static str,
    before: String,
    after: String,
    configs: [Option<String>; 2],
    /// The warning that `--allow` leaves out, where help says so.
    allow: Option<Lint>,
}

impl Case {
    fn new(name: &'static str, before: String, after: String) -> Self {
        Self { name, before, after, configs: [None, None], allow: None }
    }

    /// A file, and the changes that follow its help.
    fn with_changes(name: &'static str, before: String, changes: &[(&str, &str)]) -> Self {
        let after = with_changes(name, &before, changes);
        Self::new(name, before, after)
    }

    /// A file of which a warning is meant.
    fn with_allow(name: &'static str, before: String, lint: Lint) -> Self {
        Self { allow: Some(lint), ..Self::new(name, before.clone(), before) }
    }

    /// A file with configurations of Portcullis beside it, before and after help is followed.
    fn beside(self, before: &str, after: &str) -> Self {
        let whole = |rest: &str| Some(format!("issuers: [{{ issuer: https://a.test/, audiences: [a] }}]\n{rest}"));
        Self { configs: [whole(before), whole(after)], ..self }
    }
}

/// A text with changes, each of which has one place in it.
fn with_changes(name: &str, text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "{name}: {from}");
        text.replacen(from, to, 1)
    })
}

/// The sample with a fault, by the fault's name.
fn of_fault(name: &str) -> String {
    let (_, faulty, _) = FAULTS.iter().find(|(other, ..)| *other == name).unwrap_or_else(|| panic!("no fault {name}"));
    envoy_faults::changed(name, faulty)
}

/// A fault of the sample, and the changes that follow its help.
fn fault(name: &'static str, changes: &[(&str, &str)]) -> Case {
    Case::with_changes(name, of_fault(name), changes)
}

/// A fault that shows beside a configuration of Portcullis alone.
fn beside(config: &str, after: &str, text: String, changes: &[(&str, &str)]) -> Case {
    Case::with_changes("beside a configuration", text, changes).beside(config, after)
}

fn cases() -> Vec<Case> {
    [authorities(), services(), transport::cases(), filters(), requests(), behind::cases(), kubernetes::cases()]
        .into_iter()
        .flatten()
        .collect()
}

fn authorities() -> Vec<Case> {
    vec![
        fault(
            "odd-authority",
            &[(
                "cluster_name: outbound|9191||portcullis.shop.svc.cluster.local\n",
                "cluster_name: outbound|9191||portcullis.shop.svc.cluster.local\n                          authority: portcullis\n",
            )],
        ),
        fault("odd-authority-set", &[("authority: shop/portcullis", "authority: portcullis")]),
        fault(
            "socket-as-authority",
            &[(
                "stat_prefix: portcullis }",
                "stat_prefix: portcullis, channel_args: { args: { grpc.default_authority: { string_value: portcullis } } } }",
            )],
        ),
        fault("odd-authority-of-an-endpoint", &[("hostname: shop/portcullis", "hostname: portcullis")]),
        fault(
            "odd-authority-of-an-endpoint",
            &[("                  health_check_config: { hostname: shop/portcullis }\n", "")],
        ),
        fault(
            "odd-authority-of-health-checks",
            &[("grpc_health_check: { authority: '' }", "grpc_health_check: { authority: portcullis }")],
        ),
    ]
}

fn services() -> Vec<Case> {
    let asked = "                      grpc_service:\n                        envoy_grpc:\n                          cluster_name: portcullis\n";
    let service = "                      http_service:\n                        server_uri: { uri: 'http://portcullis', cluster: portcullis, timeout: 1s }\n";
    let (before, rest) = SAMPLE.split_once(asked).unwrap();
    let (_, after) = rest.split_once("                        # Portcullis is told this deadline").unwrap();
    let without_service =
        format!("{before}                      grpc_service:\n                        # The deadline{after}");
    vec![
        fault(
            "http-service",
            &[(
                service,
                "                      grpc_service:\n                        envoy_grpc: { cluster_name: portcullis }\n                        timeout: 1s\n",
            )],
        ),
        Case::with_changes(
            "no service",
            without_service.replacen(FIRST, BOTH, 1),
            &[("grpc_service:\n", "grpc_service:\n                        envoy_grpc: { cluster_name: portcullis }\n")],
        ),
        Case::with_changes("one endpoint", SAMPLE.to_owned(), &[(FIRST, BOTH)]),
        Case::with_changes(
            "no cluster",
            envoy_faults::changed("gate", &[("cluster_name: portcullis\n", "cluster_name: ext-auth-gate\n")]),
            &[("    - name: portcullis\n", "    - name: ext-auth-gate\n")],
        ),
        fault("no-timeout", &[("retry_policy:\n", "timeout: 1s\n                        retry_policy:\n")]),
        fault("short-timeout", &[("                        timeout: 0.25s", "                        timeout: 1s")]),
        fault(
            "no-status",
            &[(
                "failure_mode_allow: false",
                "failure_mode_allow: false\n                      status_on_error: { code: ServiceUnavailable }",
            )],
        ),
    ]
}

fn filters() -> Vec<Case> {
    let partly = "filter_enabled: { default_value: { numerator: 50 } }";
    let of_client = "{ key: X_Auth_Subject, value: admin }";
    vec![
        fault("failure-mode", &[("failure_mode_allow: true", "failure_mode_allow: false")]),
        fault("raw-headers-off", &[("encode_raw_headers: off", "encode_raw_headers: true")]),
        fault("partly-enabled", &[(partly, "failure_mode_allow: false")]),
        fault("token-taken", &[("{ issuer: a, remote_jwks", "{ issuer: a, forward: true, remote_jwks")]),
        fault("forged-identity", &[(of_client, "{ key: x-team, value: admin }")]),
        fault("request-body", &[("                      with_request_body: { max_request_bytes: 1024 }\n", "")]),
    ]
}

fn requests() -> Vec<Case> {
    let routes = "routes: [{ path: /a, access: authenticated }]\n";
    let always = format!("identity: {{ aliases: always }}\n{routes}");
    let slashes = "routes: [{ path: /files/**, encoded_slashes: allow, access: authenticated }]\n";
    let named = envoy_faults::sample().replacen(
        "                      typed_per_filter_config:\n",
        concat!(
            "                      typed_per_filter_config:\n",
            "                        envoy.filters.http.ext_authz: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute, check_settings: { context_extensions: { portcullis_policy: partners } } }\n"
        ),
        1,
    );
    vec![
        fault(
            "underscores-allowed",
            &[("headers_with_underscores_action: ALLOW", "headers_with_underscores_action: REJECT_REQUEST")],
        ),
        fault(
            "header-count",
            &[(
                "common_http_protocol_options:\n",
                "common_http_protocol_options:\n                  max_headers_count: 128\n",
            )],
        ),
        fault(
            "paths",
            &[(
                "stat_prefix: ingress\n",
                "stat_prefix: ingress\n                normalize_path: true\n                merge_slashes: true\n                path_with_escaped_slashes_action: REJECT_REQUEST\n",
            )],
        ),
        beside(
            routes,
            &always,
            of_fault("allowed-nothing-needed"),
            &[("{ exact: cookie }", "{ exact: authorization }, { exact: x-request-id }, { exact: content-type }")],
        ),
        fault(
            "allowed-nothing-needed",
            &[("                      allowedHeaders: { patterns: [{ exact: cookie }] }\n", "")],
        ),
        beside(routes, &always, of_fault("allowed-headers"), &[]),
        beside(
            slashes,
            slashes,
            envoy_faults::sample(),
            &[("_action: REJECT_REQUEST\n\n", "_action: KEEP_UNCHANGED\n\n")],
        ),
        beside(routes, &format!("policies: {{ partners: {{ scopes: [s] }} }}\n{routes}"), named, &[]),
    ]
}

/// An endpoint of the sample, and that one with a second one behind it.
const FIRST: &str = "                      port_value: 9191\n";
const BOTH: &str = concat!(
    "                      port_value: 9191\n",
    "              - endpoint:\n                  address:\n                    socket_address:\n",
    "                      address: 127.0.0.1\n                      port_value: 9193\n"
);

/// Returns the message and the help of each problem of a file.
fn problems(text: &str, config: Option<&String>, allow: Option<Lint>) -> Vec<(String, String)> {
    let config = config.map(|text| parse(text).unwrap().config);
    let allowed: Vec<Allowed> = allow.into_iter().map(|lint| Allowed { lint, place: None }).collect();
    let found = check_files(&[(text, "envoy.yaml")], config.as_ref()).without(&allowed);
    let described = |problem: &portcullis::config::error::Problem| {
        (problem.message().to_owned(), problem.help_text().unwrap_or_default().to_owned())
    };
    found.files.iter().flat_map(|file| file.problems()).map(described).collect()
}

/// The names and values of a text, without what tells the styles of YAML apart.
fn words(text: &str) -> Vec<&str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let is_between = |c: char| c.is_whitespace() || "{}[],:'\"…/".contains(c);
    code.flat_map(|line| line.split(is_between)).filter(|word| !word.is_empty() && *word != "-").collect()
}

/// Says whether a text has a piece of code of the help: all its words, in their order.
fn is_as_told(help: &str, text: &str) -> bool {
    let is_there = |proposed: &str| {
        let mut all = words(text).into_iter();
        words(proposed).into_iter().all(|word| all.any(|other| other == word))
    };
    let mut proposed = help.split('`').skip(1).step_by(2).filter(|text| !text.is_empty()).peekable();
    proposed.peek().is_none() || proposed.any(is_there)
}

/// Says whether two texts have the same lines in another order.
fn is_moved(before: &str, after: &str) -> bool {
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    before != after && sorted(before) == sorted(after)
}

/// Says whether an address of this machine takes the place of another one, as help asks for.
fn is_brought_near(told: &str, before: &str, after: &str) -> bool {
    let near = |text: &str| text.matches("127.0.0.1").count();
    told.contains("reach it by 127.0.0.1") && near(after) > near(before)
}

#[test]
fn nothing_is_found_any_more_once_the_help_of_envoy_is_followed() {
    let failed: Vec<String> = cases().iter().filter_map(failure).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n---\n"));
}

/// Describes the failure of a case, if it has one.
fn failure(case: &Case) -> Option<String> {
    let Case { name, before, after, configs: [config, then], allow } = case;
    let found = problems(before, config.as_ref(), None);
    if found.is_empty() {
        return Some(format!("{name}: nothing is found"));
    }
    let told = found.iter().map(|(_, help)| help.as_str()).collect::<Vec<_>>().join("\n");
    let options = allow.map(|lint| format!("\n--allow {lint}")).unwrap_or_default();
    let faulty = format!("{before}{}", config.as_deref().unwrap_or_default());
    let whole = format!("{after}{}{options}", then.as_deref().unwrap_or_default());
    let is_removed = told.contains("remove ") && whole.len() < faulty.len();
    let is_moved = told.contains("before ") && is_moved(before, after);
    if !is_removed && !is_moved && !is_brought_near(&told, before, after) && !is_as_told(&told, &whole) {
        return Some(format!("{name}: not as the help says: {told}"));
    }
    let left = problems(after, then.as_ref(), *allow);
    (!left.is_empty()).then(|| format!("{name}: {found:?} {left:?}"))
}

/// The sources of a directory and of those in it.
fn sources_below(dir: &str) -> Vec<String> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(dir)).unwrap();
    let paths =
        entries.map(|entry| entry.unwrap()).map(|entry| (entry.path(), entry.file_name().into_string().unwrap()));
    let below = paths.flat_map(|(path, name)| match (path.is_dir(), format!("{dir}/{name}")) {
        (true, below) => sources_below(&below),
        (false, source) if name.ends_with(".rs") && name != "tests.rs" => vec![source],
        (false, _) => Vec::new(),
    });
    below.collect()
}

/// Texts that another test follows.
const ELSEWHERE: [&str; 3] = [
    // The tests of commands do, config_argument.rs.
    "write `portcullis check portcullis.yaml`",
    // It is for the command line of another program. What that prints then is read in envoy_input.rs.
    "add `-o json`",
    // It is about another file. A test of envoy_after.rs adds it.
    "add the file that has the filter",
];

#[test]
fn every_setting_that_help_of_envoy_names_is_tried() {
    let (messages, mut helps): (Vec<String>, Vec<String>) =
        cases().iter().flat_map(|case| problems(&case.before, case.configs[0].as_ref(), None)).unzip();
    // Of these, the test of their findings pastes what help says.
    for fault in RESTART_FAULTS {
        let found = problems(&fault.text(), None, None).into_iter().map(|(_, help)| help);
        helps.extend(found.filter(|help| fault.mended(help).is_some()));
    }
    let sources = sources_below("tools/envoy_lint");
    let mut literals: Vec<String> =
        sources.iter().flat_map(|source| literals(source, &["set `", "write `", "add ", "run "])).collect();
    literals.retain(|literal| !ELSEWHERE.iter().any(|other| literal.contains(other)));
    // Words of these are in messages as well, which ask for nothing.
    let is_of_any = |literal: &str, texts: &[String]| texts.iter().any(|text| is_of(text, literal));
    literals.retain(|literal| is_of_any(literal, &helps) || !is_of_any(literal, &messages));
    let count = literals.len();
    let missing = unfollowed("tools/envoy_lint", literals, helps.iter().map(String::as_str).collect());
    assert!(missing.is_empty(), "nobody follows these:\n{}", missing.join("\n"));
    assert!(count > 20, "{count}");
}

//! Variables of the environment: overlay, start without a file, and names that are nobody's.

use std::time::Duration;

use portcullis::{
    config::{
        self, ListenAddr, Loaded, UnixSocket,
        error::{ConfigErrors, Severity},
    },
    keystore::source::KeySource,
};
use portcullis_engine::{
    policy::rule::{Access, Requirement},
    request::{method::Method, path::CanonicalPath, target::RequestTarget},
};

use crate::{env, problems};

const FILE: &str = "
issuers:
  - issuer: https://i.example/
    audiences: [a]
    strict: true
routes:
  - path: /**
    access: authenticated
";

fn with(variables: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
    config::parse(FILE, "portcullis.yaml", &env(variables))
}

fn only_problem(variables: &[(&str, &str)]) -> (String, String) {
    let errors = with(variables).unwrap_err();
    let all: Vec<_> = errors.problems().collect();
    let [problem] = all.as_slice() else { panic!("{}", errors.render(false, 100)) };
    assert_eq!(problem.position(), None);
    assert_eq!(problem.variable(), Some(variables[0].0));
    (problem.message().to_owned(), problem.help_text().unwrap().to_owned())
}

#[test]
fn variables_override_scalars_of_the_file() {
    let loaded = with(&[
        ("PORTCULLIS_LISTEN__GRPC", "unix:/run/p.sock"),
        ("PORTCULLIS_LISTEN__ADMIN", "off"),
        ("PORTCULLIS_ISSUERS__0__CLOCK_TOLERANCE", "10s"),
        ("PORTCULLIS_ISSUERS__0__STRICT", "false"),
        ("PORTCULLIS_ISSUERS__0__JWKS_URI", "https://keys.example/"),
        ("PORTCULLIS_IDENTITY__HEADERS__SUBJECT", "x-user"),
        ("PORTCULLIS_IDENTITY__FORWARD_AUTHORIZATION", "false"),
        ("PORTCULLIS_DRAIN_NOTICE", "1s"),
        ("PORTCULLIS_LOG", "debug"),
        ("PORTCULLIS_LOG_FORMAT", "json"),
        ("PORTCULLIS_THREADS", "2"),
        ("PORTCULLIS_CONFIG", "portcullis.yaml"),
        ("PATH", "/bin"),
    ]);
    let config = loaded.unwrap().config;
    assert_eq!(config.listen.grpc, ListenAddr::Unix(UnixSocket::new("/run/p.sock")));
    assert_eq!(config.listen.admin, None);
    let issuer = &config.issuers[0];
    assert_eq!(issuer.rules.clock_tolerance, Duration::from_secs(10));
    assert!(!issuer.rules.strict);
    assert!(matches!(&issuer.source, KeySource::JwksUri { url, .. } if url.as_str() == "https://keys.example/"));
    assert_eq!(config.identity.subject.unwrap().as_str(), "x-user");
    assert!(!config.identity.forward_authorization);
}

#[test]
fn variables_say_who_may_connect_to_a_socket() {
    const ADDRESS: &str = "PORTCULLIS_LISTEN__GRPC";
    const MODE: &str = "PORTCULLIS_LISTEN__GRPC__MODE";
    const GROUP: &str = "PORTCULLIS_LISTEN__GRPC__GROUP";
    let short = "listen: { grpc: unix:/f }\n";
    let long = "listen: { grpc: { address: unix:/f, mode: '0600', group: 1 } }\n";
    for (listen, variables, expected) in [
        (short, &[(MODE, "0660")][..], "unix:/f 0660 -"),
        (short, &[(GROUP, "envoy")], "unix:/f 0660 envoy"),
        ("", &[(ADDRESS, "unix:/v"), (MODE, "0660"), (GROUP, "2")], "unix:/v 0660 2"),
        ("", &[("PORTCULLIS_LISTEN__GRPC__ADDRESS", "unix:/v"), (MODE, "0600")], "unix:/v 0600 -"),
        (long, &[(ADDRESS, "unix:/v")], "unix:/v 0600 1"),
        (long, &[("PORTCULLIS_LISTEN__GRPC__ADDRESS", "unix:/v"), (MODE, "0660")], "unix:/v 0660 1"),
        // A port needs neither.
        (long, &[(ADDRESS, "127.0.0.1:1")], "127.0.0.1:1"),
        (short, &[(ADDRESS, "127.0.0.1:1")], "127.0.0.1:1"),
    ] {
        let loaded = config::parse(&format!("{FILE}{listen}"), "portcullis.yaml", &env(variables));
        let grpc =
            loaded.unwrap_or_else(|errors| panic!("{variables:?} {}", errors.render(false, 100))).config.listen.grpc;
        let said = match &grpc {
            ListenAddr::Unix(socket) => {
                let access = socket.access.as_ref().unwrap();
                let group = access.group.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
                format!("{grpc} {} {group}", access.mode)
            }
            ListenAddr::Tcp(_) => grpc.to_string(),
        };
        assert_eq!(said, expected, "{listen} {variables:?}");
    }
    let (said, _) = only_problem(&[(MODE, "0660")]);
    assert_eq!(said, "`PORTCULLIS_LISTEN__GRPC__MODE`: `grpc` lacks `address`");
    let (said, _) = only_problem(&[(MODE, "rw"), (ADDRESS, "unix:/v")]);
    assert_eq!(said, "`PORTCULLIS_LISTEN__GRPC__MODE`: `rw` is not a mode in octal");
    let both = [(MODE, "0660"), (ADDRESS, "127.0.0.1:1")];
    assert_eq!(
        only_problem(&both).0,
        "`PORTCULLIS_LISTEN__GRPC__MODE`: `mode` is for Unix sockets, and `127.0.0.1:1` is an address with a port"
    );
    for unknown in ["PORTCULLIS_LISTEN__GRPC__MODES", "PORTCULLIS_LISTEN__GRPC__MOD"] {
        assert_eq!(only_problem(&[(unknown, "x")]).1, "did you mean `PORTCULLIS_LISTEN__GRPC__MODE`?");
    }
}

#[test]
fn a_value_that_is_wrong_is_reported_by_the_name_of_its_variable() {
    for (name, value, message) in [
        ("PORTCULLIS_LISTEN__GRPC", "x", "`x` is not an address with a port"),
        ("PORTCULLIS_ISSUERS__0__STRICT", "yes", "`strict` must be true or false, not `yes`"),
        ("PORTCULLIS_ISSUERS__0__CLOCK_TOLERANCE", "5", "`5` is not a duration"),
        ("PORTCULLIS_DEFAULT", "public", "what no route covers can't be open"),
        ("PORTCULLIS_LISTEN__GRPC", "", "`PORTCULLIS_LISTEN__GRPC` is set but empty"),
        ("PORTCULLIS_LOG", "", "`PORTCULLIS_LOG` is set but empty"),
    ] {
        let said = if message.contains(name) { message.to_owned() } else { format!("`{name}`: {message}") };
        assert_eq!(only_problem(&[(name, value)]).0, said, "{name}={value}");
    }
}

#[test]
fn names_that_set_nothing_are_problems_with_help() {
    for (name, message, help) in [
        ("PORTCULLIS_LISTN__GRPC", "is not a known variable", "did you mean `PORTCULLIS_LISTEN__GRPC`?"),
        ("PORTCULLIS_LISTEN_GRPC", "is not a known variable", "did you mean `PORTCULLIS_LISTEN__GRPC`?"),
        ("PORTCULLIS_listen__grpc", "is not a known variable", "did you mean `PORTCULLIS_LISTEN__GRPC`?"),
        (
            "PORTCULLIS_ISSUERS__0__JWKS_URL",
            "is not a known variable",
            "did you mean `PORTCULLIS_ISSUERS__0__JWKS_URI`?",
        ),
        ("PORTCULLIS_LISTEN__GRPC__PORT", "is not a known variable", "did you mean `PORTCULLIS_LISTEN__GRPC`?"),
        ("PORTCULLIS_", "is not a known variable", "must be a known one"),
        ("PORTCULLIS_PORT", "is not a known variable", "must be a known one"),
        ("PORTCULLIS_ROUTES", "would set a list", "only taken from the file"),
        ("PORTCULLIS_ROUTES__0__ACCESS", "would set a list", "only taken from the file"),
        ("PORTCULLIS_ISSUERS", "would set a list", "only taken from the file"),
        ("PORTCULLIS_ISSUERS__0__AUDIENCES", "would set a list", "only taken from the file"),
        ("PORTCULLIS_ISSUERS__1__STRICT", "names no item of `issuers`", "one item in the file, number 0"),
        ("PORTCULLIS_ISSUERS__00__STRICT", "names no item of `issuers`", "one item in the file, number 0"),
        ("PORTCULLIS_ISSUERS__X__STRICT", "names no item of `issuers`", "one item in the file, number 0"),
        ("PORTCULLIS_ISSUERS__+0__STRICT", "names no item of `issuers`", "one item in the file, number 0"),
        ("PORTCULLIS_LISTEN", "is a section of the file", "`PORTCULLIS_LISTEN__GRPC`, `PORTCULLIS_LISTEN__ADMIN`"),
        ("PORTCULLIS_ISSUER", "is set beside a configuration file", "unset it"),
        ("PORTCULLIS_AUDIENCE", "is set beside a configuration file", "unset it"),
    ] {
        let (said, helped) = only_problem(&[(name, "value")]);
        assert_eq!(said, format!("`{name}` {message}"));
        assert!(helped.contains(help), "{name}: {helped}");
    }
}

#[test]
fn what_kubernetes_injects_is_left_alone() {
    let loaded = with(&[
        ("PORTCULLIS_SERVICE_HOST", "10.0.0.1"),
        ("PORTCULLIS_PORT", "tcp://10.0.0.1:9191"),
        ("PORTCULLIS_GRPC_PORT_9191_TCP_ADDR", "10.0.0.1"),
        ("PORTCULLIS_GRPC_SERVICE_PORT", ""),
    ]);
    assert!(loaded.is_ok());
}

#[test]
fn issuer_and_audience_are_enough_to_start() {
    let variables = [
        ("PORTCULLIS_ISSUER", "https://tenant.example/"),
        ("PORTCULLIS_AUDIENCE", "https://api.example, other"),
        ("PORTCULLIS_LISTEN__GRPC", "127.0.0.1:1"),
        ("PORTCULLIS_ISSUERS__0__MAX_TOKEN_AGE", "1h"),
    ];
    let loaded = config::load(None, &env(&variables)).unwrap();
    assert!(loaded.warnings.is_empty());
    let [issuer] = loaded.config.issuers.as_slice() else { panic!("one issuer") };
    assert_eq!(&*issuer.rules.issuer, "https://tenant.example/");
    assert_eq!(issuer.rules.audiences.as_slice(), ["https://api.example", "other"]);
    assert_eq!(issuer.rules.max_token_age, Some(Duration::from_secs(3600)));
    assert!(matches!(&issuer.source, KeySource::Discovery { documents, .. } if documents.len() == 2));
    assert_eq!(loaded.config.listen.grpc, ListenAddr::Tcp("127.0.0.1:1".parse().unwrap()));
    for path in ["/", "/api/private", "/healthz"] {
        let path = CanonicalPath::parse(path).unwrap();
        let target = RequestTarget { host: None, path, method: Method::GET };
        assert_eq!(loaded.config.policy.select(&target).unwrap().access, Access::Token(Requirement::default()));
    }
}

#[test]
fn a_start_without_anything_says_both_ways() {
    for (variables, message) in [
        (&[][..], "there is no configuration"),
        (&[("PORTCULLIS_ISSUER", "https://i.example/")], "`PORTCULLIS_ISSUER` is set, but not `PORTCULLIS_AUDIENCE`"),
        (&[("PORTCULLIS_AUDIENCE", "a")], "`PORTCULLIS_AUDIENCE` is set, but not `PORTCULLIS_ISSUER`"),
    ] {
        let errors = config::load(None, &env(variables)).unwrap_err();
        assert_eq!(problems(&errors, Severity::Error), [message]);
        let rendered = errors.render(false, 100);
        assert!(
            rendered.contains("--config portcullis.yaml") && rendered.contains("`PORTCULLIS_AUDIENCE`"),
            "{rendered}"
        );
    }
}

#[test]
fn a_start_without_a_file_is_as_strict_as_one_with() {
    for (issuer, audience, message) in [
        ("tenant.example", "a", "`tenant.example` is not a URL"),
        ("http://tenant.example/", "a", "is plain http"),
        ("https://tenant.example/", "a,,b", "an item of `audiences` is empty"),
        ("https://tenant.example/", "a,a", "the same item twice"),
        ("https://tenant.example/", "", "`PORTCULLIS_AUDIENCE` is set but empty"),
        ("", "a", "`PORTCULLIS_ISSUER` is set but empty"),
    ] {
        let variables = env(&[("PORTCULLIS_ISSUER", issuer), ("PORTCULLIS_AUDIENCE", audience)]);
        let errors = config::load(None, &variables).unwrap_err();
        let said = problems(&errors, Severity::Error);
        assert!(said.len() == 1 && said[0].contains(message), "{issuer} {audience}: {said:?}");
    }
}

#[test]
fn a_variable_names_the_file() {
    let errors = config::load(None, &env(&[("PORTCULLIS_CONFIG", "/nowhere/p.yaml")])).unwrap_err();
    assert!(errors.render(false, 100).contains("`/nowhere/p.yaml` can't be read"));
}

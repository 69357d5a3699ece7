//! The configuration of Portcullis where one of Envoy is expected.

use portcullis::tools::envoy_lint::lint;

#[test]
fn a_configuration_of_portcullis_is_no_unknown_file() {
    for text in [
        "issuers: [{ issuer: https://i.example/, audiences: [a] }]\n",
        "listen: { admin: off }\nroutes: [{ path: /a, access: public }]\n",
        "default: deny\n",
        "{ \"policies\": {} }",
    ] {
        let problems = lint(text, "portcullis.yaml", None);
        let all: Vec<_> = problems.problems().collect();
        let [only] = all.as_slice() else { panic!("{text}: {}", problems.render(false, 100)) };
        assert_eq!(only.message(), "this is a configuration of Portcullis, not of Envoy", "{text}");
        assert_eq!(only.line(), Some(1), "{text}");
        let help = only.help_text().unwrap_or_default();
        for command in ["`portcullis check portcullis.yaml`", "`portcullis check --envoy ENVOY_FILE portcullis.yaml`"] {
            assert!(help.contains(command), "{help}");
        }
    }
}

/// A file of Envoy that has one of these fields as well stays one, and `tests` is a field of policy tests, too.
#[test]
fn other_files_are_not_called_ours() {
    for text in ["static_resources: {}\nroutes: []\n", "tests: [{ request: GET /a, expect: deny }]\n", "a: b\n"] {
        let problems = lint(text, "x.yaml", None);
        assert!(problems.problems().all(|one| !one.message().contains("Portcullis, not")), "{text}");
    }
}

//! `check --envoy` on values that Envoy reads in its own way: fields that are there twice, enums, numbers, and what the runtime sets.
//! What Envoy 1.40 makes of each was tried.

use portcullis::{
    config::error::Severity,
    tools::envoy_lint::{Checked, Verdict, check_files},
};

use crate::envoy_scene::{ALL, PER_ROUTE, bootstrap, check, listener, manager, ours};

/// A bootstrap file with these settings of its ext_authz filter.
fn with(settings: &str) -> String {
    bootstrap(&[listener("in", "", &[&manager(&[&ours("z", settings)], ALL)])], &[], "")
}

/// A bootstrap file whose ext_authz filter runs for the part of requests that this `FractionalPercent` is.
fn with_part(part: &str) -> String {
    with(&format!(", filter_enabled: {{ default_value: {part} }}"))
}

fn check_text(text: &str) -> Checked {
    check_files(&[(text, "envoy.yaml")], None)
}

/// The errors of a file, each by its line and its text.
fn errors(text: &str) -> Vec<String> {
    let checked = check_text(text);
    let errors = checked.files[0].problems().filter(|problem| problem.severity() == Severity::Error);
    errors.map(|problem| format!("{} {}", problem.line().unwrap(), problem.message())).collect()
}

const PART: &str = "envoy-partly-enabled in";

#[test]
fn a_field_in_both_spellings_is_an_error() {
    let part = "filter_enabled: { default_value: { numerator: 5 } }";
    let whole = "filterEnabled: { default_value: { numerator: 100 } }";
    for (settings, expected) in [
        (format!(", {part}, filterEnabled: ~"), vec![PART, "error"]),
        (format!(", filterEnabled: ~, {part}"), vec!["error", PART]),
        (format!(", {part}, {whole}"), vec!["error"]),
        (format!(", {whole}, {part}"), vec!["error", PART]),
    ] {
        check(&settings, &with(&settings), &expected, Verdict::Wrong);
    }
    let off = format!("typed_per_filter_config: {{ z: {{ '@type': {PER_ROUTE}, disabled: true }} }}");
    let route = ALL.replace(" }, route:", &format!(" }}, {off}, typedPerFilterConfig: ~, route:"));
    let text = bootstrap(&[listener("in", "", &[&manager(&[&ours("z", "")], &route)])], &[], "");
    check("map", &text, &["envoy-route-disabled in/host", "error"], Verdict::Wrong);
    let said = "`clusterName` and `cluster_name` are one field in two spellings: which one Envoy takes from YAML varies from start to start";
    let text = with("").replacen("cluster_name: portcullis", "cluster_name: opa, clusterName: portcullis", 1);
    assert!(errors(&text).iter().any(|error| error.ends_with(said)), "{:?}", errors(&text));
    let wrapped = with("").replacen(
        "'@type': type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz,",
        &format!(
            "'@type': type.googleapis.com/xds.type.v3.TypedStruct, type_url: a/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz, value: {{ {part}, filterEnabled: ~,"
        ),
        1,
    );
    let wrapped = wrapped.replacen("encode_raw_headers: true }", "encode_raw_headers: true } }", 1);
    check("typed struct", &wrapped, &[PART, "error"], Verdict::Wrong);
}

#[test]
fn a_field_that_is_there_twice_is_an_error() {
    let first = ", filter_enabled: { default_value: { numerator: 100 } },\n filter_enabled: { default_value: { numerator: 5 } }";
    let text = with(first);
    let line = text.lines().position(|line| line.starts_with(" filter_enabled")).unwrap() + 1;
    let said = format!(
        "{line} `filter_enabled` is there twice: Envoy takes the last one from YAML, and may join both from JSON"
    );
    assert_eq!(errors(&text), [said]);
    // From JSON, the lists are one, the first map stays, and nothing hides no value.
    let open =
        format!("\"typed_per_filter_config\": {{ \"z\": {{ \"@type\": \"{PER_ROUTE}\", \"disabled\": true }} }}");
    let route =
        |more: &str| format!("{{ \"match\": {{ \"prefix\": \"/\" }}, \"route\": {{ \"cluster\": \"api\" }}{more} }}");
    let json = |old: &str, new: &str| {
        let value: serde_json::Value = serde_saphyr::from_str(&with("")).unwrap();
        let text = value.to_string();
        assert!(text.contains(old), "{old} is not in {text}");
        text.replacen(old, new, 1)
    };
    let routes = "\"routes\":[";
    let lists = json(routes, &format!("\"routes\":[{}],\"routes\":[", route(&format!(", {open}"))));
    let maps =
        json(routes, &format!("\"routes\":[{},", route(&format!(", {open}, \"typed_per_filter_config\": {{}}"))));
    let nulls =
        json(routes, &format!("\"routes\":[{},", route(&format!(", {open}, \"typed_per_filter_config\": null"))));
    for text in [lists, maps, nulls] {
        let checked = check_files(&[(&text, "envoy.json")], None);
        assert_eq!(checked.verdict(), Verdict::Wrong, "{text}");
        assert!(errors(&text).iter().any(|error| error.contains(" is there twice")), "{:?}", errors(&text));
    }
    assert_eq!(check_text(&json("x", "x")).verdict(), Verdict::Good);
}

#[test]
fn a_field_twice_is_found_in_a_config_map_and_not_in_what_is_not_looked_at() {
    let indented: String = with("").lines().map(|line| format!("    {line}\n")).collect();
    let map = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: e }}\ndata:\n  e.yaml: |\n{indented}");
    let service = "apiVersion: v1\nkind: Service\nmetadata: { name: a, name: a }\n";
    let text = format!("{service}---\n{map}");
    assert_eq!(check_text(&text).seen.unseen, ["the Service `a`"]);
    assert_eq!(errors(&text), [""; 0]);
    let twice = map.replacen("    static_resources:", "    staticResources: ~\n    static_resources:", 1);
    let said = "7 `static_resources` and `staticResources` are one field in two spellings: which one Envoy takes from YAML varies from start to \
                start";
    assert_eq!(errors(&twice), [said]);
}

#[test]
fn the_name_of_an_enum_may_have_any_case() {
    for part in ["million", "Ten_Thousand", "MILLION"] {
        check(part, &with_part(&format!("{{ numerator: 100, denominator: {part} }}")), &[PART], Verdict::Open);
    }
    check("hundred", &with_part("{ numerator: 100, denominator: hundred }"), &[], Verdict::Good);
    // What only lints are about that are silent here.
    let lower = with("")
        .replace("path_with_escaped_slashes_action: REJECT_REQUEST", "path_with_escaped_slashes_action: reject_request")
        .replace("headers_with_underscores_action: REJECT_REQUEST", "headers_with_underscores_action: drop_header")
        .replace("code: 503", "code: serviceunavailable")
        .replace("type: STRICT_DNS", "type: strict_dns");
    assert!(
        ["reject_request", "drop_header", "serviceunavailable", "strict_dns"].iter().all(|name| lower.contains(name))
    );
    check("lower case", &lower, &[], Verdict::Good);
    check("hyphens", &lower.replace("reject_request", "reject-request"), &["envoy-paths in"], Verdict::Good);
    let chosen =
        with("").replacen("name: api, load", "name: api, lb_policy: cluster_provided, type: original_dst, load", 1);
    let upper = chosen.replace("original_dst", "ORIGINAL_DST");
    let said = |text: &str| check_text(text).files[0].problems().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(said(&chosen), said(&upper));
}

#[test]
fn certificates_of_strangers_are_taken_by_any_spelling_of_the_enum() {
    let tls = |mode: &str| {
        let socket = format!(
            "transport_socket: {{ name: tls, typed_config: {{ '@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.\
             UpstreamTlsContext, common_tls_context: {{ validation_context: {{ trust_chain_verification: {mode}, trusted_ca: {{ \
             filename: /ca.pem }} }} }} }} }}"
        );
        with("").replace("address: localhost", "address: portcullis.example").replacen(
            "- { name: portcullis,",
            &format!("- {{ name: portcullis, {socket},"),
            1,
        )
    };
    check("verified", &tls("VERIFY_TRUST_CHAIN"), &[], Verdict::Good);
    for mode in ["ACCEPT_UNTRUSTED", "accept_untrusted", "1", "0x1", "01"] {
        let checked = check_text(&tls(mode));
        assert_eq!(checked.verdict(), Verdict::Open, "{mode}");
    }
}

#[test]
fn numbers_are_those_of_envoys_yaml_reader() {
    for part in [
        "{ numerator: 0100 }",
        "{ numerator: 0x63 }",
        "{ numerator: 100, denominator: 0x1 }",
        "{ numerator: 100, denominator: '1' }",
        "{ numerator: 100, denominator: 1.0 }",
        "{ numerator: 99.0 }",
    ] {
        check(part, &with_part(part), &[PART], Verdict::Open);
    }
    for part in [
        "{ numerator: 0x64 }",
        "{ numerator: 0144 }",
        "{ numerator: '0100' }",
        "{ numerator: '0x64' }",
        "{ numerator: 1e2 }",
    ] {
        check(part, &with_part(part), &[], Verdict::Good);
    }
}

/// A bootstrap file whose ext_authz filter runs for a part of all requests and denies the others, unless the runtime says otherwise.
fn with_runtime(values: &str, percent: u8, denies: bool) -> String {
    let settings = format!(
        ", filter_enabled: {{ runtime_key: k, default_value: {{ numerator: {percent} }} }}, deny_at_disable: {{ runtime_key: d, \
         default_value: {denies} }}"
    );
    let layer = format!("layered_runtime: {{ layers: [{{ name: l, static_layer: {values} }}] }}\n");
    bootstrap(&[listener("in", "", &[&manager(&[&ours("z", &settings)], ALL)])], &[], &layer)
}

#[test]
fn a_switch_is_on_where_envoys_runtime_takes_the_value_for_true() {
    for values in ["{ d: true }", "{ d: True }", "{ d: yes }", "{ d: On }"] {
        check(values, &with_runtime(values, 0, false), &[], Verdict::Good);
    }
    for values in ["{}", "{ d: 'true' }", "{ d: 'TRUE' }", "{ d: 'True' }", "{ d: false }", "{ d: x }", "{ d: 'yes' }"]
    {
        check(values, &with_runtime(values, 0, false), &[PART], Verdict::Open);
    }
    for values in ["{}", "{ d: x }", "{ d: 'true' }"] {
        check(values, &with_runtime(values, 0, true), &[], Verdict::Good);
    }
    for values in ["{ d: 0 }", "{ d: '0' }", "{ d: false }", "{ d: no }", "{ d: Off }"] {
        check(values, &with_runtime(values, 0, true), &[PART], Verdict::Open);
    }
}

#[test]
fn a_part_of_the_runtime_is_read_as_envoys_runtime_reads_it() {
    // With the verdict where the file itself has none, and where it has all requests.
    for (value, none, all) in [
        ("100", true, true),
        ("'100'", true, true),
        ("' 100 '", true, true),
        ("0x64", true, true),
        ("'1e2'", true, true),
        ("99", false, false),
        ("'99'", false, false),
        ("' 99 '", false, false),
        ("99.5", false, false),
        ("{ numerator: 100 }", true, true),
        ("{ numerator: 100, denominator: HUNDRED }", true, true),
        ("{ numerator: 100, denominator: MILLION }", false, false),
        ("{}", false, false),
        ("{ numerator: ~ }", false, false),
        // A text is left out, and nothing is left of the numerator.
        ("{ numerator: '100' }", false, false),
        // What it does not know, it leaves out as a whole.
        ("{ numerator: 100, foo: 1 }", false, true),
        ("{ numerator: 1, foo: 1 }", false, true),
        ("{ numerator: 100, denominator: million }", false, true),
        ("{ numerator: 100, denominator: 0 }", false, true),
        ("true", false, true),
        ("x", false, true),
    ] {
        for (percent, is_good) in [(0, none), (100, all)] {
            let (expected, verdict) = if is_good { (vec![], Verdict::Good) } else { (vec![PART], Verdict::Open) };
            let text = with_runtime(&format!("{{ k: {value} }}"), percent, false);
            check(&format!("{value} over {percent}"), &text, &expected, verdict);
        }
    }
}

#[test]
fn one_of_two_services_that_is_off_or_fails_open_is_not_good() {
    let asks = |name: &str, cluster: &str, more: &str| {
        ours(name, more).replace("cluster_name: portcullis", &format!("cluster_name: {cluster}"))
    };
    let one = "    - { name: opa, type: STATIC, load_assignment: { cluster_name: opa } }\n".to_owned();
    let other = one.replace("opa", "authz");
    let of = |first: &str, second: &str| {
        bootstrap(&[listener("in", "", &[&manager(&[first, second], ALL)])], &[one.clone(), other.clone()], "")
    };
    let open = ", failure_mode_allow: true";
    let off = asks("second", "authz", "").replacen("name:", "disabled: true, name:", 1);
    for (name, text) in [
        ("off", of(&asks("first", "opa", ""), &off)),
        ("off first", of(&off, &asks("first", "opa", ""))),
        ("open", of(&asks("first", "opa", open), &asks("second", "authz", ""))),
        ("open second", of(&asks("first", "opa", ""), &asks("second", "authz", open))),
    ] {
        assert_ne!(check_text(&text).verdict(), Verdict::Good, "{name}");
    }
}

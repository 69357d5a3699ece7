//! The JSON Schema: what `portcullis schema` prints is what is checked in, and it says of files what loading says, as
//! far as a schema can.

use std::{
    fs,
    path::{Path, PathBuf},
};

use boon::{Compiler, Schemas};
use portcullis::{config, limits};
use serde_json::Value;

use crate::{env, parse};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What the schema finds wrong about a file.
fn fault(yaml: &str) -> Option<String> {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("portcullis.schema.json", config::json_schema()).unwrap();
    let schema = compiler.compile("portcullis.schema.json", &mut schemas).unwrap();
    // As YAML 1.2 has it, and editors: `off` is a text.
    let options = serde_saphyr::options! { strict_booleans: true };
    let file: Value =
        serde_saphyr::from_str_with_options(yaml, options).unwrap_or_else(|error| panic!("{yaml}\n{error}"));
    schemas.validate(&file, schema).err().map(|error| error.to_string())
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_schema_that_is_checked_in_is_the_one_that_is_printed() {
    let printed = format!("{}\n", serde_json::to_string_pretty(&config::json_schema()).unwrap());
    let path = root("envoy/portcullis.schema.json");
    let actual = Path::new(env!("CARGO_TARGET_TMPDIR")).join("portcullis.schema.json");
    fs::write(&actual, &printed).unwrap();
    let same = fs::read_to_string(&path).is_ok_and(|text| text == printed);
    assert!(same, "`portcullis schema` has changed: compare envoy/portcullis.schema.json with {}", actual.display());
}

#[test]
fn samples_and_good_files_are_valid() {
    let mut files = vec![root("envoy/portcullis.yaml"), root("envoy/tenants.yaml")];
    for dir in ["tests/fixtures/config/valid", "tests/fixtures/config/lints"] {
        files.extend(fs::read_dir(root(dir)).unwrap().map(|entry| entry.unwrap().path()));
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    assert!(files.len() >= 6);
    for path in files {
        assert_eq!(fault(&read(&path)), None, "{}", path.display());
    }
    let readme = read(&root("README.md"));
    let blocks =
        readme.split("```yaml\n").skip(1).filter_map(|block| block.split_once("\n```")).map(|(block, _)| block);
    let whole: Vec<&str> = blocks.filter(|block| block.contains("issuers:") && block.contains("routes:")).collect();
    assert!(!whole.is_empty());
    for block in whole {
        assert_eq!(fault(block), None, "{block}");
    }
}

#[test]
fn a_socket_may_be_written_in_both_ways() {
    for socket in ["unix:/p", "{ address: unix:/p, mode: '0660', group: envoy }", "{ address: unix:/p, group: 101 }"] {
        let file = format!("listen: {{ grpc: {socket} }}\ndefault: deny\n");
        assert_eq!(fault(&file), None, "{socket}");
        assert!(parse(&file).is_ok(), "{socket}");
    }
}

#[test]
fn what_is_wrong_by_itself_is_not_valid() {
    let issuer = |fields: &str| format!("routes: [{{ path: /a, access: public }}]\nissuers: [{{ {fields} }}]");
    let route = |fields: &str| format!("routes: [{{ {fields} }}]");
    let good = "issuer: https://i.example/, audiences: [a]";
    let bad = [
        "{}".to_owned(),
        "routes: []".to_owned(),
        "listen: { grpc: 9191 }\ndefault: deny".to_owned(),
        "listen: { grpc: 127.0.0.1 }\ndefault: deny".to_owned(),
        "listen: { prot: x }\ndefault: deny".to_owned(),
        "listen: { max_connections: 0 }\ndefault: deny".to_owned(),
        "listen: { max_connections: 1000001 }\ndefault: deny".to_owned(),
        "listen: { max_connections: many }\ndefault: deny".to_owned(),
        "listen: { grpc: { mode: '0660' } }\ndefault: deny".to_owned(),
        "listen: { grpc: { address: unix:/p, mode: 660 } }\ndefault: deny".to_owned(),
        "listen: { grpc: { address: unix:/p, mode: '0999' } }\ndefault: deny".to_owned(),
        "listen: { grpc: { address: unix:/p, mode: '4660' } }\ndefault: deny".to_owned(),
        "listen: { grpc: { address: unix:/p, mode: '0440' } }\ndefault: deny".to_owned(),
        "listen: { grpc: { address: unix:/p, group: -1 } }\ndefault: deny".to_owned(),
        "listen: { grpc: { address: unix:/p, owner: x } }\ndefault: deny".to_owned(),
        "default: public".to_owned(),
        "default: deny\nimplies: { admin: 'a b' }".to_owned(),
        "default: deny\nidentity: { aliases: never }".to_owned(),
        "default: deny\nidentity: { headers: { subject: 'a b' } }".to_owned(),
        "default: deny\npolicies: { a: { path: /x, access: public } }".to_owned(),
        "default: deny\npolicies: { a: {} }".to_owned(),
        issuer("issuer: https://i.example/"),
        issuer("audiences: [a]"),
        issuer("issuer: https://i.example/, audiences: []"),
        issuer("issuer: https://i.example/, audiences: a"),
        issuer(&format!("{good}, clock_tolerance: 5")),
        issuer(&format!("{good}, clock_tolerance: 5sec")),
        issuer(&format!("{good}, max_token_age: never")),
        issuer(&format!("{good}, strict: 'true'")),
        issuer(&format!("{good}, algorithms: [none]")),
        issuer(&format!("{good}, jwks_uri: 'ftp://k.example/'")),
        issuer(&format!("{good}, jwks_url: 'https://k.example/'")),
        issuer(&format!("{good}, claims: {{ o: {{ matches: host }} }}")),
        route("path: /a"),
        route("path: a, access: public"),
        route("access: public"),
        route("path: /a, access: everybody"),
        route("path: /a, scopes: ['a b']"),
        route("path: /a, scopes: { every: [a] }"),
        route("path: /a, scopes: {}"),
        route("path: /a, scopes: [a, a]"),
        route("path: /a, access: public, methods: GET"),
        route("path: /a, access: public, methods: ['G T']"),
        route("path: /a, access: public, host: '*.*.example'"),
        route("path: /a, claims: { o: x }"),
        route("path: /a, claims: { o: {} }"),
        route("path: /a, claims: { o: { present: false } }"),
        route("path: /a, claims: { o: { equals: [a] } }"),
        route("path: /a, claims: { o: { matches: org } }"),
        route("path: /a, access: public, shadows: 1"),
    ];
    bad.iter().for_each(|file| assert_refused(file));
}

/// Says that neither the schema nor loading takes a file.
fn assert_refused(file: &str) {
    assert!(fault(file).is_some(), "the schema takes it: {file}");
    assert!(parse(file).is_err(), "loading takes it, so the schema must: {file}");
}

#[test]
fn lists_are_as_long_as_loading_takes_them() {
    for (field, most) in [
        ("identity: { remove: [x-0MORE] }", limits::REMOVED_HEADERS),
        ("implies: { admin: [x-0MORE] }", limits::IMPLICATIONS),
    ] {
        let with = |count| {
            let more: String = (1..count).map(|n| format!(", x-{n}")).collect();
            format!("default: authenticated\nissuers: [{{ issuer: https://i.example/, audiences: [a] }}]\n{field}\n")
                .replace("MORE", &more)
        };
        assert_eq!(fault(&with(most)), None, "{field}");
        assert!(parse(&with(most)).is_ok(), "{field}");
        assert_refused(&with(most + 1));
    }
}

/// Walks the schema: each default that it names is what holds without the field, and each word it allows can be read.
#[test]
fn defaults_and_words_are_those_of_loading() {
    let schema = config::json_schema();
    let base = "issuers:\n  - issuer: https://i.example/\n    audiences: [a]\nroutes: [{ path: /a/**, access: authenticated }]\n";
    let loaded =
        |file: &str| format!("{:?}", parse(file).unwrap_or_else(|e| panic!("{file}\n{}", e.render(false, 100))).config);
    let plain = loaded(base);
    let mut count = 0;
    let mut check = |place: &str, write: &dyn Fn(&str) -> String| {
        for (name, field) in schema.pointer(place).unwrap().as_object().unwrap() {
            if let Some(default) = field.get("default") {
                count += 1;
                assert_eq!(loaded(&write(&format!("{name}: {default}"))), plain, "{place}/{name}");
            }
            for word in field.get("enum").and_then(Value::as_array).into_iter().flatten() {
                assert!(parse(&write(&format!("{name}: {word}"))).is_ok(), "{place}/{name}: {word}");
            }
        }
    };
    check("/properties", &|line| format!("{base}{line}\n"));
    check("/properties/listen/properties", &|line| format!("{base}listen:\n  {line}\n"));
    check("/properties/identity/properties", &|line| format!("{base}identity:\n  {line}\n"));
    check("/properties/identity/properties/headers/properties", &|line| {
        format!("{base}identity: {{ headers: {{ {line} }} }}\n")
    });
    // Same line count, so that places are the same.
    check("/properties/issuers/items/properties", &|line| {
        base.replace("audiences: [a]", &format!("{{ audiences: [a], {line} }}"))
            .replace("- issuer: https://i.example/\n    { audiences", "- { issuer: https://i.example/,\n    audiences")
    });
    check("/properties/routes/items/properties", &|line| {
        let rest = if line.starts_with("access") { line.to_owned() } else { format!("access: authenticated, {line}") };
        base.replace("access: authenticated", &rest)
    });
    assert!(count >= 19, "{count}");
}

#[test]
fn the_first_line_of_the_sample_names_the_schema() {
    let sample = read(&root("envoy/portcullis.yaml"));
    assert_eq!(sample.lines().next(), Some("# yaml-language-server: $schema=portcullis.schema.json"));
    assert!(config::load(Some(&root("envoy/portcullis.yaml")), &env(&[])).is_ok());
}

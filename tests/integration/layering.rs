//! Who may import whom (design, section 5.3). Arrows go one way; a file on the wrong side of one fails here by name.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The floors of the house, lowest first. A file imports from its own floor and those below.
const FLOORS: [(&str, &[&str]); 5] = [
    (
        "words",
        &[
            "limits.rs",
            "clock.rs",
            "json.rs",
            "digest.rs",
            "reason/",
            "identity.rs",
            "identity/",
            "build_info.rs",
            "client_text.rs",
            "printable.rs",
            "policy/scope.rs",
        ],
    ),
    ("mechanisms", &["bearer/", "jwt/", "policy/", "jwks/"]),
    ("engine", &["authorizer.rs"]),
    (
        "adapters",
        &[
            "jwks/fetch.rs",
            "jwks/fetch/",
            "jwks/refresh.rs",
            "jwks/refresh/",
            "jwks/saved.rs",
            "ext_authz/",
            "config/",
            "admin/",
            "telemetry/",
            "files.rs",
        ],
    ),
    ("root", &["app/", "shutdown.rs", "descriptors.rs", "cli/", "rehearsal/", "main.rs", "lib.rs"]),
];

/// Crates with one home.
const HOMES: [(&str, &[&str]); 12] = [
    // The second one names events that h2 traces.
    ("h2", &["ext_authz/connection/", "telemetry/rejected_calls.rs"]),
    ("hyper", &["ext_authz/", "admin/connection.rs", "cli/health/"]),
    ("hyper_util", &["ext_authz/connection.rs", "admin/connection.rs", "cli/health/"]),
    ("notify", &["app/watch.rs", "app/watch/"]),
    ("rustix", &["descriptors.rs", "files.rs", "app/watch/", "telemetry/process.rs"]),
    ("tonic", &["ext_authz/", "cli/health/grpc.rs"]),
    ("prost", &["ext_authz/"]),
    ("prost_types", &["ext_authz/", "rehearsal/moment.rs"]),
    ("reqwest", &["jwks/fetch.rs", "jwks/fetch/"]),
    ("jsonwebtoken", &["jwks/key.rs", "jwks/key/"]),
    ("aws_lc_rs", &["digest.rs", "jwks/key.rs", "jwks/key/", "jwks/key_set.rs", "rehearsal/mint/"]),
    ("dashmap", &["jwks/key_store.rs", "jwks/key_store/"]),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Each file under `src/` with its code: comments and unit tests are no imports.
fn code() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for path in files(&source()) {
        let name = path.strip_prefix(source()).unwrap().to_str().unwrap().to_owned();
        if name.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        all.push((name, lines.collect::<Vec<_>>().join("\n")));
    }
    assert!(all.len() > 30, "the walk found too little to mean anything: {}", all.len());
    all
}

fn floor(name: &str) -> usize {
    // The longest match counts: `policy/scope.rs` is a word although `policy/` is a mechanism.
    let matches = FLOORS.iter().enumerate().flat_map(|(floor, (_, places))| {
        places.iter().filter(|place| name.starts_with(**place)).map(move |place| (place.len(), floor))
    });
    matches.max().unwrap_or_else(|| panic!("{name} has no floor: say where it belongs")).1
}

/// The paths after `crate::` in some code, module by module: `policy/scope` for `crate::policy::scope::Scope`, with
/// groups taken apart.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in code.split("crate::").skip(1) {
        expand("", part, &mut found);
    }
    found
}

fn expand(prefix: &str, text: &str, found: &mut Vec<String>) {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    let (path, rest) = text.split_at(end);
    let path = format!("{prefix}{}", path.replace("::", "/"));
    if let (Some(group), true) = (rest.strip_prefix('{'), path.is_empty() || path.ends_with('/')) {
        let mut depth = 0;
        let mut begun = 0;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    expand(&path, group.get(begun..at).unwrap().trim(), found);
                    begun = at + 1;
                    if c == '}' {
                        break;
                    }
                }
                _ => {}
            }
        }
    } else if !path.is_empty() {
        found.push(path);
    }
}

#[test]
fn imports_are_taken_apart() {
    let got = imports("use crate::{a::b::C, d::{E, f::G}}; let x = crate::h::I::new();");
    assert_eq!(got, ["a/b/C", "d/E", "d/f/G", "h/I/new"]);
}

#[test]
fn no_file_imports_from_a_higher_floor() {
    let mut wrong = Vec::new();
    for (name, code) in code() {
        for import in imports(&code) {
            let target = FLOORS.iter().flat_map(|(_, places)| places.iter()).filter(|place| {
                let module = place.trim_end_matches(".rs").trim_end_matches('/');
                import == module || import.starts_with(&format!("{module}/"))
            });
            let Some(target) = target.max_by_key(|place| place.len()) else { continue };
            if floor(target) > floor(&name) {
                wrong.push(format!("{name} imports crate::{}", import.replace('/', "::")));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn adapters_do_not_import_each_other() {
    let adapter = |name: &str| {
        ["ext_authz", "config", "admin", "telemetry", "jwks/fetch", "jwks/refresh"]
            .into_iter()
            .find(|adapter| name.starts_with(adapter))
    };
    let mut wrong = Vec::new();
    for (name, code) in code() {
        let Some(own) = adapter(&name) else { continue };
        let others = imports(&code).into_iter().filter(|import| adapter(import).is_some_and(|other| other != own));
        // The task that refreshes and the fetcher are two halves of one adapter.
        wrong.extend(
            others
                .filter(|import| !(own.starts_with("jwks") && import.starts_with("jwks")))
                .map(|import| format!("{name}: {import}")),
        );
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Cargo refuses the demo as a dependency of the product, which it depends on, but not of the product's unit tests. These would
/// have two copies of every type.
#[test]
fn the_demo_is_not_used_by_the_product() {
    for path in files(&source()) {
        assert!(!fs::read_to_string(&path).unwrap().contains("portcullis_demo"), "{}", path.display());
    }
}

#[test]
fn crates_stay_in_their_homes() {
    let mut wrong = Vec::new();
    for (name, code) in code() {
        for (krate, homes) in HOMES {
            let used = code.contains(&format!("{krate}::"));
            if used && !homes.iter().any(|home| name.starts_with(home)) {
                wrong.push(format!("{name} uses {krate}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_lower_floors_have_no_clock_no_io_and_no_log() {
    let forbidden =
        ["SystemTime::now", "Instant::now", "std::fs", "tokio::fs", "std::net::Tcp", "rand::", "tracing::", "println!"];
    for (name, code) in code() {
        if floor(&name) <= 2 && name != "clock.rs" {
            for word in forbidden {
                assert!(!code.contains(word), "{name} has {word}");
            }
        }
    }
}

/// Whether a word stands in some code, and not as the end of a longer one.
fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word)
        .any(|(at, _)| !code.get(..at).unwrap().ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// An answer is bytes that no reader has looked at, so that a message of the generated types is not the only way to one: the
/// constructor of [`portcullis::ext_authz::response::Answer`] is the other, and its doors stand in one file.
#[test]
fn only_the_response_file_builds_a_check_response() {
    let mut builders = Vec::new();
    for (name, code) in code() {
        let builds = ["CheckResponse {", "CheckResponse::default", "Answer("];
        if builds.iter().any(|word| has_word(&code, word)) {
            builders.push(name);
        }
    }
    assert_eq!(builders, ["ext_authz/response.rs"], "and there it is found: the words are the right ones");
}

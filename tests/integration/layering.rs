//! The arrows between modules: which may import which. They go one way: between the rooms of a crate by the list below, and in no ring anywhere, neither of
//! files nor of folders.

mod imports;
mod rings;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use imports::{Module, Sources};

/// The rooms of the engine, lowest first. A room imports from those before it.
const ENGINE: [&str; 12] = [
    "limits",
    "time",
    "digest",
    "strict_json",
    "reason",
    "oauth",
    "keys",
    "jwt",
    "token_cache",
    "request",
    "policy",
    "answer",
];

/// Above all rooms of the engine.
const AUTHORIZER: &str = "authorizer";

/// The rooms of the product, lowest first.
const PRODUCT: [&str; 13] = [
    "build_info",
    "limits",
    "clock",
    "printable",
    "client_text",
    "files",
    "document",
    "keystore",
    "ext_authz",
    "config",
    "tools",
    "service",
    "cli",
];

/// Rooms that don't know each other, though the list would let them.
const STRANGERS: [(&str, &str); 6] = [
    ("keystore", "document"),
    ("ext_authz", "document"),
    ("ext_authz", "files"),
    ("config", "ext_authz"),
    ("document", "clock"),
    ("document", "files"),
];

/// Crates with one home.
const HOMES: [(&str, &[&str]); 13] = [
    // The second one names events that h2 traces.
    ("h2", &["src/ext_authz/transport/connection/", "src/service/telemetry/rejected_calls.rs"]),
    ("hyper", &["src/ext_authz/", "src/service/admin/connection.rs", "src/cli/health/"]),
    ("hyper_util", &["src/ext_authz/transport/connection.rs", "src/service/admin/connection.rs", "src/cli/health/"]),
    ("notify", &["src/service/reload/watch.rs", "src/service/reload/watch/"]),
    (
        "rustix",
        &[
            "src/service/listen/descriptors.rs",
            "src/files.rs",
            "src/service/reload/watch/",
            "src/service/telemetry/process.rs",
        ],
    ),
    ("tonic", &["src/ext_authz/", "src/cli/health/grpc.rs"]),
    ("prost", &["src/ext_authz/"]),
    ("prost_types", &["src/ext_authz/", "src/tools/simulate/timestamp.rs"]),
    ("reqwest", &["src/keystore/fetch.rs", "src/keystore/fetch/"]),
    ("jsonwebtoken", &["engine/src/keys/key.rs", "engine/src/keys/key/"]),
    (
        "aws_lc_rs",
        &[
            "engine/src/digest.rs",
            "engine/src/keys/key.rs",
            "engine/src/keys/key/",
            "engine/src/keys/key_set.rs",
            "src/tools/simulate/mint/",
        ],
    ),
    ("dashmap", &["src/keystore/store.rs", "src/keystore/store/"]),
    ("serde_saphyr", &["src/document/"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn crates() -> [(&'static str, Sources); 3] {
    ["engine/src", "src", "demo/src"].map(|directory| (directory, Sources::read(&root().join(directory))))
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Each file of the engine and the product with its code, without comments and unit tests.
fn code() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for path in ["engine/src", "src"].iter().flat_map(|directory| files(&root().join(directory))) {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        if name.ends_with("tests.rs") || name.contains("/tests/") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        all.push((name, lines.collect::<Vec<_>>().join("\n")));
    }
    assert!(all.len() > 200, "the walk found too little to mean anything: {}", all.len());
    all
}

/// Sources by the paths of their files and their code.
fn sources(files: &[(&str, &str)]) -> Sources {
    let module = |path: &str| path.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect::<Module>();
    Sources(files.iter().map(|(path, code)| (module(path), (*code).to_owned())).collect())
}

#[test]
fn no_files_import_in_a_ring() {
    for (name, sources) in crates() {
        assert_eq!(rings::of_files(&sources.imports()), Vec::<Vec<String>>::new(), "{name}");
    }
}

#[test]
fn no_folders_import_in_a_ring() {
    for (name, sources) in crates() {
        assert_eq!(rings::of_folders(&sources.imports()), Vec::<Vec<String>>::new(), "{name}");
    }
}

#[test]
fn a_planted_ring_is_found_however_it_is_written() {
    for (path, planted) in [
        ("limits", "use crate::policy::rule::Rule;"),
        ("reason/table", "fn f() { let _ = crate::authorizer::Authorizer::new; }"),
        ("keys/key/material", "use super::super::key::VerificationKey;"),
        ("keys/key/material", "use crate::{digest::sha256, keys::{key_set::KeySet, secret}};"),
        ("jwt/claims", "type T = super::verifier::Verifier;"),
        ("request/escape", "fn f() { println!(\"{}\", super::path::CanonicalPath::parse(\"/\").is_ok()); }"),
        ("oauth/scope", "mod inside { use super::super::challenge::scope_attribute; }"),
    ] {
        let (_, mut sources) = crates().into_iter().next().unwrap();
        let module: Module = path.split('/').map(str::to_owned).collect();
        sources.0.get_mut(&module).unwrap_or_else(|| panic!("{path}")).push_str(planted);
        let found = rings::of_files(&sources.imports());
        assert!(found.iter().any(|ring| ring.iter().any(|file| file == path)), "{path}: {planted}: {found:?}");
    }
}

#[test]
fn imports_are_resolved() {
    let imports = sources(&[
        ("", "pub mod a; pub use self::a::b::B;"),
        ("a", "mod b; pub use b::B; #[cfg(test)] mod tests;"),
        ("a/b", "use super::c::{self, D as E}; fn f() -> crate::d::F { vec![crate::e::G] }"),
        ("a/c", "#[cfg(test)] mod tests { use crate::d::*; } mod own { use super::super::b; }"),
        ("a/tests", "use crate::e::*;"),
        ("d", ""),
        ("e", "use std::fmt; use other::a::b; impl crate::d::T for () { #[cfg(test)] fn f() { crate::a::x() } }"),
    ])
    .imports();
    let text = |module: &Module| if module.is_empty() { "lib".to_owned() } else { module.join("/") };
    let all: Vec<String> = imports
        .iter()
        .flat_map(|(from, to)| to.iter().map(move |to| format!("{} -> {}", text(from), text(to))))
        .collect();
    assert_eq!(all, ["lib -> a/b", "a -> a/b", "a/b -> a/c", "a/b -> d", "a/b -> e", "a/c -> a/b", "e -> d"]);
}

#[test]
fn rings_are_found_between_folders_whose_files_have_none() {
    let imports = sources(&[
        ("a", "mod one; mod three;"),
        ("b", "mod two; mod four;"),
        ("a/one", "use crate::b::two;"),
        ("a/three", ""),
        ("b/two", ""),
        ("b/four", "use crate::a::three;"),
    ])
    .imports();
    assert!(rings::of_files(&imports).is_empty());
    assert_eq!(rings::of_folders(&imports), [["/a", "/b", "/a"]], "{imports:?}");
}

#[test]
fn no_room_imports_from_a_higher_one() {
    let engine: Vec<&str> = ENGINE.into_iter().chain([AUTHORIZER]).collect();
    for ((directory, sources), order) in crates().into_iter().zip([engine, PRODUCT.to_vec()]) {
        let floor = |room: &str| {
            order
                .iter()
                .position(|one| *one == room)
                .unwrap_or_else(|| panic!("{directory}/{room} has no place in the list"))
        };
        let mut wrong = BTreeSet::new();
        for (from, to) in sources.imports() {
            let Some(own) = from.first().filter(|room| *room != "main") else { continue };
            for other in to.iter().filter_map(|module| module.first()) {
                let are_strangers = STRANGERS.contains(&(own, other)) && directory == "src";
                if floor(other) > floor(own) || are_strangers {
                    wrong.insert(format!("{} imports from {other}", from.join("/")));
                }
            }
        }
        assert_eq!(wrong, BTreeSet::new(), "{directory}");
    }
}

#[test]
fn the_engine_depends_on_nothing_asynchronous() {
    let cargo = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--package", "portcullis-engine"])
        .args(["--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .unwrap();
    let tree = String::from_utf8(cargo.stdout).unwrap();
    assert!(cargo.status.success() && tree.contains("jsonwebtoken"), "{tree}");
    for line in tree.lines() {
        let name = line.split(' ').next().unwrap();
        let is_asynchronous =
            ["tokio", "tonic", "hyper", "futures", "async", "tracing", "mio", "tower", "reqwest", "log", "rand"];
        assert!(!is_asynchronous.iter().any(|one| name == *one || name.starts_with(&format!("{one}-"))), "{line}");
    }
}

/// With that feature any code can make a verified token without a verifier.
#[test]
fn only_tests_use_what_is_there_for_tests() {
    for manifest in ["Cargo.toml", "demo/Cargo.toml"] {
        let text = fs::read_to_string(root().join(manifest)).unwrap();
        let (_, after) = text.split_once("\n[dependencies]\n").unwrap();
        let (dependencies, _) = after.split_once("\n[").unwrap();
        let engine = dependencies.lines().find(|line| line.starts_with("portcullis-engine = ")).unwrap();
        assert!(!engine.contains("testing"), "{manifest}: {engine}");
    }
}

#[test]
fn the_engine_has_no_clock_no_io_no_randomness_and_no_log() {
    let forbidden = [
        "SystemTime::now",
        "Instant::now",
        "std::fs",
        "std::net::Tcp",
        "std::env",
        "std::process",
        "std::thread",
        "rand::",
        "RandomState::new",
        "println!",
    ];
    for (name, code) in code().iter().filter(|(name, _)| name.starts_with("engine/")) {
        for word in forbidden {
            assert!(!code.contains(word), "{name} has {word}");
        }
    }
}

/// Cargo refuses the demo as a dependency of the product, which it depends on, but not of the product's unit tests. These would
/// have two copies of every type.
#[test]
fn the_demo_is_not_used_by_the_product() {
    for path in ["engine/src", "src"].iter().flat_map(|directory| files(&root().join(directory))) {
        assert!(!fs::read_to_string(&path).unwrap().contains("portcullis_demo"), "{}", path.display());
    }
}

#[test]
fn crates_stay_in_their_homes() {
    let mut wrong = Vec::new();
    for (name, code) in code() {
        for (krate, homes) in HOMES {
            if has_word(&code, &format!("{krate}::")) && !homes.iter().any(|home| name.starts_with(home)) {
                wrong.push(format!("{name} uses {krate}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Whether a word stands in some code, and not as the end of a longer one.
fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word)
        .any(|(at, _)| !code.get(..at).unwrap().ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
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
    assert_eq!(builders, ["src/ext_authz/response.rs"], "and there it is found: the words are the right ones");
}

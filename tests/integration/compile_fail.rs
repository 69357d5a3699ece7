//! Forgetting a check does not compile.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

/// The engine as Cargo has compiled it for these tests. Compiling it once more, with all that it needs, takes minutes.
fn library(dependencies: &Path) -> PathBuf {
    let is_library = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("libportcullis_engine-") && name.ends_with(".rlib")
    };
    let compiled =
        |path: &PathBuf| fs::metadata(path).and_then(|file| file.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let files = fs::read_dir(dependencies).unwrap().map(|entry| entry.unwrap().path());
    files.filter(is_library).max_by_key(compiled).unwrap()
}

/// Returns what the compiler says of a program that uses the engine, without its closing lines.
fn errors(program: &str) -> String {
    let (test, output) = (env::current_exe().unwrap(), tempfile::tempdir().unwrap());
    let dependencies = test.parent().unwrap();
    let compiled = Command::new("rustc")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["--edition=2024", "--emit=metadata", "--color=never", "--cap-lints=allow", program])
        .args(["-L", &format!("dependency={}", dependencies.display())])
        .args(["--extern", &format!("portcullis_engine={}", library(dependencies).display())])
        .arg("--out-dir")
        .arg(output.path())
        .output()
        .unwrap();
    let text = String::from_utf8(compiled.stderr).unwrap();
    let is_closing =
        |line: &str| line.starts_with("error: aborting due to") || line.starts_with("For more information");
    text.lines().filter(|line| !is_closing(line)).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

#[test]
fn proofs_cannot_be_forged_and_tokens_cannot_be_printed() {
    for name in ["forged_permit", "forged_verified_token", "printed_access_token"] {
        let program = format!("tests/compile_fail/{name}.rs");
        let said = errors(&program);
        let expected = fs::read_to_string(Path::new(&program).with_extension("stderr")).unwrap();
        assert_eq!(said, expected.trim_end(), "{program} is to fail with this alone:\n{said}");
    }
}

#[test]
fn a_program_that_keeps_to_the_rules_compiles() {
    assert_eq!(errors("tests/compile_fail/good.rs"), "");
}

//! The corpus of Envoy configurations consists of what there can be: this Envoy accepts each of its bootstrap files, but for those
//! that are said to be refused.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use crate::support::envoy::Version;

/// The number of Envoys that run at once.
const AT_ONCE: usize = 2;

#[test]
fn envoy_takes_each_bootstrap_file_of_the_corpus_as_it_is_said_to() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/envoy");
    let mut files: Vec<PathBuf> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind != "expect"));
    assert!(files.len() > AT_ONCE, "{} files", files.len());
    let wrong: Vec<String> = thread::scope(|scope| {
        let parts = files.chunks(files.len().div_ceil(AT_ONCE));
        let running: Vec<_> = parts
            .map(|part| scope.spawn(|| part.iter().filter_map(|file| differs(file)).collect::<Vec<_>>()))
            .collect();
        running.into_iter().flat_map(|part| part.join().unwrap()).collect()
    });
    assert_eq!(wrong, Vec::<String>::new());
}

/// Returns a description of what Envoy makes of a file where its expectation says otherwise.
fn differs(file: &Path) -> Option<String> {
    let name = file.file_name().unwrap().to_str().unwrap();
    let (stem, _) = name.split_once('.').unwrap();
    let expectation = fs::read_to_string(file.with_file_name(format!("{stem}.expect"))).unwrap();
    let expected = expectation.lines().find_map(|line| line.strip_prefix("envoy: ")).unwrap();
    if expected == "no bootstrap" {
        return None;
    }
    let mut command = Command::new(Version::default().program());
    command.args(["--mode", "validate", "-l", "error", "-c"]).arg(file).stdin(Stdio::null());
    let output = command.output().unwrap();
    let found = if output.status.success() { "accepts" } else { "refuses" };
    (found != expected).then(|| format!("{name}: Envoy {found} it: {}", String::from_utf8_lossy(&output.stderr)))
}

//! Files that are no configuration, through the real binary: a clear error each, within bounds of memory and time that
//! the system enforces.

mod cases;

use std::process::Stdio;

use futures_util::{StreamExt as _, stream};
use tokio::process::Command;

/// KiB of address space: generous for a debug build, whose own code and stacks are most of it.
const MEMORY: u32 = 1024 * 1024;
/// Seconds of processor time, which a busy machine does not use up.
const SECONDS: u32 = 60;

/// Runs `check` on the file within these bounds. `None`: it was stopped, or stopped itself, for want of memory or time.
async fn check(file: &std::path::Path, memory: u32, seconds: u32) -> (Option<i32>, String) {
    let bounds = format!("ulimit -v {memory} && ulimit -t {seconds} && exec \"$0\" check \"$1\"");
    let mut command = Command::new("sh");
    command.args(["-c", &bounds, env!("CARGO_BIN_EXE_portcullis")]).arg(file);
    command.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), said)
}

/// What is wrong with what is said about the file.
async fn fault_of((name, bytes, told): cases::Case) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("portcullis.yaml");
    std::fs::write(&file, bytes).unwrap();
    let (code, said) = check(&file, MEMORY, SECONDS).await;
    let is_clear = said.contains(told) && said.contains('×') && said.len() < 64 * 1024 && !said.contains("panicked");
    let is_plain = !said.chars().any(|c| c.is_control() && c != '\n');
    let fault = || format!("{name}: {code:?}, not {told:?}: {}", said.chars().take(600).collect::<String>());
    let is_wrong = code != Some(2) || !is_clear || !is_plain;
    is_wrong.then(fault)
}

#[tokio::test]
async fn a_bad_file_is_a_clear_error_within_bounds() {
    let faults = stream::iter(cases::all()).map(fault_of).buffered(2).filter_map(async |fault| fault);
    let faults: Vec<String> = faults.collect().await;
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

#[tokio::test]
async fn what_is_no_file_is_a_clear_error_within_bounds() {
    let dir = tempfile::tempdir().unwrap();
    for (path, told) in [
        (dir.path().to_owned(), "it is a directory, not a regular file"),
        (dir.path().join("missing.yaml"), "no such file"),
        ("/dev/zero".into(), "it is a device, not a regular file"),
        ("/dev/null".into(), "it is a device, not a regular file"),
    ] {
        let (code, said) = check(&path, MEMORY, SECONDS).await;
        assert!(code == Some(2) && said.contains(told), "{}: {code:?} {said}", path.display());
    }
}

/// Otherwise the bounds above would hold for nothing.
#[tokio::test]
async fn the_bounds_are_enforced() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("portcullis.yaml");
    std::fs::write(&file, format!("routes: [{}]\n", "a,".repeat(3_900_000))).unwrap();
    assert_ne!(check(&file, 64 * 1024, SECONDS).await.0, Some(2), "64 MiB are not enough for two million values");
}

//! Tests of the texts for people and of the exit codes.
#![expect(clippy::unwrap_used, reason = "tests")]

use portcullis::printable::is_printable;
use tokio::process::Command;

/// Runs the program to its end: exit code and what it said on both outputs.
async fn run(arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis-demo"));
    let output = command.args(arguments).env_clear().kill_on_drop(true).output().await.unwrap();
    let text = format!("{}{}", String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(text.chars().all(|c| c == '\n' || is_printable(c)), "{arguments:?}: {text:?}");
    (output.status.code().unwrap(), text)
}

#[tokio::test]
async fn help_has_examples() {
    for command in [&[][..], &["issuer"], &["upstream"], &["quickstart"]] {
        let (code, text) = run(&[command, &["--help"]].concat()).await;
        assert_eq!(code, 0);
        assert!(text.contains("Example"), "{command:?}: {text}");
    }
}

#[tokio::test]
async fn a_wrong_command_line_is_exit_2_and_printable() {
    // A title of a window, a colour, C1's way to write one, and two characters that turn text around.
    let odd = "\u{1b}]0;pwn\u{7}\u{1b}[31m\u{9b}31m\u{202e}\u{2066}x";
    for arguments in [&["isuer"][..], &[odd], &["--fault", odd], &["issuer", "--listen", odd]] {
        let (code, text) = run(arguments).await;
        assert!(code == 2 && text.starts_with("error: "), "{arguments:?}: {text}");
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_exit_1_and_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for part in ["issuer", "upstream"] {
        let (code, text) = run(&[part, "--listen", &address]).await;
        assert!(code == 1 && text.starts_with("error: ") && text.contains(&address), "{text}");
    }
}

#[tokio::test]
async fn a_program_that_is_missing_is_exit_2_and_named() {
    let (code, text) = run(&["--envoy-bin", "/nowhere/envoy"]).await;
    assert!(code == 2 && text.contains("`/nowhere/envoy`") && text.contains("--envoy-bin"), "{text}");

    let dir = tempfile::tempdir().unwrap();
    let envoy = program(&dir, "envoy", "echo 'envoy  version: 0/1.40.0/Clean/RELEASE/BoringSSL'");
    let other = program(&dir, "other", "echo 'other 0.1.0'");
    for portcullis in ["/nowhere/portcullis", &other] {
        let (code, text) = run(&["--envoy-bin", &envoy, "--portcullis-bin", portcullis]).await;
        assert!(code == 2 && text.contains(&format!("`{portcullis}`")) && text.contains("--portcullis-bin"), "{text}");
    }
}

/// A script, as a program. A shell writes it: a file that this process had open for writing could be busy when it is started.
fn program(dir: &tempfile::TempDir, name: &str, script: &str) -> String {
    let path = dir.path().join(name);
    let write = r##"printf '#!/bin/sh\n%s\n' "$2" >"$1" && chmod +x "$1""##;
    let mut shell = std::process::Command::new("/bin/sh");
    assert!(shell.args(["-c", write, "sh"]).arg(&path).arg(script).status().unwrap().success());
    path.to_str().unwrap().to_owned()
}

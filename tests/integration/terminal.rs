//! Other people's texts as commands print, write and log them: nothing acts on a terminal or reads as something else.

use std::{fs, path::Path, process::Stdio};

use portcullis::printable::is_printable;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::support::process::portcullis;

/// A title of a window, a colour, C1's way to write one, and two characters that turn text around.
const ODD: &str = "\u{1b}]0;pwn\u{7}\u{1b}[31m\u{9b}31m\u{202e}\u{2066}x";

/// The hostile text inside a double-quoted YAML text.
const WRITTEN: &str = "\\e]0;pwn\\a\\e[31m\\x9b31m\\u202e\\u2066x";

/// Exit code, standard output and standard error, in which everything is printable.
async fn printed(dir: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = portcullis(arguments).current_dir(dir).output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    for text in [&out, &err] {
        assert!(text.chars().all(|c| c == '\n' || is_printable(c)), "{arguments:?}: {text:?}");
    }
    (output.status.code().unwrap(), out, err)
}

fn policy(path: &str) -> String {
    format!(
        "issuers: [{{ issuer: https://i.example/, audiences: [a], secret_env: \"A\" }}]\nroutes: [{{ path: {path}, access: public }}]\n"
    )
}

#[tokio::test]
async fn nothing_of_a_file_its_name_or_an_argument_acts_on_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let (bad, good, tests) = (format!("bad{ODD}.yaml"), format!("good{ODD}.yaml"), format!("tests{ODD}.yaml"));
    fs::write(dir.path().join(&bad), policy(&format!("\"/{WRITTEN}:y\""))).unwrap();
    fs::write(dir.path().join(&good), policy("/a")).unwrap();
    // A control character is an error there.
    let name = "{ name: \"\\u202e\\u2066y\", request: \"GET /\\u202e\", expect: allow }";
    fs::write(dir.path().join(&tests), format!("tests: [{name}]\n")).unwrap();
    for (arguments, code) in [
        (&["check", &bad][..], 2),
        (&["check", "--format", "json", &bad], 2),
        (&["check", ODD], 2),
        (&["check", "--envoy", &bad], 2),
        (&["check", "--allow", ODD, &good], 2),
        (&["test", "--config", &good, &tests], 1),
        (&["test", "--config", &good, "--format", "json", &tests], 1),
        (&["test", "--config", &good, "--junit", ODD, &tests], 1),
        (&["test", "--config", &good, "--filter", &format!("y{ODD}"), &tests], 2),
        (&["explain", "--config", &good, "--at", ODD, "/a"], 2),
        (&["explain", "--config", &good, "--policy", ODD, "/a"], 1),
        (&["explain", "--config", &good, "--host", ODD, &format!("/{ODD}")], 1),
        (&["explain", "--config", &good, "--format", "json", "--host", ODD, &format!("/{ODD}")], 1),
        (&["explain", "--config", &good, "-H", &format!("x-a: {ODD}"), "/a"], 0),
        (&["explain", "--config", &good, "--claims", &format!("{{\"sub\":\"{ODD}\"}}"), "/a"], 2),
        (&["explain", "--config", &good, "--claims", "{\"sub\":\"\u{202e}\"}", "/a"], 0),
        (&["explain", "--config", &good, "--token", &format!("@no{ODD}"), "/a"], 2),
        (&["explain", "--config", &good, "--check-request", &format!("no{ODD}")], 2),
        (&["health", "--config", &bad, "--timeout", ODD], 2),
        (&["serve", "--config", &bad, "--log", ODD], 2),
        (&["serve", "--config", &format!("no{ODD}")], 2),
        (&[ODD], 2),
        (&["demo", ODD], 2),
    ] {
        let (got, out, err) = printed(dir.path(), arguments).await;
        assert_eq!(got, code, "{arguments:?}: {out}{err}");
    }
    let report = fs::read_to_string(dir.path().join(ODD)).unwrap();
    assert!(report.contains("\\u{202e}") && report.chars().all(|c| c == '\n' || is_printable(c)), "{report:?}");
}

#[tokio::test]
async fn json_still_names_the_file_that_was_meant() {
    let dir = tempfile::tempdir().unwrap();
    let name = format!("bad{ODD}.yaml");
    fs::write(dir.path().join(&name), "routes: []\n").unwrap();
    let (_, out, _) = printed(dir.path(), &["check", "--format", "json", &name]).await;
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["problems"][0]["file"], name.as_str());
}

#[tokio::test]
async fn the_log_is_printable_in_both_formats() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(format!("p{ODD}.yaml"));
    // A warning of the start repeats the method.
    let route = "{ path: /a, access: public, methods: [GET, gET], id: x }";
    fs::write(
        &file,
        format!("listen: {{ grpc: \"unix:{0}/s\", admin: off }}\nroutes: [{route}]\n", dir.path().display()),
    )
    .unwrap();
    for format in ["text", "json"] {
        let mut command = portcullis(&["serve", "--config", file.to_str().unwrap(), "--log-format", format]);
        let mut child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut log = String::new();
        // The line about the configuration names the file.
        while !log.contains("pwn") {
            log.push_str(&lines.next_line().await.unwrap().unwrap());
        }
        assert!(log.contains("202e") && log.chars().all(is_printable), "{log:?}");
    }
}

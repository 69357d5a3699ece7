//! Files that are still being written, and names that lead to no file, as a process meets them: at its start, when it loads
//! its configuration anew, and in the commands that read one.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::{fs::symlink, net::UnixListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::io::AsyncWriteExt as _;

use crate::{
    reload::{Up, metrics, says_that_public_is_open, shut, status, tested, until},
    support::{config, issuer, process::portcullis},
};

fn pipe(path: &Path) -> PathBuf {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    path.to_owned()
}

/// A configuration in two parts: the first is a valid one that opens everything, and what shuts `/api/private` comes last.
fn in_two_parts(issuer: &str) -> (String, String) {
    let open = format!(
        "listen: {{ grpc: '127.0.0.1:0', admin: '127.0.0.1:0' }}\nissuers:\n  - {{ issuer: {issuer}, audiences: [{}] }}\n\
         routes:\n  - {{ path: '/**', access: public }}\n",
        crate::support::AUDIENCE
    );
    (open, "  - { path: /api/private, access: authenticated }\n".to_owned())
}

async fn private(up: &Up) -> u16 {
    up.status_of("/api/private").await
}

/// Runs a command to its end, with that on its standard input: exit code and what it said.
async fn run(arguments: &[&str], input: &str) -> (i32, String) {
    let mut child = portcullis(arguments).stdin(Stdio::piped()).spawn().unwrap();
    // One that does not read it may have ended by now.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
    let output = tokio::time::timeout(Duration::from_secs(60), child.wait_with_output()).await.unwrap().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_policy_does_not_count_for_as_long_as_its_writer_holds_it_open() {
    let issuer = issuer().await;
    let (half, rest) = in_two_parts(issuer.issuer());
    let up = Up::file(&config(issuer.issuer())).await;
    let first = status(&up.serve).await;
    let mut writer = File::create(up.path("portcullis.yaml")).unwrap();
    writer.write_all(half.as_bytes()).unwrap();
    let held = until(&up.serve, "a writer", |now| now["last_reload"]["outcome"] == "being_written").await;
    let error = held["last_reload"]["error"].as_str().unwrap();
    assert!(error.contains(&format!("process {} (", std::process::id())), "{error}");
    assert!(metrics(&up.serve).await.contains("portcullis_config_last_reload_successful 0\n"));
    // Longer than it was ever waited for.
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!((private(&up).await, &status(&up.serve).await["revision"]), (401, &first["revision"]));
    }
    up.serve.signal("HUP");
    let now =
        until(&up.serve, "an answer to SIGHUP", |now| now["last_reload"]["at"] != held["last_reload"]["at"]).await;
    assert_eq!((&now["last_reload"]["outcome"], &now["revision"]), (&"being_written".into(), &first["revision"]));
    writer.write_all(rest.as_bytes()).unwrap();
    drop(writer);
    up.until_other(&first).await;
    assert_eq!((private(&up).await, up.public().await), (401, 200));
    assert!(metrics(&up.serve).await.contains("portcullis_config_last_reload_successful 1\n"));
    let log = up.log().await;
    let told = log.lines().filter(|line| line.contains("is open for writing")).count();
    assert_eq!(told, 2, "once for the change, and once for SIGHUP: {log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_policy_whose_writer_moves_it_into_place_or_was_there_before_does_not_count() {
    let issuer = issuer().await;
    let (half, rest) = in_two_parts(issuer.issuer());
    let up = Up::file(&config(issuer.issuer())).await;
    let first = status(&up.serve).await;
    let mut writer = File::create(up.path("new")).unwrap();
    writer.write_all(half.as_bytes()).unwrap();
    fs::rename(up.path("new"), up.path("portcullis.yaml")).unwrap();
    let held = until(&up.serve, "a writer", |now| now["last_reload"]["outcome"] == "being_written").await;
    assert_eq!((private(&up).await, &held["revision"]), (401, &first["revision"]));
    // A good file in its place does not wait for who holds the old one.
    up.replace(&shut(issuer.issuer()));
    let second = up.until_other(&first).await;
    assert_eq!(up.public().await, 401);
    writer.write_all(rest.as_bytes()).unwrap();
    drop(writer);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(status(&up.serve).await["revision"], second["revision"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_waits_for_the_writer_and_does_without_half_a_policy() {
    let issuer = issuer().await;
    let (half, rest) = in_two_parts(issuer.issuer());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("portcullis.yaml");
    let mut writer = File::create(&path).unwrap();
    writer.write_all(half.as_bytes()).unwrap();
    let (code, said) = run(&["serve", "--config", path.to_str().unwrap()], "").await;
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("is open for writing, by process") && said.contains("after 5 s it is still open"), "{said}");
    let starting = Up::with(|dir| {
        // The same file, whose writer goes on a little later.
        fs::hard_link(&path, dir.join("portcullis.yaml")).unwrap();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(2));
            writer.write_all(rest.as_bytes()).unwrap();
        });
    });
    let up = starting.await;
    assert_eq!((private(&up).await, up.public().await), (401, 200));
    assert_eq!(status(&up.serve).await["last_reload"], serde_json::Value::Null, "it began with the whole one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_stands_in_place_of_the_file_reloading_goes_on_and_says_so() {
    let issuer = issuer().await;
    let (open, shut) = (config(issuer.issuer()), shut(issuer.issuer()));
    let up = Up::file(&open).await;
    let mut now = status(&up.serve).await;
    let socket = UnixListener::bind(up.path("socket")).unwrap();
    pipe(&up.path("pipe"));
    symlink("/dev/zero", up.path("endless")).unwrap();
    let wrong = [("pipe", "a named pipe"), ("endless", "a device"), ("socket", "a socket"), ("", "a directory")];
    for (index, (name, kind)) in wrong.into_iter().enumerate() {
        if name.is_empty() {
            fs::remove_file(up.path("portcullis.yaml")).unwrap();
            fs::create_dir(up.path("portcullis.yaml")).unwrap();
        } else {
            fs::rename(up.path(name), up.path("portcullis.yaml")).unwrap();
        }
        let is_said = format!("it is {kind}, not a regular file");
        until(&up.serve, kind, |now| now["last_reload"]["error"].to_string().contains(&is_said)).await;
        assert!(metrics(&up.serve).await.contains("portcullis_config_last_reload_successful 0\n"), "{kind}");
        up.serve.signal("HUP");
        tokio::time::sleep(Duration::from_millis(300)).await;
        if name.is_empty() {
            fs::remove_dir(up.path("portcullis.yaml")).unwrap();
        }
        let (good, public) = if index % 2 == 0 { (&shut, 401) } else { (&open, 200) };
        up.replace(good);
        now = up.until_other(&now).await;
        assert_eq!(up.public().await, public, "{kind}");
    }
    drop(socket);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_stands_in_place_of_a_file_that_it_names_reloading_goes_on() {
    let issuer = issuer().await;
    let (open, shut) = (config(issuer.issuer()), shut(issuer.issuer()));
    let up = Up::file(&open).await;
    pipe(&up.path("pipe"));
    let with = |field: &str| {
        open.replace(
            "issuers:",
            &format!("issuers:\n  - {{ issuer: 'https://other.example/', audiences: [a], {field} }}"),
        )
    };
    let mut now = status(&up.serve).await;
    for (index, (broken, outcome)) in [
        (format!("{open}tests: [pipe]\n"), "tests_failed"),
        (with("secret_file: pipe, algorithms: [HS256]"), "invalid"),
        (with("ca_file: pipe"), "invalid"),
    ]
    .into_iter()
    .enumerate()
    {
        up.replace(&broken);
        let failed = until(&up.serve, outcome, |now| now["last_reload"]["outcome"] == outcome).await;
        let error = failed["last_reload"]["error"].as_str().unwrap();
        assert!(outcome == "tests_failed" || error.contains("it is a named pipe, not a regular file"), "{error}");
        assert_eq!(failed["revision"], now["revision"]);
        let (good, public) = if index % 2 == 0 { (&shut, 401) } else { (&open, 200) };
        up.replace(good);
        now = up.until_other(&now).await;
        assert_eq!(up.public().await, public, "{outcome}");
    }
    // Keys may come later: what is no file is none yet, and the rest counts.
    for (field, public) in [("jwks_file: pipe", 401), ("public_key_file: pipe, algorithms: [EdDSA]", 200)] {
        let policy = with(field);
        up.replace(&match public {
            200 => policy,
            _ => policy.replace("/api/public, access: public", "/api/public, access: authenticated"),
        });
        now = up.until_other(&now).await;
        assert_eq!(up.public().await, public, "{field}");
    }
    let log = up.log().await;
    assert!(log.contains("the key file") && log.contains("it is a named pipe, not a regular file"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_file_of_tests_keeps_a_policy_out_until_it_is_closed() {
    let issuer = issuer().await;
    let up = Up::file(&config(issuer.issuer())).await;
    let first = status(&up.serve).await;
    says_that_public_is_open(up.dir.path());
    let writer = fs::OpenOptions::new().append(true).open(up.path("policy_test.yaml")).unwrap();
    let changed = tested(&config(issuer.issuer()));
    up.replace(&changed);
    let held = until(&up.serve, "a writer", |now| now["last_reload"]["outcome"] == "being_written").await;
    assert!(held.to_string().contains("policy_test.yaml"), "{held}");
    assert_eq!(held["revision"], first["revision"]);
    drop(writer);
    up.until_other(&first).await;
}

#[tokio::test]
async fn no_command_waits_at_a_pipe_that_it_was_not_started_with() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = pipe(&dir.path().join("pipe"));
    let pipe = pipe.to_str().unwrap();
    let policy = in_two_parts("https://issuer.example/").0;
    let good = dir.path().join("portcullis.yaml");
    fs::write(&good, &policy).unwrap();
    let good = good.to_str().unwrap();
    let input = format!("@{pipe}");
    for arguments in [
        &["serve", "--config", pipe][..],
        &["check", pipe],
        &["check", "--envoy", pipe],
        &["test", pipe],
        &["test", "--config", pipe],
        &["explain", "--config", pipe, "GET", "/"],
        &["explain", "--config", good, "--token", &input, "GET", "/"],
    ] {
        let (code, said) = run(arguments, "").await;
        assert!(code == 2 && said.contains("it is a named pipe"), "{arguments:?} {code}: {said}");
    }
}

#[tokio::test]
async fn standard_input_is_a_file_where_a_command_is_given_one() {
    let policy = in_two_parts("https://issuer.example/").0;
    let (code, said) = run(&["check", "/dev/stdin"], &policy).await;
    assert!(code == 0 && said.contains("/dev/stdin is good"), "{said}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("portcullis.yaml");
    fs::write(&path, &policy).unwrap();
    let tests = "tests: [{ name: open, request: GET /x, expect: allow }]\n";
    let (code, said) = run(&["test", "--config", path.to_str().unwrap(), "/dev/stdin"], tests).await;
    assert_eq!(code, 0, "{said}");
    let (code, said) = run(&["test", "--config", path.to_str().unwrap(), "/proc/self/fd/0"], tests).await;
    assert_eq!(code, 0, "{said}");
}

//! What the program says to people, and its exit codes.

use std::{net::TcpListener, path::Path};

use portcullis::limits;

use crate::support::{config, process::portcullis};

/// Runs it to its end: exit code and what it said on both outputs.
async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String) {
    let output = portcullis(arguments).envs(environment.iter().copied()).output().await.unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains('\u{1b}'), "no colours into a pipe: {text}");
    (output.status.code().unwrap(), text)
}

fn write(dir: &Path, text: impl AsRef<[u8]>) -> String {
    let path = dir.join("portcullis.yaml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn help_has_examples() {
    for command in [&["serve"][..], &["health"], &["check"], &["schema"], &["explain"], &["test"]] {
        let (code, text) = run(&[command, &["--help"]].concat(), &[]).await;
        assert_eq!(code, 0);
        assert!(text.contains("Example"), "{command:?}: {text}");
    }
}

#[tokio::test]
async fn the_demo_is_another_program_which_is_named() {
    for arguments in
        [&["demo"][..], &["demo", "--help"], &["demo", "issuer", "--listen", "127.0.0.1:0"], &["demo", "--once"]]
    {
        let (code, text) = run(arguments, &[]).await;
        assert_eq!(code, 2, "{arguments:?}: {text}");
        assert!(text.starts_with("error: ") && text.lines().count() == 1, "{arguments:?}: {text}");
        for told in ["`portcullis-demo`", "`make demo`", "`docker build --target demo`"] {
            assert!(text.contains(told), "{arguments:?}: {text}");
        }
    }
    assert!(include_str!("../../Makefile").contains("\ndemo:"));
    assert!(include_str!("../../Dockerfile").contains(" AS demo\n"));
    let (_, help) = run(&["--help"], &[]).await;
    assert!(help.contains("serve") && !help.contains("demo"), "{help}");
}

#[tokio::test]
async fn a_wrong_command_line_is_exit_2() {
    for arguments in [&[][..], &["sevre"], &["serve", "--confg", "x"], &["check"], &["serve", "--log-format", "xml"]] {
        assert_eq!(run(arguments, &[]).await.0, 2, "{arguments:?}");
    }
    let (_, text) = run(&["sevre"], &[]).await;
    assert!(text.contains("serve"), "did you mean: {text}");
}

#[tokio::test]
async fn the_number_of_threads_is_bounded() {
    for wrong in ["0", "257", "two", "1.5"] {
        for (arguments, environment) in
            [(&["serve", "--threads", wrong][..], vec![]), (&["serve"], vec![("PORTCULLIS_THREADS", wrong)])]
        {
            let (code, text) = run(arguments, &environment).await;
            assert_eq!(code, 2, "{wrong}: {text}");
            assert!(text.contains("--threads") || text.contains("PORTCULLIS_THREADS"), "{wrong}: {text}");
        }
    }
    // Good ones fail for want of a configuration only.
    for good in ["1", "256"] {
        let (code, text) = run(&["serve", "--threads", good], &[]).await;
        assert!(code == 2 && !text.contains("threads"), "{good}: {text}");
    }
}

#[tokio::test]
async fn the_drain_notice_is_bounded() {
    for wrong in ["5", "-1s", "1.5s", "five", "5m1ms", "1h"] {
        for (arguments, environment) in [
            (&["serve", &format!("--drain-notice={wrong}")][..], vec![]),
            (&["serve"], vec![("PORTCULLIS_DRAIN_NOTICE", wrong)]),
        ] {
            let (code, text) = run(arguments, &environment).await;
            assert_eq!(code, 2, "{wrong}: {text}");
            let error = text.lines().next().unwrap();
            assert!(error.contains(wrong) && error.contains("--drain-notice"), "{wrong}: {text}");
            assert!(
                error.ends_with("a time from 0s to 5m, written as a whole number with its unit: `500ms`, `5s`, `1m`")
            );
        }
    }
    // Good ones fail because there is no configuration.
    for good in ["0s", "500ms", "5m"] {
        let (code, text) = run(&["serve", "--drain-notice", good], &[]).await;
        assert!(code == 2 && text.contains("PORTCULLIS_ISSUER") && !text.contains("drain"), "{good}: {text}");
    }
}

#[tokio::test]
async fn starting_without_a_configuration_says_how_to_start() {
    let (code, text) = run(&["serve"], &[]).await;
    assert_eq!(code, 2);
    for word in ["--config", "PORTCULLIS_ISSUER", "PORTCULLIS_AUDIENCE"] {
        assert!(text.contains(word), "{word} not in {text}");
    }
}

#[tokio::test]
async fn configurations_that_cannot_be_read_are_exit_2() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing.yaml");
    for command in ["check", "serve"] {
        let arguments = |file: &str| -> Vec<String> {
            if command == "serve" {
                vec!["serve".into(), "--config".into(), file.into()]
            } else {
                vec!["check".into(), file.into()]
            }
        };
        let texts: [(&[u8], &str); 4] =
            [(b"routes: [", ""), (b"\xFF\xFE", "UTF-8"), (b"", ""), (b"isuers: []\n", "issuers")];
        for (text, told) in texts {
            let file = write(dir.path(), text);
            let arguments = arguments(&file);
            let (code, said) = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &[]).await;
            assert_eq!(code, 2, "{said}");
            assert!(said.contains(told), "{told} not in {said}");
        }
        let arguments = arguments(missing.to_str().unwrap());
        let (code, said) = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &[]).await;
        assert!(code == 2 && said.contains("no such file"), "{said}");
    }
}

#[tokio::test]
async fn all_problems_are_told_at_once_with_their_lines() {
    let dir = tempfile::tempdir().unwrap();
    let text = config("https://tenant.example.com/")
        .replace("access: public", "acess: public")
        .replace("scopes: [read:messages]", "scopes: ['read messages']")
        .replace("methods: [GET]", "methods: GET");
    let (code, said) = run(&["check", &write(dir.path(), text)], &[("PORTCULLIS_LISEN__GRPC", "x")]).await;
    assert_eq!(code, 2);
    for told in ["acess", "access", "read messages", "methods", "PORTCULLIS_LISEN__GRPC", "portcullis.yaml:6"] {
        assert!(said.contains(told), "{told} not in {said}");
    }
}

#[tokio::test]
async fn a_good_configuration_is_exit_0_and_the_samples_are_good() {
    let dir = tempfile::tempdir().unwrap();
    let (code, said) = run(&["check", &write(dir.path(), config("https://tenant.example.com/"))], &[]).await;
    assert!(code == 0 && said.contains("is good"), "{said}");
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/envoy/portcullis.yaml");
    let (code, said) = run(&["check", sample], &[]).await;
    assert!(code == 0 && said.contains("is good"), "{said}");
}

#[tokio::test]
async fn the_kubernetes_sample_holds_a_good_configuration() {
    let sample = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/envoy/kubernetes.yaml")).unwrap();
    let (_, rest) = sample.split_once("  portcullis.yaml: |\n").unwrap();
    let lines = rest.lines().take_while(|line| line.starts_with("    "));
    let text: String = lines.map(|line| format!("{}\n", line.strip_prefix("    ").unwrap())).collect();
    assert!(text.contains("routes:"), "{text}");
    let dir = tempfile::tempdir().unwrap();
    let (code, said) = run(&["check", &write(dir.path(), text)], &[]).await;
    assert!(code == 0 && said.contains("0 warnings"), "{said}");
}

#[tokio::test]
async fn the_samples_leave_time_for_a_whole_stop() {
    let parse = |text: &str| -> serde_json::Value { serde_saphyr::from_str(text).unwrap() };
    let stop = limits::DRAIN_NOTICE + limits::DRAIN_DEADLINE + limits::STOP_END;
    assert_eq!(stop.as_secs(), 26, "README.md and the samples say so");
    assert!(limits::STOP_END >= limits::EXIT_GRACE);
    let compose = include_str!("../../envoy/docker-compose.yaml");
    let services = &parse(compose)["services"];
    assert_eq!(services["portcullis"]["stop_grace_period"], "30s");
    assert!(compose.contains("up to 26 s: 5 s of notice (PORTCULLIS_DRAIN_NOTICE), 20 s for"));
    let kubernetes = include_str!("../../envoy/kubernetes.yaml");
    let documents = kubernetes.split("\n---\n").map(parse);
    let deployment = documents.into_iter().find(|document| document["kind"] == "Deployment").unwrap();
    let pod = &deployment["spec"]["template"]["spec"];
    let before = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64().unwrap();
    assert_eq!(before + stop.as_secs(), 31);
    assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() >= before + stop.as_secs());
    assert!(kubernetes.contains("up to 31 s: 5 s of `preStop`, 5 s of notice"));
}

#[tokio::test]
async fn a_port_in_use_is_exit_2_and_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), config("https://tenant.example.com/"));
    for variable in ["PORTCULLIS_LISTEN__GRPC", "PORTCULLIS_LISTEN__ADMIN"] {
        let (code, said) = run(&["serve", "--config", &file], &[(variable, &address)]).await;
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(&address) && said.contains("another process"), "{said}");
    }
}

/// Every YAML block of the README that is a whole configuration must load.
#[tokio::test]
async fn the_readmes_configurations_are_good() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let blocks =
        readme.split("```yaml\n").skip(1).filter_map(|block| block.split_once("\n```")).map(|(block, _)| block);
    let whole: Vec<&str> = blocks.filter(|block| block.contains("issuers:") && block.contains("routes:")).collect();
    assert!(!whole.is_empty());
    let dir = tempfile::tempdir().unwrap();
    for block in whole {
        let (code, said) = run(&["check", &write(dir.path(), block)], &[]).await;
        assert_eq!(code, 0, "{block}\n{said}");
    }
}

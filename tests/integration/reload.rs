//! The configuration loaded anew, as a process: what triggers it, and what a broken file changes.

use std::{fs, os::unix::fs::symlink, path::Path, time::Duration};

use serde_json::Value;

use portcullis::service::Pace;
use portcullis_demo::issuer::TokenRequest;

use crate::{
    lifecycle::slow_issuer,
    support::{
        check::{Client, get},
        config, issuer,
        process::Serve,
        scoped,
        service::TestService,
    },
};

/// The configuration with another answer for `/api/public`.
pub(crate) fn shut(issuer: &str) -> String {
    config(issuer).replace("/api/public, access: public", "/api/public, access: authenticated")
}

pub(crate) async fn status(serve: &Serve) -> Value {
    let page = reqwest::get(format!("http://{}/readyz", serve.admin)).await.unwrap();
    assert_eq!(page.status(), 200, "the last good configuration is in force");
    serde_json::from_str::<Value>(&page.text().await.unwrap()).unwrap()["config"].clone()
}

pub(crate) async fn metrics(serve: &Serve) -> String {
    reqwest::get(format!("http://{}/metrics", serve.admin)).await.unwrap().text().await.unwrap()
}

/// Waits until the status is as asked.
pub(crate) async fn until(serve: &Serve, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..1500 {
        last = status(serve).await;
        if is_so(&last) {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not in half a minute: {what}: {last}");
}

pub(crate) struct Up {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) serve: Serve,
    client: Client,
}

impl Up {
    /// `portcullis.yaml`, as `place` puts it into a directory.
    pub(crate) async fn with(place: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        place(dir.path());
        let path = dir.path().join("portcullis.yaml");
        let serve = Serve::start(&["--config", path.to_str().unwrap()], &[]).await;
        for _ in 0..1500 {
            if reqwest::get(format!("http://{}/readyz", serve.admin)).await.is_ok_and(|page| page.status() == 200) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let client = Client::connect(serve.grpc).await;
        Self { dir, serve, client }
    }

    pub(crate) async fn file(text: &str) -> Self {
        Self::with(|dir| fs::write(dir.join("portcullis.yaml"), text).unwrap()).await
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// As editors do.
    pub(crate) fn replace(&self, text: &str) {
        fs::write(self.path(".portcullis.yaml.new"), text).unwrap();
        fs::rename(self.path(".portcullis.yaml.new"), self.path("portcullis.yaml")).unwrap();
    }

    pub(crate) async fn public(&self) -> u16 {
        self.status_of("/api/public").await
    }

    /// Returns the status of a request without credentials.
    pub(crate) async fn status_of(&self, path: &str) -> u16 {
        self.client.send(&get(path)).await.status
    }

    /// Stops it, and waits for its end: what it logged.
    pub(crate) async fn log(self) -> String {
        drop(self.client);
        self.serve.signal("TERM");
        let (code, log) = self.serve.ended().await;
        assert_eq!(code, Some(0), "{log}");
        log
    }

    /// Waits for a configuration other than that one.
    pub(crate) async fn until_other(&self, than: &Value) -> Value {
        let now = until(&self.serve, "another revision", |now| now["revision"] != than["revision"]).await;
        assert_eq!(now["last_reload"]["ok"], true, "{now}");
        now
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_written_in_place_or_moved_there_is_in_force_and_costs_no_fetch() {
    let issuer = issuer().await;
    let (open, shut) = (config(issuer.issuer()), shut(issuer.issuer()));
    let up = Up::file(&open).await;
    let first = status(&up.serve).await;
    assert_eq!((up.public().await, first["last_reload"].is_null()), (200, true));
    fs::write(up.path("portcullis.yaml"), &shut).unwrap();
    let second = up.until_other(&first).await;
    assert_eq!(up.public().await, 401);
    up.replace(&open);
    let third = up.until_other(&second).await;
    assert_eq!((up.public().await, &third["revision"]), (200, &first["revision"]));
    assert_eq!(up.client.send(&get("/api/private").bearer(&scoped(&issuer, ""))).await.status, 200);
    assert_eq!(issuer.key_set_reads(), 1, "its keys stayed");
    let text = metrics(&up.serve).await;
    assert!(text.contains("portcullis_config_reloads_total{outcome=\"success\"} 2\n"), "{text}");
    assert!(text.contains("portcullis_config_loaded_timestamp_seconds "), "{text}");
    assert!(text.contains(r#"code="ok",rule="* /api/public"} 2"#), "counters go on: {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_config_maps_swap_is_a_reload() {
    let issuer = issuer().await;
    let write = |dir: &Path, version: &str, text: &str| {
        fs::create_dir(dir.join(version)).unwrap();
        fs::write(dir.join(version).join("portcullis.yaml"), text).unwrap();
        symlink(version, dir.join("..data_tmp")).unwrap();
        fs::rename(dir.join("..data_tmp"), dir.join("..data")).unwrap();
    };
    let up = Up::with(|dir| {
        write(dir, "..2026_01", &config(issuer.issuer()));
        symlink("..data/portcullis.yaml", dir.join("portcullis.yaml")).unwrap();
    })
    .await;
    let mut revision = status(&up.serve).await;
    for (old, new, text, public) in [
        ("..2026_01", "..2026_02", shut(issuer.issuer()), 401),
        ("..2026_02", "..2026_03", config(issuer.issuer()), 200),
        ("..2026_03", "..2026_04", shut(issuer.issuer()), 401),
    ] {
        write(up.dir.path(), new, &text);
        fs::remove_dir_all(up.path(old)).unwrap();
        revision = up.until_other(&revision).await;
        assert_eq!(up.public().await, public);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_file_changes_nothing_and_a_good_one_after_it_counts() {
    let issuer = issuer().await;
    let open = config(issuer.issuer());
    let up = Up::file(&open).await;
    let first = status(&up.serve).await;
    let mut at = Value::Null;
    for broken in
        [String::new(), format!("{open}routs: []\n"), open.chars().take(open.len() / 2).collect(), "\0".to_owned()]
    {
        up.replace(&broken);
        let reload = |now: &Value| now["last_reload"]["error"].clone();
        let now = until(&up.serve, &broken, |now| now["last_reload"]["ok"] == false && reload(now) != at).await;
        at = reload(&now);
        assert!(at.as_str().unwrap().contains("portcullis.yaml"), "{at}");
        assert_eq!((&now["revision"], &now["loaded_at"]), (&first["revision"], &first["loaded_at"]));
        assert_eq!(up.public().await, 200);
    }
    assert!(metrics(&up.serve).await.contains("portcullis_config_last_reload_successful 0\n"));
    fs::remove_file(up.path("portcullis.yaml")).unwrap();
    until(&up.serve, "removed", |now| now["last_reload"]["outcome"] == "unreadable").await;
    assert_eq!(up.public().await, 200);
    up.replace(&shut(issuer.issuer()));
    up.until_other(&first).await;
    assert_eq!(up.public().await, 401);
    assert!(metrics(&up.serve).await.contains("portcullis_config_last_reload_successful 1\n"));
    drop(up.client);
    up.serve.signal("TERM");
    let (code, log) = up.serve.ended().await;
    let errors = log.lines().filter(|line| line.contains("the last good one stays in force"));
    assert!(code == Some(0) && errors.count() >= 5, "{log}");
    let line = open.lines().count() + 1;
    assert!(log.contains(&format!("portcullis.yaml:{line}:1")) && log.contains("no field `routs`"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_loads_also_what_has_not_changed_and_kills_nobody() {
    let issuer = issuer().await;
    let up = Up::file(&config(issuer.issuer())).await;
    let first = status(&up.serve).await;
    up.serve.signal("HUP");
    let now = until(&up.serve, "a reload", |now| now["last_reload"]["ok"] == true).await;
    assert_eq!((&now["revision"], &now["last_reload"]["outcome"]), (&first["revision"], &"success".into()));
    assert_eq!((up.public().await, issuer.key_set_reads()), (200, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_file_sighup_changes_nothing_and_says_so() {
    let issuer = issuer().await;
    let environment = [
        ("PORTCULLIS_ISSUER", issuer.issuer()),
        ("PORTCULLIS_AUDIENCE", crate::support::AUDIENCE),
        ("PORTCULLIS_LISTEN__GRPC", "127.0.0.1:0"),
        ("PORTCULLIS_LISTEN__ADMIN", "127.0.0.1:0"),
    ];
    let serve = Serve::start(&[], &environment).await;
    let client = Client::connect(serve.grpc).await;
    serve.signal("HUP");
    assert_eq!(client.send(&get("/").bearer(&scoped(&issuer, ""))).await.status, 200);
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(client);
    serve.signal("TERM");
    let (code, log) = serve.ended().await;
    assert!(code == Some(0) && log.contains("SIGHUP changes nothing"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn issuers_come_change_and_go() {
    let (first, second) = (issuer().await, issuer().await);
    let alone = config(first.issuer());
    let more = format!("issuers:\n  - {{ issuer: {}, audiences: [{}] }}", second.issuer(), crate::support::AUDIENCE);
    let both = alone.replace("issuers:", &more);
    let up = Up::file(&alone).await;
    let of = |issuer| get("/api/private").bearer(&scoped(issuer, ""));
    let (mine, theirs) = (of(&first), of(&second));
    let mut revision = status(&up.serve).await;
    assert_eq!(up.client.send(&theirs).await.reason, "token_unknown_issuer");
    up.replace(&both);
    revision = up.until_other(&revision).await;
    assert_eq!(second.key_set_reads(), 1, "before it is in force");
    for ask in [&mine, &theirs] {
        assert_eq!(up.client.send(ask).await.status, 200);
    }
    // The same issuer, whose keys are now said to be elsewhere: at an issuer that has others.
    let source = format!("- {{ issuer: {}, jwks_uri: {}jwks,", second.issuer(), first.issuer());
    up.replace(&both.replace(&format!("- {{ issuer: {},", second.issuer()), &source));
    revision = up.until_other(&revision).await;
    assert_ne!(up.client.send(&theirs).await.status, 200, "its old keys do not vouch, nor what was remembered");
    assert_eq!(up.client.send(&mine).await.status, 200);
    up.replace(&alone);
    up.until_other(&revision).await;
    assert_eq!(up.client.send(&theirs).await.reason, "token_unknown_issuer");
    assert_eq!(up.client.send(&mine).await.status, 200);
    assert!(!metrics(&up.serve).await.contains(&format!("jwks_keys{{issuer=\"{}\"", second.issuer())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_listeners_are_reported_and_the_rest_is_applied() {
    let issuer = issuer().await;
    let up = Up::file(&config(issuer.issuer())).await;
    let first = status(&up.serve).await;
    up.replace(&shut(issuer.issuer()).replace("admin: '127.0.0.1:0'", "admin: 'off'"));
    let now = up.until_other(&first).await;
    assert_eq!((up.public().await, &now["restart_needed_for"]), (401, &serde_json::json!(["listen.admin"])));
    drop(up.client);
    up.serve.signal("TERM");
    let (_, log) = up.serve.ended().await;
    assert!(log.contains("this change needs a restart"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_waits_for_a_key_ends_under_the_configuration_it_began_with() {
    let (minter, other) = (issuer().await, issuer().await);
    let name = slow_issuer(minter.jwk_set().to_string(), Duration::from_millis(1500)).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("portcullis.yaml");
    fs::write(&path, config(&name)).unwrap();
    let service = TestService::launch_file(&path, Pace { quiet: Duration::from_millis(5), ..Pace::default() }).await;
    let client = service.client().await;
    let token = minter.mint(&TokenRequest::new().subject("auth0|7").claim("iss", name.as_str())).unwrap();
    let ask = get("/api/private").bearer(&token);
    let renamed = "identity: { headers: { subject: x-other } }\nroutes:";
    let swap = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        // Its issuer is no more, its headers have other names, and so has its rule.
        let text = config(other.issuer()).replace("routes:", renamed).replace("authenticated", "authenticated, id: b");
        fs::write(dir.path().join("new"), text).unwrap();
        fs::rename(dir.path().join("new"), &path).unwrap();
        for _ in 0..1500 {
            if service.page("/metrics").await.1.contains("config_reloads_total{outcome=\"success\"} 1") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no reload in half a minute");
    };
    let (got, ()) = tokio::join!(client.try_within(&ask, Duration::from_secs(30)), swap);
    let got = got.unwrap();
    assert_eq!((got.status, got.rule.as_deref()), (200, Some("* /api/private")), "{got:?}");
    assert!(got.header("x-auth-subject").is_some() && got.header("x-other").is_none(), "{got:?}");
    let got = client.send(&ask).await;
    assert_eq!((got.reason.as_str(), got.rule.as_deref()), ("token_unknown_issuer", Some("b")), "{got:?}");
    assert_eq!(client.send(&get("/api/private").bearer(&scoped(&other, ""))).await.status, 200);
}

/// The configuration with tests of its own, which say that `/api/public` is open.
pub(crate) fn tested(config: &str) -> String {
    format!("{config}tests: [policy_test.yaml]\n")
}

pub(crate) fn says_that_public_is_open(dir: &Path) {
    fs::write(dir.join("policy_test.yaml"), "tests: [{ name: open, request: GET /api/public, expect: allow }]\n")
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_whose_own_tests_fail_never_counts() {
    let issuer = issuer().await;
    let (open, shut) = (config(issuer.issuer()), shut(issuer.issuer()));
    let up = Up::file(&open).await;
    says_that_public_is_open(up.dir.path());
    let first = status(&up.serve).await;
    up.replace(&tested(&open));
    let second = up.until_other(&first).await;
    up.replace(&tested(&shut));
    let failed = until(&up.serve, "red tests", |now| now["last_reload"]["outcome"] == "tests_failed").await;
    assert_eq!((up.public().await, &failed["revision"]), (200, &second["revision"]));
    assert!(failed.to_string().contains("policy_test.yaml:1"), "{failed}");
    fs::remove_file(up.path("policy_test.yaml")).unwrap();
    up.replace(&tested(&open.replace("/api/feed", "/api/food")));
    let gone =
        until(&up.serve, "no tests", |now| now["last_reload"]["error"].to_string().contains("no such file")).await;
    assert_eq!((&gone["last_reload"]["outcome"], &gone["revision"]), (&"tests_failed".into(), &second["revision"]));
    // Mended by what the file names alone: only a signal says so.
    fs::write(
        up.path("policy_test.yaml"),
        "tests: [{ name: shut, request: GET /api/public, expect: no_credentials }]\n",
    )
    .unwrap();
    up.replace(&tested(&shut));
    up.until_other(&second).await;
    assert_eq!(up.public().await, 401);
}

#[tokio::test]
async fn nor_does_it_by_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    says_that_public_is_open(dir.path());
    let path = dir.path().join("portcullis.yaml");
    fs::write(&path, tested(&shut("https://issuer.example/"))).unwrap();
    let arguments = ["serve", "--config", path.to_str().unwrap()];
    let serving =
        tokio::process::Command::new(env!("CARGO_BIN_EXE_portcullis")).args(arguments).kill_on_drop(true).output();
    let output = tokio::time::timeout(Duration::from_secs(60), serving).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("the policy's own tests fail") && said.contains("policy_test.yaml:1"), "{said}");
}

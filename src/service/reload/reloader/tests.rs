//! What a reload changes, and what it leaves alone.

mod fake;
mod issuers;
mod unsettled;

use std::fs;

use super::*;
use crate::service::telemetry::metrics::CheckDurations;
use fake::{Service, issuer, policy, with_issuers};

#[tokio::test(start_paused = true)]
async fn a_good_file_goes_into_force_in_one_step() {
    let mut service = Service::start(&policy("read")).await;
    let before = service.engine();
    service.write(&policy("write"));
    service.reloader.look(Trigger::File).await;
    let after = service.engine();
    assert_eq!(service.rule_ids(), ["write"]);
    assert_ne!(before.revision, after.revision);
    let status = service.status();
    assert_eq!(status["revision"], *after.revision);
    assert_eq!((&status["last_reload"]["ok"], &status["last_reload"]["outcome"]), (&true.into(), &"success".into()));
    assert_eq!(before.authorizer.policy().rules().count(), 1, "who has the old one keeps it whole");
}

#[tokio::test(start_paused = true)]
async fn what_has_not_changed_is_not_loaded_but_at_sighup() {
    let mut service = Service::start(&policy("read")).await;
    let before = service.engine();
    for trigger in [Trigger::File, Trigger::Poll] {
        service.reloader.look(trigger).await;
        assert!(Arc::ptr_eq(&before, &service.engine()) && service.status()["last_reload"].is_null(), "{trigger:?}");
    }
    service.reloader.look(Trigger::Hangup).await;
    assert!(!Arc::ptr_eq(&before, &service.engine()));
    assert_eq!((service.count("success"), service.fetches()), (1, 1), "and its keys are not fetched for that");
}

#[tokio::test(start_paused = true)]
async fn whatever_is_broken_leaves_the_last_good_one_in_force() {
    let mut service = Service::start(&policy("read")).await;
    let before = service.engine();
    let good = policy("read");
    for (text, place) in [
        (String::new(), "portcullis.yaml: the file is empty"),
        (good.get(..good.len() - 6).unwrap().to_owned(), "portcullis.yaml:"),
        (format!("{good}rout: []\n"), "portcullis.yaml:5:1"),
        ("- 1".to_owned(), "portcullis.yaml:1:1"),
    ] {
        service.write(&text);
        for trigger in [Trigger::File, Trigger::Hangup] {
            service.reloader.look(trigger).await;
            let status = service.status();
            let error = status["last_reload"]["error"].as_str().unwrap();
            assert!(error.contains(place) && status["last_reload"]["ok"] == false, "{text:?}: {error}");
            assert!(Arc::ptr_eq(&before, &service.engine()), "{text:?}");
        }
        assert!(service.metrics().contains("config_last_reload_successful 0"), "{text:?}");
    }
    assert_eq!(service.count("invalid"), 8);
    service.write(&good);
    service.reloader.look(Trigger::File).await;
    assert!(Arc::ptr_eq(&before, &service.engine()), "it is the one in force");
    assert_eq!((service.count("unchanged"), service.status()["last_reload"]["ok"].as_bool()), (1, Some(true)));
    assert!(service.metrics().contains("config_last_reload_successful 1"));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_once_and_not_at_each_look() {
    let mut service = Service::start(&policy("read")).await;
    service.write("broken");
    for _ in 0..5 {
        service.reloader.look(Trigger::Poll).await;
    }
    assert_eq!(service.count("invalid"), 1);
    fs::remove_file(service.file()).unwrap();
    for _ in 0..5 {
        service.reloader.look(Trigger::Poll).await;
        service.reloader.look(Trigger::File).await;
    }
    assert_eq!(service.count("unreadable"), 1);
    service.write(&policy("write"));
    service.reloader.look(Trigger::Poll).await;
    assert_eq!((service.count("success"), service.rule_ids()), (1, vec!["write".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_policy_whose_own_tests_fail_does_not_go_into_force() {
    let mut service = Service::start(&policy("read")).await;
    let before = service.engine();
    let suite = |candidate: &candidate::Candidate<'_>| {
        let ids: Vec<&str> = candidate.config.policy.rule_ids().map(|id| id.as_str()).collect();
        assert!(candidate.text.contains("routes") && candidate.file.ends_with("portcullis.yaml"));
        if ids == ["write"] { Ok(()) } else { Err(vec!["GET /x: expected 403, got 200".to_owned()]) }
    };
    service.reloader.reload.suite = Some(Arc::new(suite));
    service.write(&policy("admin"));
    service.reloader.look(Trigger::File).await;
    assert!(Arc::ptr_eq(&before, &service.engine()));
    let error = service.status()["last_reload"]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("expected 403, got 200") && service.count("tests_failed") == 1, "{error}");
    service.reloader.look(Trigger::File).await;
    assert_eq!(service.count("tests_failed"), 2, "what failed may depend on other files: it is tried again");
    service.write(&policy("write"));
    service.reloader.look(Trigger::File).await;
    assert_eq!(service.rule_ids(), ["write"]);
    service.reloader.reload.suite = Some(Arc::new(|_| panic!("a bug in the suite")));
    service.reloader.look(Trigger::Hangup).await;
    assert_eq!((service.count("bug"), service.rule_ids()), (1, vec!["write".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_bug_that_ends_a_look_is_reported_and_the_next_change_is_loaded() {
    let mut service = Service::start(&policy("read")).await;
    let (keys, status) = (Arc::clone(&service.keys), Arc::clone(&service.reloader.lasting.status));
    service.write(&with_issuers(&issuer("https://b.test/", "https://b.test/jwks", ""), "write"));
    let (triggers, mut triggered) = mpsc::channel(1);
    tokio::join!(service.reloader.keep_running(&mut triggered), async {
        keys.has_bug.store(true, std::sync::atomic::Ordering::SeqCst);
        triggers.send(Trigger::File).await.unwrap();
        sleep(Duration::from_secs(60)).await;
        let last = status.to_json()["last_reload"].clone();
        assert_eq!((&last["ok"], &last["outcome"]), (&false.into(), &"bug".into()), "{last}");
        keys.has_bug.store(false, std::sync::atomic::Ordering::SeqCst);
        triggers.send(Trigger::File).await.unwrap();
        drop(triggers);
    });
    assert_eq!((service.rule_ids(), service.last().0), (vec!["write".to_owned()], "success".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn other_listeners_need_a_restart_and_the_rest_is_applied() {
    let mut service = Service::start(&policy("read")).await;
    let listen = "listen: { grpc: 127.0.0.1:1, admin: 'off', max_connections: 7 }";
    service.write(&format!("{listen}\n{}", policy("write")));
    service.reloader.look(Trigger::File).await;
    assert_eq!(service.rule_ids(), ["write"]);
    let fields = ["listen.grpc", "listen.admin", "listen.max_connections"];
    assert_eq!(service.status()["restart_needed_for"], serde_json::json!(fields));
    service.write(&policy("admin"));
    service.reloader.look(Trigger::File).await;
    assert_eq!(service.status()["restart_needed_for"], serde_json::json!([]));
}

#[test]
fn another_mode_or_group_of_the_socket_needs_a_restart() {
    let listen = |grpc: &str| {
        let file = format!("listen: {{ grpc: {{ address: 'unix:/p.sock', {grpc} }} }}\n{}", policy("read"));
        crate::config::parse(&file, "portcullis.yaml", &std::collections::BTreeMap::new()).unwrap().config.listen
    };
    let now = listen("mode: '0660', group: envoy");
    assert!(changed(&now, &listen("mode: '660', group: envoy")).is_empty());
    for other in ["mode: '0600', group: envoy", "mode: '0660', group: other", "mode: '0660'"] {
        assert_eq!(changed(&now, &listen(other)), ["listen.grpc"], "{other}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_engine_goes_when_its_last_check_ends_and_so_do_the_series_of_its_rules() {
    let mut service = Service::start(&policy("read")).await;
    let check = service.engine();
    let count = |rule: &str| {
        service.reloader.lasting.metrics.checked(true, "ok", Some(&rule.into()), CheckDurations::default())
    };
    ["read", "write", ""].into_iter().for_each(count);
    service.write(&policy("write"));
    service.reloader.look(Trigger::File).await;
    service.reloader.sweep().await;
    assert_eq!(service.reloader.retired.len(), 1, "a Check has it");
    assert!(service.metrics().contains(r#"rule="read""#));
    let gone = Arc::downgrade(&check);
    drop(check);
    service.reloader.sweep().await;
    assert!(service.reloader.retired.is_empty() && gone.upgrade().is_none());
    let text = service.metrics();
    assert!(!text.contains(r#"rule="read""#), "{text}");
    assert!(text.contains(r#"rule="write"} 1"#) && text.contains(r#"rule=""} 1"#), "{text}");
}

#[tokio::test(start_paused = true)]
async fn without_a_file_sighup_changes_nothing() {
    let mut service = Service::start(&policy("read")).await;
    service.reloader.reload.file = None;
    let before = service.engine();
    service.write(&policy("write"));
    service.reloader.look(Trigger::Hangup).await;
    assert!(Arc::ptr_eq(&before, &service.engine()) && service.status()["last_reload"].is_null());
}

#[tokio::test(start_paused = true)]
async fn the_environment_of_the_start_is_laid_over_each_time() {
    let mut service = Service::start(&policy("read")).await;
    service.reloader.reload.env.insert("PORTCULLIS_LISTEN__GRPC".to_owned(), "127.0.0.1:7".to_owned());
    service.write(&policy("write"));
    service.reloader.look(Trigger::File).await;
    assert_eq!(service.status()["restart_needed_for"], serde_json::json!(["listen.grpc"]));
}

#[tokio::test(start_paused = true)]
async fn what_is_counted_of_rules_that_stay_counts_on_wherever_they_stand() {
    let more = "default: authenticated\npolicies: { n: { scopes: [n] } }\n";
    let mut service = Service::start(&(policy("read") + more)).await;
    let ids = service.rule_ids();
    assert_eq!(ids.len(), 3, "of a route, of a named policy, and the default: {ids:?}");
    let metrics = Arc::clone(&service.reloader.lasting.metrics);
    ids.iter().for_each(|rule| metrics.checked(true, "ok", Some(&rule.as_str().into()), CheckDurations::default()));
    service.reloader.look(Trigger::Hangup).await;
    service.reloader.sweep().await;
    let text = service.metrics();
    assert!(ids.iter().all(|rule| text.contains(&format!(r#"rule="{rule}"}} 1"#))), "{ids:?} {text}");
}

#[test]
fn every_outcome_of_a_reload_is_listed() {
    let source = include_str!("../candidate.rs");
    let (_, function) = source.split_once("fn outcome(").unwrap();
    let (function, _) = function.split_once("\n    }\n").unwrap();
    let given: Vec<&str> = function.split('"').skip(1).step_by(2).collect();
    assert_eq!(given, Rejected::OUTCOMES);
    assert_eq!(outcomes().collect::<HashSet<_>>().len(), Rejected::OUTCOMES.len() + 2);
}

use std::time::Duration;

use super::*;
use crate::keystore::issuer_keys::IssuerKeys;

#[test]
fn what_is_counted_is_shown() {
    let keys = Arc::new(KeyStore::new());
    keys.add("https://a.test/".into(), IssuerKeys::awaiting_first_fetch(crate::limits::KEYS_MAX_STALE));
    let metrics = Metrics::new(keys, Arc::default());
    let took = CheckDurations { queued: Duration::from_millis(20), whole: Duration::from_millis(30) };
    metrics.checked(false, "no_route", None, took);
    metrics.refreshed("https://a.test/", "timeout");
    let text = metrics.to_text();
    for line in [
        r#"portcullis_ext_authz_checks_total{decision="deny",code="no_route",rule=""} 1"#,
        "portcullis_ext_authz_check_duration_seconds_count 1",
        "portcullis_ext_authz_check_duration_seconds_sum 0.03",
        "portcullis_ext_authz_queue_duration_seconds_count 1",
        "portcullis_ext_authz_queue_duration_seconds_sum 0.02",
        r#"portcullis_jwks_refresh_total{issuer="https://a.test/",outcome="timeout"} 1"#,
        r#"portcullis_jwks_keys{issuer="https://a.test/"} 0"#,
        "portcullis_token_cache_hits_total 0",
        "portcullis_token_cache_entries 0",
        "portcullis_log_lines_dropped_total 0",
        "portcullis_panics_total 0",
        "# EOF",
    ] {
        assert!(text.contains(line), "{line} not in:\n{text}");
    }
}

#[test]
fn series_are_there_from_the_start_with_0() {
    let metrics = Metrics::new(Arc::default(), Arc::default());
    metrics.start_refreshes("https://a.test/", ["success", "timeout"].into_iter());
    metrics.config.expect_reloads(["success", "invalid"].into_iter());
    let text = metrics.to_text();
    for line in [
        r#"portcullis_ext_authz_checks_total{decision="deny",code="internal",rule=""} 0"#,
        r#"portcullis_ext_authz_checks_total{decision="deny",code="overloaded",rule=""} 0"#,
        r#"portcullis_ext_authz_failures_total{code="internal"} 0"#,
        r#"portcullis_ext_authz_failures_total{code="keys_unavailable"} 0"#,
        r#"portcullis_ext_authz_failures_total{code="overloaded"} 0"#,
        "portcullis_ext_authz_checks_cancelled_total 0",
        "portcullis_ext_authz_queue_duration_seconds_count 0",
        "portcullis_ext_authz_checks_in_flight 0",
        "portcullis_ext_authz_checks_queued 0",
        "portcullis_ext_authz_checks_waiting_for_keys 0",
        "portcullis_ext_authz_request_age_seconds 0.0",
        r#"portcullis_jwks_refresh_total{issuer="https://a.test/",outcome="success"} 0"#,
        r#"portcullis_jwks_refresh_total{issuer="https://a.test/",outcome="timeout"} 0"#,
        r#"portcullis_config_reloads_total{outcome="success"} 0"#,
        r#"portcullis_config_reloads_total{outcome="invalid"} 0"#,
        "portcullis_connections_accepted_total 0",
        "portcullis_connections_refused_total 0",
        "portcullis_connections_closed_for_room_total 0",
        "portcullis_connections_accept_failures_total 0",
        "portcullis_connections_open 0",
        r#"portcullis_calls_rejected_total{part="authority"} 0"#,
        r#"portcullis_calls_rejected_total{part="headers"} 0"#,
        "portcullis_admin_connections_open 0",
        "portcullis_token_cache_evictions_total 0",
        "portcullis_draining 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} not in:\n{text}");
    }
    metrics.refreshed("https://a.test/", "timeout");
    metrics.retain(|_| true, |_| true);
    let text = metrics.to_text();
    assert!(text.contains(r#"{issuer="https://a.test/",outcome="timeout"} 1"#), "counts on from there: {text}");
    metrics.retain(|_| true, |_| false);
    assert!(!metrics.to_text().contains("a.test"), "and all of them go with their issuer");
}

#[test]
fn figures_of_the_moment_are_read_at_each_scrape() {
    let metrics = Metrics::new(Arc::default(), Arc::default());
    let scrapes = std::sync::atomic::AtomicUsize::new(0);
    let lag = Arc::new(ThreadLag::new("check-0", tokio::time::Instant::now()));
    metrics.show(vec![lag], move || {
        let scrape = scrapes.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        LiveFigures { checks_queued: 10 * scrape, checks_in_work: 2, key_waiters: scrape }
    });
    metrics.request_age(-250);
    metrics.failed("overloaded");
    metrics.draining();
    metrics.admin_connections(3);
    for (in_flight, queued, waiting) in [(12, 10, 1), (22, 20, 2)] {
        let text = metrics.to_text();
        for line in [
            &*format!("portcullis_ext_authz_checks_in_flight {in_flight}\n"),
            &*format!("portcullis_ext_authz_checks_queued {queued}\n"),
            &*format!("portcullis_ext_authz_checks_waiting_for_keys {waiting}\n"),
            "portcullis_ext_authz_request_age_seconds -0.25\n",
            "portcullis_ext_authz_failures_total{code=\"overloaded\"} 1\n",
            "portcullis_thread_lag_seconds{thread=\"check-0\"} ",
            "portcullis_draining 1\n",
            "portcullis_admin_connections_open 3\n",
        ] {
            assert!(text.contains(line), "{line} not in:\n{text}");
        }
    }
}

#[test]
fn a_reload_takes_series_away_whose_rule_is_no_more_and_everything_else_counts_on() {
    let metrics = Metrics::new(Arc::default(), Arc::default());
    let check = |rule: &str| metrics.checked(true, "ok", Some(&rule.into()), CheckDurations::default());
    ["old", "kept", ""].into_iter().for_each(check);
    metrics.refreshed("https://old.test/", "success");
    metrics.refreshed("https://kept.test/", "success");
    for round in 2..4 {
        metrics.retain(|rule| rule == "kept", |issuer| issuer == "https://kept.test/");
        ["kept", ""].into_iter().for_each(check);
        let text = metrics.to_text();
        assert!(!text.contains(r#"rule="old""#) && !text.contains("old.test"), "{text}");
        for rule in ["kept", ""] {
            assert!(text.contains(&format!(r#"rule="{rule}"}} {round}"#)), "{text}");
        }
        assert!(text.contains(r#"issuer="https://kept.test/",outcome="success"} 1"#), "{text}");
    }
    check("old");
    assert!(metrics.to_text().contains(r#"rule="old"} 1"#), "back, and counted from nothing");
    metrics.retain(|_| false, |_| false);
    assert!(!metrics.to_text().contains(r#"rule="old""#), "also when it came back");
}

#[test]
fn reloads_are_counted_and_the_last_one_shows() {
    let metrics = Metrics::new(Arc::default(), Arc::default());
    metrics.config.loaded("aa", 7);
    metrics.config.expect_reloads(["invalid", "success"].into_iter());
    assert!(metrics.to_text().contains("portcullis_config_info{revision=\"aa\"} 1\n"));
    assert!(metrics.to_text().contains("portcullis_config_reloads_total{outcome=\"invalid\"} 0\n"));
    assert!(metrics.to_text().contains("portcullis_config_last_reload_successful 1\n"));
    metrics.config.reloaded("invalid", false);
    let text = metrics.to_text();
    for line in [
        "portcullis_config_last_reload_successful 0\n",
        "portcullis_config_reloads_total{outcome=\"invalid\"} 1\n",
        "portcullis_config_loaded_timestamp_seconds 7\n",
    ] {
        assert!(text.contains(line), "{line} not in:\n{text}");
    }
    metrics.config.reloaded("success", true);
    assert!(metrics.to_text().contains("portcullis_config_last_reload_successful 1\n"));
}

//! Tests of the judge of `make chaos`: one that finds nothing wrong would call everything good.

use std::{collections::HashMap, time::Duration};

use clap::Parser as _;
use serde_json::{Value, json};
use tokio::time::Instant;

use http1::{Break, Reply};
use judge::{Expected, Identity, Verdict, judge};
use options::Options;
use sampler::{Account, Role, Sample, machine_too_slow};
use verdict::{Counts, Ending};

#[path = "../chaos/http1.rs"]
#[expect(dead_code, reason = "the client of the program; its answers are what is judged here")]
mod http1;
#[path = "../chaos/judge.rs"]
mod judge;
#[path = "../chaos/options.rs"]
mod options;
#[path = "../chaos/sampler.rs"]
#[expect(dead_code, reason = "only its rule is tried here")]
mod sampler;
#[path = "../chaos/verdict.rs"]
mod verdict;

const PATH: &str = "/api/private";

fn identity() -> Box<Identity> {
    Box::new(Identity {
        subject: Some("client-7".into()),
        scopes: Some("read:messages".into()),
        issuer: Some("http://issuer/".into()),
        client_id: Some("demo-client".into()),
    })
}

fn echo(changes: &[(&str, Value)]) -> Result<Reply, Break> {
    let mut headers = json!({
        "x-auth-subject": "client-7",
        "x-auth-scopes": "read:messages",
        "x-auth-issuer": "http://issuer/",
        "x-auth-client-id": "demo-client",
    });
    for (name, value) in changes {
        headers[name] = value.clone();
    }
    let body = json!({ "headers": headers, "path": PATH }).to_string().into_bytes();
    Ok(Reply { status: 200, head: "HTTP/1.1 200 OK".into(), body })
}

fn denial(status: u16, challenge: &str) -> Result<Reply, Break> {
    let head = format!("HTTP/1.1 {status} No\r\nwww-authenticate: {challenge}");
    Ok(Reply { status, head, body: b"{\"status\": 1}".to_vec() })
}

#[test]
fn only_the_answer_for_that_very_token_is_right() {
    let allow = Expected::Allow(identity());
    assert_eq!(judge(&allow, PATH, &echo(&[])), Verdict::Right);
    for (name, value) in [
        ("x-auth-subject", json!("client-8")),
        ("x-auth-subject", json!(["client-7", "client-8"])),
        ("x-auth-scopes", Value::Null),
        ("x-auth-issuer", json!("http://other/")),
        ("x-auth-client-id", json!("other")),
    ] {
        assert!(matches!(judge(&allow, PATH, &echo(&[(name, value)])), Verdict::WrongIdentity(_)), "{name}");
    }
    assert!(matches!(judge(&allow, "/api/public", &echo(&[])), Verdict::WrongIdentity(_)), "another request's answer");
    let anonymous = Expected::Allow(Box::default());
    assert!(matches!(judge(&anonymous, PATH, &echo(&[])), Verdict::WrongIdentity(_)), "a public route has no identity");
}

#[test]
fn what_reaches_the_upstream_and_must_not_is_a_wrong_allow() {
    for expected in [Expected::Deny(401, Some("invalid_token")), Expected::Deny(403, None), Expected::Refuse] {
        assert_eq!(judge(&expected, PATH, &echo(&[])), Verdict::WrongAllow);
        let mut missing = echo(&[]).unwrap();
        missing.status = 404;
        assert_eq!(
            judge(&expected, PATH, &Ok(missing)),
            Verdict::WrongAllow,
            "also where the upstream has no such path"
        );
        let empty = Reply { status: 200, ..Reply::default() };
        assert_eq!(judge(&expected, PATH, &Ok(empty)), Verdict::WrongAllow);
    }
}

#[test]
fn a_denial_is_right_with_its_status_and_its_challenge_alone() {
    let invalid = r#"Bearer realm="api", error="invalid_token", error_description="no""#;
    let expected = Expected::Deny(401, Some("invalid_token"));
    assert_eq!(judge(&expected, PATH, &denial(401, invalid)), Verdict::Right);
    assert_eq!(judge(&expected, PATH, &denial(403, invalid)), Verdict::WrongDeny);
    assert_eq!(judge(&expected, PATH, &denial(401, r#"Bearer realm="api""#)), Verdict::WrongDeny);
    assert_eq!(judge(&Expected::Deny(401, None), PATH, &denial(401, invalid)), Verdict::WrongDeny);
    assert_eq!(judge(&Expected::Allow(identity()), PATH, &denial(401, invalid)), Verdict::WrongDeny);
}

#[test]
fn no_answer_and_5xx_are_lost_whatever_was_expected() {
    for expected in [Expected::Allow(identity()), Expected::Deny(403, None), Expected::AllowOrDeny(identity(), 401)] {
        for status in [500, 503] {
            assert_eq!(judge(&expected, PATH, &denial(status, "")), Verdict::Refused);
        }
        for why in [Break::Connect, Break::Closed, Break::Timeout] {
            assert_eq!(judge(&expected, PATH, &Err(why)), Verdict::Unanswered(why));
        }
    }
}

#[test]
fn a_scenario_is_good_only_if_it_was_run_and_nothing_was_wrong() {
    let good = Counts { due: 1000, sent: 1000, wrong: 0, excused: 0 };
    assert_eq!(good.ending(), Ending::Good);
    assert_eq!(Counts { sent: 950, excused: 9, ..good }.ending(), Ending::Good);
    assert_eq!(Counts { wrong: 1, ..good }.ending(), Ending::Bad);
    assert_eq!(Counts { wrong: 1, sent: 10, ..good }.ending(), Ending::Bad, "wrong is wrong");
    assert_eq!(Counts { sent: 949, ..good }.ending(), Ending::Invalid);
    assert_eq!(Counts { excused: 11, ..good }.ending(), Ending::Invalid);
    assert_eq!(Counts::default().ending(), Ending::Invalid, "nothing was asked");
}

/// Ten looks a second for four seconds; after each, both threads have these milliseconds more: ran, waited.
fn looks(portcullis: (u64, u64), envoy: (u64, u64), skipped: std::ops::Range<u32>) -> (Instant, Vec<Sample>) {
    let begun = Instant::now();
    let account = |(ran, waited): (u64, u64), look: u32| {
        let so_far = u64::from(look) * 1_000_000;
        Account { ran: ran * so_far, waited: waited * so_far }
    };
    let samples = (0..40).filter(|look| !skipped.contains(look)).map(|look| {
        let both = [((Role::Portcullis, 1), account(portcullis, look)), ((Role::Envoy, 2), account(envoy, look))];
        Sample { at: begun + look * Duration::from_millis(100), threads: HashMap::from(both) }
    });
    (begun, samples.collect())
}

#[test]
fn the_machine_is_to_blame_only_where_the_kernel_says_so() {
    let timeout = Duration::from_secs(2);
    let blamed = |(begun, samples): (Instant, Vec<Sample>)| {
        machine_too_slow(&samples, begun + timeout / 2, begun + 3 * timeout / 2, timeout)
    };
    assert!(!blamed(looks((1, 5), (20, 5), 0..0)), "a service that sleeps or hangs is not short of a processor");
    assert!(!blamed(looks((1, 5), (10, 70), 0..0)), "Envoy ran late and had time to spare: it was not what hung");
    assert!(!blamed(looks((10, 70), (10, 70), 0..0)), "nor was either of them");
    assert!(blamed(looks((5, 90), (20, 5), 0..0)), "Portcullis had no processor");
    assert!(blamed(looks((1, 5), (10, 85), 0..0)), "Envoy had none");
    assert!(blamed(looks((1, 5), (92, 0), 0..0)), "Envoy had more to do than it could");
    assert!(blamed(looks((1, 5), (20, 5), 15..27)), "nothing ran at all");
    assert!(!blamed(looks((50, 45), (20, 5), 0..0)), "Portcullis used the processor itself");
    assert!(!blamed(looks((60, 40), (5, 95), 0..0)), "and so much of it that Envoy had too little");
    assert!(!blamed((Instant::now(), Vec::new())), "no evidence is no excuse");
}

#[test]
fn the_command_line_is_checked() {
    let parse = |line: &str| Options::try_parse_from(["chaos"].into_iter().chain(line.split_whitespace()));
    let options = parse("--for 1m30s --scenario kill --scenario freeze --rate 250 --seed 7").unwrap();
    assert_eq!((options.time, options.scenario.len(), options.rate), (Duration::from_secs(90), 2, Some(250)));
    for wrong in
        ["--for 10", "--for 0s", "--for s", "--for 25h", "--rate 0", "--intensity 0", "--intensity nan", "extra"]
    {
        assert_eq!(parse(wrong).unwrap_err().exit_code(), 2, "{wrong}");
    }
    assert!(parse("--help").unwrap_err().to_string().contains("Exit codes:"));
}

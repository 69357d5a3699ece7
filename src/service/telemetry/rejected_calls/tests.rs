use tracing::{debug, subscriber::with_default, trace};
use tracing_subscriber::{layer::SubscriberExt as _, registry};

use super::*;

fn calls() -> &'static RejectedCalls {
    Box::leak(Box::new(RejectedCalls::new()))
}

fn counts(calls: &RejectedCalls) -> (u64, u64) {
    (calls.authority.seen(), calls.headers.seen())
}

#[test]
fn the_messages_of_h2_are_told_apart() {
    for (message, expected) in [
        (r#"malformed headers: malformed authority (b"a|b"): invalid uri character"#, Some(Rejection::Authority)),
        (r#"malformed headers: malformed path (b"/\\"): invalid uri character"#, Some(Rejection::Headers)),
        ("malformed headers: missing method", Some(Rejection::Headers)),
        ("stream error PROTOCOL_ERROR -- error building request: a; stream=StreamId(1);", Some(Rejection::Headers)),
        ("connection error PROTOCOL_ERROR -- read_preface: invalid preface;", None),
        ("", None),
    ] {
        assert_eq!(Rejection::from_message(message), expected, "{message}");
    }
}

#[test]
fn an_authority_is_quoted_up_to_its_end() {
    for (quoted, text) in [
        (r#"b"outbound|9191||a.b"): invalid uri character"#, "outbound|9191||a.b"),
        (r#"b"b|b"): invalid uri character"#, "b|b"),
        (r#"b"cut of"#, "cut of"),
        ("", ""),
    ] {
        assert_eq!(quoted_text(quoted), text);
    }
}

#[test]
fn events_of_that_target_and_level_are_counted_and_no_others() {
    let calls = calls();
    with_default(registry().with(layer_into(calls)), || {
        debug!(target: "h2::server", "malformed headers: malformed authority ({:?}): {}", "a|b", "invalid");
        debug!(target: "h2::server", "malformed headers: malformed authority ({:?}): {}", "c|d", "invalid");
        debug!(target: "h2::server", "malformed headers: missing method");
        debug!(target: "h2::client", "malformed headers: missing method");
        debug!(target: "portcullis", "malformed headers: missing method");
        trace!(target: "h2::server", "malformed headers: missing method");
    });
    assert_eq!(counts(calls), (2, 1));
    assert_eq!(calls.example().as_deref(), Some("a|b"), "the first one since the last line");
}

#[test]
fn of_a_long_message_the_beginning_is_kept() {
    let mut message = Message::default();
    let long = "é".repeat(limits::TRACED_TEXT_BYTES);
    assert!(message.write_str("a").is_ok() && message.write_str(&long).is_err());
    assert!(message.0.starts_with("aé"));
    assert_eq!(message.0.len(), limits::TRACED_TEXT_BYTES - 1, "whole characters");
    assert!(message.write_str("b").is_ok() && message.write_str("c").is_err());
}

#[tokio::test(start_paused = true)]
async fn a_line_tells_of_all_calls_since_the_last_one() {
    let calls = calls();
    let tell = |count: usize| (0..count).for_each(|_| calls.note("malformed headers: missing method"));
    let logged = || calls.headers.logged.load(Ordering::Relaxed);
    let mut report = std::pin::pin!(calls.report());
    let mut run_for = async |time| tokio::time::timeout(time, report.as_mut()).await.is_err();
    let moment = limits::CONNECTION_LINES / 10;
    tell(1);
    assert!(run_for(moment).await);
    assert_eq!(logged(), 1);
    tell(5);
    assert!(run_for(moment).await);
    assert_eq!(logged(), 1, "within a second of the last line");
    assert!(run_for(limits::CONNECTION_LINES).await);
    assert_eq!(logged(), 6);
}

//! `docs/limits.md`: every bound that a user can meet is there, with the number that the code has.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use portcullis::limits;
use portcullis_engine::reason::DenyReason;

const PAGE: &str = include_str!("../../docs/limits.md");
const SOURCE: &str = concat!(include_str!("../../engine/src/limits.rs"), include_str!("../../src/limits.rs"));

/// Bounds that are not met outside of the code: of memory, of work, of the protocol below. A new one is added here, or
/// to the page.
const INTERNAL: &[&str] = &[
    "CONTENT_ENCODING_CHARS",
    "GRPC_TIMEOUT_CHARS",
    "KEEPALIVE_INTERVAL",
    "KEEPALIVE_TIMEOUT",
    "ACCEPT_PAUSE",
    "CONNECTION_WINDOW",
    "STREAM_WINDOW",
    "READ_PER_TURN",
    "READ_AHEAD",
    "READ_AHEAD_THREAD",
    "PENDING_RESETS",
    "ERROR_RESETS",
    "CONNECTION_AGE_JITTER",
    "FRAME_BYTES",
    "SEND_BUFFER_BYTES",
    "HEADER_TABLE_BYTES",
    "REMEMBERED_RESETS",
    "SMALL_DATA_FRAME",
    "EMPTY_DATA_FRAMES",
    "CONTINUATION_FRAMES",
    "HEADER_ABUSE",
    "CONNECTION_ERROR_CHARS",
    "CONNECTION_LINES",
    "CONNECTIONS_SHARE",
    "ROOM_GRACE",
    "ROOM_CLOSING",
    "ROOM_WAIT",
    "CONNECTIONS_LOOKED_AT",
    "TRACED_TEXT_BYTES",
    "TOKEN_CACHE_ENTRIES",
    "TOKEN_CACHE_BYTES",
    "ALLOCATION_BYTES",
    "RECENT_TOKENS",
    "RECENT_TOKEN_BYTES",
    "RECENT_REQUESTS",
    "RECENT_SWEEP",
    "REFUSED_TOKENS",
    "REFUSED_TOKEN_BYTES",
    "SHOWN_URL_CHARS",
    "CLOCKS_COMPARED",
    "CLOCKS_DIFFER",
    "DATE_RESOLUTION",
    "FETCH_SLOW",
    "REFRESH_JITTER",
    "FIRST_FETCH_JITTER",
    "KEYS_CONFIRMED",
    "SAVED_KEYS_BYTES",
    "REPLACEMENT_WAITERS",
    "FAILING_ISSUER_WAITERS",
    "FAILING_WAITERS",
    "WAITED_KEYS",
    "DEADLINE_MARGIN",
    "COMPARED_SCOPE_BYTES",
    "RELOAD_QUIET",
    "RELOAD_QUIET_MAX",
    "RELOAD_AGAIN",
    "WRITER_DESCRIPTORS",
    "RELOAD_HANGING",
    "RELOAD_HANGING_ROUTINE",
    "RELOAD_READS",
    "TASKS_LOOKED_AT",
    "RETIRED_SWEEP",
    "AWAITED_ISSUERS_LOGGED",
    "PROGRESS_AFTER",
    "POLICY_TEST_TIME",
    "DRAIN_FLUSH",
    "EXIT_GRACE",
    "LOG_BATCH_BYTES",
    "LOG_RETRY",
    "LOG_PAUSE",
    "LOG_FLUSH",
    "DENIAL_LINE_KEYS",
    "TASK_BACKOFF",
    "HEARTBEAT",
    "REQUEST_AGE_SAMPLED",
    "REQUEST_AGE_SHOWN",
    "SOCKET_CLAIMS",
    "SOCKET_CLAIM_PAUSE",
    "KEY_NAME_CHARS",
    "SKIPPED_KEYS_SHOWN",
    "PEAK_SHOWN",
    "HEARTBEAT_ANSWER",
    "ADMIN_CONNECTIONS_SHARE",
];

/// The names of all bounds.
fn names() -> Vec<&'static str> {
    let constants = SOURCE.lines().filter_map(|line| line.strip_prefix("pub const "));
    let names: Vec<&str> = constants.filter_map(|line| Some(line.split_once(':')?.0)).collect();
    assert!(names.len() > 150, "{}", names.len());
    names
}

/// A number with commas, as people read it.
fn count(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or_default().to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

fn bytes(number: impl TryInto<u64>) -> String {
    match number.try_into().unwrap_or_default() {
        n if n % (1 << 20) == 0 => format!("{} MiB", n >> 20),
        n if n % (1 << 10) == 0 => format!("{} KiB", n >> 10),
        n => format!("{n} bytes"),
    }
}

fn time(time: Duration) -> String {
    match time.as_millis() {
        ms if ms % 1000 != 0 => format!("{ms} ms"),
        ms if ms % 3_600_000 == 0 => format!("{} h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{} min", ms / 60_000),
        ms => format!("{} s", ms / 1000),
    }
}

fn times(range: RangeInclusive<Duration>) -> String {
    format!("{} to {}", time(*range.start()), time(*range.end()))
}

fn range(range: RangeInclusive<usize>) -> String {
    format!("{} to {}", count(*range.start()), count(*range.end()))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number of seconds")]
fn seconds(number: f64) -> String {
    format!("{} s", count(number as u64))
}

/// Names with what their values look like on the page.
fn values() -> BTreeMap<&'static str, String> {
    macro_rules! table {
        ($($form:ident: $($name:ident)+;)+) => { [$($((stringify!($name), $form(limits::$name)),)+)+] };
    }
    let table = table! {
        bytes: CHECK_REQUEST_BYTES CHECK_MESSAGE_BYTES PATH_BYTES HOST_BYTES HOST_NAME_BYTES HOST_LABEL_BYTES CALL_HEADER_BYTES TOKEN_BYTES TOKEN_HEADER_BYTES TOKEN_CLAIMS_BYTES KID_BYTES NAME_CLAIM_BYTES KEY_DOCUMENT_BYTES GROUP_NAME_BYTES GROUP_FILE_BYTES CA_FILE_BYTES CONFIG_BYTES CONFIG_TEXT_BYTES ENVOY_BYTES EXPLAIN_INPUT_BYTES POLICY_TEST_HEADER_BYTES POLICY_TEST_DEFAULT_BYTES POLICY_TEST_CLAIMS_BYTES LOG_QUEUE_BYTES HEALTH_ANSWER_BYTES ADMIN_HEADER_BYTES;
        count: PATH_SEGMENTS METHOD_CHARS CONCURRENT_STREAMS WAITING_CHECKS CONNECTIONS JSON_DEPTH KEYS_PER_SET FETCH_BURST KEY_WAITERS CONFIG_DEPTH CONFIG_ALIASES CONFIG_NODES CONFIG_ITEMS IMPLICATIONS READING_COMPARISONS PATH_READINGS REMOVED_HEADERS KEYS_TRIED SECRET_DIFFERENT_BYTES CONFIG_SUGGESTIONS WARNINGS_OF_A_KIND COMPARED_SCOPES RELOAD_ERRORS_LOGGED RELOAD_LINKS RELOAD_ERROR_CHARS ISSUERS RULES POLICY_PROBLEMS POLICY_STEPS ENVOY_DEPTH ENVOY_ALIASES POLICY_TESTS POLICY_TEST_NAME_CHARS POLICY_MUTANTS THREADS LOGGED_TEXT_CHARS LOGGED_AUDIENCES DENIAL_LINES ADMIN_CONNECTIONS ADMIN_HEADERS;
        time: FIRST_CALL MESSAGE_WAIT CONNECTION_AGE FETCH_TIMEOUT ATTEMPT_TIMEOUT DISK_TIMEOUT CONNECT_TIMEOUT FETCH_COOLDOWN FETCH_BACKOFF_MIN FETCH_BACKOFF_MAX KEYS_REFRESH_AFTER METADATA_REFRESH_AFTER METADATA_RECHECK_AFTER KEYS_MAX_STALE SAVED_KEYS_CLOCK KEY_WAIT RELOAD_WRITER RELOAD_JUDGING RELOAD_POLL RELOAD_KEYS_WAIT ENVOY_CHECK_TIMEOUT ENVOY_CHECK_TIMEOUT_MAX CLOCK_TOLERANCE_MAX EXPLAIN_KEYS DRAIN_NOTICE DRAIN_NOTICE_MAX DRAIN_DEADLINE STOP_END DENIAL_LINES_PERIOD HEARTBEAT_SILENCE ADMIN_HEADER_WAIT ADMIN_ANSWER_WAIT ADMIN_IDLE;
        range: CONNECTIONS_RANGE RSA_MODULUS_BITS SECRET_BYTES;
        seconds: NUMERIC_DATE_SECONDS;
        times: KEYS_REFRESH_RANGE KEYS_MAX_STALE_RANGE HEALTH_TIMEOUT_RANGE;
    };
    table.into_iter().collect()
}

/// The rows of the page: the name and the number.
fn rows() -> Vec<(&'static str, &'static str)> {
    let row = |line: &'static str| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let (name, number) = (cells.next()?.strip_suffix('`')?, cells.next()?);
        let beyond = cells.next()?.trim_end_matches(" |");
        assert!(beyond.len() > 10 && cells.next().is_none(), "{line}");
        Some((name, number))
    };
    PAGE.lines().filter_map(row).collect()
}

#[test]
fn each_limit_of_the_page_has_the_number_of_the_code() {
    let (values, rows) = (values(), rows());
    assert!(rows.len() > 90, "{}", rows.len());
    for (name, number) in &rows {
        assert_eq!(
            values.get(name).map(String::as_str),
            Some(*number),
            "{name}: the page against the two files with limits"
        );
    }
    assert_eq!(values.len(), rows.len(), "each is on the page, once");
}

#[test]
fn each_limit_of_the_code_is_on_the_page_or_met_by_nobody() {
    let (names, rows) = (names(), rows());
    for name in &names {
        let is_shown = rows.iter().any(|(shown, _)| shown == name);
        assert!(is_shown != INTERNAL.contains(name), "{name} is on the page or in INTERNAL, and not in both");
    }
    for name in INTERNAL {
        assert!(names.contains(name), "there is no {name}");
    }
}

#[test]
fn each_code_of_the_page_is_one() {
    let words = PAGE.split('`').skip(1).step_by(2);
    let starts = ["request_", "token_", "overlong", "keys_", "overloaded"];
    let codes: Vec<&str> = words.filter(|word| starts.iter().any(|start| word.starts_with(start))).collect();
    assert!(codes.len() > 15, "{codes:?}");
    for code in codes {
        assert!(code == "keys_dir" || DenyReason::all().any(|reason| reason.code() == code), "there is no {code}");
    }
}

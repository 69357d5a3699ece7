//! The bounds of the demo.

use std::time::Duration;

/// The time that the demo waits for Envoy, Portcullis and the issuer to answer before it gives up.
pub(crate) const READY: Duration = Duration::from_secs(30);
/// Between two looks at whether the demo's stack answers.
pub(crate) const POLL: Duration = Duration::from_millis(100);
/// One request of the demo, with its answer.
pub(crate) const REQUEST: Duration = Duration::from_secs(10);
/// Bytes of one answer that the demo reads: an echo of at most 60 KiB of headers, escaped.
pub(crate) const ANSWER_BYTES: usize = 512 * 1024;
/// From asking a child process of the demo to end to killing it: longer than the answers in flight may take.
pub(crate) const STOP: Duration = Duration::from_secs(10);
/// For how long a task that hangs in the system may hold up the exit.
pub(crate) const EXIT_GRACE: Duration = Duration::from_millis(500);
/// Lines of a log that are shown when a part of the demo fails.
pub(crate) const LOG_LINES: usize = 20;
/// Bytes at the end of a log in which those lines are looked for.
pub(crate) const LOG_BYTES: u64 = 64 * 1024;
/// Lifetime of a demo token, in seconds, unless the request names another.
pub(crate) const TOKEN_SECONDS: i64 = 3600;
/// Bytes of a document of the demo issuer that is meant to be endless.
pub(crate) const ENDLESS_BYTES: u64 = 4 * 1024 * 1024 * 1024;

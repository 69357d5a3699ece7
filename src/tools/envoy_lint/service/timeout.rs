//! The time that Envoy waits for an answer of Portcullis.

use std::time::Duration;

use crate::{
    config::{lint::Lint, show_duration},
    document::tree::Place,
    limits,
    tools::envoy_lint::findings::Findings,
};

/// Lints the time that an Envoy waits. `who` sets it, and `unless` is empty or says that it is a default.
pub(crate) fn lint(findings: &mut Findings, place: &Place, timeout: Duration, (who, unless): (&str, &str)) {
    let (least, waits) = (limits::ENVOY_CHECK_TIMEOUT, show_duration(timeout));
    // Envoy counts whole milliseconds, and takes none of them for no limit.
    let message = if timeout.as_millis() == 0 {
        "Envoy waits without end for an answer: a Portcullis that hangs holds up every request, unless the tries of a Check have \
         a limit"
            .to_owned()
    } else if timeout < least {
        let least = show_duration(least);
        format!("{who} waits {waits} for an answer{unless}, less than {least}: too short for fetching a new key")
    } else if timeout > limits::ENVOY_CHECK_TIMEOUT_MAX {
        format!("{who} waits {waits} for an answer{unless}: a Portcullis that hangs holds up requests for that long")
    } else {
        return;
    };
    let help = "set `timeout: 1s`: it is the deadline only, an answer takes well under a millisecond";
    findings.warn(Lint::EnvoyTimeout, place, message, help);
}

/// The words for a time limit that is a default.
pub(crate) const BY_DEFAULT: &str = " unless told otherwise";

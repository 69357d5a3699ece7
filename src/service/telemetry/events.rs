//! Every line of the log: one function an event, so that wording and fields are reviewed here and nowhere else.
//!
//! Static messages, values in dotted fields. A denial is INFO, an allow DEBUG, our own trouble WARN or ERROR.

use std::{backtrace::Backtrace, fmt::Display, net::SocketAddr, time::Duration};

use tracing::{Level, debug, enabled, error, info, warn};

use crate::{build_info, client_text::ClientText};

/// The facts about a request. Those that are not known are left out of the line. Texts of a client are escaped and cut.
#[derive(Clone, Debug, Default)]
pub struct RequestFields<'a> {
    /// The rule that decided.
    pub rule: Option<&'a str>,
    /// Where it is written: `portcullis.yaml:23`.
    pub rule_at: Option<&'a str>,
    /// The issuer of a token whose signature is true, or the configured one whose keys could not be had.
    pub issuer: Option<String>,
    /// The client that the token was given to, if its signature is true.
    pub client_id: Option<String>,
    /// The beginning of the SHA-256 of an issuer that is not configured.
    pub issuer_sha256: Option<String>,
    /// The beginnings of the SHA-256 of audiences, none of which is a right one, with commas between.
    pub audience_sha256: Option<String>,
    /// The method as sent.
    pub method: Option<String>,
    /// The host as sent.
    pub host: Option<String>,
    /// The path as sent, without its query.
    pub path: Option<String>,
    /// Envoy's id of the request.
    pub request_id: Option<&'a str>,
}

/// Logs a line about a request: the fields that are given, and then what is known of the request.
macro_rules! about {
    ($level:ident, $request:expr, $($section:ident.$field:ident = $value:expr,)* $message:literal) => {
        $level!(
            $($section.$field = $value,)*
            rule.id = $request.rule,
            rule.at = $request.rule_at,
            token.issuer = $request.issuer,
            token.client_id = $request.client_id,
            token.issuer_sha256 = $request.issuer_sha256,
            token.audience_sha256 = $request.audience_sha256,
            http.method = $request.method,
            http.host = $request.host,
            http.path = $request.path,
            request.id = $request.request_id,
            $message
        )
    };
}

/// A request was allowed. Its fields are made only if the line is logged.
pub fn allowed<'a>(fields: impl FnOnce() -> RequestFields<'a>) {
    if enabled!(Level::DEBUG) {
        let request = fields();
        about!(debug, request, "request allowed");
    }
}

/// A request was denied for a reason of its own.
pub fn denied(code: &str, request: &RequestFields<'_>) {
    about!(info, request, deny.code = code, "request denied");
}

/// A request was denied for a reason of ours.
pub fn failed(code: &str, request: &RequestFields<'_>) {
    about!(warn, request, deny.code = code, "request denied because of our own trouble");
}

/// Lines about denied requests were left out.
pub fn denials_left_out(code: &str, rule: Option<&str>, rule_at: Option<&str>, lines: u64) {
    info!(deny.code = code, rule.id = rule, rule.at = rule_at, lines.left_out = lines, "more requests were denied");
}

/// Lines about requests that were denied because of our own trouble were left out.
pub fn failures_left_out(code: &str, rule: Option<&str>, rule_at: Option<&str>, lines: u64) {
    warn!(
        deny.code = code,
        rule.id = rule,
        rule.at = rule_at,
        lines.left_out = lines,
        "more requests were denied because of our own trouble"
    );
}

/// Lines about requests that were denied for many different reasons and rules were left out.
pub fn other_denials_left_out(lines: u64) {
    warn!(lines.left_out = lines, "more requests were denied, by many rules or for many reasons");
}

/// An opaque token was refused: most often the client asked its provider for no audience.
pub fn opaque_token(request_id: Option<&str>) {
    info!(
        request.id = request_id,
        "the token is not a JWT; most providers issue one when the client asks for an audience or a resource, and Google \
         issues none for its own APIs"
    );
}

/// Keys came for the first time, or again after a failure.
pub fn keys_arrived(issuer: &str, keys: usize, skipped: usize, took: Duration) {
    info!(token.issuer = issuer, keys.usable = keys, keys.skipped = skipped, took.ms = ms(took), "keys fetched");
}

/// An issuer has other keys than before: a rotation, most often. Names of keys are the issuer's text, so they are quoted.
pub fn keys_changed(issuer: &str, added: &[String], removed: &[String]) {
    info!(token.issuer = issuer, keys.added = ?added, keys.removed = ?removed, "the issuer's keys have changed");
}

/// Keys were fetched, as always.
pub fn keys_fetched(issuer: &str, keys: usize, skipped: usize, took: Duration) {
    debug!(token.issuer = issuer, keys.usable = keys, keys.skipped = skipped, took.ms = ms(took), "keys fetched");
}

/// A key of a set was left out, as keys for other purposes or algorithms are. The reason names the key.
pub fn key_not_for_us(issuer: &str, reason: &dyn Display) {
    info!(token.issuer = issuer, reason = %reason, "a key of the issuer is not for us");
}

/// A key of a set that should be usable was skipped. The reason names the key.
pub fn key_skipped(issuer: &str, reason: &dyn Display) {
    warn!(token.issuer = issuer, reason = %reason, "a key of the issuer is skipped");
}

/// Keys could not be fetched.
pub fn keys_failed(issuer: &str, error: &dyn Display, took: Duration) {
    warn!(token.issuer = issuer, took.ms = ms(took), error = %error, "keys can't be fetched; will try again");
}

/// Keys of an earlier run are in use until newer ones come.
pub fn keys_restored(issuer: &str, age: Duration) {
    info!(token.issuer = issuer, keys.age_s = age.as_secs(), "saved keys are in use until newer ones come");
}

/// Keys were not saved for the next start. Nothing else depends on it.
pub fn keys_not_saved(issuer: &str, error: &dyn Display) {
    warn!(token.issuer = issuer, error = %error, "keys can't be saved in `keys_dir`");
}

/// Saved keys can't be used: the first fetch brings keys.
pub fn keys_not_restored(issuer: &str, error: &dyn Display) {
    warn!(token.issuer = issuer, error = %error, "saved keys in `keys_dir` can't be used");
}

/// Nothing can be written to the directory of saved keys. Nothing else depends on it.
pub fn keys_dir_unwritable(error: &dyn Display) {
    warn!(error = %error, "`keys_dir` can't be written to; it is tried again whenever keys are fetched");
}

/// Our clock and an issuer's differ by more than the issuer's `clock_tolerance`: the times of its tokens are misjudged.
/// `skew` is positive if the issuer's clock is ahead.
pub fn clock_differs(issuer: &str, skew: f64, tolerance: Duration) {
    warn!(
        token.issuer = issuer,
        clock.skew_s = skew,
        clock.tolerance_s = tolerance.as_secs(),
        "the clocks of this machine and of the issuer differ by more than `clock_tolerance`: good tokens may be refused as \
         expired or not yet valid, and expired ones accepted; check the time of this machine first"
    );
}

/// Our clock and an issuer's no longer differ by more than the issuer's `clock_tolerance`.
pub fn clock_agrees_again(issuer: &str, skew: f64) {
    info!(token.issuer = issuer, clock.skew_s = skew, "the clocks of this machine and of the issuer agree again");
}

/// A problem of the configuration that is no error.
pub fn config_warning(text: &str) {
    warn!("{text}");
}

/// Another configuration is in force.
pub fn config_loaded(revision: &str, before: &str, trigger: &str, took: Duration) {
    info!(
        config.revision = revision,
        config.before = before,
        reload.trigger = trigger,
        took.ms = ms(took),
        "the configuration has been loaded anew, and is in force"
    );
}

/// Loading was asked for, and nothing has changed.
pub fn config_unchanged(revision: &str, trigger: &str) {
    info!(config.revision = revision, reload.trigger = trigger, "the configuration has not changed: nothing to load");
}

/// A reload failed: what was in force still is.
pub fn config_rejected(file: &str, outcome: &str, error: &dyn Display, revision: &str, trigger: &str) {
    error!(
        config.file = file,
        reload.outcome = outcome,
        error = %error,
        config.revision = revision,
        reload.trigger = trigger,
        "the configuration can't be loaded; the last good one stays in force"
    );
}

/// One of the reasons why a configuration can't be used. `place` is `file:line:column`, or the file.
pub fn config_error(place: &str, error: &dyn Display, help: Option<&str>) {
    error!(config.place = place, error = %error, help, "an error in the configuration");
}

/// There are more errors than are logged.
pub fn config_more_errors(more: usize) {
    error!(errors.more = more, "there are more errors: `portcullis check` shows them all");
}

/// SIGHUP, and there is no file.
pub fn config_from_environment() {
    info!("SIGHUP changes nothing: the configuration came from the environment, and there is no file to load anew");
}

/// A field was changed that only counts at a start.
pub fn config_needs_restart(field: &str) {
    warn!(config.field = field, "this change needs a restart; the rest of the file is in force");
}

/// A new configuration goes into force although an issuer's keys are not here yet.
pub fn config_without_keys(issuer: &str) {
    warn!(
        token.issuer = issuer,
        "the issuer's keys are not here yet: until they are, its tokens are answered with 503"
    );
}

/// The system does not tell of changes: the file is looked at now and then.
pub fn config_not_watched(error: &dyn Display, every: Duration) {
    warn!(
        error = %error,
        every.s = every.as_secs(),
        "changes of the configuration file can't be watched: it is looked at now and then, a change counts when two looks \
         have found the same, and SIGHUP loads it at once"
    );
}

/// The facts about a service that begins to listen.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The address for Envoy.
    pub grpc: &'a str,
    /// The address for operators.
    pub admin: Option<SocketAddr>,
    /// The revision of the configuration.
    pub revision: &'a str,
    /// The rule by which `/readyz` decides.
    pub ready_rule: &'a str,
    /// The issuers that it waits for, with the reasons.
    pub waits_for: Option<&'a str>,
}

/// The service listens.
pub fn listening(start: &Start<'_>) {
    info!(
        service.version = build_info::VERSION,
        config.revision = start.revision,
        listen.grpc = start.grpc,
        listen.admin = start.admin.map(tracing::field::display),
        ready.rule = start.ready_rule,
        ready.waits_for = start.waits_for,
        "portcullis is listening"
    );
}

/// A connection could not be accepted; so many lines like this one were left out.
pub fn accept_failed(error: &dyn Display, left_out: u64) {
    warn!(error = %error, lines.left_out = left_out, "a connection can't be accepted");
}

/// A connection ended with an error, as h2 says it; so many lines of that reason were left out.
pub fn connection_failed(reason: &str, error: &str, left_out: u64) {
    warn!(
        connection.reason = reason,
        error,
        lines.left_out = left_out,
        "a gRPC connection ended with an error; Checks that were in flight on it, if any, are lost"
    );
}

/// The target of lines that are logged whatever the filter is, unless that is `off`: what they tell of is an outage that nothing else
/// explains.
pub(super) const ALWAYS: &str = "portcullis::always";

/// Calls were reset for an `:authority` that is none. An Envoy that sends one refuses all requests, and no gRPC code runs here.
pub fn authority_rejected(authority: Option<ClientText<'_>>, calls: u64) {
    warn!(
        target: ALWAYS,
        { http2.authority = authority.map(tracing::field::display), calls.rejected = calls },
        "gRPC calls are reset unread, because their `:authority` can't be one of a URI; Envoy sends the name of its cluster unless \
         told otherwise: set `authority: portcullis` in `envoy_grpc` and in `grpc_health_check`, or for `google_grpc` the channel \
         argument `grpc.default_authority`"
    );
}

/// Calls were reset for other pseudo-headers that are missing or malformed: what sends them is no client of gRPC.
pub fn headers_rejected(calls: u64) {
    warn!(
        target: ALWAYS,
        { calls.rejected = calls },
        "gRPC calls are reset unread, because HTTP/2 pseudo-headers other than `:authority` are missing or malformed; \
         `--log warn,h2=debug,portcullis=info` shows which, among many other lines"
    );
}

/// A connection was broken off by its peer or the network.
pub fn connection_broken(error: &str) {
    debug!(error, "a gRPC connection was broken off");
}

/// A connection was refused, as none of the open ones could be closed for it in time; so many lines like this one were left out.
pub fn connection_refused(left_out: u64) {
    warn!(
        lines.left_out = left_out,
        "a gRPC connection is refused: as many as `listen.max_connections` and the limit of open files allow are open, and \
         none of them could be closed in time"
    );
}

/// A connection was closed because another one needed its place; so many lines like this one were left out.
pub fn connection_made_room(left_out: u64) {
    warn!(
        lines.left_out = left_out,
        "the longest unused gRPC connection is closed to make room for another one: as many as `listen.max_connections` and the \
         limit of open files allow are open"
    );
}

/// More connections are configured than file descriptors allow.
pub fn connections_limited(configured: usize, allowed: usize, descriptors: usize) {
    warn!(
        listen.max_connections = configured,
        connections.limit = allowed,
        descriptors.limit = descriptors,
        "`listen.max_connections` is more than three quarters of the limit of open files; that many are served (see `ulimit -n`)"
    );
}

/// The service takes requests.
pub fn serving() {
    info!("serving: the policy is loaded, and every issuer has keys or was asked for them");
}

/// The service is ready. Without an admin port that can't be asked.
pub fn ready(rule: &str) {
    info!(ready.rule = rule, "ready: `/readyz` answers 200 until the stop, if there is an admin port");
}

/// Every issuer was asked for its keys, and the service is not ready.
pub fn not_ready(rule: &str, waits_for: &str) {
    warn!(
        ready.rule = rule,
        ready.waits_for = waits_for,
        "not ready: `/readyz` answers 503 until one of these issuers has keys"
    );
}

/// The service begins to stop.
pub fn stopping(why: &str, notice: Duration) {
    info!(signal = why, drain.notice = ?notice, "stopping: health checks say so, requests are answered until the notice is over");
}

/// The service has stopped, everything answered.
pub fn stopped() {
    info!("stopped");
}

/// The service has stopped, and so many Checks got no answer: those in flight at the deadline, or at a second signal.
pub fn cut_off(checks: usize, signal: Option<&str>) {
    match signal {
        Some(signal) => {
            warn!(signal, checks.cut_off = checks, "stopped by a second signal: Checks in flight are cut off")
        }
        None => warn!(checks.cut_off = checks, "stopped at the deadline: Checks in flight are cut off"),
    }
}

/// A part of the service ended by itself.
pub fn part_failed(part: &str, error: &dyn Display) {
    error!(part, error = %error, "a part of the service ended");
}

/// A bug ended a background task, which is started again after that time.
pub fn task_restarts(task: &str, after: Duration) {
    error!(task, retry.after_s = after.as_secs(), "a bug has ended a background task; it will be started again");
}

/// The admin server has ended, and is started again after that time.
pub fn admin_restarts(error: &dyn Display, after: Duration) {
    error!(error = %error, retry.after_s = after.as_secs(), "the admin server has ended; it will be started again");
}

/// A thread panicked: a bug. `message` is a literal of the source code, `place` where it is.
pub fn panicked(thread: Option<&str>, place: Option<&str>, message: Option<&str>, trace: Option<&Backtrace>) {
    error!(
        thread.name = thread,
        panic.at = place,
        panic.message = message,
        panic.backtrace = trace.map(tracing::field::display),
        "a bug: the code has panicked"
    );
}

/// A thread that answers Checks shows no sign of life.
pub fn thread_silent(thread: &str, silent: Duration) {
    error!(thread.name = thread, silent.s = silent.as_secs(), "a thread that answers Checks shows no sign of life");
}

/// A thread that answers Checks shows signs of life again.
pub fn thread_alive_again(thread: &str) {
    warn!(thread.name = thread, "a thread that answers Checks shows signs of life again");
}

/// Lines of the log were lost: the queue was full, or they could not be written.
pub fn log_lines_lost(lines: u64) {
    warn!(log.lines_lost = lines, "lines of this log were lost: it was not read, or could not be written");
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

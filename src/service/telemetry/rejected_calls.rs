//! gRPC calls that the HTTP/2 library resets before a request exists. Nothing but the library's own trace events tells of them,
//! so a layer listens to these, whatever the log filter is.

use std::{
    fmt::{self, Write as _},
    sync::atomic::{AtomicU64, Ordering},
};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    filter::{FilterFn, Filtered, LevelFilter, filter_fn},
    layer::Context,
    registry::LookupSpan,
};

use super::events;
use crate::{client_text::ClientText, limits};

/// The module of h2 (0.4.20) that turns the headers of a call into a request.
const TARGET: &str = "h2::server";
/// The beginning of its message about an `:authority` that is none, up to the text of it, which is quoted as Rust quotes.
const AUTHORITY: &str = "malformed headers: malformed authority (";
/// The beginnings of its messages about calls that it resets.
const RESETS: [&str; 2] = ["malformed headers: ", "stream error PROTOCOL_ERROR -- "];

/// The rejected calls of this process: it has one subscriber to trace events.
static OF_PROCESS: RejectedCalls = RejectedCalls::new();

/// The part of a call's headers for which it was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rejection {
    /// The `:authority` can't be one of a URI (RFC 3986 section 3.2).
    Authority,
    /// Another pseudo-header is missing or malformed.
    Headers,
}

impl Rejection {
    /// The rejection that a message of h2 tells of; none if it tells of something else.
    fn from_message(message: &str) -> Option<Self> {
        if message.starts_with(AUTHORITY) {
            return Some(Self::Authority);
        }
        RESETS.iter().any(|begin| message.starts_with(begin)).then_some(Self::Headers)
    }
}

/// The rejected calls of one kind.
#[derive(Debug)]
struct Tally {
    seen: AtomicU64,
    /// The rejected calls that the log has told of.
    logged: AtomicU64,
}

impl Tally {
    const fn new() -> Self {
        Self { seen: AtomicU64::new(0), logged: AtomicU64::new(0) }
    }

    fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// Returns the number of calls since the last line, if there were any: a line says so now.
    fn take_new(&self) -> Option<u64> {
        let seen = self.seen();
        Some(seen.saturating_sub(self.logged.swap(seen, Ordering::Relaxed))).filter(|new| *new > 0)
    }
}

/// Counts rejected calls, and holds what the next line of the log says of them.
#[derive(Debug)]
struct RejectedCalls {
    authority: Tally,
    headers: Tally,
    /// An `:authority` since the last line, as h2 quotes it.
    example: Mutex<Option<String>>,
    changed: Notify,
}

impl RejectedCalls {
    const fn new() -> Self {
        Self { authority: Tally::new(), headers: Tally::new(), example: Mutex::new(None), changed: Notify::const_new() }
    }

    fn example(&self) -> MutexGuard<'_, Option<String>> {
        self.example.lock()
    }

    /// Counts the call that a message of h2 tells of, if it tells of one.
    fn note(&self, message: &str) {
        let tally = match Rejection::from_message(message) {
            None => return,
            Some(Rejection::Headers) => &self.headers,
            Some(Rejection::Authority) => {
                let quoted = message.strip_prefix(AUTHORITY).unwrap_or_default();
                self.example().get_or_insert_with(|| quoted_text(quoted).to_owned());
                &self.authority
            }
        };
        tally.seen.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// Logs what was rejected, in at most one line of each kind in [`limits::CONNECTION_LINES`]. Never returns.
    async fn report(&self) {
        loop {
            self.changed.notified().await;
            if let Some(calls) = self.authority.take_new() {
                let example = self.example().take().unwrap_or_default();
                events::authority_rejected(ClientText::host(&example), calls);
            }
            if let Some(calls) = self.headers.take_new() {
                events::headers_rejected(calls);
            }
            tokio::time::sleep(limits::CONNECTION_LINES).await;
        }
    }
}

/// The text of quoted bytes at the beginning, `b"…"`, or as much of it as there is.
fn quoted_text(quoted: &str) -> &str {
    let inner = quoted.trim_start_matches('b').strip_prefix('"').unwrap_or(quoted);
    inner.split_once("\"): ").map_or(inner, |(text, _)| text)
}

/// Returns the numbers of rejected calls of this process, each with its word in metrics.
pub(super) fn counts() -> [(&'static str, u64); 2] {
    [("authority", OF_PROCESS.authority.seen()), ("headers", OF_PROCESS.headers.seen())]
}

/// Logs the rejected calls of this process, at a bounded rate. Never returns.
pub(crate) async fn report() {
    OF_PROCESS.report().await;
}

/// A layer that notes rejected calls.
#[derive(Debug)]
pub(super) struct RejectedCallsLayer(&'static RejectedCalls);

/// A layer that notes the rejected calls of this process. The filter enables h2's messages about them and nothing else: all other
/// call sites of trace events stay as disabled as they are without this layer.
pub(super) fn layer<S>() -> Filtered<RejectedCallsLayer, FilterFn, S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    layer_into(&OF_PROCESS)
}

fn layer_into<S>(calls: &'static RejectedCalls) -> Filtered<RejectedCallsLayer, FilterFn, S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let filter: FilterFn = filter_fn(is_about_a_call);
    RejectedCallsLayer(calls).with_filter(filter.with_max_level_hint(LevelFilter::DEBUG))
}

/// Tells whether an event may be about a rejected call. Only failures of a connection or a call are events of that kind.
fn is_about_a_call(metadata: &Metadata<'_>) -> bool {
    *metadata.level() == Level::DEBUG && metadata.target() == TARGET && metadata.is_event()
}

impl<S: Subscriber> Layer<S> for RejectedCallsLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut message = Message::default();
        event.record(&mut message);
        self.0.note(&message.0);
    }
}

/// The beginning of an event's message: a peer chooses how long it is.
#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // An error means that it is full.
            let _ = write!(self, "{value:?}");
        }
    }
}

impl fmt::Write for Message {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = limits::TRACED_TEXT_BYTES.saturating_sub(self.0.len());
        let fits = |end: &usize| text.is_char_boundary(*end);
        let end = (0..=room.min(text.len())).rev().find(fits).unwrap_or_default();
        self.0.push_str(text.get(..end).unwrap_or_default());
        if end < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;

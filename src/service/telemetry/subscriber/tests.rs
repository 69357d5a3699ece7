use std::{io::Write, sync::Arc};

use parking_lot::Mutex;
use tracing::{
    Event, Metadata, debug, info,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::with_default,
    trace,
};

use super::*;

#[test]
fn a_bare_level_is_about_portcullis_and_another_word_is_refused() {
    assert_eq!(directives("debug").unwrap(), "warn,h2=error,portcullis=debug");
    assert_eq!(directives("ERROR").unwrap(), "error");
    assert_eq!(directives("portcullis=trace,h2=info").unwrap(), "portcullis=trace,h2=info");
    for word in ["verbose", "", "portcullis", "inf"] {
        assert!(directives(word).is_err(), "{word}");
    }
}

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The subscriber of a filter as `--log` has it, and its log.
fn logging(filter: &str, format: Format) -> (impl Subscriber + Send + Sync, Log) {
    let filter = EnvFilter::builder().parse(directives(filter).unwrap()).unwrap();
    let log = Log::default();
    let writer = log.clone();
    (subscriber(filter, format, false, move || writer.clone()), log)
}

/// A subscriber that collects the call sites of events.
#[derive(Clone, Default)]
struct CallSites(Arc<Mutex<Vec<&'static Metadata<'static>>>>);

impl Subscriber for CallSites {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.0.lock().push(event.metadata());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn beside_the_lines_of_the_log_one_event_of_the_transport_is_enabled() {
    let sites = CallSites::default();
    with_default(sites.clone(), || {
        debug!(target: "h2::codec::framed_read", frame = 1, "received");
        debug!(target: "h2::codec::framed_write", frame = 1, "send");
        debug!(target: "hyper::proto::h2::server", "incoming");
        debug!(target: "crate::service::telemetry::events", "request allowed");
        trace!(target: "h2::server", "poll");
        debug!(target: "h2::server", "malformed headers: missing method");
    });
    let sites = sites.0.lock();
    assert_eq!(sites.len(), 6);
    for filter in ["off", "error", "warn", "info", "portcullis=warn"] {
        let (subscriber, _) = logging(filter, Format::Text);
        // No `trace!` gets past a comparison of levels, and no other `debug!` past its own call site.
        assert_eq!(subscriber.max_level_hint(), Some(LevelFilter::DEBUG), "{filter}");
        let (watched, others) = sites.split_last().unwrap();
        for site in others {
            assert!(subscriber.register_callsite(site).is_never(), "{filter}: {site:?}");
        }
        assert!(!subscriber.register_callsite(watched).is_never(), "{filter}");
    }
}

#[test]
fn lines_are_those_of_the_filter_in_their_format() {
    let say = || {
        debug!(target: "h2::server", "malformed headers: missing method");
        info!(target: "portcullis", a = 1, "said");
    };
    for (filter, lines) in [("info", 1), ("off", 0), ("portcullis=info,h2::server=debug", 2), ("portcullis=warn", 0)] {
        let (subscriber, log) = logging(filter, Format::Text);
        with_default(subscriber, say);
        assert_eq!(log.text().lines().count(), lines, "{filter}: {}", log.text());
        assert_eq!(log.text().contains("malformed headers"), lines == 2, "{filter}: {}", log.text());
    }
    let (subscriber, log) = logging("info", Format::Text);
    with_default(subscriber, say);
    assert!(log.text().ends_with("  INFO said a=1\n"), "{}", log.text());
    let (subscriber, log) = logging("info", Format::Json);
    with_default(subscriber, say);
    let line: serde_json::Value = serde_json::from_str(&log.text()).unwrap();
    assert_eq!(
        (&line["level"], &line["fields"]["message"], &line["fields"]["a"]),
        (&"INFO".into(), &"said".into(), &1.into())
    );
}

#[test]
fn rejected_calls_are_told_of_unless_the_log_is_off() {
    let say = || {
        events::authority_rejected(None, 1);
        events::headers_rejected(1);
        events::accept_failed(&"another warning", 0);
    };
    for (filter, lines) in [
        ("error", 2),
        ("portcullis=error", 2),
        ("h2=trace", 2),
        ("portcullis=off,h2=error", 2),
        ("warn", 3),
        ("portcullis=warn", 3),
        ("off", 0),
        ("portcullis=off", 0),
    ] {
        let (subscriber, log) = logging(filter, Format::Text);
        with_default(subscriber, say);
        assert_eq!(log.text().lines().count(), lines, "{filter}: {}", log.text());
        assert_eq!(log.text().matches("gRPC calls are reset unread").count(), lines.min(2), "{filter}: {}", log.text());
    }
}

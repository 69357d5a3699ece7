//! Panics, counted and logged like everything else.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use super::events;

static PANICS: AtomicU64 = AtomicU64::new(0);

/// Replaces the standard hook, which writes to standard error on the thread that panics and so could block a thread that
/// answers Checks. A backtrace is added if `RUST_BACKTRACE` asks for it.
pub fn install() {
    panic::set_hook(Box::new(|info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        // SECURITY: only a literal is logged. A message that was formatted may quote what a client sent: slicing a text out of
        // bounds, for example, quotes the text.
        let message = info.payload().downcast_ref::<&'static str>().copied();
        let place = info.location().map(ToString::to_string);
        let trace = Backtrace::capture();
        let trace = (trace.status() == BacktraceStatus::Captured).then_some(trace);
        events::panicked(thread::current().name(), place.as_deref(), message, trace.as_ref().map(|trace| trace as _));
    }));
}

/// The number of panics so far, caught ones included.
pub fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

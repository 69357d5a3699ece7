//! The output of the running service: everything that it prints goes through one bounded queue to one thread, which writes
//! it to standard error.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsFd as _,
    sync::OnceLock,
    time::Duration,
};

use super::{
    events,
    log_queue::{LogQueue, collect, log_queue},
    log_writer::{self, LogWriter},
};

/// The queue of this process, once there is one.
static QUEUE: OnceLock<LogQueue> = OnceLock::new();

/// Starts the writing thread, unless it runs already.
///
/// # Errors
/// The system gives no thread.
pub(super) fn start() -> io::Result<&'static LogQueue> {
    if let Some(queue) = QUEUE.get() {
        return Ok(queue);
    }
    let (queue, entries) = log_queue();
    let say_lost = |lines| collect(|| events::log_lines_lost(lines));
    log_writer::start(LogWriter::new(standard_error(), entries, say_lost))?;
    Ok(QUEUE.get_or_init(|| queue))
}

/// Standard error without the lock of [`io::stderr`]: the writing thread may be stuck in a write for as long as the log is not
/// read, and another user of that lock must not be.
fn standard_error() -> Box<dyn Write + Send> {
    match io::stderr().as_fd().try_clone_to_owned() {
        Ok(descriptor) => Box::new(File::from(descriptor)),
        Err(_) => Box::new(io::stderr()),
    }
}

/// Prints a text that is no log line, in its turn. Returns whether it was taken: before logging has started, it is not.
pub fn print(text: &str) -> bool {
    QUEUE.get().map(|queue| queue.push(text.as_bytes())).is_some()
}

/// Waits until what was printed so far is written, at most for that time: a log that is not read must not hold up the exit.
pub fn flush(within: Duration) {
    if let Some(queue) = QUEUE.get() {
        // Lines that are not written by then are lost, and nothing is left to report that to.
        let _ = queue.flush(within);
    }
}

/// The number of lines that were dropped because the queue was full or writing failed.
pub fn dropped_lines() -> u64 {
    QUEUE.get().map_or(0, LogQueue::dropped)
}

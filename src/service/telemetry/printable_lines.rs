//! The last step of a log line before the queue: nothing in it may act on a terminal or forge another line, whatever wrote
//! the text that an event tells.

use std::io::{self, Write};

use super::{log_format::Format, log_queue::LogQueue};
use crate::printable;

/// The writer of one line, which the subscriber writes with one call.
pub(super) struct PrintableLines<'q> {
    queue: &'q LogQueue,
    format: Format,
}

impl<'q> PrintableLines<'q> {
    pub(super) const fn new(queue: &'q LogQueue, format: Format) -> Self {
        Self { queue, format }
    }
}

impl Write for PrintableLines<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let shown = match self.format {
            Format::Text => printable::log_line(&text),
            Format::Json => printable::json(&text),
        };
        self.queue.write_all(shown.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::log_queue::{collect, log_queue},
        *,
    };

    #[test]
    fn a_line_is_queued_as_one_printable_line() {
        let (queue, _entries) = log_queue();
        for (format, line, shown) in [
            (Format::Text, "WARN a\u{202e}\nERROR b\u{9b}\n", "WARN a\\u{202e}\\u{a}ERROR b\\u{9b}\n"),
            (Format::Json, "{\"a\":\"\u{202e}\u{7f}\"}\n", "{\"a\":\"\\u202e\\u007f\"}\n"),
        ] {
            let mut writer = PrintableLines::new(&queue, format);
            let collected = collect(|| writer.write_all(line.as_bytes()).unwrap());
            assert_eq!(String::from_utf8(collected).unwrap(), shown);
        }
    }
}

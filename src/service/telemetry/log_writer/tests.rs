//! Outputs that fail, are full, or take a part of what they are given.

use std::{collections::VecDeque, io::ErrorKind};

use super::*;
use crate::service::telemetry::log_queue::{LogQueue, log_queue};

/// The reaction of an output to one write.
#[derive(Clone, Copy)]
enum Do {
    /// The output takes everything that it is given.
    All,
    /// The output takes at most that many bytes.
    Take(usize),
    Fail(ErrorKind),
}

/// An output that does what it is told, and then takes everything.
#[derive(Default)]
struct Output {
    script: VecDeque<Do>,
    writes: Vec<String>,
}

impl Output {
    fn text(&self) -> String {
        self.writes.concat()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = match self.script.pop_front().unwrap_or(Do::All) {
            Do::All => bytes.len(),
            Do::Take(most) => most.min(bytes.len()),
            Do::Fail(kind) => return Err(kind.into()),
        };
        self.writes.push(String::from_utf8(bytes[..taken].to_vec()).unwrap());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type TestWriter = LogWriter<Output, fn(u64) -> Vec<u8>>;

fn lost(lines: u64) -> Vec<u8> {
    format!("lost {lines}\n").into_bytes()
}

fn writer(script: impl IntoIterator<Item = Do>) -> (LogQueue, TestWriter) {
    let (queue, entries) = log_queue();
    let output = Output { script: script.into_iter().collect(), ..Output::default() };
    (queue, LogWriter::new(output, entries, lost))
}

fn log(queue: &LogQueue, writer: &mut TestWriter, lines: &[&str]) {
    lines.iter().for_each(|line| queue.push(line.as_bytes()));
    assert!(writer.wait());
    writer.write_queued();
}

/// Everything that is owed is written.
fn end(queue: LogQueue, mut writer: TestWriter) -> Output {
    drop(queue);
    writer.run();
    writer.output
}

#[test]
fn lines_are_written_in_order_and_several_with_one_call() {
    let (queue, mut writer) = writer([]);
    log(&queue, &mut writer, &["a\n", "b\n"]);
    log(&queue, &mut writer, &["c\n"]);
    assert_eq!(end(queue, writer).writes, ["a\nb\n", "c\n"]);
}

#[test]
fn a_call_writes_the_limit_in_bytes_and_a_longer_line_alone() {
    let (queue, writer) = writer([]);
    let half = format!("{}\n", "h".repeat(limits::LOG_BATCH_BYTES / 2 - 1));
    let long = format!("{}\n", "l".repeat(limits::LOG_BATCH_BYTES));
    for line in [&half, &half, "x\n", &long, "y\n"] {
        queue.push(line.as_bytes());
    }
    let writes = end(queue, writer).writes;
    assert_eq!(writes, [[half.clone(), half].concat(), "x\n".to_owned(), long, "y\n".to_owned()]);
}

#[test]
fn what_a_failed_write_loses_is_counted_and_said_once_when_writing_works_again() {
    for kind in [ErrorKind::BrokenPipe, ErrorKind::StorageFull] {
        let (queue, mut writer) = writer([Do::Fail(kind), Do::Fail(kind)]);
        log(&queue, &mut writer, &["a\n", "b\n"]);
        log(&queue, &mut writer, &["c\n"]);
        assert_eq!(queue.dropped(), 3);
        log(&queue, &mut writer, &["d\n"]);
        log(&queue, &mut writer, &["e\n"]);
        assert_eq!(queue.dropped(), 3, "the line that says so is none of those");
        assert_eq!(end(queue, writer).text(), "lost 3\nd\ne\n", "{kind:?}");
    }
}

#[test]
fn what_was_lost_is_said_without_another_line() {
    let (queue, mut writer) = writer([Do::Fail(ErrorKind::StorageFull)]);
    log(&queue, &mut writer, &["a\n"]);
    // Nothing is logged; after a while the writer tries by itself.
    assert!(writer.wait());
    writer.write_queued();
    assert_eq!(writer.output.text(), "lost 1\n");
    assert_eq!(end(queue, writer).text(), "lost 1\n");
}

#[test]
fn a_line_that_was_cut_is_continued() {
    let (queue, mut writer) = writer([Do::Take(4), Do::Fail(ErrorKind::StorageFull)]);
    log(&queue, &mut writer, &["aa\n", "bb\n", "cc\n"]);
    assert_eq!((writer.output.text().as_str(), queue.dropped()), ("aa\nb", 1), "only the last one is lost");
    log(&queue, &mut writer, &["dd\n"]);
    assert_eq!(end(queue, writer).text(), "aa\nbb\nlost 1\ndd\n");
}

#[test]
fn the_rest_of_a_line_survives_further_failures() {
    let full = Do::Fail(ErrorKind::StorageFull);
    let (queue, mut writer) = writer([Do::Take(1), full, full, Do::Take(1), full]);
    for line in ["aaa\n", "b\n", "c\n"] {
        log(&queue, &mut writer, &[line]);
    }
    assert_eq!((writer.output.text().as_str(), queue.dropped()), ("aa", 2));
    assert_eq!(end(queue, writer).text(), "aaa\nlost 2\n");
}

#[test]
fn a_cut_notice_is_continued_and_not_said_again() {
    let full = Do::Fail(ErrorKind::StorageFull);
    let (queue, mut writer) = writer([full, Do::Take(2), full]);
    log(&queue, &mut writer, &["a\n"]);
    log(&queue, &mut writer, &["b\n"]);
    assert_eq!(writer.output.text(), "lo");
    log(&queue, &mut writer, &["c\n"]);
    // The loss of `b` is said a while later.
    assert_eq!(writer.output.text(), "lost 1\nc\n");
    assert_eq!(queue.dropped(), 2);
}

#[test]
fn short_writes_and_interruptions_lose_nothing() {
    let (queue, mut writer) =
        writer([Do::Take(1), Do::Fail(ErrorKind::Interrupted), Do::Take(2), Do::Fail(ErrorKind::WouldBlock)]);
    log(&queue, &mut writer, &["abc\n", "def\n"]);
    assert_eq!((writer.output.text().as_str(), queue.dropped()), ("abc\ndef\n", 0));
}

#[test]
fn an_output_that_takes_nothing_has_failed() {
    let (queue, mut writer) = writer([Do::Take(0)]);
    log(&queue, &mut writer, &["a\n"]);
    assert_eq!((writer.output.text().as_str(), queue.dropped()), ("", 1));
}

#[test]
fn where_lines_are_lost_all_the_time_it_is_said_at_most_once_a_second() {
    let full = Do::Fail(ErrorKind::StorageFull);
    let script = std::iter::repeat_n([full, Do::All], 20).flatten();
    let (queue, mut writer) = writer(script);
    for _ in 0..40 {
        log(&queue, &mut writer, &["a\n"]);
    }
    assert_eq!(queue.dropped(), 20);
    let notices = writer.output.writes.iter().filter(|write| write.contains("lost")).count();
    assert_eq!(notices, 1, "{:?}", writer.output.writes);
}

#[test]
fn a_full_queue_is_said_too() {
    let (queue, mut writer) = writer([]);
    let line = format!("{}\n", "x".repeat(1000));
    while queue.dropped() < 5 {
        queue.push(line.as_bytes());
    }
    log(&queue, &mut writer, &[]);
    assert!(writer.output.text().starts_with("lost 5\n"), "{}", writer.output.text());
}

#[test]
fn a_flush_is_answered_after_the_lines_before_it_and_says_what_was_lost() {
    let (queue, mut writer) = writer([Do::Fail(ErrorKind::BrokenPipe)]);
    log(&queue, &mut writer, &["a\n"]);
    queue.push(b"b\n");
    let writing = thread::spawn(move || {
        writer.run();
        writer
    });
    assert!(queue.flush(std::time::Duration::from_secs(60)));
    queue.push(b"c\n");
    drop(queue);
    let writes = writing.join().unwrap().output.writes;
    // The request may have come after that write; what was lost was said in time either way.
    assert_eq!(writes.concat(), "lost 1\nb\nc\n");
}

#[test]
fn the_thread_goes_on_after_a_panic() {
    let (queue, entries) = log_queue();
    let (written, lines) = mpsc::channel();
    struct Shared(mpsc::Sender<Vec<u8>>);
    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            assert_ne!(bytes, b"a bug\n", "a bug");
            self.0.send(bytes.to_vec()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    start(LogWriter::new(Shared(written), entries, lost)).unwrap();
    queue.push(b"a bug\n");
    let wait = std::time::Duration::from_secs(10);
    assert!(lines.recv_timeout(limits::LOG_RETRY / 10).is_err());
    queue.push(b"after it\n");
    let got = lines.recv_timeout(wait).unwrap();
    assert!(String::from_utf8(got).unwrap().ends_with("after it\n"));
}

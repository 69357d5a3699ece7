use std::{
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    task::Waker,
    time::Duration,
};

use tokio::time::advance;

use super::{super::Joined, *};

const MS: Duration = Duration::from_millis(1);
const TURN: usize = limits::READ_PER_TURN;

/// A stream that has so many bytes, each the number of its place, and then an end, an error or nothing for now.
#[derive(Default)]
struct Script {
    given: usize,
    has: usize,
    end: Option<Result<(), io::ErrorKind>>,
    /// Gives no more at once.
    most: Option<usize>,
    polls: usize,
}

fn byte(place: usize) -> u8 {
    u8::try_from(place % 251).unwrap()
}

impl Read for Script {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, mut into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        self.polls += 1;
        let most = into.remaining().min(self.most.unwrap_or(usize::MAX));
        let bytes: Vec<u8> = (self.given..self.has).take(most).map(byte).collect();
        if bytes.is_empty() {
            return match self.end {
                None => Poll::Pending,
                Some(Ok(())) => Poll::Ready(Ok(())),
                // A socket says it once.
                Some(Err(kind)) => {
                    self.end = Some(Ok(()));
                    Poll::Ready(Err(kind.into()))
                }
            };
        }
        self.given += bytes.len();
        into.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

/// A connection as h2 sees it.
struct Connection<'a> {
    joined: Joined<'a, Script>,
    seen: usize,
}

/// The parts that a connection borrows.
#[derive(Default)]
struct Lent {
    turn: AtomicUsize,
    goodbye: OnceLock<Box<str>>,
}

impl<'a> Connection<'a> {
    fn new(lent: &'a Lent, reads: &'a Reads) -> Self {
        let joined = Joined { stream: Script::default(), turn: &lent.turn, goodbye: &lent.goodbye, reads, ahead: None };
        Self { joined, seen: 0 }
    }

    /// Reads once into so much room. The bytes are those that come next.
    fn read(&mut self, room: usize) -> Poll<io::Result<usize>> {
        let mut bytes = vec![0; room];
        let mut into = ReadBuf::new(&mut bytes);
        let read = Pin::new(&mut self.joined).poll_read(&mut Context::from_waker(Waker::noop()), into.unfilled());
        let filled = into.filled();
        assert!(filled.iter().enumerate().all(|(at, got)| *got == byte(self.seen + at)), "after {}", self.seen);
        self.seen += filled.len();
        read.map_ok(|()| into.filled().len())
    }

    /// One turn, in pieces of 8 KiB as h2 reads: how many bytes were read. Then it is asked once more for each call.
    fn turn(&mut self) -> usize {
        let before = self.seen;
        self.joined.turn.store(TURN, Ordering::Relaxed);
        while let Poll::Ready(read) = self.read(8 * 1024) {
            if read.unwrap() == 0 {
                break;
            }
        }
        for _ in 0..15 {
            let _ = self.read(8 * 1024);
        }
        self.seen - before
    }

    fn pieces(&self) -> usize {
        self.joined.ahead.as_ref().map_or(0, |ahead| ahead.pieces.len())
    }
}

/// Returns how long a call has waited that comes now.
fn waited(reads: &Reads) -> u128 {
    let picked_up = reads.call(Some(Duration::from_secs(3600))).pick_up().unwrap();
    picked_up.times.queued().as_millis()
}

#[tokio::test(start_paused = true)]
async fn what_comes_beyond_a_turn_has_the_time_at_its_end() {
    let (lent, reads) = (Lent::default(), Reads::new());
    let mut connection = Connection::new(&lent, &reads);
    connection.joined.stream.has = 3 * TURN;
    assert_eq!(connection.turn(), TURN);
    assert_eq!((waited(&reads), connection.pieces()), (0, 2 * TURN / FRAME), "those of the turn are not late");
    assert_eq!(connection.joined.stream.given, 3 * TURN, "all of it was taken");
    advance(100 * MS).await;
    // More comes while those wait.
    connection.joined.stream.has += 10_000;
    assert_eq!(connection.turn(), TURN);
    assert_eq!((waited(&reads), connection.pieces()), (100, TURN / FRAME + 1));
    advance(70 * MS).await;
    assert_eq!(connection.turn(), TURN);
    assert_eq!((waited(&reads), connection.pieces()), (170, 1));
    advance(30 * MS).await;
    assert_eq!(connection.turn(), 10_000);
    assert_eq!((waited(&reads), connection.pieces()), (100, 0), "it came when the second turn ended");
    assert!(connection.joined.ahead.is_none());
    connection.joined.stream.has += 5;
    assert_eq!(connection.turn(), 5);
    assert_eq!(waited(&reads), 0);
}

#[test]
fn nothing_is_read_ahead_of_a_connection_that_keeps_to_its_turn() {
    let (lent, reads) = (Lent::default(), Reads::new());
    let mut connection = Connection::new(&lent, &reads);
    connection.joined.turn.store(TURN, Ordering::Relaxed);
    for _ in 0..100 {
        assert!(connection.read(8 * 1024).is_pending(), "nothing is no part of a turn");
    }
    connection.joined.stream.has = TURN - 8 * 1024;
    let reads = TURN / (8 * 1024) - 1;
    for _ in 0..reads {
        assert!(connection.read(8 * 1024).is_ready());
    }
    for _ in 0..100 {
        assert!(connection.read(8 * 1024).is_pending());
    }
    assert_eq!(connection.joined.stream.polls, 200 + reads, "it was asked whenever it was read, and not more often");
    assert!(connection.joined.ahead.is_none());
}

#[test]
fn reading_ahead_is_bounded_for_a_connection_and_for_a_thread() {
    let reads = [(); 4].map(|()| Reads::new());
    let lent = [(); 4].map(|()| Lent::default());
    let mut connections: Vec<_> = lent.iter().zip(&reads).map(|(lent, reads)| Connection::new(lent, reads)).collect();
    let whole = limits::READ_AHEAD_THREAD / limits::READ_AHEAD;
    for (at, connection) in connections.iter_mut().enumerate() {
        connection.joined.stream.has = 2 * limits::READ_AHEAD;
        assert_eq!(connection.turn(), TURN);
        let room = if at < whole { limits::READ_AHEAD } else { limits::READ_AHEAD_THREAD - whole * limits::READ_AHEAD };
        assert_eq!(connection.joined.stream.given, TURN + room, "{at}");
    }
    let mut last = connections.pop().unwrap();
    let (given, first) = (last.joined.stream.given, connections.remove(0));
    drop(first);
    while last.joined.stream.given == given {
        assert_eq!(last.turn(), TURN);
    }
    let ahead = last.joined.ahead.as_ref().unwrap();
    assert!(ahead.held <= limits::READ_AHEAD && ahead.unread + TURN >= limits::READ_AHEAD, "room was given back");
    while last.seen < 2 * limits::READ_AHEAD {
        last.turn();
    }
    assert!(last.joined.ahead.is_none());
}

#[test]
fn a_flood_is_read_ahead_in_few_pieces() {
    let (lent, reads) = (Lent::default(), Reads::new());
    let mut connection = Connection::new(&lent, &reads);
    connection.joined.stream.has = limits::READ_AHEAD;
    let mut most = 0;
    // As much comes as is read, and then less: one byte at a time.
    for turn in 0..300 {
        connection.turn();
        connection.joined.stream.has += if turn < 150 { TURN } else { 1 };
        most = most.max(connection.pieces());
        let polls = mem::take(&mut connection.joined.stream.polls);
        assert!(turn == 0 || polls <= TURN / FRAME + 2 || connection.pieces() == 0, "{polls}, and not for each call");
    }
    assert!((100..=181).contains(&most), "{most}");
}

#[test]
fn the_end_of_a_stream_comes_after_what_came_before() {
    let error = io::ErrorKind::ConnectionReset;
    for (has, end) in [(TURN + 7, Ok(())), (TURN + 7, Err(error)), (TURN, Ok(())), (TURN, Err(error))] {
        let (lent, reads) = (Lent::default(), Reads::new());
        let mut connection = Connection::new(&lent, &reads);
        (connection.joined.stream.has, connection.joined.stream.end) = (has, Some(end));
        assert_eq!(connection.turn(), TURN);
        connection.joined.turn.store(TURN, Ordering::Relaxed);
        while connection.seen < has {
            assert!(matches!(connection.read(1024), Poll::Ready(Ok(1..))));
        }
        // The next turn, if there was something in this one.
        let last = connection.read(1024);
        connection.joined.turn.store(TURN, Ordering::Relaxed);
        let last = if last.is_pending() { connection.read(1024) } else { last };
        let Poll::Ready(last) = last else { panic!("it has ended") };
        assert_eq!(last.map_err(|error| error.kind()), end.map(|()| 0), "{has}");
        connection.joined.turn.store(TURN, Ordering::Relaxed);
        let Poll::Ready(Ok(0)) = connection.read(1024) else { panic!("it stays ended") };
        assert!(connection.joined.ahead.is_none());
    }
}

#[test]
fn a_read_takes_no_more_than_a_frame() {
    let (lent, reads) = (Lent::default(), Reads::new());
    let mut connection = Connection::new(&lent, &reads);
    connection.joined.stream.has = 4 * TURN;
    connection.joined.stream.most = Some(10_000);
    assert_eq!(connection.turn(), TURN);
    connection.joined.turn.store(1, Ordering::Relaxed);
    assert!(matches!(connection.read(1024 * 1024), Poll::Ready(Ok(FRAME))));
    assert!(connection.read(1024 * 1024).is_pending(), "and the turn is over");
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_here_count_by_the_length_of_those_that_came() {
    let (lent, reads, other) = (Lent::default(), Reads::new(), Reads::new());
    let mut connection = Connection::new(&lent, &reads);
    let one = other.call(None);
    // Each call is 2 KiB long.
    connection.joined.stream.has = 1001 * 2048;
    let arrive = |read: usize| (0..read / 2048).for_each(|_| drop(reads.call(None)));
    let read = connection.turn();
    assert_eq!(one.others(), 0, "nothing is known of their length");
    arrive(read);
    let mut waiting = 1001 - read / 2048;
    for _ in 0..10 {
        let read = connection.turn();
        arrive(read);
        waiting -= read / 2048;
        assert!(one.others() <= waiting, "never too many: {}", one.others());
    }
    assert!(one.others() * 10 >= waiting * 9, "{} of {waiting}", one.others());
    while connection.turn() > 0 {}
    assert_eq!(one.others(), 0);
    connection.joined.stream.has += 10 * TURN;
    connection.turn();
    arrive(TURN);
    connection.turn();
    assert!(one.others() > 0);
    drop(connection);
    assert_eq!(one.others(), 0, "those of a connection that has ended wait no more");
}

use tokio::time::advance;

use super::*;

const MS: Duration = Duration::from_millis(1);

/// Calls that wait with it.
fn others(reads: &Reads, count: usize) -> Vec<Call> {
    (0..count).map(|_| reads.call(None)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_is_turned_away_once_its_deadline_has_passed() {
    let reads = Reads::new();
    reads.read();
    let call = reads.call(Some(250 * MS));
    advance(249 * MS).await;
    let picked_up = call.pick_up().unwrap();
    assert_eq!(picked_up.times.queued().as_millis(), 249);
    advance(MS).await;
    assert!(call.pick_up().is_err(), "nobody waits for the answer");
    assert!(reads.call(None).pick_up().is_ok(), "without a deadline none passes");
}

#[tokio::test(start_paused = true)]
async fn in_a_long_queue_half_of_the_deadline_is_enough() {
    for (timeout, half) in [(Some(500 * MS), 250 * MS), (None, limits::KEY_WAIT / 2)] {
        let reads = Reads::new();
        reads.read();
        let call = reads.call(timeout);
        let as_many = others(&reads, limits::WAITING_CHECKS);
        let one_more = reads.call(None);
        advance(half).await;
        assert!(call.pick_up().is_ok(), "half of it, and not more");
        advance(MS).await;
        assert!(call.pick_up().is_err(), "{timeout:?}");
        drop(one_more);
        assert!(call.pick_up().is_ok(), "as many as may wait: {timeout:?}");
        drop(as_many);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_were_read_ahead_count_as_well() {
    let (reads, elsewhere) = (Reads::new(), Reads::new());
    reads.read();
    let call = reads.call(Some(500 * MS));
    let mut ahead = elsewhere.ahead();
    advance(251 * MS).await;
    ahead.set(2000 * limits::WAITING_CHECKS, limits::WAITING_CHECKS);
    assert!(call.pick_up().is_ok(), "as many as may wait");
    let in_queue = elsewhere.call(None);
    assert!(call.pick_up().is_err(), "and one in the queue");
    drop(in_queue);
    ahead.set(2000, limits::WAITING_CHECKS + 1);
    assert!(call.pick_up().is_err());
    ahead.set(2000, 1);
    assert_eq!((call.others(), ahead.room()), (1, limits::READ_AHEAD - 2000));
    drop(ahead);
    assert_eq!((call.others(), reads.ahead().room()), (0, limits::READ_AHEAD));
}

#[test]
fn a_thread_gives_its_connections_room_to_read_ahead_as_long_as_it_has_any() {
    let connections: Vec<Reads> = (0..5).map(|_| Reads::new()).collect();
    let mut shares: Vec<AheadShare> = connections.iter().map(Reads::ahead).collect();
    let mut left = limits::READ_AHEAD_THREAD;
    for share in &mut shares {
        assert_eq!(share.room(), limits::READ_AHEAD.min(left));
        left -= share.room();
        share.set(share.room(), 0);
        assert_eq!(share.room(), 0);
    }
    assert_eq!(left, 0, "the last ones had none");
    let elsewhere = std::thread::spawn(|| Reads::new().ahead().room());
    assert_eq!(elsewhere.join().unwrap(), limits::READ_AHEAD, "of another thread");
    shares[0].set(1000, 0);
    assert_eq!(shares[4].room(), limits::READ_AHEAD - 1000);
}

#[tokio::test(start_paused = true)]
async fn it_is_the_last_read_that_brought_a_call() {
    let reads = Reads::new();
    advance(1000 * MS).await;
    reads.read();
    advance(7 * MS).await;
    let picked_up = reads.call(Some(250 * MS)).pick_up().unwrap();
    assert_eq!(picked_up.times.queued().as_millis(), 7, "what a connection did before is no matter");
    let read_ahead = Instant::now();
    advance(300 * MS).await;
    reads.read_at(read_ahead);
    let picked_up = reads.call(Some(1000 * MS)).pick_up().unwrap();
    assert_eq!(picked_up.times.queued().as_millis(), 300, "read ahead, it has waited since then");
}

#[test]
fn calls_of_all_connections_of_a_thread_wait_in_one_queue_until_they_end_in_any_way() {
    let (one, other) = (Reads::new(), Reads::new());
    let call = one.call(None);
    assert_eq!(call.others(), 0);
    let waiting = others(&other, 3);
    assert_eq!(call.others(), 3);
    let elsewhere = std::thread::spawn(|| Reads::new().call(None).others());
    assert_eq!(elsewhere.join().unwrap(), 0, "of another thread");
    let taken_back = Box::pin(async { drop(waiting) });
    assert_eq!(call.others(), 3);
    drop(taken_back);
    assert_eq!(call.others(), 0);
}

#[tokio::test]
async fn a_call_whose_message_has_yet_to_come_waits_for_no_thread() {
    let reads = Reads::new();
    let (call, mut incomplete) = (reads.call(None), reads.call(None));
    let (send, rest) = tokio::sync::oneshot::channel();
    let mut aside = Box::pin(incomplete.aside(rest));
    tokio::select! { biased; _ = &mut aside => panic!("it has not come"), () = std::future::ready(()) => {} }
    assert_eq!(call.others(), 0);
    send.send(7).unwrap();
    assert_eq!(aside.await, Ok(7));
    assert_eq!(call.others(), 1, "its turn is to come");
}

#[tokio::test(start_paused = true)]
async fn the_time_that_a_peer_takes_for_the_rest_of_a_call_is_none_in_the_queue() {
    let reads = Reads::new();
    reads.read();
    let mut call = reads.call(Some(1000 * MS));
    call.aside(advance(400 * MS)).await;
    advance(7 * MS).await;
    let picked_up = call.pick_up().unwrap();
    assert_eq!(picked_up.times.queued().as_millis(), 7);
    assert_eq!(picked_up.key_wait, deadline::key_wait_within(Some(600 * MS)), "of the deadline so much is left");
    advance(592 * MS).await;
    assert!(call.pick_up().is_ok());
    advance(MS).await;
    let turned_away = call.pick_up().unwrap_err();
    assert_eq!(turned_away.times.queued().as_millis(), 600, "its deadline is the same");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_turned_away_has_waited_as_long_as_it_has() {
    let reads = Reads::new();
    reads.read();
    let call = reads.call(Some(250 * MS));
    advance(300 * MS).await;
    let times = QueueTimes::from(&call.pick_up());
    assert_eq!((times.left - times.arrived).as_millis(), 300);
}

#[test]
fn the_calls_of_all_threads_of_a_server_are_counted() {
    let (queues, reads) = (Queues::default(), Reads::new());
    assert_eq!(queues.calls(), 0);
    queues.add(&reads);
    queues.add(&Reads::new());
    let calls = others(&reads, 3);
    let mut ahead = Reads::new().ahead();
    ahead.set(2000, 4);
    assert_eq!(queues.calls(), 7, "each thread once, however many connections it has");
    let (begun, wait_for_begin) = std::sync::mpsc::channel();
    let (end, wait_for_end) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let queues = &queues;
        scope.spawn(move || {
            let reads = Reads::new();
            queues.add(&reads);
            let _call = reads.call(None);
            begun.send(()).unwrap();
            wait_for_end.recv().unwrap_err();
        });
        wait_for_begin.recv().unwrap();
        assert_eq!(queues.calls(), 8, "with one of another thread");
        drop(end);
    });
    assert_eq!(queues.calls(), 7, "a thread that has ended takes its calls along");
    drop((calls, ahead));
    assert_eq!(queues.calls(), 0);
}

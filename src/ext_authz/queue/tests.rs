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
    assert_eq!((picked_up.at - picked_up.arrived).as_millis(), 249);
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
async fn it_is_the_last_read_that_brought_a_call() {
    let reads = Reads::new();
    advance(1000 * MS).await;
    reads.read();
    advance(7 * MS).await;
    let picked_up = reads.call(Some(250 * MS)).pick_up().unwrap();
    assert_eq!((picked_up.at - picked_up.arrived).as_millis(), 7, "what a connection did before is no matter");
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

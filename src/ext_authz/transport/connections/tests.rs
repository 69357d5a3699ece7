use tokio::time::timeout;

use super::*;

fn connections(most: usize) -> Arc<Connections> {
    Arc::new(Connections::new(most, CancellationToken::new()))
}

async fn places(connections: &Arc<Connections>, count: usize) -> Vec<Place> {
    let mut places = Vec::new();
    for _ in 0..count {
        places.push(connections.enter().await.unwrap());
    }
    places
}

fn leaving(places: &[Place]) -> Vec<usize> {
    (0..places.len()).filter(|at| places[*at].makes_room()).collect()
}

#[tokio::test(start_paused = true)]
async fn up_to_the_bound_nobody_goes_and_beyond_it_the_longest_unused() {
    let connections = connections(40);
    let mut all = places(&connections, 40).await;
    assert_eq!(leaving(&all), [] as [usize; 0]);
    // Two of them are used, one after the other one was accepted.
    drop(all[0].call());
    all.push(connections.enter().await.unwrap());
    assert_eq!(leaving(&all), [1], "the oldest one was used");
    drop(all[2].call());
    all.push(connections.enter().await.unwrap());
    assert_eq!(leaving(&all), [1, 3]);
    timeout(Duration::ZERO, all[3].asked_to_close()).await.unwrap();
    timeout(Duration::from_secs(3600), all[0].asked_to_close()).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn one_with_a_call_in_flight_never_goes() {
    let connections = connections(3);
    let all = places(&connections, 3).await;
    let calls: Vec<_> = all.iter().map(Place::call).collect();
    assert!(connections.enter().await.is_none(), "all of them are busy");
    assert_eq!(leaving(&all), [] as [usize; 0]);
    drop(calls);
    assert!(connections.enter().await.is_some());
    assert_eq!(leaving(&all), [0]);
}

#[tokio::test(start_paused = true)]
async fn one_that_makes_room_ends_after_its_grace_but_not_in_the_middle_of_a_call() {
    let connections = connections(1);
    let old = connections.enter().await.unwrap();
    let _new = connections.enter().await.unwrap();
    let call = old.call();
    timeout(Duration::from_secs(60), old.overstays()).await.unwrap_err();
    drop(call);
    timeout(limits::ROOM_GRACE, old.overstays()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn those_that_close_are_bounded_too_and_the_next_one_waits_for_them() {
    let connections = connections(32);
    let mut all = places(&connections, 34).await;
    assert_eq!(leaving(&all), [0, 1]);
    assert!(connections.enter().await.is_none(), "refused, as none has closed in time");
    let began = Instant::now();
    let (entered, ()) = tokio::join!(connections.enter(), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(all.remove(0));
    });
    assert!(entered.is_some());
    assert_eq!(began.elapsed().as_millis(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_replaced_before_counts_of_a_whole_life_can_end_it() {
    let connections = connections(10);
    let (old, began) = (connections.enter().await.unwrap(), Instant::now());
    let look = connections.replace_aged();
    tokio::select! { () = look => {}, () = old.asked_to_close() => {} }
    let age = began.elapsed();
    let least = limits::CONNECTION_AGE - limits::CONNECTION_AGE_JITTER;
    assert!((least..=limits::CONNECTION_AGE + limits::CONNECTIONS_LOOKED_AT).contains(&age), "{age:?}");
    assert!(!old.makes_room(), "nobody needs its place: what is in flight may take its time");
    assert_eq!((jitter(0.0), jitter(1.0)), (Duration::ZERO, limits::CONNECTION_AGE_JITTER));
}

#[tokio::test(start_paused = true)]
async fn all_are_asked_to_close_when_the_server_stops() {
    let stop = CancellationToken::new();
    let connections = Arc::new(Connections::new(1, stop.clone()));
    let place = connections.enter().await.unwrap();
    timeout(Duration::from_secs(1), place.asked_to_close()).await.unwrap_err();
    stop.cancel();
    timeout(Duration::from_secs(1), place.asked_to_close()).await.unwrap();
    assert!(!place.makes_room());
}

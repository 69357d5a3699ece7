use super::*;
use portcullis_engine::keys::{algorithm::Algorithm, secret::Secret};

fn set() -> KeySet {
    KeySet::from_secret(&Secret::new(vec![1; 32]), &[Algorithm::HS256])
}

/// A key that no set here has, and another one.
const NEW: KeyNeed = KeyNeed::New([1; 32]);
const OTHER: KeyNeed = KeyNeed::New([2; 32]);

fn fetched(now: Instant) -> IssuerKeys {
    let mut keys = IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE);
    succeed(&mut keys, now);
    keys
}

fn succeed(keys: &mut IssuerKeys, now: Instant) {
    keys.begin(now);
    keys.succeed(set(), None, 0.0, now);
}

fn fail(keys: &mut IssuerKeys, now: Instant) {
    keys.begin(now);
    keys.fail("down".to_owned(), 1.0, now);
}

/// Answers a token that sees the current set.
fn miss(keys: &mut IssuerKeys, need: KeyNeed, now: Instant) -> Miss {
    let seen = keys.current(now).map_or(Generation::NONE, |snapshot| snapshot.generation);
    keys.on_miss(seen, need, now)
}

/// Answers the same token after it waited since then, in time or not.
fn miss_again(keys: &mut IssuerKeys, need: KeyNeed, since: FetchCount, in_time: bool, now: Instant) -> Miss {
    let seen = keys.current(now).map_or(Generation::NONE, |snapshot| snapshot.generation);
    keys.after_waiting(seen, need, since, in_time, now)
}

fn failed(times: u32, now: Instant) -> IssuerKeys {
    let mut keys = IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE);
    for _ in 0..times {
        fail(&mut keys, now);
    }
    keys
}

/// Answers it where no fetch has begun since.
fn miss_at_last(keys: &mut IssuerKeys, need: KeyNeed, in_time: bool, now: Instant) -> Miss {
    let since = keys.begun();
    miss_again(keys, need, since, in_time, now)
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_first_fetch_is_due_at_once_and_tokens_wait_for_it() {
    let now = Instant::now();
    let mut keys = IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE);
    assert_eq!(keys.due(now), Due::Now);
    assert_eq!(keys.on_miss(Generation::NONE, NEW, now), Miss::Wait);
    assert!(keys.begin(now), "it counts as asked for");
    assert_eq!(keys.on_miss(Generation::NONE, NEW, now), Miss::Wait);
    assert!(!keys.begin(now));
}

#[test]
fn tokens_may_ask_for_three_fetches_at_once_and_then_for_one_in_each_interval() {
    for need in [NEW, KeyNeed::Replacement] {
        let now = Instant::now();
        let mut keys = fetched(now);
        for _ in 0..limits::FETCH_BURST {
            assert_eq!(miss(&mut keys, need, now), Miss::Wait);
            assert_eq!(keys.due(now), Due::Now);
            assert!(keys.begin(now));
            assert_eq!(miss(&mut keys, need, now), Miss::Wait, "for the same one");
            keys.succeed(set(), None, 0.0, now);
        }
        for round in 0..3 {
            let then = now + limits::FETCH_COOLDOWN * round;
            assert_eq!(miss(&mut keys, need, then), Miss::Fresh, "an empty bucket is no trouble of ours");
            assert_eq!(miss(&mut keys, need, then + limits::FETCH_COOLDOWN - SECOND), Miss::Fresh);
            assert!(matches!(keys.due(then), Due::At(_)));
            assert_eq!(miss(&mut keys, need, then + limits::FETCH_COOLDOWN), Miss::Wait);
            succeed(&mut keys, then + limits::FETCH_COOLDOWN);
        }
    }
}

#[test]
fn false_signatures_take_no_fetch_from_unknown_keys_nor_the_other_way_round() {
    for (flood, honest) in [(KeyNeed::Replacement, NEW), (NEW, KeyNeed::Replacement)] {
        let now = Instant::now();
        let mut keys = fetched(now);
        while miss(&mut keys, flood, now) == Miss::Wait {
            succeed(&mut keys, now);
        }
        for _ in 0..limits::FETCH_BURST {
            assert_eq!(miss(&mut keys, honest, now), Miss::Wait);
            succeed(&mut keys, now);
        }
        assert_eq!(miss(&mut keys, honest, now), Miss::Fresh);
    }
}

#[test]
fn a_key_is_unknown_only_by_a_set_that_was_fetched_after_the_token_came() {
    let now = Instant::now();
    let mut keys = fetched(now);
    miss(&mut keys, OTHER, now);
    keys.begin(now);
    // The fetch is under way: what it brings may be from before the key was published.
    let since = keys.begun();
    assert_eq!(miss(&mut keys, NEW, now), Miss::Wait);
    keys.succeed(set(), None, 0.0, now);
    assert_eq!(miss_again(&mut keys, NEW, since, true, now), Miss::Wait, "so one more is asked for");
    assert!(keys.begin(now));
    keys.succeed(set(), None, 0.0, now);
    keys.begin(now);
    assert_eq!(miss_again(&mut keys, NEW, since, true, now), Miss::Fresh, "also while yet another is under way");
}

#[test]
fn a_token_that_joins_the_last_fetch_of_a_flood_is_refused_and_no_trouble_of_ours() {
    let now = Instant::now();
    let mut keys = fetched(now);
    for _ in 1..limits::FETCH_BURST {
        miss(&mut keys, OTHER, now);
        succeed(&mut keys, now);
    }
    miss(&mut keys, OTHER, now);
    keys.begin(now);
    let since = keys.begun();
    assert_eq!(miss(&mut keys, NEW, now), Miss::Wait);
    keys.succeed(set(), None, 0.0, now);
    assert_eq!(miss_again(&mut keys, NEW, since, true, now), Miss::Fresh);
}

#[test]
fn newer_keys_that_came_while_it_waited_are_looked_at() {
    let now = Instant::now();
    let mut keys = fetched(now);
    let (seen, since) = (keys.current(now).unwrap().generation, keys.begun());
    succeed(&mut keys, now);
    for in_time in [true, false] {
        assert_eq!(keys.after_waiting(seen, NEW, since, in_time, now), Miss::LookAgain);
    }
}

#[test]
fn while_fetches_fail_a_key_is_waited_for_once() {
    let now = Instant::now();
    let mut keys = fetched(now);
    let since = keys.begun();
    assert_eq!(miss(&mut keys, NEW, now), Miss::Wait);
    fail(&mut keys, now);
    assert_eq!(miss_again(&mut keys, NEW, since, true, now), Miss::Unavailable(SECOND));
    // The next attempt is under way: it is worth waiting for, but not twice.
    keys.begin(now + SECOND);
    assert_eq!(miss(&mut keys, NEW, now + SECOND), Miss::Unavailable(Duration::ZERO));
    assert_eq!(miss(&mut keys, OTHER, now + SECOND), Miss::Wait);
    assert_eq!(miss_at_last(&mut keys, OTHER, false, now + SECOND), Miss::Unavailable(Duration::ZERO));
    assert_eq!(miss(&mut keys, OTHER, now + SECOND), Miss::Unavailable(Duration::ZERO), "no time was left");
    keys.succeed(set(), None, 0.0, now + SECOND);
    for need in [NEW, OTHER] {
        assert_eq!(miss(&mut keys, need, now + SECOND), Miss::Wait, "after a success all is as before");
        succeed(&mut keys, now + SECOND);
    }
}

#[test]
fn who_had_no_time_left_keeps_nobody_from_waiting_while_nothing_fails() {
    let now = Instant::now();
    let mut keys = fetched(now);
    miss(&mut keys, NEW, now);
    keys.begin(now);
    assert!(matches!(miss_at_last(&mut keys, NEW, false, now), Miss::Unavailable(_)));
    assert_eq!(miss(&mut keys, NEW, now + limits::FETCH_SLOW), Miss::Wait);
    let slow = now + limits::FETCH_SLOW + Duration::from_millis(1);
    assert_eq!(miss(&mut keys, NEW, slow), Miss::Unavailable(Duration::ZERO), "a fetch so slow counts as failing");
    assert!(keys.is_failing(slow) && !keys.is_failing(now + limits::FETCH_SLOW));
}

#[test]
fn in_an_outage_a_false_signature_is_false_for_ten_minutes_and_then_unknown() {
    let now = Instant::now();
    let mut keys = fetched(now);
    fail(&mut keys, now + SECOND);
    let (last, beyond) = (now + limits::KEYS_CONFIRMED - SECOND, now + limits::KEYS_CONFIRMED);
    assert_eq!(miss(&mut keys, KeyNeed::Replacement, last), Miss::Fresh, "without waiting");
    assert_eq!(miss(&mut keys, KeyNeed::Replacement, beyond), Miss::Wait, "the back-off is over");
    keys.begin(beyond);
    assert_eq!(miss(&mut keys, KeyNeed::Replacement, last), Miss::Fresh);
    assert_eq!(miss(&mut keys, KeyNeed::Replacement, beyond), Miss::Wait);
    assert_eq!(keys.without_waiting(KeyNeed::Replacement, last), Miss::Fresh);
    assert_eq!(keys.without_waiting(KeyNeed::Replacement, beyond), Miss::Unavailable(Duration::ZERO));
    assert_eq!(miss_at_last(&mut keys, KeyNeed::Replacement, false, last), Miss::Fresh);
    keys.fail("down".to_owned(), 1.0, beyond);
    for in_time in [true, false] {
        let got = miss_at_last(&mut keys, KeyNeed::Replacement, in_time, beyond);
        assert_eq!(got, Miss::Unavailable(SECOND * 2));
    }
    assert_eq!(miss(&mut keys, KeyNeed::Replacement, beyond), Miss::Unavailable(SECOND * 2));
    assert_eq!(keys.without_waiting(NEW, beyond), Miss::Unavailable(SECOND * 2));
}

#[test]
fn in_an_outage_the_back_off_alone_decides_how_often_the_issuer_is_asked() {
    let now = Instant::now();
    let mut keys = fetched(now);
    fail(&mut keys, now);
    for n in 0..100 {
        assert_eq!(miss(&mut keys, KeyNeed::New([n; 32]), now), Miss::Unavailable(SECOND));
    }
    assert_eq!(keys.due(now), Due::At(now + SECOND));
    succeed(&mut keys, now + SECOND);
    for _ in 0..limits::FETCH_BURST {
        assert_eq!(miss(&mut keys, NEW, now + SECOND), Miss::Wait, "nothing was taken from the bucket");
        succeed(&mut keys, now + SECOND);
    }
}

#[test]
fn a_miss_against_older_keys_looks_again_instead_of_fetching() {
    let now = Instant::now();
    let mut keys = fetched(now);
    assert_eq!(keys.on_miss(Generation::NONE, NEW, now), Miss::LookAgain);
}

#[test]
fn after_a_failure_a_miss_is_our_trouble() {
    let now = Instant::now();
    let mut keys = failed(1, now);
    assert_eq!(keys.on_miss(Generation::NONE, NEW, now), Miss::Unavailable(SECOND));
    assert_eq!(keys.on_miss(Generation::NONE, NEW, now + SECOND), Miss::Wait);
    assert_eq!(keys.without_waiting(NEW, now), Miss::Unavailable(SECOND));
    assert_eq!(keys.last_failure(), Some("down"));
}

#[test]
fn back_off_doubles_up_to_its_maximum_and_jitter_only_shortens_it() {
    let now = Instant::now();
    let wait = |times| failed(times, now).not_before.unwrap() - now;
    assert_eq!([wait(1), wait(2), wait(3)], [SECOND, SECOND * 2, SECOND * 4]);
    assert_eq!(wait(6), limits::FETCH_BACKOFF_MAX);
    assert_eq!(wait(200), limits::FETCH_BACKOFF_MAX);
    let mut keys = IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE);
    keys.fail("down".to_owned(), 0.0, now);
    assert_eq!(keys.not_before.unwrap() - now, SECOND / 2);
}

#[test]
fn keys_outlive_failures_up_to_max_stale() {
    let now = Instant::now();
    let mut keys = fetched(now);
    fail(&mut keys, now + SECOND * 300);
    assert!(keys.current(now + limits::KEYS_MAX_STALE).is_some());
    assert!(keys.current(now + limits::KEYS_MAX_STALE + SECOND).is_none());
    let later = now + limits::KEYS_MAX_STALE + SECOND;
    assert!(matches!(miss_at_last(&mut keys, NEW, true, later), Miss::Unavailable(_)));
    assert_eq!(
        miss(&mut keys, NEW, later),
        Miss::Unavailable(Duration::ZERO),
        "and an empty bucket is no reason for 401"
    );
}

#[test]
fn a_success_after_failures_forgets_them() {
    let now = Instant::now();
    let mut keys = failed(5, now);
    let since = keys.begun();
    succeed(&mut keys, now);
    assert_eq!(keys.last_failure(), None);
    assert_eq!(miss_again(&mut keys, NEW, since, true, now), Miss::Fresh);
    assert_eq!(keys.attempts(), 6);
}

#[test]
fn fixed_keys_are_never_fetched_and_never_stale() {
    let now = Instant::now();
    let mut keys = IssuerKeys::fixed(set(), now);
    let seen = keys.current(now).unwrap().generation;
    assert_eq!(keys.due(now), Due::Never);
    assert_eq!(keys.on_miss(seen, NEW, now + SECOND * 100), Miss::Fresh);
    assert!(keys.current(now + limits::KEYS_MAX_STALE * 2).is_some());
}

#[test]
fn a_set_is_refreshed_ahead_of_its_own_end_within_bounds() {
    let (least, most) = (*limits::KEYS_REFRESH_RANGE.start(), *limits::KEYS_REFRESH_RANGE.end());
    let of = |seconds| refresh_after(Some(SECOND * seconds));
    assert_eq!(refresh_after(None), limits::KEYS_REFRESH_AFTER);
    assert_eq!(of(600), SECOND * 450);
    assert_eq!([of(0), of(1), of(79)], [least; 3]);
    assert_eq!([of(4801), of(u32::MAX)], [most; 2]);
    assert_eq!(refresh_after(Some(Duration::MAX)), most);
    let now = Instant::now();
    let mut keys = IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE);
    for (jitter, due) in [(0.0, SECOND * 450), (0.5, Duration::from_millis(427_500)), (1.0, SECOND * 405)] {
        keys.begin(now);
        keys.succeed(set(), Some(SECOND * 600), jitter, now);
        let Due::At(at) = keys.due(now + SECOND) else { panic!("{:?}", keys.due(now + SECOND)) };
        let off = at.max(now + due) - at.min(now + due);
        assert!(off < Duration::from_millis(1) && at <= now + SECOND * 450, "up to a tenth early, never late: {off:?}");
    }
}

#[test]
fn saved_keys_count_with_their_age_and_give_way_to_fetched_ones() {
    let now = Instant::now();
    let mut keys = IssuerKeys::awaiting_first_fetch(SECOND * 100);
    keys.restore(set(), SECOND * 60, 0.0, now);
    assert_eq!(keys.age(now), Some(SECOND * 60));
    assert!(keys.current(now + SECOND * 40).is_some() && keys.current(now + SECOND * 41).is_none());
    assert_eq!(keys.due(now), Due::Now, "they are refreshed at once");
    let seen = keys.current(now).unwrap().generation;
    assert_eq!(keys.on_miss(seen, NEW, now), Miss::Wait, "a key that they lack may exist");
    let late = miss_at_last(&mut keys, NEW, false, now);
    assert!(matches!(late, Miss::Unavailable(_)), "nobody has said that it does not");
    succeed(&mut keys, now);
    keys.restore(set(), SECOND, 0.0, now);
    assert_eq!(keys.age(now), Some(Duration::ZERO));
    assert!(keys.current(now).unwrap().generation > seen);
}

#[test]
fn where_there_are_saved_keys_the_first_fetch_waits_a_random_second_and_no_token_does() {
    let now = Instant::now();
    for (jitter, wait) in [(0.25, SECOND / 4), (1.0, limits::FIRST_FETCH_JITTER)] {
        let mut keys = IssuerKeys::awaiting_first_fetch(SECOND * 600);
        keys.restore(set(), SECOND, jitter, now);
        assert_eq!(keys.due(now), Due::At(now + wait));
        assert_eq!(miss(&mut keys, NEW, now), Miss::Wait);
        assert_eq!(keys.due(now), Due::Now);
    }
    let mut fetched = fetched(now);
    let due = fetched.due(now);
    fetched.restore(set(), SECOND, 1.0, now);
    assert_eq!(fetched.due(now), due, "it is the first fetch alone");
}

#[test]
fn max_stale_is_the_issuers_own() {
    let now = Instant::now();
    let mut keys = IssuerKeys::awaiting_first_fetch(SECOND * 600);
    keys.succeed(set(), None, 0.0, now);
    assert!(keys.current(now + SECOND * 600).is_some() && keys.current(now + SECOND * 601).is_none());
}

#[test]
fn a_set_is_refreshed_twice_before_it_may_be_too_old() {
    let now = Instant::now();
    let mut keys = IssuerKeys::awaiting_first_fetch(SECOND * 600);
    keys.begin(now);
    keys.succeed(set(), Some(SECOND * 3600), 0.0, now);
    assert_eq!(keys.due(now), Due::At(now + SECOND * 300));
}

#[test]
fn fixed_keys_are_settled_and_have_no_age() {
    let now = Instant::now();
    let mut keys = IssuerKeys::fixed(set(), now);
    keys.slept(SECOND * 1000, now);
    assert_eq!((keys.is_settled(), keys.age(now + SECOND)), (true, None));
    assert_eq!(keys.due(now + SECOND), Due::Never);
    let seen = keys.current(now).unwrap().generation;
    for need in [NEW, KeyNeed::Replacement] {
        assert_eq!(keys.on_miss(seen, need, now), Miss::Fresh);
        assert_eq!(miss_at_last(&mut keys, need, true, now), Miss::Fresh);
    }
}

#[test]
fn keys_are_settled_once_they_are_there_or_an_attempt_has_ended() {
    let now = Instant::now();
    let mut keys = IssuerKeys::awaiting_first_fetch(SECOND * 600);
    assert!(!keys.is_settled());
    keys.begin(now);
    assert!(!keys.is_settled());
    keys.fail("down".to_owned(), 0.0, now);
    assert!(keys.is_settled());
    let mut restored = IssuerKeys::awaiting_first_fetch(SECOND * 600);
    restored.restore(set(), SECOND, 0.0, now);
    assert!(restored.is_settled());
}

#[test]
fn sleep_makes_keys_older_and_a_fetch_due() {
    let now = Instant::now();
    let mut keys = fetched(now);
    keys.slept(SECOND * 100, now + SECOND * 10);
    assert_eq!(keys.age(now + SECOND * 10), Some(SECOND * 110));
    assert_eq!(keys.due(now + SECOND * 10), Due::Now);
    keys.slept(limits::KEYS_MAX_STALE, now + SECOND * 10);
    assert!(keys.current(now + SECOND * 10).is_none());
    let mut none = IssuerKeys::awaiting_first_fetch(SECOND * 600);
    none.slept(SECOND, now);
    assert_eq!(none.due(now), Due::Now);
}

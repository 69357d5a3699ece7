use super::*;
use crate::{jwks::source::Secret, jwt::algorithm::Algorithm};

fn set() -> KeySet {
    KeySet::from_secret(&Secret::new(vec![1; 32]), &[Algorithm::HS256])
}

fn fetched(now: Instant) -> IssuerKeys {
    let mut keys = IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE);
    keys.begin();
    keys.succeed(set(), None, now);
    keys
}

fn failed(times: u32, now: Instant) -> IssuerKeys {
    let mut keys = IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE);
    for _ in 0..times {
        keys.begin();
        keys.fail("down".to_owned(), 1.0, now);
    }
    keys
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_first_fetch_is_due_at_once_and_tokens_wait_for_it() {
    let now = Instant::now();
    let mut keys = IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE);
    assert_eq!(keys.due(now), Due::Now);
    assert_eq!(keys.on_miss(Generation::NONE, now), Miss::Wait);
    keys.begin();
    assert_eq!(keys.on_miss(Generation::NONE, now), Miss::Wait);
}

#[test]
fn after_a_success_a_miss_is_the_clients_fault_until_the_cooldown_ends() {
    let now = Instant::now();
    let mut keys = fetched(now);
    let seen = keys.current(now).unwrap().generation;
    assert_eq!(keys.on_miss(seen, now + limits::FETCH_COOLDOWN - SECOND), Miss::Fresh);
    assert_eq!(keys.due(now + limits::FETCH_COOLDOWN), Due::At(now + limits::KEYS_REFRESH_AFTER));
    assert_eq!(keys.on_miss(seen, now + limits::FETCH_COOLDOWN), Miss::Wait);
    assert_eq!(keys.due(now + limits::FETCH_COOLDOWN), Due::Now);
}

#[test]
fn a_miss_against_older_keys_looks_again_instead_of_fetching() {
    let now = Instant::now();
    let mut keys = fetched(now);
    assert_eq!(keys.on_miss(Generation::NONE, now), Miss::LookAgain);
}

#[test]
fn after_a_failure_a_miss_is_our_trouble() {
    let now = Instant::now();
    let mut keys = failed(1, now);
    assert_eq!(keys.on_miss(Generation::NONE, now), Miss::Unavailable(SECOND));
    assert_eq!(keys.on_miss(Generation::NONE, now + SECOND), Miss::Wait);
    assert_eq!(keys.after_waiting(now), Miss::Unavailable(SECOND));
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
    keys.begin();
    keys.fail("down".to_owned(), 1.0, now + SECOND * 300);
    assert!(keys.current(now + limits::KEYS_MAX_STALE).is_some());
    assert!(keys.current(now + limits::KEYS_MAX_STALE + SECOND).is_none());
    let later = now + limits::KEYS_MAX_STALE + SECOND;
    assert!(matches!(keys.after_waiting(later), Miss::Unavailable(_)));
}

#[test]
fn a_success_after_failures_forgets_them() {
    let now = Instant::now();
    let mut keys = failed(5, now);
    keys.begin();
    keys.succeed(set(), None, now);
    assert_eq!((keys.last_failure(), keys.after_waiting(now)), (None, Miss::Fresh));
    assert_eq!(keys.attempts(), 6);
}

#[test]
fn fixed_keys_are_never_fetched_and_never_stale() {
    let now = Instant::now();
    let mut keys = IssuerKeys::fixed(set(), now);
    let seen = keys.current(now).unwrap().generation;
    assert_eq!(keys.due(now), Due::Never);
    assert_eq!(keys.on_miss(seen, now + SECOND * 100), Miss::Fresh);
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
    keys.begin();
    keys.succeed(set(), Some(SECOND * 600), now);
    assert_eq!(keys.due(now + SECOND), Due::At(now + SECOND * 450));
}

#[test]
fn saved_keys_count_with_their_age_and_give_way_to_fetched_ones() {
    let now = Instant::now();
    let mut keys = IssuerKeys::awaiting_first_fetch(SECOND * 100);
    keys.restore(set(), SECOND * 60, now);
    assert_eq!(keys.age(now), Some(SECOND * 60));
    assert!(keys.current(now + SECOND * 40).is_some() && keys.current(now + SECOND * 41).is_none());
    assert_eq!(keys.due(now), Due::Now, "they are refreshed at once");
    let seen = keys.current(now).unwrap().generation;
    assert_eq!(keys.on_miss(seen, now), Miss::Wait, "a key that they lack may exist");
    assert!(matches!(keys.after_waiting(now), Miss::Unavailable(_)), "nobody has said that it does not");
    keys.begin();
    keys.succeed(set(), None, now);
    keys.restore(set(), SECOND, now);
    assert_eq!(keys.age(now), Some(Duration::ZERO));
    assert!(keys.current(now).unwrap().generation > seen);
}

#[test]
fn max_stale_is_the_issuers_own() {
    let now = Instant::now();
    let mut keys = IssuerKeys::awaiting_first_fetch(SECOND * 600);
    keys.succeed(set(), None, now);
    assert!(keys.current(now + SECOND * 600).is_some() && keys.current(now + SECOND * 601).is_none());
}

#[test]
fn a_miss_while_a_fetch_is_under_way_asks_for_no_other() {
    let now = Instant::now();
    let mut keys = fetched(now);
    let seen = keys.current(now).unwrap().generation;
    let later = now + limits::FETCH_COOLDOWN;
    assert_eq!(keys.on_miss(seen, later), Miss::Wait);
    keys.begin();
    assert_eq!(keys.on_miss(seen, later), Miss::Wait);
    keys.succeed(set(), None, later);
    assert_eq!(keys.due(later + limits::FETCH_COOLDOWN), Due::At(later + limits::KEYS_REFRESH_AFTER));
}

#[test]
fn a_set_is_refreshed_twice_before_it_may_be_too_old() {
    let now = Instant::now();
    let mut keys = IssuerKeys::awaiting_first_fetch(SECOND * 600);
    keys.begin();
    keys.succeed(set(), Some(SECOND * 3600), now);
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
    assert_eq!((keys.on_miss(seen, now), keys.after_waiting(now)), (Miss::Fresh, Miss::Fresh));
}

#[test]
fn keys_are_settled_once_they_are_there_or_an_attempt_has_ended() {
    let now = Instant::now();
    let mut keys = IssuerKeys::awaiting_first_fetch(SECOND * 600);
    assert!(!keys.is_settled());
    keys.begin();
    assert!(!keys.is_settled());
    keys.fail("down".to_owned(), 0.0, now);
    assert!(keys.is_settled());
    let mut restored = IssuerKeys::awaiting_first_fetch(SECOND * 600);
    restored.restore(set(), SECOND, now);
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

use std::time::Duration;

use serde_json::json;

use super::*;

fn token(subject: &str) -> Arc<VerifiedToken> {
    Arc::new(VerifiedToken::for_tests(json!({ "sub": subject })))
}

fn subject(recent: &Recent, text: &str) -> Option<String> {
    recent.get(text.as_bytes()).and_then(|token| token.subject().map(str::to_owned))
}

#[test]
fn a_token_is_found_by_all_of_its_characters_alone() {
    let recent = Recent::with_places(1);
    let text = "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl";
    assert_eq!(subject(&recent, text), None);
    recent.offer(text.as_bytes(), &token("u"));
    assert_eq!(subject(&recent, text).as_deref(), Some("u"));
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut near = text.as_bytes().to_vec();
            near[at] ^= 1 << bit;
            assert!(recent.get(&near).is_none(), "{at}");
        }
        assert!(recent.get(&text.as_bytes()[at + 1..]).is_none() && recent.get(&text.as_bytes()[..at]).is_none());
    }
    assert_eq!(subject(&recent, &format!("{text}A")), None);
}

#[test]
fn of_two_tokens_for_one_place_the_one_that_is_shown_stays() {
    let recent = Recent::with_places(1);
    let (one, other) = ("a token of one user", "a token of another");
    recent.offer(one.as_bytes(), &token("one"));
    for _ in 0..3 {
        for _ in 1..limits::RECENT_REQUESTS {
            recent.offer(other.as_bytes(), &token("other"));
            assert_eq!(subject(&recent, other), None);
        }
        assert_eq!(subject(&recent, one).as_deref(), Some("one"), "shown in between");
    }
    for _ in 0..limits::RECENT_REQUESTS {
        assert_eq!(subject(&recent, other), None);
        recent.offer(other.as_bytes(), &token("other"));
    }
    assert_eq!((subject(&recent, one), subject(&recent, other).as_deref()), (None, Some("other")));
}

#[test]
fn what_is_offered_again_takes_the_place_of_itself_at_once() {
    let recent = Recent::with_places(1);
    recent.offer(b"the same token", &token("before"));
    recent.offer(b"the same token", &token("after"));
    assert_eq!(subject(&recent, "the same token").as_deref(), Some("after"));
}

#[test]
fn a_token_is_forgotten_and_no_other_is() {
    let recent = Recent::with_places(1);
    recent.offer(b"the one that is there", &token("u"));
    recent.forget(b"the one that is not");
    assert!(subject(&recent, "the one that is there").is_some());
    recent.forget(b"the one that is there");
    assert_eq!(subject(&recent, "the one that is there"), None);
}

#[test]
fn a_sweep_takes_the_tokens_whose_times_are_over_and_no_others() {
    let recent = Recent::default();
    let token = token("u");
    let texts: Vec<String> = (0..20).map(|n| format!("eyJhbGciOiJSUzI1NiJ9.e30.{}", sha_text(n))).collect();
    texts.iter().for_each(|text| recent.offer(text.as_bytes(), &token));
    let count = || recent.places.iter().filter(|place| place.held.load().is_some()).count();
    let (before, end) = (count(), token.valid().end);
    assert!(before > 10);
    recent.sweep(end.minus(Duration::from_secs(1)));
    assert_eq!(count(), before);
    recent.sweep(end);
    assert_eq!(count(), 0);
}

#[test]
fn tokens_spread_over_the_places_by_their_ends() {
    let recent = Recent::default();
    assert_eq!(recent.places.len(), limits::RECENT_TOKENS);
    let text = |n: usize| format!("eyJhbGciOiJSUzI1NiJ9.e30.{}", sha_text(n));
    (0..4 * limits::RECENT_TOKENS).for_each(|n| recent.offer(text(n).as_bytes(), &token("u")));
    let held = recent.places.iter().filter(|place| place.held.load().is_some()).count();
    assert!(held > limits::RECENT_TOKENS * 9 / 10, "{held}");
}

/// Characters as those of a signature.
fn sha_text(n: usize) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(crate::digest::sha256(&n.to_be_bytes()))
}

#[test]
fn what_is_too_long_or_too_short_has_no_place() {
    let recent = Recent::with_places(1);
    let room = limits::RECENT_TOKEN_BYTES - token("u").size();
    recent.offer("a".repeat(room + 1).as_bytes(), &token("u"));
    assert_eq!(subject(&recent, &"a".repeat(room + 1)), None);
    recent.offer("a".repeat(room).as_bytes(), &token("u"));
    assert!(subject(&recent, &"a".repeat(room)).is_some());
    recent.offer(b"short", &token("u"));
    assert_eq!(subject(&recent, "short"), None);
    let large = Arc::new(VerifiedToken::for_tests(json!({ "filler": "x".repeat(limits::RECENT_TOKEN_BYTES) })));
    let recent = Recent::with_places(1);
    recent.offer(b"a token with large claims", &large);
    assert!(recent.get(b"a token with large claims").is_none());
}

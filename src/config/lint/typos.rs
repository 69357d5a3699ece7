//! Names that are one typing error apart, found without comparing each with each: two such names have a common text
//! once a letter is deleted from one of them or from both.

use std::collections::HashMap;

use crate::limits;

/// Letters of a word below which most neighbours are words of their own: `read`, `lead`, `cart`, `card`.
const SHORTEST: usize = 5;
/// And where one letter stands for another one: `teams`, `terms`.
const SHORTEST_REPLACED: usize = 8;

/// Pairs of places: a name that may be a typing error, and the one that may be meant. `names` are all different, each
/// with how often it is used.
pub(super) fn pairs(names: &[(&str, usize)]) -> Vec<(usize, usize)> {
    let mut pairs = case_pairs(names);
    let short = |text: &str| text.len() <= limits::COMPARED_SCOPE_BYTES;
    let mut keys: Vec<(u64, usize)> = Vec::new();
    for (at, (text, _)) in names.iter().enumerate().take(limits::RULES).filter(|(_, (text, _))| short(text)) {
        keys.extend(deletions(text).map(|key| (key, at)));
    }
    keys.sort_unstable();
    let mut found: HashMap<usize, usize> = HashMap::new();
    let mut left = limits::COMPARED_SCOPES;
    'all: for group in keys.chunk_by(|(one, _), (other, _)| one == other) {
        for (at, (_, one)) in group.iter().enumerate() {
            for (_, two) in group.iter().skip(at.saturating_add(1)) {
                let Some(rest) = left.checked_sub(1) else { break 'all };
                left = rest;
                if let Some((rare, usual)) = judged(names, *one, *two) {
                    found.entry(rare).or_insert(usual);
                }
            }
        }
    }
    // Of two that are used once each, the later one is asked about.
    let mut found: Vec<(usize, usize)> = found.into_iter().collect();
    found.sort_unstable();
    pairs.append(&mut found);
    pairs
}

fn case_pairs(names: &[(&str, usize)]) -> Vec<(usize, usize)> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut pairs = Vec::new();
    for (at, (text, _)) in names.iter().enumerate() {
        if let Some(first) = seen.insert(text.to_ascii_lowercase(), at) {
            pairs.push(if count(names, first) < count(names, at) { (first, at) } else { (at, first) });
        }
    }
    pairs
}

fn count(names: &[(&str, usize)], at: usize) -> usize {
    names.get(at).map_or(0, |(_, count)| *count)
}

/// Which of two names may be a typing error for which.
fn judged(names: &[(&str, usize)], one: usize, two: usize) -> Option<(usize, usize)> {
    let (earlier, later) = (one.min(two), one.max(two));
    let (rare, usual) = if count(names, earlier) < count(names, later) { (earlier, later) } else { (later, earlier) };
    let ((text, count), (other, _)) = (*names.get(rare)?, *names.get(usual)?);
    (count == 1 && is_typing_error(text, other)).then_some((rare, usual))
}

/// Whether two names differ in one word, in a way in which words seldom differ that both are meant.
fn is_typing_error(one: &str, two: &str) -> bool {
    let (one, two) = (words(one), words(two));
    if one.len() != two.len() {
        return false;
    }
    let mut different = one.iter().zip(&two).filter(|(one, two)| one != two);
    let (Some((one, two)), None) = (different.next(), different.next()) else { return false };
    let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let shortest = one.len().min(two.len());
    let is_replaced = one.len() == two.len() && !is_swapped(one, two);
    // Nobody mistypes the first letter unseen: `orders` and `borders` are two words.
    let begins_alike = one.bytes().next() == two.bytes().next();
    is_word(one)
        && is_word(two)
        && begins_alike
        && shortest >= if is_replaced { SHORTEST_REPLACED } else { SHORTEST }
        && strsim::osa_distance(one, two) == 1
}

fn is_swapped(one: &str, two: &str) -> bool {
    let sorted = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.sort_unstable();
        bytes
    };
    sorted(one) == sorted(two)
}

/// The words of a scope, and what is between them.
fn words(text: &str) -> Vec<&str> {
    text.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric())
        .flat_map(|part| {
            let end = part.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric()).len();
            let (word, mark) = part.split_at_checked(end).unwrap_or((part, ""));
            [word, mark]
        })
        .collect()
}

/// A number for the text, and one for each text that is left if one byte of it is deleted.
fn deletions(text: &str) -> impl Iterator<Item = u64> {
    const FACTOR: u64 = 0x0000_0100_0000_01b3;
    let step = |hash: u64, byte: u8| hash.wrapping_mul(FACTOR).wrapping_add(u64::from(byte).wrapping_add(1));
    let bytes = text.as_bytes();
    // Of what follows each place, read from there to the end, and the factor that makes room for it.
    let mut after = vec![(0_u64, 1_u64)];
    for byte in bytes.iter().rev() {
        let (hash, power) = after.last().copied().unwrap_or((0, 1));
        let own = power.wrapping_mul(u64::from(*byte).wrapping_add(1));
        after.push((hash.wrapping_add(own), power.wrapping_mul(FACTOR)));
    }
    let mut before = 0_u64;
    let mut keys = Vec::with_capacity(bytes.len().saturating_add(1));
    let rest_after = |places: usize| after.get(bytes.len().saturating_sub(places)).copied().unwrap_or((0, 1));
    keys.push(rest_after(0).0);
    for (at, byte) in bytes.iter().enumerate() {
        let (hash, power) = rest_after(at.saturating_add(1));
        let key = before.wrapping_mul(power).wrapping_add(hash);
        // Of two letters alike beside each other, deleting either leaves the same.
        if keys.last() != Some(&key) {
            keys.push(key);
        }
        before = step(before, *byte);
    }
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[(&str, usize)]) -> Vec<(String, String)> {
        let name = |at: usize| names[at].0.to_owned();
        pairs(names).into_iter().map(|(rare, usual)| (name(rare), name(usual))).collect()
    }

    #[test]
    fn typing_errors_find_what_is_meant() {
        for typo in
            ["read:mesages", "read:messagess", "read:messaegs", "read:message", "raed:messages", "read:mess4ges"]
        {
            let got = found(&[("write:messages", 3), (typo, 1), ("read:messages", 2)]);
            let is_found = ["read:mess4ges", "raed:messages"].contains(&typo);
            assert_eq!(got.is_empty(), is_found, "{typo}: words of four letters and digits are left alone: {got:?}");
            assert!(got.iter().all(|(rare, usual)| rare == typo && usual == "read:messages"), "{got:?}");
        }
        let both_once = [("read:messages", 1), ("read:mesages", 1)];
        assert_eq!(found(&both_once), [("read:mesages".to_owned(), "read:messages".to_owned())]);
        assert_eq!(found(&[("read:messagas", 1), ("read:messages", 1)]).len(), 1, "one letter for another");
    }

    #[test]
    fn case_alone_is_found_however_often_it_is_used() {
        let got = found(&[("Read:Messages", 5), ("read:messages", 4)]);
        assert_eq!(got, [("read:messages".to_owned(), "Read:Messages".to_owned())]);
    }

    #[test]
    fn what_people_mean_is_left_alone() {
        for (one, two) in [
            ("read:a", "read:b"),
            ("read:cart", "read:card"),
            ("read:orders", "read:borders"),
            ("read:teams", "read:terms"),
            ("messages.read", "messages.send"),
            ("tier1", "tier2"),
            ("service-orders1", "service-orders2"),
            ("api:v1", "api:v11"),
            ("read:messages", "read.messages"),
            ("read:messages", "read:messages:all"),
        ] {
            assert!(found(&[(one, 1), (two, 1)]).is_empty(), "{one} {two}");
        }
        assert!(found(&[("read:mesages", 2), ("read:messages", 2)]).is_empty(), "used twice, it is meant");
    }

    #[test]
    fn keys_meet_for_every_single_edit_and_the_work_is_bounded() {
        let meet = |one: &str, two: &str| deletions(one).any(|key| deletions(two).any(|other| key == other));
        for (one, two) in [("abc", "ab"), ("abc", "abcd"), ("abc", "axc"), ("abc", "acb"), ("abc", "bc"), ("aab", "ab")]
        {
            assert!(meet(one, two) && meet(two, one), "{one} {two}");
        }
        assert!(!meet("abcdef", "uvwxyz") && !meet("abcd", "badc"));
        let many: Vec<String> = (0..2000).map(|n| format!("a{}", "x".repeat(n % 60))).collect();
        let names: Vec<(&str, usize)> = many.iter().map(|name| (name.as_str(), 1)).collect();
        assert!(pairs(&names).len() < limits::COMPARED_SCOPES);
    }
}

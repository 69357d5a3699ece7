//! The limit on log lines about denials: so many for one reason and rule in one second. What is left out is counted, and a
//! line says how many.

use std::{
    collections::{HashMap, hash_map::Entry},
    mem,
    sync::Arc,
};

use parking_lot::{Mutex, MutexGuard};
use tokio::{sync::Notify, time::Instant};

use crate::limits;
use portcullis_engine::policy::rule::RuleId;

/// A reason and a rule, by their addresses: both are held for as long as the key is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    code: (usize, usize),
    rule: usize,
}

impl Key {
    fn new(code: &'static str, rule: Option<&RuleId>) -> Self {
        Self { code: (code.as_ptr().addr(), code.len()), rule: rule.map_or(0, |rule| rule.name().as_ptr().addr()) }
    }
}

/// Denials of one reason and rule whose lines were left out.
#[derive(Clone, Debug)]
pub struct LeftOut {
    /// The reason; `None` for denials of many reasons and rules.
    pub code: Option<&'static str>,
    /// The rule, if there is one.
    pub rule: Option<RuleId>,
    /// The denials are our own trouble, not the clients'.
    pub our_trouble: bool,
    /// The number of lines that were left out.
    pub lines: u64,
}

#[derive(Debug)]
struct Line {
    logged: u32,
    left_out: LeftOut,
}

/// The lines of the current second.
#[derive(Debug, Default)]
struct Window {
    began: Option<Instant>,
    lines: HashMap<Key, Line>,
    /// Denials of reasons and rules beyond those that are told apart.
    others: u64,
    /// The reporting task has been told of this second.
    is_told: bool,
}

impl Window {
    fn starting(now: Instant) -> Self {
        Self { began: Some(now), ..Self::default() }
    }

    /// Counts a denial, and returns whether it is logged.
    fn admit(&mut self, code: &'static str, rule: Option<&RuleId>, our_trouble: bool) -> bool {
        let (key, is_full) = (Key::new(code, rule), self.lines.len() >= limits::DENIAL_LINE_KEYS);
        let line = match self.lines.entry(key) {
            Entry::Occupied(line) => line.into_mut(),
            Entry::Vacant(_) if is_full => {
                self.others = self.others.saturating_add(1);
                return false;
            }
            Entry::Vacant(place) => {
                let left_out = LeftOut { code: Some(code), rule: rule.cloned(), our_trouble, lines: 0 };
                place.insert(Line { logged: 0, left_out })
            }
        };
        let is_logged = line.logged < limits::DENIAL_LINES;
        if is_logged {
            line.logged = line.logged.saturating_add(1);
        } else {
            line.left_out.lines = line.left_out.lines.saturating_add(1);
        }
        is_logged
    }

    fn is_over(&self, now: Instant) -> bool {
        self.began.is_none_or(|began| now.saturating_duration_since(began) >= limits::DENIAL_LINES_PERIOD)
    }

    /// Returns the denials that were left out, sorted: the same denials are always reported in the same order.
    fn left_out(self) -> Vec<LeftOut> {
        let others = LeftOut { code: None, rule: None, our_trouble: true, lines: self.others };
        let all = self.lines.into_values().map(|line| line.left_out).chain([others]);
        let mut left_out: Vec<LeftOut> = all.filter(|left_out| left_out.lines > 0).collect();
        let name = |left_out: &LeftOut| left_out.rule.as_ref().map(|rule| Arc::clone(rule.name()));
        left_out.sort_by_cached_key(|left_out| (left_out.code, name(left_out)));
        left_out
    }
}

/// Says which denials are logged.
#[derive(Debug, Default)]
pub struct DenialLines {
    window: Mutex<Window>,
    has_left_out: Notify,
}

/// The lines to log at a denial.
#[derive(Debug)]
pub struct Admitted {
    /// The denial itself is logged.
    pub is_logged: bool,
    /// The denials that were left out in the second before.
    pub left_out: Vec<LeftOut>,
}

impl DenialLines {
    /// Decides about the line of one denial.
    pub fn admit(&self, code: &'static str, rule: Option<&RuleId>, our_trouble: bool, now: Instant) -> Admitted {
        let mut window = self.window();
        let over = window.is_over(now).then(|| mem::replace(&mut *window, Window::starting(now)));
        let is_logged = window.admit(code, rule, our_trouble);
        let is_news = !is_logged && !mem::replace(&mut window.is_told, true);
        drop(window);
        if is_news {
            self.has_left_out.notify_one();
        }
        Admitted { is_logged, left_out: over.map(Window::left_out).unwrap_or_default() }
    }

    /// Waits until lines have been left out and their second has passed, and returns what was left out. Without it, only the
    /// next denial would say so.
    pub async fn left_out(&self) -> Vec<LeftOut> {
        loop {
            self.has_left_out.notified().await;
            let began = self.window().began;
            if let Some(began) = began {
                tokio::time::sleep_until(began + limits::DENIAL_LINES_PERIOD).await;
            }
            let mut window = self.window();
            // Otherwise a denial was faster and began another second, of which this task was told or will be.
            if window.is_over(Instant::now()) {
                return mem::take(&mut *window).left_out();
            }
        }
    }

    /// Returns what was left out in the second that has begun and ends it: there is no other denial to come.
    pub fn finish(&self) -> Vec<LeftOut> {
        mem::take(&mut *self.window()).left_out()
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        // What is changed in there is changed whole, or not at all.
        self.window.lock()
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, time::Duration};

    use tokio::time::{advance, timeout};

    use super::*;

    fn admit(lines: &DenialLines, code: &'static str, rule: Option<&RuleId>) -> bool {
        lines.admit(code, rule, false, Instant::now()).is_logged
    }

    fn counts(left_out: &[LeftOut]) -> Vec<(Option<&str>, Option<&str>, u64)> {
        let name = |left_out: &LeftOut| left_out.rule.as_ref().map(|rule| rule.name().as_ref().to_owned());
        left_out
            .iter()
            .map(|left_out| (left_out.code, name(left_out).map(|name| &*name.leak()), left_out.lines))
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_reason_and_rule_has_the_limit_in_lines_each_second() {
        let lines = DenialLines::default();
        let (one, other) = (RuleId::new("one"), RuleId::new("other"));
        for _ in 0..3 {
            for (code, rule) in [("a", None), ("a", Some(&one)), ("a", Some(&other)), ("b", Some(&one))] {
                for _ in 0..limits::DENIAL_LINES {
                    assert!(admit(&lines, code, rule), "{code} {rule:?}");
                }
                assert!(!admit(&lines, code, rule), "one more: {code} {rule:?}");
            }
            advance(limits::DENIAL_LINES_PERIOD - Duration::from_millis(1)).await;
            assert!(!admit(&lines, "a", None), "the second is not over");
            advance(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_denial_says_what_was_left_out() {
        let lines = DenialLines::default();
        let rule = RuleId::new("rule");
        for _ in 0..limits::DENIAL_LINES + 3 {
            admit(&lines, "a", Some(&rule));
        }
        advance(limits::DENIAL_LINES_PERIOD).await;
        let next = lines.admit("b", None, false, Instant::now());
        assert!(next.is_logged);
        assert_eq!(counts(&next.left_out), [(Some("a"), Some("rule"), 3)]);
        assert!(lines.admit("b", None, false, Instant::now()).left_out.is_empty(), "once");
        assert!(lines.finish().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_left_out_is_said_without_another_denial() {
        let lines = DenialLines::default();
        for _ in 0..2 {
            for _ in 0..limits::DENIAL_LINES + 5 {
                lines.admit("a", None, true, Instant::now());
            }
            let began = Instant::now();
            let left_out = lines.left_out().await;
            assert_eq!(began.elapsed().as_secs(), limits::DENIAL_LINES_PERIOD.as_secs());
            assert_eq!(counts(&left_out), [(Some("a"), None, 5)]);
            assert!(left_out[0].our_trouble);
        }
        for _ in 0..limits::DENIAL_LINES {
            admit(&lines, "a", None);
        }
        assert!(timeout(Duration::from_secs(60), lines.left_out()).await.is_err(), "nothing was left out");
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_has_the_limit_in_lines_and_every_denial_is_logged_or_counted() {
        let lines = DenialLines::default();
        let (logged, left_out) = (Cell::new(0), Cell::new(0));
        let add = |ended: &[LeftOut]| left_out.set(left_out.get() + ended.iter().map(|ended| ended.lines).sum::<u64>());
        let flood = async {
            for _ in 0..10_000 {
                let admitted = lines.admit("a", None, false, Instant::now());
                logged.set(logged.get() + u64::from(admitted.is_logged));
                add(&admitted.left_out);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let report = async {
            loop {
                add(&lines.left_out().await);
            }
        };
        // The task that reports runs beside, a moment later, and must not begin a second before the last has passed.
        tokio::select! {
            biased;
            () = flood => {}
            () = report => {}
        }
        add(&lines.finish());
        assert_eq!(logged.get(), 10 * u64::from(limits::DENIAL_LINES));
        assert_eq!(logged.get() + left_out.get(), 10_000);
    }

    #[tokio::test(start_paused = true)]
    async fn the_pairs_that_are_told_apart_are_bounded() {
        let lines = DenialLines::default();
        let rules: Vec<RuleId> = (0..=limits::DENIAL_LINE_KEYS).map(|rule| RuleId::new(&rule.to_string())).collect();
        let (last, known) = rules.split_last().unwrap();
        for rule in known {
            assert!(admit(&lines, "a", Some(rule)));
        }
        assert!(!admit(&lines, "a", Some(last)), "one pair more");
        assert!(!admit(&lines, "b", Some(last)));
        assert!(admit(&lines, "a", Some(&rules[0])), "a known one has its lines");
        assert_eq!(counts(&lines.finish()), [(None, None, 2)]);
        assert!(admit(&lines, "a", Some(last)), "in the next second it has a place");
    }
}

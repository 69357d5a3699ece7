use std::{sync::atomic::AtomicBool, thread};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};
use proptest::prelude::*;

use super::*;

fn text(registry: &Registry) -> Vec<String> {
    let mut text = String::new();
    encode(&mut text, registry).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// The bounds of the buckets in seconds.
fn bounds() -> impl Iterator<Item = f64> {
    BUCKETS.into_iter().map(seconds)
}

/// The counts of checks that were counted at all.
fn counted(tally: &Tally) -> Vec<u64> {
    tally.checks().into_values().filter(|count| *count > 0).collect()
}

fn registry_of(tally: &Arc<Tally>) -> Registry {
    let mut registry = Registry::default();
    registry.register("checks", "Checks", Checks(Arc::clone(tally)));
    registry.register("times", "Times", CheckTimes(Arc::clone(tally), Part::Whole));
    registry.register("queued", "Queued", CheckTimes(Arc::clone(tally), Part::Queue));
    registry
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_shown_is_what_the_library_would_show(
        checks in prop::collection::vec(
            (any::<bool>(), 0_usize..3, 0_usize..3, 0_u64..10_000_000_000, 0_u64..10_000_000_000),
            0..40,
        ),
        sweep in any::<bool>(),
    ) {
        let tally = Arc::new(Tally::default());
        let (family, histogram) = (Family::<Labels, Counter>::default(), Histogram::new(bounds()));
        let queued_histogram = Histogram::new(bounds());
        for code in ["internal", "overloaded"] {
            drop(family.get_or_create(&Labels { decision: "deny", code, rule: String::new() }));
        }
        for (at, (allowed, code, rule, whole, queued)) in checks.into_iter().enumerate() {
            // Whole 128ths of a second: sums of them are exact in whatever order.
            let [whole, queued] = [whole, queued].map(|nanos| Duration::from_nanos(nanos / 7_812_500 * 7_812_500));
            let (code, rule) = (["ok", "no_route", "token_expired"][code], ["", "a", "b \"quoted\""][rule]);
            // Each time at another address.
            let name = (!rule.is_empty() || at % 2 == 0).then(|| Arc::from(rule));
            tally.count(allowed, code, name.as_ref(), CheckDurations { queued, whole });
            let decision = if allowed { "allow" } else { "deny" };
            family.get_or_create(&Labels { decision, code, rule: rule.to_owned() }).inc();
            histogram.observe(whole.as_secs_f64());
            queued_histogram.observe(queued.as_secs_f64());
            if sweep {
                tally.retain(|_| true);
            }
        }
        let mut wanted = Registry::default();
        wanted.register("checks", "Checks", family);
        wanted.register("times", "Times", histogram);
        wanted.register("queued", "Queued", queued_histogram);
        prop_assert_eq!(text(&registry_of(&tally)), text(&wanted));
    }
}

#[test]
fn a_bucket_takes_its_bound_along() {
    let tally = Arc::new(Tally::default());
    let histogram = Histogram::new(bounds());
    for bound in bounds() {
        let bound = Duration::from_secs_f64(bound);
        for whole in [bound - Duration::from_nanos(1), bound, bound + Duration::from_nanos(1)] {
            tally.count(true, "ok", None, CheckDurations { whole, queued: Duration::ZERO });
            histogram.observe(whole.as_secs_f64());
        }
    }
    let mut wanted = Registry::default();
    wanted.register("times", "Times", histogram);
    let buckets =
        |lines: Vec<String>| lines.into_iter().filter(|line| line.starts_with("times_bucket")).collect::<Vec<_>>();
    assert_eq!(buckets(text(&registry_of(&tally))), buckets(text(&wanted)));
}

#[test]
fn no_count_is_lost_between_threads_and_reloads() {
    let tally = Arc::new(Tally::default());
    // So many that a reload has something to do while others look.
    let rules: Vec<Arc<str>> = (0..100).map(|rule| format!("r{rule}").into()).collect();
    let is_over = AtomicBool::new(false);
    let count_until_then = || {
        let mut rounds = 0_u64;
        while !is_over.load(Ordering::Relaxed) {
            rules.iter().for_each(|rule| tally.count(true, "ok", Some(rule), CheckDurations::default()));
            rounds += 1;
        }
        rounds
    };
    let (rounds, seen) = thread::scope(|scope| {
        let counting: Vec<_> = (0..4).map(|_| scope.spawn(count_until_then)).collect();
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                tally.retain(|rule| rule.starts_with('r'));
                thread::yield_now();
            }
        });
        let mut seen: Vec<u64> = Vec::new();
        while seen.len() < 20 {
            seen.push(tally.checks().values().sum());
            seen.dedup();
        }
        is_over.store(true, Ordering::Relaxed);
        (counting.into_iter().map(|thread| thread.join().unwrap()).sum::<u64>(), seen)
    });
    assert!(seen.is_sorted(), "a counter went back: {seen:?}");
    assert_eq!(counted(&tally), vec![rounds; rules.len()]);
    for part in [Part::Whole, Part::Queue] {
        assert_eq!(tally.times(part).counts.iter().sum::<u64>(), rounds * 100);
    }
}

#[test]
fn a_name_that_is_counted_keeps_its_place() {
    let tally = Tally::default();
    for round in 0..100 {
        // The allocator likes to give the place of the one before, if that is free.
        tally.count(true, "ok", Some(&format!("rule-{round:03}").into()), CheckDurations::default());
    }
    assert_eq!(counted(&tally), [1; 100]);
    tally.retain(|_| false);
    assert!(counted(&tally).is_empty());
}

#[test]
fn faults_of_the_service_itself_have_series_before_the_first_of_them_and_after_a_reload() {
    let tally = Tally::default();
    tally.retain(|_| false);
    let series: Vec<(&str, &str, u64)> =
        tally.checks().iter().map(|(labels, count)| (labels.decision, labels.code, *count)).collect();
    assert_eq!(series, [("deny", "internal", 0), ("deny", "overloaded", 0)]);
    tally.count(false, "internal", None, CheckDurations::default());
    assert_eq!(tally.checks().into_values().collect::<Vec<_>>(), [1, 0]);
}

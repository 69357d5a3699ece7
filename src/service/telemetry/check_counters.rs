//! Counts every Check: how it was decided, how long that took, and how long it waited for its turn before.
//!
//! Each thread counts in a place of its own, so that cores which answer share nothing; the places are added up when
//! somebody looks. A rule is told from others by where its name lies in memory: no text is hashed or copied for a Check.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap},
    fmt,
    hash::{BuildHasherDefault, Hash, Hasher},
    mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, counter::ConstCounter},
};

use portcullis_engine::reason::{DenyReason, Party};

/// The upper bounds of buckets in nanoseconds: from 25 µs (cached) over a millisecond (verified) to the longest wait for keys,
/// 2.5 s.
const BUCKETS: [u64; 13] = [
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    50_000_000,
    250_000_000,
    NANOS,
    2 * NANOS + NANOS / 2,
];

/// Nanoseconds of a second.
const NANOS: u64 = 1_000_000_000;

/// The values of the label `decision`.
const ALLOW: &str = "allow";
const DENY: &str = "deny";

/// So many places: threads beyond share them. A power of two.
const PLACES: usize = 32;

/// Whose turn it is to get a place. Only a number: what is counted there belongs to one service.
static NEXT_THREAD: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static THREAD: Cell<usize> = Cell::new(NEXT_THREAD.fetch_add(1, Ordering::Relaxed));
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EncodeLabelSet)]
struct Labels {
    decision: &'static str,
    code: &'static str,
    rule: String,
}

/// Which of the counters of a place. The rule and the code by their addresses: a name that lies in two places counts as
/// two, and is one again when it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    allowed: bool,
    code: usize,
    code_bytes: usize,
    rule: usize,
}

impl Key {
    fn new(allowed: bool, code: &'static str, rule: Option<&Arc<str>>) -> Self {
        let rule = rule.map_or(0, |rule| rule.as_ptr().addr());
        Self { allowed, code: code.as_ptr().addr(), code_bytes: code.len(), rule }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The rest almost always follows from these two.
        state.write_usize(self.rule);
        state.write_usize(self.code);
    }
}

#[derive(Clone, Debug)]
struct Counted {
    decision: &'static str,
    code: &'static str,
    /// Held, so that no other name can lie there.
    rule: Option<Arc<str>>,
    count: u64,
}

impl Counted {
    fn labels(&self) -> Labels {
        let rule = self.rule.as_deref().unwrap_or_default().to_owned();
        Labels { decision: self.decision, code: self.code, rule }
    }
}

type Counters = HashMap<Key, Counted, BuildHasherDefault<OfAddresses>>;

/// Mixes addresses. Nobody outside chooses them.
#[derive(Debug, Default)]
struct OfAddresses(u64);

impl Hasher for OfAddresses {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_usize(usize::from(*byte)));
    }

    fn write_usize(&mut self, number: usize) {
        // 2^64 by the golden ratio: neighbours end up far apart in the upper bits.
        self.0 = (self.0.rotate_left(5) ^ number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        // The map looks at the lower bits as well, and those of aligned addresses are alike.
        self.0 ^ (self.0 >> 32)
    }
}

/// The durations of some part of Checks.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    /// The sum of all durations in nanoseconds: 584 years fit. Whole numbers cost less to add than seconds with a fraction.
    nanos: u64,
    /// The last one is of those beyond every bucket.
    counts: [u64; BUCKETS.len() + 1],
}

impl Times {
    fn add(&mut self, took: Duration) {
        let nanos = took.as_secs().wrapping_mul(NANOS).wrapping_add(u64::from(took.subsec_nanos()));
        self.nanos = self.nanos.wrapping_add(nanos);
        let bucket = BUCKETS.iter().position(|bound| nanos <= *bound).unwrap_or(BUCKETS.len());
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
    }

    fn merge(mut self, other: &Self) -> Self {
        self.nanos = self.nanos.wrapping_add(other.nanos);
        self.counts.iter_mut().zip(other.counts).for_each(|(count, more)| *count += more);
        self
    }
}

/// Converts nanoseconds to seconds.
#[expect(clippy::cast_precision_loss, reason = "bounds are exact, and of a sum the first 15 digits are enough")]
fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

/// The part of a Check whose duration a histogram shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// From reading a Check to its answer.
    Whole,
    /// From reading a Check until its thread begins to decide it.
    Queue,
}

/// The durations of one Check.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckDurations {
    /// The time from reading it until its thread began to decide it.
    pub queued: Duration,
    /// The time from reading it to its answer.
    pub whole: Duration,
}

#[derive(Debug, Default)]
struct Counts {
    checks: Counters,
    whole: Times,
    queued: Times,
}

/// What the threads of one place count. Alone on its cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Place(Mutex<Counts>);

impl Place {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Whatever panicked, a count is changed whole or not at all.
        self.0.lock()
    }
}

/// The counts of one service.
pub(super) struct Tally {
    places: [Place; PLACES],
    /// What was counted before the last reload, by text: the names of its rules lie elsewhere now.
    settled: Mutex<BTreeMap<Labels, u64>>,
}

impl Default for Tally {
    /// No Check yet. Series of faults of the service itself, which have no rule, are there from the start.
    fn default() -> Self {
        let faults = DenyReason::all().filter(|reason| reason.party() == Party::Service);
        let series = faults.map(|fault| (Labels { decision: DENY, code: fault.code(), rule: String::new() }, 0));
        Self { places: Default::default(), settled: Mutex::new(series.collect()) }
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tally").finish_non_exhaustive()
    }
}

impl Tally {
    /// Counts a Check. `rule` is the name of the rule that decided.
    pub(super) fn count(&self, allowed: bool, code: &'static str, rule: Option<&Arc<str>>, took: CheckDurations) {
        let place = THREAD.get() % PLACES;
        let Some(place) = self.places.get(place) else { return };
        let mut counts = place.lock();
        counts.whole.add(took.whole);
        counts.queued.add(took.queued);
        let first = || {
            let decision = if allowed { ALLOW } else { DENY };
            Counted { decision, code, rule: rule.cloned(), count: 0 }
        };
        counts.checks.entry(Key::new(allowed, code, rule)).or_insert_with(first).count += 1;
    }

    /// Takes the series of rules away that are no more. Those without a rule stay.
    pub(super) fn retain(&self, rule_stays: impl Fn(&str) -> bool) {
        // Held to the end: nobody looks while counts are on their way.
        let mut settled = self.settled();
        for place in &self.places {
            let checks = mem::take(&mut place.lock().checks);
            for counted in checks.values() {
                *settled.entry(counted.labels()).or_default() += counted.count;
            }
        }
        settled.retain(|labels, _| labels.rule.is_empty() || rule_stays(&labels.rule));
    }

    fn settled(&self) -> MutexGuard<'_, BTreeMap<Labels, u64>> {
        self.settled.lock()
    }

    fn checks(&self) -> BTreeMap<Labels, u64> {
        let settled = self.settled();
        let mut sums = settled.clone();
        let counters = self.merged();
        drop(settled);
        for counted in counters.into_values() {
            *sums.entry(counted.labels()).or_default() += counted.count;
        }
        sums
    }

    /// The counters of all places. Still by address, as each of them holds its name: a text for each place would cost as
    /// many times more as there are threads.
    fn merged(&self) -> Counters {
        let mut merged = Counters::default();
        for place in &self.places {
            // Copied first: whoever counts there waits no longer than that.
            let copied: Vec<(Key, Counted)> =
                place.lock().checks.iter().map(|(key, counted)| (*key, counted.clone())).collect();
            for (key, counted) in copied {
                let count = counted.count;
                merged.entry(key).or_insert(Counted { count: 0, ..counted }).count += count;
            }
        }
        merged
    }

    fn is_empty(&self) -> bool {
        let settled = self.settled();
        settled.is_empty() && self.places.iter().all(|place| place.lock().checks.is_empty())
    }

    fn times(&self, part: Part) -> Times {
        self.places.iter().fold(Times::default(), |sum, place| {
            let counts = place.lock();
            sum.merge(match part {
                Part::Whole => &counts.whole,
                Part::Queue => &counts.queued,
            })
        })
    }
}

/// The decisions of a tally, as a metric.
#[derive(Debug)]
pub(super) struct Checks(pub(super) Arc<Tally>);

impl EncodeMetric for Checks {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        self.0
            .checks()
            .iter()
            .try_for_each(|(labels, count)| ConstCounter::new(*count).encode(encoder.encode_family(labels)?))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The durations of a part of all Checks of a tally, as a metric.
#[derive(Debug)]
pub(super) struct CheckTimes(pub(super) Arc<Tally>, pub(super) Part);

impl EncodeMetric for CheckTimes {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let Times { nanos, counts } = self.0.times(self.1);
        let bounds = BUCKETS.into_iter().map(seconds).chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        encoder.encode_histogram::<NoLabelSet>(seconds(nanos), counts.iter().sum(), &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[cfg(test)]
mod tests;

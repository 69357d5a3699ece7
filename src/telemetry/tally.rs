//! What is counted of every Check: how it was decided, and how long that took.
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
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, counter::ConstCounter},
};

/// From 25 µs (cached) over a millisecond (verified) to the longest wait for keys, in seconds.
const BUCKETS: [f64; 13] = [25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 50e-3, 0.25, 1.0, 2.5];

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

/// How long Checks took.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    seconds: f64,
    /// The last one is of those beyond every bucket.
    counts: [u64; BUCKETS.len() + 1],
}

impl Times {
    fn add(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        self.seconds += seconds;
        let bucket = BUCKETS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS.len());
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
    }

    fn merge(mut self, other: &Self) -> Self {
        self.seconds += other.seconds;
        self.counts.iter_mut().zip(other.counts).for_each(|(count, more)| *count += more);
        self
    }
}

#[derive(Debug, Default)]
struct Counts {
    checks: Counters,
    times: Times,
}

/// What the threads of one place count. Alone on its cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Place(Mutex<Counts>);

impl Place {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Whatever panicked, a count is changed whole or not at all.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The counts of one service.
#[derive(Default)]
pub(super) struct Tally {
    places: [Place; PLACES],
    /// What was counted before the last reload, by text: the names of its rules lie elsewhere now.
    settled: Mutex<BTreeMap<Labels, u64>>,
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tally").finish_non_exhaustive()
    }
}

impl Tally {
    /// Counts a Check. `rule` is the name of the rule that decided.
    pub(super) fn count(&self, allowed: bool, code: &'static str, rule: Option<&Arc<str>>, took: Duration) {
        let place = THREAD.get() % PLACES;
        let Some(place) = self.places.get(place) else { return };
        let mut counts = place.lock();
        counts.times.add(took);
        let first = || {
            let decision = if allowed { "allow" } else { "deny" };
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
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn times(&self) -> Times {
        self.places.iter().fold(Times::default(), |sum, place| sum.merge(&place.lock().times))
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

/// The times of a tally, as a metric.
#[derive(Debug)]
pub(super) struct CheckTimes(pub(super) Arc<Tally>);

impl EncodeMetric for CheckTimes {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let Times { seconds, counts } = self.0.times();
        let bounds = BUCKETS.into_iter().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        encoder.encode_histogram::<NoLabelSet>(seconds, counts.iter().sum(), &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[cfg(test)]
mod tests;

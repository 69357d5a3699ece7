//! What is measured.

pub mod behind;
pub mod cold;
pub mod cores;
pub mod hot;
pub mod instructions;
pub mod memory;
pub mod mixed;
mod rounds;
pub mod routes;

use serde::Serialize;

use crate::{client::Measured, stats::Figure, yardstick::Failure};

/// A line of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was sent.
    pub group: String,
    /// To whom.
    pub server: String,
    /// Right answers a second.
    pub rate: Figure,
    /// Milliseconds.
    pub p50: Figure,
    /// Milliseconds.
    pub p99: Figure,
    /// Milliseconds.
    pub p999: Figure,
    /// Microseconds of the server's CPU for each call.
    pub cpu: Figure,
    /// Microseconds of the client's CPU for each call.
    pub client: Figure,
    /// The most memory that the server had, in MiB.
    pub peak: Figure,
    /// Right answers of all rounds.
    pub calls: u64,
    /// Wrong answers of all rounds.
    pub wrong: u64,
    /// Calls without an answer, of all rounds.
    pub errors: u64,
}

/// One round of one server.
#[derive(Debug)]
pub struct Sample {
    measured: Measured,
    cpu: f64,
    client: f64,
    peak: f64,
}

#[cfg(test)]
impl Sample {
    /// So many calls in a second, and so many of them wrong.
    pub(crate) fn fixed(calls: u32, wrong: u32) -> Self {
        let (calls, wrong) = (u64::from(calls.saturating_sub(wrong)), u64::from(wrong));
        let elapsed = std::time::Duration::from_secs(1);
        let measured = Measured { calls, wrong, errors: 0, elapsed, latency: crate::stats::Latency::default() };
        Self { measured, cpu: 0.0, client: 0.0, peak: 0.0 }
    }
}

impl Row {
    /// Every call was answered as it must be: with less, its figures are those of another service.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.wrong == 0 && self.errors == 0 && self.calls > 0
    }

    /// The line for these rounds.
    #[must_use]
    pub fn of(group: &str, server: &str, samples: &[Sample]) -> Self {
        let figure = |of: &dyn Fn(&Sample) -> f64| Figure::of(samples.iter().map(of));
        let quantile = |share: f64| figure(&|sample| sample.measured.latency.quantile(share));
        #[expect(clippy::cast_precision_loss, reason = "a number of calls")]
        let each = |of: fn(&Sample) -> f64| figure(&|sample| of(sample) / sample.measured.calls.max(1) as f64);
        let sum = |of: fn(&Measured) -> u64| samples.iter().map(|sample| of(&sample.measured)).sum();
        Self {
            group: group.to_owned(),
            server: server.to_owned(),
            rate: figure(&|sample| sample.measured.rate()),
            p50: quantile(0.5),
            p99: quantile(0.99),
            p999: quantile(0.999),
            cpu: each(|sample| sample.cpu),
            client: each(|sample| sample.client),
            peak: figure(&|sample| sample.peak),
            calls: sum(|measured| measured.calls),
            wrong: sum(|measured| measured.wrong),
            errors: sum(|measured| measured.errors),
        }
    }
}

/// A run that only counts if every answer was right.
///
/// # Errors
/// Where one was not.
pub(crate) fn all_right(what: &str, measured: &Measured) -> Result<(), Failure> {
    let Measured { calls, wrong, errors, .. } = measured;
    if *wrong == 0 && *errors == 0 && *calls > 0 {
        return Ok(());
    }
    Err(format!("{what}: {calls} answers right, {wrong} wrong, {errors} calls without an answer").into())
}

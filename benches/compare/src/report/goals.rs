//! What is asked of Portcullis: ratios to others in the same rounds, instructions, memory.

use serde::Serialize;

use super::Report;
use crate::{rows::Row, stats::Figure};

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// At least so much.
    Higher,
    /// At most so much.
    Lower,
}

/// One of them.
#[derive(Clone, Debug, Serialize)]
pub struct Goal {
    /// The row that it comes from.
    pub row: &'static str,
    /// What is measured.
    pub measure: &'static str,
    /// The figure; nothing where it was not measured, or not with right answers only.
    pub figure: Option<Figure>,
    /// What it must be.
    pub must: f64,
    /// What it is to be.
    pub aim: f64,
    /// Which way.
    pub better: Better,
    /// Whether all answers were right that it would come from.
    pub valid: bool,
}

impl Goal {
    /// In a word.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        if !self.valid {
            return "NOT VALID";
        }
        let Some(figure) = &self.figure else { return "not measured" };
        let reaches = |bound: f64| match self.better {
            Better::Higher => figure.median >= bound,
            Better::Lower => figure.median <= bound,
        };
        if reaches(self.aim) {
            "aim met"
        } else if reaches(self.must) {
            "met"
        } else {
            "MISSED"
        }
    }
}

/// All of them, from these figures.
#[must_use]
pub fn all(report: &Report) -> Vec<Goal> {
    let rate: fn(&Row) -> &Figure = |row| &row.rate;
    let p99: fn(&Row) -> &Figure = |row| &row.p99;
    let ratio = |group: &str, this: &str, that: &str, of: fn(&Row) -> &Figure| {
        let (Some(this), Some(that)) = (report.row(group, this), report.row(group, that)) else { return (None, true) };
        let valid = this.is_right() && that.is_right();
        (valid.then(|| of(this).over(of(that))), valid)
    };
    let memory =
        |of: fn(&crate::rows::memory::Memory) -> f64| report.memory.as_ref().map(|memory| Figure::of([of(memory)]));
    // With fewer than were sent it is not the memory of 100,000.
    let full = memory(|memory| memory.full)
        .filter(|_| report.memory.as_ref().is_some_and(|memory| memory.held >= memory.sent as u64));
    let instructions = report.instructions.get("portcullis").map(|count| Figure::of([*count]));
    let (one, two) = ("portcullis, 1 core", "portcullis, 2 cores");
    let (few, many) = ("portcullis, 10 routes", "portcullis, 10000 routes");
    let envoy = ratio("behind Envoy", "ext_authz: portcullis", "ext_authz: noop", rate);
    let goal =
        |better, row, measure, (figure, valid), must, aim| Goal { row, measure, figure, must, aim, better, valid };
    let higher = |row, measure, figure, must, aim| goal(Better::Higher, row, measure, figure, must, aim);
    let lower = |row, measure, figure, must, aim| goal(Better::Lower, row, measure, figure, must, aim);
    // Where one answer is wrong in these, there is no figure at all.
    let own = |row, measure, figure, must, aim| lower(row, measure, (figure, true), must, aim);
    vec![
        higher("hot", "hot / no-op tonic with complete types", ratio("hot", "portcullis", "noop", rate), 1.4, 1.9),
        higher("hot", "hot / hyper fixed reply", ratio("hot", "portcullis", "wire", rate), 0.52, 0.72),
        own("instructions", "user instructions per hot call", instructions, 62_000.0, 50_000.0),
        higher(
            "cold",
            "cold RS256 / raw aws-lc-rs verify",
            ratio("cold", "portcullis", "raw verify", rate),
            0.45,
            0.58,
        ),
        higher("mixed", "mixed 90/10 / own hot", ratio("mixed", "portcullis", "portcullis, hot", rate), 0.55, 0.65),
        lower("hot", "p99 / no-op's", ratio("hot", "portcullis", "noop", p99), 0.8, 0.5),
        higher("envoy", "behind Envoy, hot / no-op behind Envoy", envoy, 0.98, 1.04),
        higher("cores", "two cores / one core", ratio("cores", two, one, rate), 1.5, 1.8),
        higher("routes", "10,000 routes / 10 routes, hot", ratio("routes", many, few, rate), 0.95, 0.99),
        own("memory", "bytes per cached token", memory(|memory| memory.each), 768.0, 320.0),
        own("memory", "MiB resident, idle", memory(|memory| memory.idle), 20.0, 10.0),
        own("memory", "MiB resident, 100,000 tokens cached", full, 100.0, 50.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_on_its_own_side_only() {
        let goal = |figure: f64, better| {
            let figure = Some(Figure::of([figure]));
            Goal { row: "", measure: "", figure, must: 2.0, aim: 3.0, better, valid: true }
        };
        assert_eq!([1.9, 2.0, 3.0].map(|figure| goal(figure, Better::Higher).verdict()), ["MISSED", "met", "aim met"]);
        let lower = |figure| Goal { must: 3.0, aim: 2.0, ..goal(figure, Better::Lower) }.verdict();
        assert_eq!([3.1, 3.0, 2.0].map(lower), ["MISSED", "met", "aim met"]);
        assert_eq!(Goal { figure: None, ..goal(1.0, Better::Lower) }.verdict(), "not measured");
    }

    #[test]
    fn nothing_measured_is_nothing_met() {
        assert!(all(&Report::default()).iter().all(|goal| goal.verdict() == "not measured"));
    }
}

//! What came out: figures, goals, and the machine they were measured on.

pub mod goals;
pub mod machine;
pub mod svg;
pub mod table;

use std::collections::BTreeMap;

use goals::Goal;
use machine::Machine;
use serde::Serialize;

use crate::rows::{Row, memory::Memory};

/// All of a run; `result.json` is this.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// When it began, in UTC.
    pub date: String,
    /// How it was asked for.
    pub command: String,
    /// Where.
    pub machine: Machine,
    /// Of what.
    pub versions: BTreeMap<String, String>,
    /// Connections to a server, calls at once on each, seconds of a measurement.
    pub load: (usize, usize, f64),
    /// The lines of the table.
    pub rows: Vec<Row>,
    /// Instructions in user space for each hot call.
    pub instructions: BTreeMap<String, f64>,
    /// What remembered tokens take.
    pub memory: Option<Memory>,
    /// What is asked of Portcullis, and whether it is so.
    pub goals: Vec<Goal>,
    /// The harness was tried, and nothing here is a figure.
    pub smoke: bool,
    /// Rows whose figures must be there.
    pub asked: Vec<String>,
    /// What is not measured here, and why; the run is valid without it.
    pub notes: Vec<String>,
    /// What went wrong: with any of these the run is not valid.
    pub problems: Vec<String>,
}

impl Report {
    /// The line of that group and server.
    #[must_use]
    pub fn row(&self, group: &str, server: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.group == group && row.server == server)
    }

    /// Sums up: what was wrong, and the goals.
    pub fn conclude(&mut self) {
        for row in self.rows.iter().filter(|row| !row.is_right()) {
            let Row { group, server, calls, wrong, errors, .. } = row;
            self.problems.push(format!(
                "{group}, {server}: {calls} answers right, {wrong} wrong, {errors} calls without an answer"
            ));
        }
        let goals = goals::all(self);
        // A wrong answer is a problem already; what is gone without one would not be missed by anybody.
        let is_missing = |goal: &&Goal| goal.valid && goal.figure.is_none();
        let is_asked = |row| self.asked.iter().any(|asked| asked == row);
        // Machines that only try the harness need not have valgrind and Envoy.
        let is_optional = |row| self.smoke && ["instructions", "envoy"].contains(&row);
        let missing = goals.iter().filter(is_missing).filter(|goal| is_asked(goal.row) && !is_optional(goal.row));
        self.problems.extend(missing.map(|goal| format!("{}: no figure for \"{}\"", goal.row, goal.measure)));
        if !self.smoke {
            self.goals = goals;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row whose figures are all the same.
    fn row(server: &str, calls: u32, wrong: u32) -> Row {
        let samples = [crate::rows::Sample::fixed(calls, wrong)];
        Row::of("hot", server, &samples)
    }

    fn report(wrong: u32) -> Report {
        let rows = vec![row("portcullis", 300, 0), row("noop", 100, 0), row("wire", 400, wrong)];
        let mut report = Report { rows, ..Report::default() };
        report.conclude();
        report
    }

    fn verdict(report: &Report, measure: &str) -> &'static str {
        report.goals.iter().find(|goal| goal.measure == measure).map_or("no such goal", Goal::verdict)
    }

    #[test]
    fn a_wrong_answer_meets_no_goal_and_is_said_wherever_figures_are() {
        let (right, wrong) = (report(0), report(1));
        let (noop, wire) = ("hot / no-op tonic with complete types", "hot / hyper fixed reply");
        assert_eq!([noop, wire].map(|measure| verdict(&right, measure)), ["aim met", "aim met"]);
        assert_eq!([noop, wire].map(|measure| verdict(&wrong, measure)), ["aim met", "NOT VALID"]);
        let problem = "hot, wire: 399 answers right, 1 wrong, 0 calls without an answer";
        assert_eq!((right.problems.len(), wrong.problems.as_slice()), (0, &[problem.to_owned()][..]));
        for said in [table::text(&wrong), svg::plot(&wrong)] {
            assert!(said.contains("NOT VALID") && said.contains(problem), "{said}");
        }
        for said in [table::text(&right), svg::plot(&right)] {
            assert!(!said.contains("NOT VALID"), "{said}");
        }
    }

    #[test]
    fn what_was_asked_for_and_is_not_there_is_a_problem() {
        let problems = |asked: &[&str], smoke| {
            let asked = asked.iter().map(|&row| row.to_owned()).collect();
            let rows = vec![row("portcullis", 300, 0), row("noop", 100, 0)];
            let mut report = Report { rows, asked, smoke, ..Report::default() };
            report.conclude();
            report.problems
        };
        assert_eq!(problems(&[], false), [""; 0]);
        assert_eq!(problems(&["hot"], false), ["hot: no figure for \"hot / hyper fixed reply\""]);
        assert_eq!(problems(&["hot", "instructions", "envoy"], false).len(), 3);
        assert_eq!(problems(&["hot", "instructions", "envoy"], true).len(), 1);
        for name in crate::options::ROWS {
            assert!(!problems(&[name], false).is_empty(), "{name} has no goal");
        }
    }
}

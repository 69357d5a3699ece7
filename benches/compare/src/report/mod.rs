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
        for row in self.rows.iter().filter(|row| row.wrong + row.errors > 0) {
            let (group, server, wrong, errors) = (&row.group, &row.server, row.wrong, row.errors);
            self.problems.push(format!("{group}, {server}: {wrong} answers wrong, {errors} calls without an answer"));
        }
        if !self.smoke {
            self.goals = goals::all(self);
        }
    }
}

//! The report: a line while scenarios run, a table at the end, and JSON.

use std::io::{self, IsTerminal as _, Write as _};

use serde_json::{Value, json};

use super::{
    Failure,
    load::Tally,
    stack::Losses,
    verdict::{Counts, Ending},
};

/// The result of one scenario.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// The counts of the judged load.
    pub(crate) tally: Tally,
    /// The lost requests, by reason.
    pub(crate) losses: Losses,
    /// Problems beside wrong answers: an exit code, a counter.
    pub(crate) problems: Vec<String>,
    /// Reasons why the result is invalid, beside those of the judged load.
    pub(crate) starved: Vec<String>,
    /// Figures worth a word.
    pub(crate) notes: Vec<String>,
}

/// One line of the table.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The name of the scenario.
    pub(crate) name: &'static str,
    /// The result, or the error of a part that failed.
    pub(crate) outcome: Result<Outcome, String>,
}

impl Outcome {
    /// Adds a problem unless that holds.
    pub(crate) fn require(&mut self, holds: bool, problem: impl FnOnce() -> String) {
        if !holds {
            self.problems.push(problem());
        }
    }

    /// Returns how many requests Portcullis lost.
    pub(crate) fn lost(&self) -> u64 {
        self.losses.reasons.values().sum()
    }

    /// Judges the whole of it.
    pub(crate) fn ending(&self) -> Ending {
        let tally = &self.tally;
        let wrong = tally.wrong_allows + tally.wrong_identities + tally.wrong_denies + self.lost();
        let problems = u64::try_from(self.problems.len()).unwrap_or(u64::MAX);
        let excused = self.losses.excused;
        match (Counts { due: tally.due, sent: tally.sent, wrong: wrong + problems, excused }).ending() {
            Ending::Good if !self.starved.is_empty() => Ending::Invalid,
            ending => ending,
        }
    }

    fn to_json(&self) -> Value {
        let tally = &self.tally;
        let kinds: serde_json::Map<String, Value> =
            tally.kinds.iter().map(|(kind, count)| (kind.name().to_owned(), json!(count))).collect();
        json!({
            "due": tally.due,
            "sent": tally.sent,
            "right": tally.right,
            "wrong_allows": tally.wrong_allows,
            "wrong_identities": tally.wrong_identities,
            "wrong_denies": tally.wrong_denies,
            "lost": self.lost(),
            "lost_by_reason": self.losses.reasons,
            "tolerated": tally.tolerated,
            "too_slow": self.losses.excused,
            "p50_ms": tally.percentile(50),
            "p99_ms": tally.percentile(99),
            "kinds": kinds,
            "examples": tally.described,
            "problems": self.problems,
            "starved": self.starved,
            "notes": self.notes,
        })
    }
}

impl Line {
    /// Judges the result of the scenario.
    pub(crate) fn ending(&self) -> Ending {
        self.outcome.as_ref().map_or(Ending::Bad, Outcome::ending)
    }

    fn verdict(&self) -> &'static str {
        match self.ending() {
            Ending::Good => "good",
            Ending::Bad => "BAD",
            Ending::Invalid => "INVALID",
        }
    }
}

/// Writes one line of progress on standard error, where people look at it or a log is kept.
pub(crate) fn progress(text: &str) {
    let mut error = io::stderr().lock();
    // A closed terminal must not end the run.
    let _ = if error.is_terminal() { write!(error, "\r\x1b[K{text}") } else { writeln!(error, "{text}") };
    let _ = error.flush();
}

/// Writes the table and what was wrong on standard output.
pub(crate) fn print(lines: &[Line]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "\n{:<26} {:>9} {:>12} {:>11} {:>7} {:>9} {:>9} {:>9}  verdict",
        "scenario", "requests", "wrong allows", "wrong denies", "lost", "expected", "too slow", "p99 ms"
    )?;
    for line in lines {
        match &line.outcome {
            Ok(outcome) => {
                let tally = &outcome.tally;
                writeln!(
                    out,
                    "{:<26} {:>9} {:>12} {:>12} {:>7} {:>9} {:>9} {:>9.1}  {}",
                    line.name,
                    tally.sent,
                    tally.wrong_allows + tally.wrong_identities,
                    tally.wrong_denies,
                    outcome.lost(),
                    tally.tolerated,
                    outcome.losses.excused,
                    tally.percentile(99),
                    line.verdict()
                )?;
            }
            Err(_) => writeln!(out, "{:<26} {:>81}  {}", line.name, "did not run", line.verdict())?,
        }
    }
    writeln!(
        out,
        "\nlost: no answer, or 5xx; expected: lost where nothing else can be; too slow: lost by the machine"
    )?;
    for line in lines {
        let (outcome, name) = match &line.outcome {
            Ok(outcome) => (outcome, line.name),
            Err(error) => {
                writeln!(out, "\n{}: {error}", line.name)?;
                continue;
            }
        };
        let mut said = outcome.problems.clone();
        said.extend(outcome.losses.reasons.iter().map(|(reason, count)| format!("lost {count}: {reason}")));
        said.extend(outcome.tally.described.iter().map(|text| format!("wrong: {text}")));
        if outcome.ending() == Ending::Invalid {
            let (sent, due) = (outcome.tally.sent, outcome.tally.due);
            said.push(format!(
                "sent {sent} of {due}, {} lost by the machine: this run says nothing",
                outcome.losses.excused
            ));
        }
        said.extend(outcome.starved.clone());
        said.extend(outcome.notes.clone());
        if !said.is_empty() {
            writeln!(out, "\n{name}:")?;
            for text in said {
                writeln!(out, "  {text}")?;
            }
        }
    }
    Ok(out.flush()?)
}

/// Returns all of it as JSON.
pub(crate) fn to_json(lines: &[Line], seed: u64) -> Value {
    let scenarios: Vec<Value> = lines
        .iter()
        .map(|line| {
            let outcome = line.outcome.as_ref().map_or_else(|error| json!({ "error": error }), Outcome::to_json);
            json!({ "name": line.name, "verdict": line.verdict().to_lowercase(), "outcome": outcome })
        })
        .collect();
    json!({ "version": 1, "seed": seed, "scenarios": scenarios })
}

//! The table, for a terminal.

use std::fmt::Write as _;

use super::Report;
use crate::{rows::Row, stats::Figure};

/// All of it as text: the machine, the figures, the goals.
#[must_use]
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "\n{} · {} · {} cores · Linux {}",
        report.date, report.machine.cpu, report.machine.cores, report.machine.kernel
    );
    let versions: Vec<String> = report.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let _ = writeln!(text, "{}", versions.join(" · "));
    let (connections, streams, seconds) = report.load;
    let _ = writeln!(
        text,
        "{connections} connections x {streams} calls at once, rounds of {seconds} s, medians (lowest-highest)\n"
    );
    let heads = ["calls/s", "", "p50 ms", "p99 ms", "p99.9 ms", "CPU us", "peak MiB"];
    let [rate, spread, p50, p99, p999, cpu, peak] = heads;
    let _ = writeln!(text, "{:<26}{rate:>9} {spread:<17}{p50:>8}{p99:>8}{p999:>10}{cpu:>8}{peak:>10}", "");
    let mut group = "";
    for row in &report.rows {
        if row.group != group {
            group = &row.group;
            let _ = writeln!(text, "{group}");
        }
        line(&mut text, row);
    }
    others(&mut text, report);
    goals(&mut text, report);
    for note in &report.notes {
        let _ = writeln!(text, "\n{note}");
    }
    for problem in &report.problems {
        let _ = writeln!(text, "\nNOT VALID: {problem}");
    }
    text
}

fn line(text: &mut String, row: &Row) {
    let spread = format!("({}-{})", whole(row.rate.min), whole(row.rate.max));
    let [p50, p99, p999] = [&row.p50, &row.p99, &row.p999].map(|figure| short(figure.median));
    let peak = if row.peak.max > 0.0 { format!("{:.1}", row.peak.max) } else { "-".to_owned() };
    let (server, rate, cpu) = (&row.server, whole(row.rate.median), format!("{:.1}", row.cpu.median));
    let _ = writeln!(text, "  {server:<24}{rate:>9} {spread:<17}{p50:>8}{p99:>8}{p999:>10}{cpu:>8}{peak:>10}");
}

fn others(text: &mut String, report: &Report) {
    if !report.instructions.is_empty() {
        let counts: Vec<String> =
            report.instructions.iter().map(|(name, count)| format!("{name} {}", whole(*count))).collect();
        let _ = writeln!(text, "\nuser instructions per hot call (callgrind): {}", counts.join(" · "));
    }
    if let Some(memory) = &report.memory {
        let (idle, warm, full) = (memory.idle, memory.warm, memory.full);
        let _ = writeln!(
            text,
            "\nresident: {idle:.1} MiB idle, {warm:.1} after hot calls, {full:.1} after {} distinct tokens, of which {} are held",
            memory.sent, memory.held
        );
    }
}

fn goals(text: &mut String, report: &Report) {
    if report.smoke {
        let _ = writeln!(text, "\na smoke run: the harness works, and none of this is a figure");
        return;
    }
    let [figure, spread, must, aim] = ["", "", "must", "aim"];
    let _ = writeln!(text, "\n{:<42}{figure:>10} {spread:<17}{must:>8}{aim:>8}", "goals");
    for goal in &report.goals {
        let (figure, spread) =
            goal.figure.as_ref().map_or_else(Default::default, |figure| (short(figure.median), range(figure)));
        let (measure, must, aim, verdict) = (goal.measure, short(goal.must), short(goal.aim), goal.verdict());
        let _ = writeln!(text, "  {measure:<40}{figure:>10} {spread:<17}{must:>8}{aim:>8}  {verdict}");
    }
}

fn range(figure: &Figure) -> String {
    if figure.rounds.len() > 1 { format!("({}-{})", short(figure.min), short(figure.max)) } else { String::new() }
}

/// A number, its thousands apart.
#[must_use]
pub fn whole(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with as many places as matter.
#[must_use]
pub fn short(number: f64) -> String {
    if number >= 1_000.0 {
        whole(number)
    } else if number >= 20.0 {
        format!("{number:.0}")
    } else {
        format!("{number:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        assert_eq!([999.6, 1_234_567.0, 12.0].map(whole), ["1,000", "1,234,567", "12"]);
        assert_eq!([0.5, 19.999, 61.4, 62_000.0].map(short), ["0.50", "20.00", "61", "62,000"]);
    }
}

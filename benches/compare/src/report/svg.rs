//! The plot: a bar for each server, panel by panel, and the goals below. It needs nothing but itself, in light and in dark.

use std::fmt::Write as _;

use super::{
    Report,
    table::{short, whole},
};
use crate::rows::Row;

const WIDTH: usize = 860;
const LINE: usize = 22;
const LEFT: usize = 190;
const BAR: f64 = 400.0;
const STYLE: &str = "
  text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-size: 17px; font-weight: 600 }
  .head { font-weight: 600 } .small { font-size: 11.5px; fill: #59636e } .back { fill: #ffffff }
  .own { fill: #0969da } .other { fill: #9aa4af } .range { stroke: #1f2328; stroke-width: 1.5 } .missed { fill: #bc4c00 }
  .end { text-anchor: end }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 } .back { fill: #0d1117 } .own { fill: #4493f8 } .other { fill: #656c76 }
    .range { stroke: #e6edf3 } .missed { fill: #f0883e }
  }";

/// As a file.
#[must_use]
pub fn plot(report: &Report) -> String {
    let mut page = Page::default();
    page.down(30);
    let invalid = if report.problems.is_empty() { "" } else { "NOT VALID: " };
    page.text(16, "title", &format!("{invalid}Portcullis beside other services: calls a second"));
    for problem in &report.problems {
        page.down(18);
        page.text(16, "missed", problem);
    }
    page.down(20);
    let (connections, streams, seconds) = report.load;
    let machine = &report.machine;
    page.text(16, "small", &format!("{} · {} · Linux {}", report.date, machine.cpu, machine.kernel));
    page.down(16);
    page.text(
        16,
        "small",
        &format!(
            "server on one core, client on another; {connections} connections x {streams} calls at once; medians of rounds of \
             {seconds} s, lines from lowest to highest"
        ),
    );
    for (group, title) in TITLES {
        let rows: Vec<&Row> = report.rows.iter().filter(|row| row.group == group).collect();
        if !rows.is_empty() {
            panel(&mut page, title, &rows);
        }
    }
    goals(&mut page, report);
    page.down(12);
    let height = page.y;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n\
         <title>{invalid}Portcullis beside other services</title>\n<style>{STYLE}\n</style>\n\
         <rect class=\"back\" width=\"{WIDTH}\" height=\"{height}\"/>\n{}</svg>\n",
        page.body
    )
}

const TITLES: [(&str, &str); 6] = [
    ("hot", "Hot: one token, calls/s"),
    ("cold", "Cold: 20,000 distinct RS256 tokens, each once, calls/s"),
    ("mixed", "Mixed: one call in ten forged, calls/s"),
    ("cores", "One core and two (shared with the client), hot calls/s"),
    ("routes", "10 and 10,000 routes, hot calls/s"),
    ("behind Envoy", "Behind Envoy: HTTP requests/s, Envoy and the Check server on one core"),
];

#[derive(Default)]
struct Page {
    body: String,
    y: usize,
}

impl Page {
    fn down(&mut self, by: usize) {
        self.y += by;
    }

    fn text(&mut self, x: usize, class: &str, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(self.body, "<text x=\"{x}\" y=\"{}\" class=\"{class}\">{text}</text>", self.y);
    }
}

fn panel(page: &mut Page, title: &str, rows: &[&Row]) {
    page.down(34);
    page.text(16, "head", title);
    let most = rows.iter().map(|row| row.rate.max).fold(1.0, f64::max);
    let base = rows.iter().find(|row| row.server.ends_with("noop") || row.server.starts_with("noop"));
    for row in rows {
        page.down(LINE);
        page.text(LEFT - 8, "end", &row.server);
        let class = if row.server.contains("portcullis") { "own" } else { "other" };
        let x = |rate: f64| rate / most * BAR;
        let (left, top) = (LEFT, page.y - 12);
        let _ = writeln!(
            page.body,
            "<rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{:.1}\" height=\"15\" rx=\"2\"/>",
            x(row.rate.median)
        );
        #[expect(clippy::cast_precision_loss, reason = "a place on the page")]
        let (low, high) = (LEFT as f64 + x(row.rate.min), LEFT as f64 + x(row.rate.max));
        let middle = page.y - 5;
        let _ = writeln!(page.body, "<path class=\"range\" d=\"M{low:.1} {middle}H{high:.1}\"/>");
        let ratio =
            base.map_or_else(String::new, |base| format!(" · {:.2} x no-op", row.rate.median / base.rate.median));
        let label = format!("{}{ratio} · p99 {} ms", whole(row.rate.median), short(row.p99.median));
        page.text(LEFT + 410, "small", &label);
    }
}

fn goals(page: &mut Page, report: &Report) {
    page.down(36);
    page.text(16, "head", "Goals");
    for (x, head) in [(400, "measured"), (490, "must"), (580, "aim")] {
        page.text(x, "head end", head);
    }
    for goal in &report.goals {
        page.down(20);
        page.text(16, "", goal.measure);
        let figure = goal.figure.as_ref().map_or_else(|| "-".to_owned(), |figure| short(figure.median));
        for (x, text) in [(400, figure), (490, short(goal.must)), (580, short(goal.aim))] {
            page.text(x, "end", &text);
        }
        page.text(
            600,
            if ["MISSED", "NOT VALID"].contains(&goal.verdict()) { "missed" } else { "small" },
            goal.verdict(),
        );
    }
}

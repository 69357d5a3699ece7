//! Results as JUnit XML, as CI systems read it: one suite for each configuration, one case for each test.

use std::fmt::Write as _;

use crate::{
    printable,
    tools::policy_test::{Report, report::Outcome},
};

/// The document.
pub(super) fn document(reports: &[Report]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let tests: usize = reports.iter().map(|report| report.tests.len()).sum();
    let failures: usize = reports.iter().map(|report| report.failures().count()).sum();
    // Writing to a string does not fail.
    let _ =
        writeln!(out, "<testsuites name=\"portcullis test\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">");
    for report in reports {
        suite(&mut out, report);
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite(out: &mut String, report: &Report) {
    let (name, tests, failures) = (escaped(&report.config), report.tests.len(), report.failures().count());
    let _ = writeln!(out, "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">");
    out.push_str("    <properties>\n");
    let _ = writeln!(out, "      <property name=\"coverage\" value=\"{}\"/>", report.coverage.percent());
    if let Some(mutation) = &report.mutation {
        let _ = writeln!(out, "      <property name=\"mutation\" value=\"{}\"/>", mutation.percent());
    }
    out.push_str("    </properties>\n");
    for outcome in &report.tests {
        case(out, outcome);
    }
    out.push_str("  </testsuite>\n");
}

fn case(out: &mut String, outcome: &Outcome) {
    let (name, file) = (escaped(&outcome.name), escaped(&outcome.file));
    let head = format!("name=\"{name}\" classname=\"{file}\" file=\"{file}\" line=\"{}\"", outcome.line);
    if outcome.passed {
        let _ = writeln!(out, "    <testcase {head}/>");
        return;
    }
    let mut text = String::new();
    for mismatch in &outcome.mismatches {
        let _ = writeln!(text, "{}: expected {}, found {}", mismatch.what, mismatch.expected, mismatch.found);
    }
    let message = text.lines().next().unwrap_or("failed").to_owned();
    if let Some(rule) = &outcome.rule {
        let _ = writeln!(text, "rule: {rule} {}", outcome.rule_written_at.as_deref().unwrap_or_default());
    }
    if let Some(command) = &outcome.explain {
        let _ = writeln!(text, "why: {command}");
    }
    let kind = outcome.mismatches.first().map_or("failed", |mismatch| mismatch.what.as_str());
    let (message, kind, text) = (escaped(&message), escaped(kind), escaped(&text));
    let _ = writeln!(
        out,
        "    <testcase {head}>\n      <failure message=\"{message}\" type=\"{kind}\">{text}</failure>\n    </testcase>"
    );
}

/// Text for an element or an attribute, printable: readers show it in terminals, too. What XML 1.0 section 2.2 forbids, even
/// escaped, and is printable, becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable::lines(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::policy_test::compare::Mismatch;

    #[test]
    fn nothing_in_a_name_breaks_the_document() {
        let odd = "a<b>&\"'\u{1b}\u{0}\n\u{ffff}é\u{202e}";
        let mismatch = Mismatch { what: odd.to_owned(), expected: odd.to_owned(), found: odd.to_owned() };
        let outcome = Outcome {
            name: odd.to_owned(),
            file: odd.to_owned(),
            line: 7,
            passed: false,
            found: String::new(),
            rule: Some(odd.to_owned()),
            rule_written_at: None,
            mismatches: vec![mismatch],
            explain: None,
        };
        let text = document(&[Report { tests: vec![outcome], ..Report::default() }]);
        let shown = "a&lt;b&gt;&amp;&quot;'\\u{1b}\\u{0}&#10;\u{fffd}é\\u{202e}";
        assert!(text.contains(&format!("<testcase name=\"{shown}\" classname=\"{shown}\"")), "{text}");
        assert!(text.contains("tests=\"1\" failures=\"1\""), "{text}");
        assert!(text.chars().all(|c| c == '\n' || printable::is_printable(c)), "{text}");
        assert_eq!(text.matches('<').count(), text.matches('>').count());
    }
}

//! An explanation for a terminal.

use super::{
    explanation::{Answer, Explanation, Signatures},
    steps::{Outcome, Step},
};
use crate::printable;

const RED: &str = "31";
const GREEN: &str = "32";
const FAINT: &str = "2";
/// The column of what is found.
const NAMES: usize = 14;

/// The explanation as lines of text.
#[must_use]
pub fn render(explanation: &Explanation, colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    let request = &explanation.request;
    let host = request.host.as_deref().map(shown).unwrap_or_default();
    line(&mut out, &format!("{} {host}{} at {}", shown(&request.method), shown(&request.path), request.at));
    let mut part = "";
    for step in &explanation.steps {
        if step.part != part {
            part = step.part;
            line(&mut out, "");
            line(&mut out, &paint.faint(part));
        }
        push(&mut out, step, &paint);
    }
    line(&mut out, "");
    verdict(&mut out, explanation, &paint);
    line(&mut out, "");
    answer(&mut out, &explanation.answer);
    if !explanation.help.is_empty() {
        line(&mut out, "");
        for (at, help) in explanation.help.iter().enumerate() {
            line(&mut out, &format!("{} {}", if at == 0 { "to pass:" } else { "        " }, printable::one_line(help)));
        }
    }
    out
}

fn verdict(out: &mut String, explanation: &Explanation, paint: &Paint) {
    let verdict = &explanation.verdict;
    let word = if verdict.allowed { paint.green("allowed") } else { paint.red("denied") };
    let reason = verdict.detail.map_or_else(String::new, |detail| format!(": {} ({detail})", verdict.reason));
    line(out, &format!("{word}{reason}"));
    if let Some(rule) = &verdict.rule {
        let at = if rule.written_at.is_empty() { String::new() } else { format!(", {}", rule.written_at) };
        line(out, &printable::one_line(&format!("rule {}{at}", rule.id)));
    }
    let digests =
        [("token.issuer_sha256", &verdict.issuer_sha256), ("token.audience_sha256", &verdict.audience_sha256)];
    for (field, digest) in digests.into_iter().filter_map(|(field, digest)| Some((field, digest.as_ref()?))) {
        line(out, &format!("in the log {field}={digest}"));
    }
    match explanation.signature {
        Signatures::Checked => {}
        Signatures::NotChecked if !verdict.allowed => {}
        Signatures::NotChecked if explanation.steps.iter().all(|step| step.check != "signature") => {}
        Signatures::NotChecked => line(out, "if its signature is true, which offline can't be seen"),
        Signatures::MadeHere => {
            let filled = super::value::all(explanation.filled_in.iter().map(String::as_str));
            line(out, &format!("with a token made of the claims; filled in: {filled}"));
        }
    }
}

fn answer(out: &mut String, answer: &Answer) {
    if let Some(status) = answer.status {
        let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        line(out, &format!("HTTP/1.1 {status} {}", reason.unwrap_or_default()));
        for header in &answer.headers {
            line(out, &printable::one_line(&format!("{}: {}", header.name, header.value)));
        }
        if let Some(body) = answer.body.as_ref().filter(|body| !body.is_empty()) {
            line(out, "");
            line(out, &printable::lines(body));
        }
        return;
    }
    line(out, "upstream gets the request");
    for header in &answer.upstream_set {
        line(out, &printable::one_line(&format!("  with    {}: {}", header.name, header.value)));
    }
    let mut row = String::new();
    for name in &answer.upstream_removed {
        if !row.is_empty() && row.len().saturating_add(name.len()) > 84 {
            line(out, &format!("  without {}", row.trim_end_matches(' ')));
            row.clear();
        }
        row.push_str(name);
        row.push(' ');
    }
    if !row.is_empty() {
        line(out, &format!("  without {}", row.trim_end_matches(' ')));
    }
}

fn push(out: &mut String, step: &Step, paint: &Paint) {
    let mark = match step.outcome {
        Outcome::Passed => paint.green("✓"),
        Outcome::Failed => paint.red("✗"),
        Outcome::NotChecked | Outcome::NotNeeded => "-".to_owned(),
        Outcome::NotReached => paint.faint("·"),
    };
    let name = &printable::one_line(&step.check);
    let plain = |text: &String| printable::one_line(text).into_owned();
    let mut said = Vec::new();
    match step.outcome {
        Outcome::NotReached => said.push(paint.faint("not reached")),
        Outcome::Failed => {
            said.extend(step.found.as_ref().map(|found| format!("found {}", plain(found))));
            said.extend(step.expected.as_ref().map(|expected| format!("expected {}", plain(expected))));
            said.extend(step.note.as_ref().map(plain));
        }
        Outcome::Passed | Outcome::NotChecked | Outcome::NotNeeded => {
            said.extend(step.found.as_ref().map(plain));
            if step.check == "rule" {
                said.extend(step.expected.as_ref().map(plain));
            }
            if step.outcome == Outcome::NotNeeded {
                said.push(paint.faint("not needed"));
            }
            said.extend(step.note.as_ref().map(|note| paint.faint(&plain(note))));
        }
    }
    let (width, said) = (name.chars().count(), said.join(", "));
    if width > NAMES && !said.is_empty() {
        line(out, &format!("  {mark} {name}"));
        line(out, &format!("    {:NAMES$} {said}", ""));
    } else {
        line(out, format!("  {mark} {name:NAMES$} {said}").trim_end());
    }
}

/// Somebody's words without what would act on a terminal.
fn shown(text: &str) -> String {
    let quoted = super::value::text(text);
    quoted.trim_matches('`').to_owned()
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

struct Paint(bool);

impl Paint {
    fn red(&self, text: &str) -> String {
        self.with(RED, text)
    }

    fn green(&self, text: &str) -> String {
        self.with(GREEN, text)
    }

    fn faint(&self, text: &str) -> String {
        self.with(FAINT, text)
    }

    fn with(&self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

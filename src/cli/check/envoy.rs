//! The last lines of a check of an Envoy configuration: the verdict, and how much was looked at.

use crate::{
    config::error::{ConfigErrors, Severity},
    tools::envoy_lint::{Checked, Seen, Verdict},
};

/// Returns the lines that say what is to be thought of the files.
pub(super) fn lines(checked: &Checked) -> Vec<String> {
    let names: Vec<&str> = checked.files.iter().map(ConfigErrors::name).collect();
    let (names, is) = (names.join(", "), if names.len() == 1 { "is" } else { "are" });
    let warnings: usize = checked.files.iter().map(|file| file.count(Severity::Warning)).sum();
    let warnings = format!("{warnings} warning{}", if warnings == 1 { "" } else { "s" });
    let allowed: Vec<&str> = checked.allowed.iter().map(|lint| lint.name()).collect();
    let but =
        if allowed.is_empty() { String::new() } else { format!(" but for what is allowed ({})", allowed.join(", ")) };
    let every = if allowed.is_empty() { "every request" } else { "every other request" };
    let mut lines = match checked.verdict() {
        Verdict::Good => {
            vec![format!("{names} {is} good{but}: {every} is checked before it reaches an API; {warnings}")]
        }
        Verdict::Open => {
            let open: Vec<&str> = checked.open().into_iter().map(|lint| lint.name()).collect();
            vec![format!(
                "{names} {is} not good: requests can pass unchecked, or changed after the decision ({}); {warnings}",
                open.join(", ")
            )]
        }
        Verdict::Unseen => vec![format!(
            "{names} {is} good as far as {} seen{}; {warnings}",
            if is == "is" { "it was" } else { "they were" },
            if but.is_empty() { String::new() } else { format!(",{but}") }
        )],
        Verdict::Wrong if checked.is_beside_errors => {
            vec![format!("no verdict on {names}: the configuration of Portcullis has errors")]
        }
        Verdict::Wrong => Vec::new(),
    };
    let seen = &checked.seen;
    if checked.verdict() != Verdict::Wrong && !seen.unseen.is_empty() {
        lines.push("not looked at:".to_owned());
        lines.extend(seen.unseen.iter().map(|what| format!("  {what}")));
    }
    // Of a file that can't be read there is nothing to say.
    if *seen != Seen::default() || checked.verdict() != Verdict::Wrong {
        lines.push(seen.to_string());
    }
    lines
}

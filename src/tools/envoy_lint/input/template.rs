//! Templates: files that a program fills in before Envoy reads them.

use crate::{
    config::error::Problem,
    document::{
        suggest::quoted,
        tree::{Node, Place, Span, Value},
    },
    tools::envoy_lint::read,
};

const HELP: &str = "lint what it renders to: `… | portcullis check --envoy -` reads it from another program";

/// Fields whose text is a program or a format of its own, in which braces and `$` have other meanings.
const OTHER_LANGUAGES: [&str; 6] =
    ["inline_string", "inline_code", "inline_bytes", "text_format", "json_format", "configuration"];

/// Finds whether a text that is no YAML is a template, and says so in place of the fault.
pub(super) fn explain(text: &str, problem: &Problem) -> Option<Problem> {
    let fault = problem.primary()?.start;
    let mut at = 0_usize;
    for line in text.split_inclusive('\n') {
        let end = at.saturating_add(line.len());
        let is_there = fault < end;
        let begins = line.trim_start().starts_with("{{") || line.trim_start().starts_with("{%");
        let marker = ["{{", "{%", "${"].iter().filter_map(|word| line.find(word)).min();
        if let Some(found) = marker.filter(|_| begins || is_there) {
            let rest = line.get(found..).unwrap_or_default();
            return Some(refusal(&Place::File(Span { start: at.saturating_add(found), len: length(rest) }), rest));
        }
        if is_there {
            return None;
        }
        at = end;
    }
    None
}

/// Finds the first value of a tree that a program has yet to fill in.
pub(super) fn find(node: &Node) -> Option<Problem> {
    match &node.value {
        Value::String(text) => {
            let start = marker(text)?;
            Some(refusal(&node.place, text.get(start..)?))
        }
        Value::List(items) => items.iter().find_map(find),
        Value::Section(entries) => entries.iter().find_map(|entry| {
            let is_other = OTHER_LANGUAGES.iter().any(|name| read::is_named(&entry.key, name));
            if is_other { None } else { find(&entry.node) }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Finds `{{ name }}`, `{% word %}` or `${NAME}`.
fn marker(text: &str) -> Option<usize> {
    let braces = text.find("{{").filter(|at| text.get(*at..).is_some_and(|rest| rest.contains("}}")));
    let percent = text.find("{% ").or_else(|| text.find("{%-"));
    let variable = text.match_indices("${").map(|(at, _)| at).find(|at| {
        let rest = text.get(at.saturating_add(2)..).unwrap_or_default();
        let name = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        name.is_some_and(|end| end > 0 && rest.get(end..).is_some_and(|rest| rest.starts_with(['}', ':'])))
    });
    [braces, percent, variable].into_iter().flatten().min()
}

fn refusal(place: &Place, text: &str) -> Problem {
    let shown = text.get(..length(text)).unwrap_or(text);
    let message =
        format!("this is a template, not an Envoy configuration: {} has yet to be filled in", quoted(shown.trim_end()));
    Problem::error(place, message).help(HELP)
}

/// Gives the length of a placeholder, or of the rest of its line.
fn length(text: &str) -> usize {
    let end = ["}}", "%}"].iter().filter_map(|end| text.find(end).map(|at| at.saturating_add(end.len()))).min();
    let end = if text.starts_with("${") { text.find('}').map(|at| at.saturating_add(1)) } else { end };
    let line = text.find('\n').unwrap_or(text.len());
    end.unwrap_or(line).min(line)
}

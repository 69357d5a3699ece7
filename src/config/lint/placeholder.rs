//! Values that still have to be filled in: no token and no server has them, and nothing is expanded in the file.

use super::super::{
    lint_catalogue::Lint,
    schema::{FILE, Field, Kind, List},
    variables,
};
use crate::{
    config::{error::Problem, redact},
    document::{
        suggest::quoted,
        tree::{Entry, Node, Place, Value},
    },
};

/// Fields in which braces and stars have a meaning, or whose values are compared with nothing.
const OTHERS: [&str; 4] = ["path", "matches", "id", "tests"];
/// Fields with scopes: a star in one is the business of another lint.
const SCOPES: [&str; 4] = ["scopes", "all", "any", "implies"];

pub(super) fn check(root: &Node, problems: &mut Vec<Problem>) {
    let names = Names::Fields(FILE);
    section(
        root,
        &Context { names, variable: Some(variables::PREFIX.to_owned()), name: "", is_star_known: false },
        problems,
    );
}

/// The meaning of the names in a section.
#[derive(Clone, Copy)]
enum Names {
    /// The names are these fields. Others are errors, and their values are not judged: what belongs there is not known.
    Fields(&'static [Field]),
    /// Names that the author chose, each of a section with these fields.
    Chosen(&'static [Field]),
}

/// The facts about a node that those around it tell.
struct Context<'n> {
    /// The meaning of its names, if it is a section.
    names: Names,
    /// The name of the variable that sets it, or the start of the names of those that set its parts.
    variable: Option<String>,
    /// The field whose value it is.
    name: &'n str,
    /// Says whether a star in it is reported by another lint or has a meaning.
    is_star_known: bool,
}

fn value(node: &Node, context: &Context<'_>, problems: &mut Vec<Problem>) {
    match &node.value {
        Value::String(text) => problems.extend(judge(text, &node.place, context)),
        Value::List(items) => {
            for (at, item) in items.iter().enumerate() {
                let variable = context.variable.as_ref().map(|start| format!("{start}{at}__"));
                value(item, &Context { variable, ..*context }, problems);
            }
        }
        Value::Section(_) => section(node, context, problems),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn section(node: &Node, context: &Context<'_>, problems: &mut Vec<Problem>) {
    let Value::Section(entries) = &node.value else { return };
    for entry in entries {
        match context.names {
            Names::Fields(fields) => {
                let known = fields.iter().find(|field| field.name == entry.key);
                if let Some(field) = known.filter(|field| !OTHERS.contains(&field.name)) {
                    value(&entry.node, &of_field(field, entry, context), problems);
                }
            }
            Names::Chosen(fields) => {
                let name = entry.key.as_str();
                let is_star_known = context.is_star_known || context.name == "implies";
                if ["claims", "implies"].contains(&context.name) {
                    let of_name = Context { variable: None, is_star_known, ..*context };
                    problems.extend(judge(name, &entry.place, &of_name));
                }
                let of_value = Context { names: Names::Fields(fields), variable: None, name, is_star_known };
                value(&entry.node, &of_value, problems);
            }
        }
    }
}

fn of_field<'n>(field: &Field, entry: &'n Entry, context: &Context<'_>) -> Context<'n> {
    let name = entry.key.as_str();
    let (names, end): (Names, Option<&str>) = match field.kind {
        Kind::Scalar(_) => (Names::Fields(&[]), Some("")),
        Kind::ScalarOrSection(_, fields) | Kind::Section(fields) | Kind::Sections(fields) => {
            (Names::Fields(fields), Some("__"))
        }
        Kind::List(List::Routes(fields) | List::Scopes(fields)) => (Names::Fields(fields), None),
        Kind::List(List::Claims(fields) | List::Policies(fields)) => (Names::Chosen(fields), None),
        Kind::List(List::Of(_) | List::UpTo(_, _) | List::Implications) => (Names::Chosen(&[]), None),
    };
    let is_text = matches!(entry.node.value, Value::String(_));
    let end = end.map(|end| if is_text { "" } else { end });
    let variable =
        context.variable.as_ref().zip(end).map(|(start, end)| format!("{start}{}{end}", name.to_ascii_uppercase()));
    Context { names, variable, name, is_star_known: context.is_star_known || SCOPES.contains(&name) }
}

fn judge(text: &str, place: &Place, context: &Context<'_>) -> Option<Problem> {
    let is_known = |found: &Placeholder<'_>| {
        // `*.example.com` is a pattern of hosts, and as a claim's whole value a star may be what tokens have.
        found.kind == Kinds::Star && (context.is_star_known || context.name == "host" || text == "*")
    };
    // Keys may have been pasted there, which is another error.
    let is_file = context.name.ends_with("_file");
    let is_meant = |found: &Placeholder<'_>| is_known(found) || (is_file && found.kind != Kinds::Variable);
    let found = find(text).filter(|found| !is_meant(found))?;
    let is_hidden = redact::is_hidden(context.name, text);
    let shown = if is_hidden { format!("the value of {}", quoted(context.name)) } else { quoted(text) };
    let part = quoted(found.part);
    let message = match found.kind {
        Kinds::Variable | Kinds::Blank if is_hidden => format!("{shown} has a placeholder"),
        Kinds::Star => format!("{shown} has a `*`, which stands for nothing but itself here"),
        Kinds::Variable | Kinds::Blank if found.part == text => format!("{shown} is a placeholder"),
        Kinds::Variable | Kinds::Blank => format!("{shown} has the placeholder {part}"),
    };
    let help = match (found.kind, &context.variable, place) {
        (Kinds::Star, _, _) => "it is compared character by character: write each name that is meant".to_owned(),
        (Kinds::Blank, _, _) => "write your own value in its place".to_owned(),
        (Kinds::Variable, _, Place::Variable(_)) => {
            "variables are not expanded in variables: set the value itself".to_owned()
        }
        (Kinds::Variable, Some(name), _) => format!(
            "variables are not expanded in this file: write the value itself, or set `{name}`, which takes its place"
        ),
        (Kinds::Variable, None, _) => {
            "variables are not expanded in this file, and no `PORTCULLIS_…` variable sets what \
                                       is in a list or a rule: write the value itself"
                .to_owned()
        }
    };
    Some(Problem::warning(place, message).lint(Lint::Placeholder).help(help))
}

/// The kinds of values that a placeholder is in the place of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kinds {
    /// A variable, as shells, templates and compose files write it.
    Variable,
    /// Something that a person is to fill in.
    Blank,
    /// Anything, as patterns write it.
    Star,
}

struct Placeholder<'t> {
    kind: Kinds,
    part: &'t str,
}

/// The first placeholder of a text.
fn find(text: &str) -> Option<Placeholder<'_>> {
    let variable =
        dollar(text).or_else(|| between(text, "{{", "}}")).or_else(|| percent(text)).or_else(|| underscores(text));
    let blank = || between(text, "{", "}").or_else(|| between(text, "<", ">")).or_else(|| word(text));
    let star = || text.find('*').and_then(|at| text.get(at..=at));
    let of = |kind| move |part| Placeholder { kind, part };
    variable.map(of(Kinds::Variable)).or_else(|| blank().map(of(Kinds::Blank))).or_else(|| star().map(of(Kinds::Star)))
}

fn between<'t>(text: &'t str, open: &str, close: &str) -> Option<&'t str> {
    let start = text.find(open)?;
    let rest = text.get(start..)?;
    let end = rest.find(close)?.checked_add(close.len())?;
    rest.get(..end)
}

/// Finds a variable of a shell or a template: `$NAME`, `${NAME}`, `$(NAME)` or `$[NAME]`.
fn dollar(text: &str) -> Option<&str> {
    text.match_indices('$').find_map(|(at, _)| {
        let rest = text.get(at..)?;
        let behind = rest.get(1..)?;
        match behind.chars().next()? {
            '{' => between(rest, "${", "}"),
            '(' => between(rest, "$(", ")"),
            '[' => between(rest, "$[", "]"),
            c if c.is_ascii_alphabetic() || c == '_' => {
                let length = behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(behind.len());
                rest.get(..length.checked_add(1)?)
            }
            _ => None,
        }
    })
}

/// Finds a variable as Windows writes it, `%NAME%`, which is no percent-encoding.
fn percent(text: &str) -> Option<&str> {
    text.match_indices('%').find_map(|(at, _)| {
        let behind = text.get(at.checked_add(1)?..)?;
        let (name, after) = behind.split_once('%')?;
        let is_name = name.len() > 2 && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        let is_escape = after.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
        (is_name && !is_escape).then(|| text.get(at..at.checked_add(name.len())?.checked_add(2)?)).flatten()
    })
}

/// Finds a name that a script is to replace: `__NAME__`.
fn underscores(text: &str) -> Option<&str> {
    let is_name = |part: &&str| {
        let name = part.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
        name.is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
    };
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').find(is_name)
}

/// Finds a word that is to be filled in: `YOUR_API_IDENTIFIER`, `your-tenant`, `yourDomain`, `CHANGE_ME`.
fn word(text: &str) -> Option<&str> {
    const WHOLE: [&str; 9] = [
        "changeme",
        "change_me",
        "change-me",
        "replaceme",
        "replace_me",
        "replace-me",
        "yourdomain",
        "yourtenant",
        "yourapp",
    ];
    const BEGUN: [&str; 6] = ["YOUR_", "YOUR-", "your_", "your-", "REPLACE_WITH_", "INSERT_"];
    let is_blank = |part: &&str| {
        let camel = part.strip_prefix("your").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
        let is_whole = WHOLE.contains(&part.to_ascii_lowercase().as_str()) || ["TODO", "FIXME"].contains(part);
        camel || is_whole || BEGUN.iter().any(|start| part.starts_with(start))
    };
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').find(is_blank)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str) -> Option<&str> {
        find(text).map(|found| found.part)
    }

    #[test]
    fn placeholders_of_all_kinds_are_found() {
        for (text, wanted) in [
            ("https://${IDP_HOST}/realms/main", "${IDP_HOST}"),
            ("${ISSUER:-https://a}", "${ISSUER:-https://a}"),
            ("$AUDIENCE", "$AUDIENCE"),
            ("https://$(host)/", "$(host)"),
            ("https://$[[ x ]]/", "$[[ x ]"),
            ("{{ .Values.audience }}", "{{ .Values.audience }}"),
            ("https://%IDP_HOST%/x", "%IDP_HOST%"),
            ("__AUDIENCE__", "__AUDIENCE__"),
            ("https://{yourDomain}/oauth2/default", "{yourDomain}"),
            ("https://login.example/<tenant>/v2.0", "<tenant>"),
            ("YOUR_API_IDENTIFIER", "YOUR_API_IDENTIFIER"),
            ("https://your-tenant.eu.auth0.com/", "your-tenant"),
            ("https://yourDomain.example", "yourDomain"),
            ("CHANGEME", "CHANGEME"),
            ("https://*.example.com", "*"),
        ] {
            assert_eq!(part(text), Some(wanted), "{text}");
        }
    }

    #[test]
    fn good_values_have_none() {
        for text in [
            "https://tenant.eu.auth0.com/",
            "api://8eaef023-2b34-4da1-9baa-8bc8c9d6a490",
            "urn:example:api",
            "https://a.example/%C3%A4%2F",
            "https://a.example/x%20TODOS%20y",
            "costs 5$",
            "$.org",
            "read:messages",
            "yours",
            "detour-de",
            "a < b",
            "__init",
            "100%",
        ] {
            assert_eq!(part(text), None, "{text}");
        }
    }
}

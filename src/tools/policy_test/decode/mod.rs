//! A file of tests to a [`Suite`], every problem at once. What a test inherits, from its table or from `defaults`, is
//! read once, so that a problem of it is told once.

mod context;
mod expect;
mod request;
mod token;
mod value;

use std::{path::PathBuf, sync::Arc};

use self::context::{Context, Defaults};
use super::case::{Case, Expectation, Recipe, Request, Suite, Token};
use crate::{
    config::{
        error::{ConfigErrors, Problem},
        other_document::{Bag, Document, Fields, of_another_program, read},
    },
    document::tree::{Entry, Node, Place, Value},
    limits,
};
use portcullis_engine::time::UnixTime;

const FILE: [&str; 4] = ["config", "defaults", "tokens", "tests"];
const DEFAULTS: [&str; 10] =
    ["host", "headers", "time", "issuer", "audience", "subject", "client_id", "claims", "header", "alg"];
const TEST: [&str; 6] = ["name", "request", "token", "time", "expect", "cases"];
const CASE: [&str; 5] = ["name", "request", "token", "time", "expect"];

/// The parts of a test: missing, broken, or read.
#[derive(Clone, Default)]
struct Parts {
    request: Option<Option<Arc<Request>>>,
    token: Option<Option<Arc<Token>>>,
    time: Option<Option<UnixTime>>,
    expect: Option<Option<Arc<Expectation>>>,
}

/// The suite of a file. `now` is what `time: now` means.
///
/// # Errors
/// Every problem of it.
pub(super) fn decode(document: &Document, now: UnixTime) -> Result<Suite, ConfigErrors> {
    let mut bag = Bag::default();
    let suite = decode_file(&mut bag, document, now);
    let problems = document.problems(bag);
    match suite {
        Some(suite) if !problems.has_errors() => Ok(suite),
        _ => Err(problems),
    }
}

fn decode_file(bag: &mut Bag, document: &Document, now: UnixTime) -> Option<Suite> {
    let root = &document.root;
    if matches!(root.value, Value::Null) {
        let problem = Problem::error(&Place::Nowhere, "the file is empty");
        bag.push(problem.help("it needs `tests`: `tests: [{ request: GET /api/x, expect: deny }]`"));
        return None;
    }
    let is_ours = |name: &str| FILE.contains(&name);
    let has_ours = matches!(&root.value, Value::Section(entries) if entries.iter().any(|entry| is_ours(&entry.key)));
    if let Some(problem) = of_another_program(root).filter(|_| !has_ours) {
        bag.push(problem);
        return None;
    }
    let fields = Fields::named(bag, root, "the file", &FILE)?;
    let config = match fields.get("config") {
        Some(entry) => read::text(bag, entry).map(|text| Some((PathBuf::from(text), entry.node.place.clone()))),
        None => Some(None),
    };
    let defaults = defaults(bag, fields.get("defaults"), now)?;
    let tokens = token::named(bag, fields.get("tokens"), &defaults.token)?;
    let help = "write `tests: [{ request: GET /api/x, expect: deny }]`";
    let entry = fields.require(bag, "tests", "the file", help)?;
    let nodes = read::list(bag, entry)?;
    let context = Context { defaults: &defaults, tokens: &tokens, now, document, file: document.name().into() };
    let mut cases = Vec::new();
    for node in nodes {
        test(bag, node, &context, &mut cases);
        if cases.len() > limits::POLICY_TESTS {
            let message = format!("the file has more than {} tests", limits::POLICY_TESTS);
            bag.push(Problem::error(&node.place, message).help("split it into several files"));
            return None;
        }
    }
    Some(Suite { config: config?, cases })
}

/// The section `defaults`.
fn defaults(bag: &mut Bag, entry: Option<&Entry>, now: UnixTime) -> Option<Defaults> {
    let mut defaults = Defaults {
        host: "localhost".to_owned(),
        headers: Vec::new(),
        time: UnixTime::from_secs(limits::POLICY_TEST_TIME),
        token: Recipe::default(),
    };
    let Some(entry) = entry else { return Some(defaults) };
    let fields = Fields::named(bag, &entry.node, "`defaults`", &DEFAULTS)?;
    if let Some(entry) = fields.get("host") {
        defaults.host = read::text(bag, entry)?.to_owned();
    }
    if let Some(entry) = fields.get("headers") {
        defaults.headers = request::headers(bag, entry, limits::POLICY_TEST_DEFAULT_BYTES)?;
    }
    if let Some(entry) = fields.get("time") {
        defaults.time = value::time(bag, entry, now)?;
    }
    defaults.token = token::recipe(bag, &fields, Recipe::default())?;
    Some(defaults)
}

/// One of `tests`: one case, or those of its table.
fn test(bag: &mut Bag, node: &Node, context: &Context<'_>, cases: &mut Vec<Case>) {
    let Some(fields) = Fields::named(bag, node, "a test", &TEST) else { return };
    let parts = parts(bag, &fields, context);
    let Some(name) = name(bag, &fields) else { return };
    let Some(table) = fields.get("cases") else {
        cases.extend(case(bag, &fields, parts, name, context));
        return;
    };
    let Some(rows) = read::list(bag, table) else { return };
    for (index, row) in rows.iter().enumerate() {
        let Some(row_fields) = Fields::named(bag, row, "a case", &CASE) else { continue };
        let own = self::parts(bag, &row_fields, context);
        let Some(own_name) = self::name(bag, &row_fields) else { continue };
        let whole = Parts {
            request: own.request.or_else(|| parts.request.clone()),
            token: own.token.or_else(|| parts.token.clone()),
            time: own.time.or(parts.time),
            expect: own.expect.or_else(|| parts.expect.clone()),
        };
        let number = || format!("#{}", index.saturating_add(1));
        let full = match (&name, own_name) {
            (Some(name), own) => Some(format!("{name} / {}", own.unwrap_or_else(number))),
            (None, own) => own,
        };
        let is_named = full.is_some();
        let mut made = case(bag, &row_fields, whole, full, context);
        // Several rows of one request: results of the same name are merged by some who read them.
        if let Some(case) = made.as_mut().filter(|_| !is_named) {
            case.name = format!("{} / {}", case.name, number());
        }
        cases.extend(made);
        if cases.len() > limits::POLICY_TESTS {
            return;
        }
    }
}

#[expect(clippy::option_option, reason = "broken, missing, there")]
fn name(bag: &mut Bag, fields: &Fields<'_>) -> Option<Option<String>> {
    let Some(entry) = fields.get("name") else { return Some(None) };
    let text = read::text(bag, entry)?;
    if text.chars().count() > limits::POLICY_TEST_NAME_CHARS || text.chars().any(char::is_control) {
        let message = format!("a name is one line of at most {} characters", limits::POLICY_TEST_NAME_CHARS);
        bag.push(Problem::error(&entry.node.place, message).help("write a comment for more"));
        return None;
    }
    Some(Some(text.to_owned()))
}

fn parts(bag: &mut Bag, fields: &Fields<'_>, context: &Context<'_>) -> Parts {
    Parts {
        request: fields.get("request").map(|entry| request::decode(bag, entry, context.defaults).map(Arc::new)),
        token: fields.get("token").map(|entry| token::decode(bag, entry, context).map(Arc::new)),
        time: fields.get("time").map(|entry| value::time(bag, entry, context.now)),
        expect: fields.get("expect").map(|entry| expect::decode(bag, entry).map(Arc::new)),
    }
}

/// What a test without a name is called: without the query, which may hold a token, and without what would act on a
/// terminal.
fn name_of(request: &Request) -> String {
    let path = request.path.split('?').next().unwrap_or_default();
    let whole = format!("{} {path}", request.method);
    let visible = whole.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
    visible.take(limits::POLICY_TEST_NAME_CHARS).collect()
}

/// A case of its parts.
fn case(bag: &mut Bag, fields: &Fields<'_>, parts: Parts, name: Option<String>, context: &Context<'_>) -> Option<Case> {
    let is_missing = |name: &str, part: bool| part && !fields.mentions(name) && !fields.is_faulty();
    if is_missing("request", parts.request.is_none()) {
        let problem = Problem::error(fields.place(), "a test lacks `request`");
        bag.push(problem.help("write `request: GET /api/messages/7`"));
    }
    if is_missing("expect", parts.expect.is_none()) {
        let problem = Problem::error(fields.place(), "a test lacks `expect`, so it can't fail");
        bag.push(problem.help("write `expect: allow`, `deny`, a status such as `403`, or a reason"));
    }
    let (request, expect) = (parts.request??, parts.expect??);
    let token = parts.token.unwrap_or_else(|| Some(Arc::new(Token::None)))?;
    let name = name.unwrap_or_else(|| name_of(&request));
    let time = parts.time.unwrap_or(Some(context.defaults.time))?;
    let (file, line) = (Arc::clone(&context.file), context.document.line(fields.place()));
    Some(Case { name, file, line, request, token, time, expect })
}

#[cfg(test)]
mod tests;

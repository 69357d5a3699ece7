//! `token` of a test, and `tokens` of a file: names, faults, recipes.

use std::collections::HashMap;

use super::{context::Context, value};
use crate::{
    config::{
        error::Problem,
        other_document::{Bag, Fields, closest, listed, quoted, read},
    },
    document::tree::{Entry, Node, Value},
    tools::policy_test::{
        case::{Recipe, Token},
        fault::Fault,
    },
};
use portcullis_engine::keys::algorithm::Algorithm;

const TOKEN: [&str; 13] = [
    "like",
    "fault",
    "issuer",
    "audience",
    "scopes",
    "subject",
    "client_id",
    "expires_in",
    "age",
    "claims",
    "header",
    "alg",
    "raw",
];
/// Words that are no names of tokens.
const NONE: &str = "none";
const VALID: &str = "valid";

/// The section `tokens`: each may be like one that stands before it.
pub(super) fn named(bag: &mut Bag, entry: Option<&Entry>, base: &Recipe) -> Option<HashMap<String, Recipe>> {
    let mut tokens = HashMap::new();
    let Some(entry) = entry else { return Some(tokens) };
    for token in value::members(bag, entry, "tokens: { alice: { subject: alice } }")? {
        let is_taken = [NONE, VALID].contains(&token.key.as_str()) || fault(&token.key).is_some();
        if is_taken {
            let problem = Problem::error(&token.place, format!("{} can't be the name of a token", quoted(&token.key)));
            bag.push(problem.help("it has a meaning of its own: choose another name"));
            continue;
        }
        match read_recipe(bag, &token.node, base, &tokens, &format!("the token {}", quoted(&token.key)))? {
            Token::Made(recipe, _) => drop(tokens.insert(token.key.clone(), *recipe)),
            Token::None | Token::Raw(_) => {
                let problem = Problem::error(&token.node.place, "a named token can't be `raw`");
                bag.push(problem.help("write it where it is used"));
            }
        }
    }
    Some(tokens)
}

/// The credentials of a test.
pub(super) fn decode(bag: &mut Bag, entry: &Entry, context: &Context<'_>) -> Option<Token> {
    if matches!(entry.node.value, Value::Section(_)) {
        return read_recipe(bag, &entry.node, &context.defaults.token, context.tokens, "a token");
    }
    let text = read::text(bag, entry)?;
    let made = |recipe| Some(Token::Made(Box::new(recipe), entry.node.place.clone()));
    if text == NONE {
        return Some(Token::None);
    }
    if text == VALID {
        return made(context.defaults.token.clone());
    }
    if let Some(fault) = fault(text) {
        return made(Recipe { fault: Some(fault), ..context.defaults.token.clone() });
    }
    if let Some(recipe) = context.tokens.get(text) {
        return made(recipe.clone());
    }
    if text.contains("eyJ") || text.contains(' ') {
        // Not repeated: it may be a real one.
        let problem = Problem::error(&entry.node.place, "`token` is neither a name nor a recipe");
        bag.push(
            problem.help("write what matters about it, `{ scopes: [read:messages] }`, or `{ raw: \"Bearer …\" }`"),
        );
        return None;
    }
    let problem = Problem::error(&entry.node.place, format!("there is no token {}", quoted(text)));
    let is_shown = bag.is_shown();
    let names = context.tokens.keys().map(String::as_str);
    bag.push(if is_shown { problem.help(help(text, names.chain([NONE, VALID]))) } else { problem });
    None
}

fn help<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> String {
    let words = Fault::WORDS.iter().map(|(word, _)| *word);
    match closest(text, names.chain(words)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if text.contains(':') => "scopes are written `token: { scopes: [read:messages] }`".to_owned(),
        None => format!("name one of `tokens`, or write `none`, `valid`, {}", faults()),
    }
}

fn faults() -> String {
    listed(&Fault::WORDS.map(|(word, _)| word), "or")
}

fn fault(word: &str) -> Option<Fault> {
    Fault::WORDS.iter().find(|(name, _)| *name == word).map(|(_, fault)| *fault)
}

fn read_recipe(
    bag: &mut Bag,
    node: &Node,
    base: &Recipe,
    tokens: &HashMap<String, Recipe>,
    what: &str,
) -> Option<Token> {
    let fields = Fields::named(bag, node, what, &TOKEN)?;
    if let Some(entry) = fields.get("raw") {
        let text = read::text(bag, entry)?;
        if TOKEN.iter().any(|name| *name != "raw" && fields.get(name).is_some()) {
            let problem = Problem::error(&entry.place, "`raw` is the whole header, so nothing else can be said of it");
            bag.push(problem.help("remove it, or the rest"));
            return None;
        }
        return Some(Token::Raw(text.to_owned()));
    }
    let base = match fields.get("like") {
        Some(entry) => like(bag, entry, tokens)?,
        None => base.clone(),
    };
    let mut recipe = recipe(bag, &fields, base)?;
    if let Some(entry) = fields.get("fault") {
        recipe.fault = Some(read::word(bag, entry, &Fault::WORDS)?);
    }
    if let Some(entry) = fields.get("scopes") {
        recipe.scopes = Some(value::words(bag, entry)?);
    }
    if let Some(entry) = fields.get("expires_in") {
        recipe.expires_in = Some(value::seconds(bag, entry)?);
    }
    if let Some(entry) = fields.get("age") {
        recipe.age = Some(value::seconds(bag, entry)?);
    }
    // What is misspelt may be what makes the token bad: a test with it left out means something else.
    (!fields.is_faulty()).then(|| Token::Made(Box::new(recipe), node.place.clone()))
}

fn like(bag: &mut Bag, entry: &Entry, tokens: &HashMap<String, Recipe>) -> Option<Recipe> {
    let text = read::text(bag, entry)?;
    let found = tokens.get(text);
    if found.is_none() {
        let problem = Problem::error(&entry.node.place, format!("there is no token {}", quoted(text)));
        let meant = if bag.is_shown() { closest(text, tokens.keys().map(String::as_str)) } else { None };
        bag.push(match meant {
            Some(meant) => problem.help(format!("did you mean `{meant}`?")),
            None => problem.help("`like` names one of `tokens` that stands before it"),
        });
    }
    found.cloned()
}

/// What `defaults` and a token can both say, over `base`.
pub(super) fn recipe(bag: &mut Bag, fields: &Fields<'_>, base: Recipe) -> Option<Recipe> {
    let mut recipe = base;
    if let Some(entry) = fields.get("issuer") {
        recipe.issuer = Some((read::text(bag, entry)?.to_owned(), entry.node.place.clone()));
    }
    if let Some(entry) = fields.get("audience") {
        recipe.audience = Some(value::one_or_more(bag, entry)?);
    }
    if let Some(entry) = fields.get("subject") {
        recipe.subject = Some(read::text(bag, entry)?.to_owned());
    }
    if let Some(entry) = fields.get("client_id") {
        recipe.client_id = Some(read::text(bag, entry)?.to_owned());
    }
    if let Some(entry) = fields.get("claims") {
        recipe.claims.extend(value::object(bag, entry)?);
    }
    if let Some(entry) = fields.get("header") {
        recipe.header.extend(value::object(bag, entry)?);
    }
    if let Some(entry) = fields.get("alg") {
        recipe.alg = Some(algorithm(bag, entry)?);
    }
    Some(recipe)
}

fn algorithm(bag: &mut Bag, entry: &Entry) -> Option<Algorithm> {
    let names: Vec<(&str, Algorithm)> = Algorithm::ASYMMETRIC
        .into_iter()
        .chain(Algorithm::SYMMETRIC)
        .map(|algorithm| (algorithm.name(), algorithm))
        .collect();
    read::word(bag, entry, &names)
}

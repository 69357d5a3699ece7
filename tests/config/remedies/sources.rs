//! The texts of the sources that tell what to do, and the comparison of help with them.

use std::{cmp::Reverse, fs, path::Path};

/// The string literals of a source that have one of these words, without those of its tests and comments.
pub(super) fn literals(source: &str, words: &[&str]) -> Vec<String> {
    let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(source)).unwrap();
    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n").replace("\\\"", "\u{1}");
    let literals = code.split('"').skip(1).step_by(2).filter(|text| words.iter().any(|word| text.contains(word)));
    literals.map(|text| text.replace('\u{1}', "\"")).collect()
}

/// The sources of a directory, their tests aside.
pub(super) fn sources_of(dir: &str) -> Vec<String> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(dir)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_source = |name: &String| name.ends_with(".rs") && name != "tests.rs";
    names.filter(is_source).map(|name| format!("{dir}/{name}")).collect()
}

/// The literals of a source that no help comes of, each with the name of its source.
pub(super) fn unfollowed(source: &str, mut literals: Vec<String>, mut helps: Vec<&str>) -> Vec<String> {
    // The one that says most by itself first: each takes a help of its own.
    literals.sort_by_key(|literal| Reverse(literal.split(['{', '}']).step_by(2).map(str::len).sum::<usize>()));
    literals.retain(|literal| match helps.iter().position(|help| is_of(help, literal)) {
        Some(at) => {
            helps.remove(at);
            false
        }
        None => true,
    });
    literals.into_iter().map(|literal| format!("{source}: {literal}")).collect()
}

/// Says whether a help can have come of a literal: what stands between its braces may be anything.
pub(super) fn is_of(help: &str, literal: &str) -> bool {
    let joined = literal.split("\\\n").map(str::trim_start).collect::<String>();
    let mut rest = help;
    joined.split(['{', '}']).step_by(2).all(|part| match rest.split_once(part) {
        Some((_, behind)) => {
            rest = behind;
            true
        }
        None => false,
    })
}

/// Says whether a text has a value or a field by itself, whatever its quotes.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    let plain = |text: &str| text.replace(['"', '\''], "");
    let (text, word) = (plain(text), plain(word));
    text.match_indices(&word).any(|(at, _)| {
        let (before, behind) = (text.get(..at).unwrap(), text.get(at + word.len()..).unwrap());
        let ends = [' ', ',', '[', ']', '{', '}', '\n', '/'];
        (before.is_empty() || before.ends_with(ends))
            && (behind.is_empty() || behind.starts_with(ends) || behind.starts_with(": "))
    })
}

/// Says whether a change does one of the things that help has in backticks: the text has it afterwards, and either not
/// before or in the part that was changed.
pub(super) fn is_done(help: &str, before: &str, after: &str) -> bool {
    let mut proposed = help.split('`').skip(1).step_by(2).filter(|text| !text.is_empty()).peekable();
    let changed = changed(before, after);
    let mut is_there = |text: &str| match text.split_once('…') {
        Some((beginning, _)) => changed.contains(beginning.replace('"', "").as_str()),
        None => has_word(after, text) && (!has_word(before, text) || changed.contains(text)),
    };
    proposed.peek().is_none() || proposed.any(&mut is_there)
}

/// The part of a text that another one does not begin or end with.
fn changed<'a>(before: &str, after: &'a str) -> &'a str {
    let same = |one: &mut dyn Iterator<Item = char>, other: &mut dyn Iterator<Item = char>| -> usize {
        one.zip(other).take_while(|(one, other)| one == other).map(|(c, _)| c.len_utf8()).sum()
    };
    let front = same(&mut before.chars(), &mut after.chars());
    let (rest, changed) = (before.get(front..).unwrap(), after.get(front..).unwrap());
    let back = same(&mut rest.chars().rev(), &mut changed.chars().rev());
    changed.get(..changed.len() - back).unwrap()
}

//! `--allow`: warnings that are meant, by name, and in one place of an Envoy configuration.

use std::{collections::HashSet, ffi::OsStr};

use clap::{
    Arg, Command,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
    error::{Error, ErrorKind},
};

use crate::{
    config::{
        closest,
        error::{Problem, Severity},
        lint::Lint,
        quoted,
    },
    tools::envoy_lint::{Allowed, Checked},
};

/// Reads `NAME` or `NAME=PLACE`. `--help` lists the names with what they find.
#[derive(Clone)]
pub(super) struct AllowedParser;

impl TypedValueParser for AllowedParser {
    type Value = Allowed;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Allowed, Error> {
        let text = value.to_str().ok_or_else(|| Error::new(ErrorKind::InvalidUtf8).with_cmd(command))?;
        let (name, place) = match text.split_once('=') {
            Some((name, place)) => (name, Some(place.to_owned())),
            None => (text, None),
        };
        let name = PossibleValuesParser::new(names()).parse_ref(command, arg, OsStr::new(name))?;
        let lint = Lint::named(&name).ok_or_else(|| Error::new(ErrorKind::InvalidValue).with_cmd(command))?;
        Ok(Allowed { lint, place })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(names()))
    }
}

fn names() -> impl Iterator<Item = PossibleValue> {
    Lint::ALL.iter().map(|lint| PossibleValue::new(lint.name()).help(described(*lint)))
}

/// Describes a lint. That it is an error stands before what it finds, not as a part of it.
fn described(lint: Lint) -> String {
    let about = lint.about().trim_end_matches('.');
    about.strip_suffix(": an error").map_or_else(|| about.to_owned(), |about| format!("(error) {about}"))
}

/// Returns the lints that are meant in every place.
pub(super) fn everywhere(allowed: &[Allowed]) -> Vec<Lint> {
    allowed.iter().filter(|one| one.place.is_none()).map(|one| one.lint).collect()
}

/// Says of the first place in which there is no such warning what is wrong with it, if there are some in other places.
pub(super) fn unknown_place(allowed: &[Allowed], envoy: Option<&Checked>) -> Option<String> {
    allowed.iter().find_map(|one| {
        let place = one.place.as_deref()?;
        let given = given(one);
        let Some(envoy) = envoy else {
            return Some(format!("{given} is for warnings of an Envoy configuration: name one with `--envoy`, or leave out `=` and the place"));
        };
        let places = envoy.places(one.lint);
        if places.contains(place) || places.is_empty() {
            return None;
        }
        let what = "there is no such warning in a Kubernetes resource, listener, filter chain or route of that name";
        let meant = closest(place, places.iter().copied()).map(|meant| format!("; did you mean {}?", quoted(meant)));
        let there = || format!("; the places are {}", listed_places(places.iter().copied()));
        Some(format!("{given}: {what}{}", meant.unwrap_or_else(there)))
    })
}

/// Says which places have nothing to leave out any more. The same command may be for several Envoys, so it is no error.
pub(super) fn unused(allowed: &[Allowed], envoy: Option<&Checked>) -> Vec<String> {
    let is_unused =
        |one: &&Allowed| one.place.is_some() && envoy.is_some_and(|envoy| envoy.places(one.lint).is_empty());
    let say = |one: &Allowed| format!("{} leaves nothing out: no warning of that name is in a place", given(one));
    allowed.iter().filter(is_unused).map(say).collect()
}

/// Says which of them are names of errors that are there all the same.
pub(super) fn errors<'p>(allowed: &[Allowed], problems: impl Iterator<Item = &'p Problem>) -> Vec<String> {
    let there: HashSet<Lint> =
        problems.filter(|problem| problem.severity() == Severity::Error).filter_map(Problem::kind).collect();
    let say = |one: &Allowed| format!("{} leaves no error out", given(one));
    allowed.iter().filter(|one| there.contains(&one.lint)).map(say).collect()
}

/// Returns the option as it was given.
fn given(one: &Allowed) -> String {
    let place = one.place.as_deref().map(|place| format!("={place}")).unwrap_or_default();
    quoted(&format!("--allow {}{place}", one.lint))
}

/// Places that a message lists.
const SHOWN: usize = 10;

fn listed_places<'p>(places: impl ExactSizeIterator<Item = &'p str>) -> String {
    let more = places.len().saturating_sub(SHOWN);
    let shown: Vec<String> = places.take(SHOWN).map(quoted).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_marked_before_what_it_finds() {
        let said: Vec<String> = Lint::ALL.iter().map(|lint| described(*lint)).collect();
        assert!(said.iter().any(|text| text.starts_with("(error) Envoy lets requests pass whenever")), "{said:?}");
        assert!(said.iter().all(|text| !text.ends_with(": an error")), "{said:?}");
    }
}

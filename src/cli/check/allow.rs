//! `--allow`: warnings that are meant, by name, and in one place of an Envoy configuration.

use std::ffi::OsStr;

use clap::{
    Arg, Command,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
    error::{Error, ErrorKind},
};

use crate::config::{
    closest,
    envoy::{Allowed, Checked},
    lint::Lint,
    quoted,
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

/// Says of the first place in which there is no such warning what is wrong with it.
pub(super) fn unknown_place(allowed: &[Allowed], envoy: Option<&Checked>) -> Option<String> {
    allowed.iter().find_map(|one| {
        let place = one.place.as_deref()?;
        let given = quoted(&format!("--allow {}={place}", one.lint));
        let Some(envoy) = envoy else {
            return Some(format!("{given} is for warnings of an Envoy configuration: name one with `--envoy`, or leave out `=` and the place"));
        };
        let places = envoy.places(one.lint);
        if places.contains(place) {
            return None;
        }
        if places.is_empty() {
            return Some(format!("{given} names a place, and no warning of that name is in one: remove it"));
        }
        let what = "there is no such warning in a Kubernetes resource, listener, filter chain or route of that name";
        let meant = closest(place, places.iter().copied()).map(|meant| format!("; did you mean {}?", quoted(meant)));
        let there = || format!("; the places are {}", listed_places(places.iter().copied()));
        Some(format!("{given}: {what}{}", meant.unwrap_or_else(there)))
    })
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

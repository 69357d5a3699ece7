//! Strict JSON for text that strangers send: one object, no duplicate members at any depth (RFC 8725 section 2.4 and
//! RFC 7519 section 4 leave them to the parser, and two parsers choose differently), bounded nesting, finite numbers,
//! valid UTF-8, nothing after the end.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value, map::Entry};

use crate::limits;

/// Some text was not one strictly readable JSON object. The parser's own words stay here: they may quote the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON object without duplicate members")]
pub struct NotAnObject;

/// Reads one object.
///
/// # Errors
/// [`NotAnObject`] for everything else.
pub fn parse_object(text: &[u8]) -> Result<Map<String, Value>, NotAnObject> {
    let mut parser = serde_json::Deserializer::from_slice(text);
    let value = Strict { depth: 0 }.deserialize(&mut parser).map_err(|_| NotAnObject)?;
    parser.end().map_err(|_| NotAnObject)?;
    match value {
        Value::Object(members) => Ok(members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Err(NotAnObject),
    }
}

/// Reads one object, for those who need no [`Map`]: its members, sorted by name.
///
/// # Errors
/// [`NotAnObject`] for everything else.
pub fn parse_members(text: &[u8]) -> Result<Vec<(Box<str>, Value)>, NotAnObject> {
    let mut parser = serde_json::Deserializer::from_slice(text);
    let mut members = parser.deserialize_map(Members).map_err(|_| NotAnObject)?;
    parser.end().map_err(|_| NotAnObject)?;
    members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    // Sorted, two of one name are neighbours.
    let mut names = members.iter().map(|(name, _)| name).zip(members.iter().skip(1).map(|(name, _)| name));
    if names.any(|(name, next)| name == next) { Err(NotAnObject) } else { Ok(members) }
}

/// The members of the outermost object; names are compared later.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Box<str>, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let inner = Strict { depth: 0 }.deeper()?;
        let mut all = Vec::with_capacity(USUAL_MEMBERS);
        while let Some(name) = members.next_key()? {
            all.push((name, members.next_value_seed(inner)?));
        }
        Ok(all)
    }
}

/// Room for as many members as most claims sets have.
const USUAL_MEMBERS: usize = 12;

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth >= limits::JSON_DEPTH {
            return Err(E::custom("nested too deeply"));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = members.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let Entry::Vacant(place) = object.entry(name) else { return Err(A::Error::custom("duplicate member")) };
            place.insert(members.next_value_seed(inner)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ways to read an object, which say the same.
    fn parse_object(text: &[u8]) -> Result<Map<String, Value>, NotAnObject> {
        let whole = super::parse_object(text);
        let members = parse_members(text);
        assert!(members.iter().flatten().map(|(name, _)| name).is_sorted());
        let members = members.map(|all| all.into_iter().map(|(name, value)| (name.into(), value)).collect());
        assert_eq!(whole, members, "{}", String::from_utf8_lossy(text));
        whole
    }

    #[test]
    fn an_object_is_read_as_it_is() {
        let got = parse_object(br#" {"a":[1,-2,0.5,"x",null,true,{"b":{}}]} "#).unwrap();
        assert_eq!(Value::Object(got), serde_json::json!({"a": [1, -2, 0.5, "x", null, true, {"b": {}}]}));
    }

    #[test]
    fn duplicates_are_refused_at_any_depth_and_through_escapes() {
        let texts: [&[u8]; 4] =
            [br#"{"a":1,"a":1}"#, br#"{"a":1,"\u0061":2}"#, br#"{"x":{"a":1,"a":2}}"#, br#"{"x":[{"a":1,"a":2}]}"#];
        for text in texts {
            assert_eq!(parse_object(text), Err(NotAnObject));
        }
    }

    #[test]
    fn everything_that_is_not_one_object_is_refused() {
        let texts: [&[u8]; 14] = [
            b"",
            b" ",
            b"[]",
            b"1",
            b"null",
            b"\"a\"",
            b"{",
            b"{}x",
            b"{} {}",
            br#"{"a":1e999}"#,
            b"\xEF\xBB\xBF{}",
            b"{\"a\":\"\xFF\"}",
            br#"{"a":"\ud800"}"#,
            br#"{"a":NaN}"#,
        ];
        for text in texts {
            assert_eq!(parse_object(text), Err(NotAnObject), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}{}", r#"{"a":"#.repeat(depth - 1) + "{}", "}".repeat(depth - 1));
        assert!(parse_object(nested(limits::JSON_DEPTH).as_bytes()).is_ok());
        assert!(parse_object(nested(limits::JSON_DEPTH + 1).as_bytes()).is_err());
    }
}

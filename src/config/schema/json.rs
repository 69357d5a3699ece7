//! The table of fields as a JSON Schema (draft 2020-12), for editors. It says what a file can look like; whether its
//! parts fit together is `check`'s business.

use serde_json::{Map, Value as Json, json};

use super::{
    kind::{Fallback, Field, Kind, List, Scalar},
    table::FILE,
};
use crate::limits;

/// A scope-token of RFC 6749 section 3.3.
const SCOPE: &str = r"^[!#-\[\]-~]+$";
const DURATION: &str = "([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?";

/// The schema of a configuration file.
#[must_use]
pub fn json_schema() -> Json {
    let mut schema = section(FILE);
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of Portcullis",
        "anyOf": one_of_them(&["routes", "default", "policies"]),
    });
    merge(&mut schema, head);
    schema
}

/// A section of these fields, and no others.
fn section(fields: &[Field]) -> Json {
    let properties: Map<String, Json> = fields.iter().map(|field| (field.name.to_owned(), property(field))).collect();
    let required: Vec<&str> = fields.iter().filter(|field| field.is_required).map(|field| field.name).collect();
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        merge(&mut schema, json!({ "required": required }));
    }
    schema
}

fn property(field: &Field) -> Json {
    let mut schema = match field.kind {
        Kind::Scalar(scalar) => self::scalar(scalar),
        Kind::List(list) => self::list(list),
        Kind::Section(fields) => section(fields),
        Kind::ScalarOrSection(scalar, fields) => json!({ "anyOf": [self::scalar(scalar), section(fields)] }),
        Kind::Sections(fields) => json!({ "type": "array", "items": section(fields), "maxItems": limits::ISSUERS }),
    };
    merge(&mut schema, json!({ "description": field.about }));
    match field.default {
        Some(Fallback::Text(text)) => merge(&mut schema, json!({ "default": text })),
        Some(Fallback::Flag(flag)) => merge(&mut schema, json!({ "default": flag })),
        Some(Fallback::Count(count)) => merge(&mut schema, json!({ "default": count })),
        Some(Fallback::Texts(texts)) => merge(&mut schema, json!({ "default": texts })),
        None => {}
    }
    schema
}

fn scalar(scalar: Scalar) -> Json {
    match scalar {
        Scalar::Text => json!({ "type": "string", "minLength": 1 }),
        Scalar::Words(words) => json!({ "enum": words }),
        Scalar::Flag => json!({ "type": "boolean" }),
        Scalar::True => json!({ "const": true }),
        Scalar::Count { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Scalar::Duration => pattern(&format!("^{DURATION}$")),
        Scalar::DurationOr(word) => pattern(&format!("^({word}|{DURATION})$")),
        Scalar::Url => pattern("^https?://"),
        Scalar::Address { instead } => pattern(&format!("^({instead}|.+:[0-9]+)$")),
        Scalar::Mode => pattern("^(0|0o)?[2367][0-7]{2}$"),
        Scalar::Group => json!({ "type": ["string", "integer"], "minLength": 1, "minimum": 0 }),
        Scalar::Path => pattern("^/"),
        Scalar::Host => pattern(r"^(\*|(\*\.)?[^*/@,]+)$"),
        Scalar::Method => pattern(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"),
        Scalar::ScopeToken => pattern(SCOPE),
        Scalar::Value => json!({ "type": ["string", "number", "boolean"] }),
        Scalar::Part => pattern(r"^(host|subdomain|\{.+\})$"),
        Scalar::Header => pattern(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"),
    }
}

/// Patterns are written so that engines without look-around have them as well.
fn pattern(pattern: &str) -> Json {
    json!({ "type": "string", "minLength": 1, "pattern": pattern })
}

fn list(list: List) -> Json {
    match list {
        List::Of(scalar) => values(&self::scalar(scalar)),
        List::UpTo(most, scalar) => at_most(most, "maxItems", values(&self::scalar(scalar))),
        List::Routes(fields) => {
            json!({ "type": "array", "items": rule(fields), "minItems": 1, "maxItems": limits::RULES })
        }
        List::Scopes(fields) => {
            let mut by_kind = section(fields);
            merge(&mut by_kind, json!({ "minProperties": 1 }));
            json!({ "anyOf": [values(&pattern(SCOPE)), by_kind] })
        }
        List::Claims(fields) => {
            let mut test = section(fields);
            merge(&mut test, json!({ "minProperties": 1 }));
            by_name(&test)
        }
        List::Policies(fields) => by_name(&rule(fields)),
        // So many in all lists together, and no list is empty.
        List::Implications => {
            let implied = at_most(limits::IMPLICATIONS, "maxItems", values(&pattern(SCOPE)));
            at_most(limits::IMPLICATIONS, "maxProperties", by_name(&implied))
        }
    }
}

fn values(item: &Json) -> Json {
    json!({
        "type": "array",
        "items": item,
        "minItems": 1,
        "maxItems": limits::CONFIG_ITEMS,
        "uniqueItems": true,
    })
}

/// Adds a lower bound to a schema.
fn at_most(most: usize, bound: &str, mut schema: Json) -> Json {
    merge(&mut schema, json!({ bound: most }));
    schema
}

fn by_name(value: &Json) -> Json {
    json!({
        "type": "object",
        "additionalProperties": value,
        "propertyNames": { "minLength": 1 },
        "maxProperties": limits::CONFIG_ITEMS,
    })
}

/// What a route or a policy asks must be said: nothing is open or closed by omission.
fn rule(fields: &[Field]) -> Json {
    let mut schema = section(fields);
    merge(&mut schema, json!({ "anyOf": one_of_them(&["access", "scopes", "claims", "issuers", "audiences"]) }));
    schema
}

fn one_of_them(names: &[&str]) -> Vec<Json> {
    names.iter().map(|name| json!({ "required": [name] })).collect()
}

fn merge(schema: &mut Json, more: Json) {
    if let (Json::Object(schema), Json::Object(more)) = (schema, more) {
        schema.extend(more);
    }
}

//! A `CheckRequest` in the JSON of protobuf, with names in either spelling (`headerMap`, `header_map`), as grpcurl and
//! Envoy's debug log write it. What the answer depends on is read; what it does not depend on is left alone.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use crate::{
    ext_authz::proto::envoy::{
        config::core::v3::{HeaderMap, HeaderValue},
        service::auth::v3::{
            AttributeContext, CheckRequest,
            attribute_context::{HttpRequest, Request},
        },
    },
    limits,
};

/// Why some text is no captured `CheckRequest`. It says where, and never what is there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CapturedError {
    /// More than [`limits::CHECK_REQUEST_BYTES`], twice over for the JSON around them.
    #[error("it is too large")]
    TooLarge,
    /// Not JSON.
    #[error("it is not JSON: line {line}, column {column}")]
    NotJson {
        /// Where.
        line: usize,
        /// Where in that line.
        column: usize,
    },
    /// A member of another type than the message has.
    #[error("`{0}` is not {1}")]
    Type(String, &'static str),
    /// No `attributes.request.http` in it.
    #[error("it has no `attributes.request.http`: is it a whole CheckRequest?")]
    NoHttp,
    /// The same member in both spellings, or the same header name in two cases.
    #[error("`{0}` is there twice")]
    Twice(String),
}

pub(super) fn read(text: &str) -> Result<CheckRequest, CapturedError> {
    if text.len() > 2 * limits::CHECK_REQUEST_BYTES {
        return Err(CapturedError::TooLarge);
    }
    let value: Value = serde_json::from_str(text)
        .map_err(|error| CapturedError::NotJson { line: error.line(), column: error.column() })?;
    let root = At { path: "the message".to_owned(), members: object("the message", &value)? };
    let attributes = root.section("attributes")?.ok_or(CapturedError::NoHttp)?;
    let request = attributes.section("request")?.ok_or(CapturedError::NoHttp)?;
    let http = request.section("http")?.ok_or(CapturedError::NoHttp)?;
    let http = HttpRequest {
        id: http.text("id")?,
        method: http.text("method")?,
        headers: http.texts("headers")?,
        path: http.text("path")?,
        host: http.text("host")?,
        scheme: http.text("scheme")?,
        query: http.text("query")?,
        fragment: http.text("fragment")?,
        protocol: http.text("protocol")?,
        header_map: http.header_map()?,
        // Nobody looks at a body, but its size counts.
        body: http.text("body")?,
        raw_body: http.bytes("rawBody")?,
        ..HttpRequest::default()
    };
    let request = Some(Request { http: Some(http), ..Request::default() });
    let context_extensions = attributes.texts("contextExtensions")?;
    let attributes = AttributeContext { request, context_extensions, ..AttributeContext::default() };
    Ok(CheckRequest { attributes: Some(attributes) })
}

/// The members of an object, and where it is.
struct At<'v> {
    path: String,
    members: &'v Map<String, Value>,
}

impl<'v> At<'v> {
    /// A member by its JSON name or its name in the `.proto`. `null` is absent in protobuf JSON.
    fn get(&self, name: &str) -> Result<Option<&'v Value>, CapturedError> {
        let snake: String = name
            .chars()
            .flat_map(|c| c.is_ascii_uppercase().then_some('_').into_iter().chain([c.to_ascii_lowercase()]))
            .collect();
        let found = self.members.get(name).filter(|value| !value.is_null());
        let other = self.members.get(&snake).filter(|value| !value.is_null() && snake != name);
        match (found, other) {
            (Some(_), Some(_)) => Err(CapturedError::Twice(self.at(name))),
            (found, other) => Ok(found.or(other)),
        }
    }

    fn at(&self, name: &str) -> String {
        if self.path == "the message" { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn section(&self, name: &str) -> Result<Option<Self>, CapturedError> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        let path = self.at(name);
        Ok(Some(Self { members: object(&path, value)?, path }))
    }

    fn text(&self, name: &str) -> Result<String, CapturedError> {
        match self.get(name)? {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(CapturedError::Type(self.at(name), "a string")),
        }
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, CapturedError> {
        STANDARD.decode(self.text(name)?).map_err(|_| CapturedError::Type(self.at(name), "base64"))
    }

    fn texts(&self, name: &str) -> Result<HashMap<String, String>, CapturedError> {
        let Some(section) = self.section(name)? else { return Ok(HashMap::new()) };
        section.members.keys().map(|key| Ok((key.clone(), section.exact_text(key)?))).collect()
    }

    /// The value of a key of a map, whose keys are no names of fields.
    fn exact_text(&self, key: &str) -> Result<String, CapturedError> {
        let text = self.members.get(key).and_then(Value::as_str).map(str::to_owned);
        text.ok_or_else(|| CapturedError::Type(self.at(key), "a string"))
    }

    fn header_map(&self) -> Result<Option<HeaderMap>, CapturedError> {
        let Some(map) = self.section("headerMap")? else { return Ok(None) };
        let path = map.at("headers");
        let list = match map.get("headers")? {
            None => return Ok(Some(HeaderMap::default())),
            Some(Value::Array(list)) => list,
            Some(_) => return Err(CapturedError::Type(path, "a list")),
        };
        let header = |(at, value): (usize, &Value)| {
            let path = format!("{path}[{at}]");
            let header = At { members: object(&path, value)?, path };
            let raw_value = header.bytes("rawValue")?;
            Ok(HeaderValue { key: header.text("key")?, value: header.text("value")?, raw_value })
        };
        let headers: Result<_, CapturedError> = list.iter().enumerate().map(header).collect();
        Ok(Some(HeaderMap { headers: headers? }))
    }
}

fn object<'v>(path: &str, value: &'v Value) -> Result<&'v Map<String, Value>, CapturedError> {
    value.as_object().ok_or_else(|| CapturedError::Type(path.to_owned(), "an object"))
}

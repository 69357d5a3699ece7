//! The two messages of a Check from the other side, as Envoy sees them: to write a request, and to read an answer. For
//! trying a policy without a proxy; nothing of `serve` uses it.

mod captured;

use std::fmt;

use bytes::Bytes;
use prost::Message as _;
use prost_types::{Struct, value::Kind};
use serde_json::{Map, Number, Value};

pub use self::captured::CapturedError;
use super::{
    decode::{attributes::Attributes, check_request_reader::POLICY_EXTENSION},
    proto::envoy::{
        config::core::v3::{HeaderMap, HeaderValue, HeaderValueOption},
        service::auth::v3::{
            AttributeContext, CheckRequest, CheckResponse,
            attribute_context::{HttpRequest, Request},
            check_response::HttpResponse,
        },
    },
    response::Answer,
};
use portcullis_engine::{authorizer::RequestAttributes, reason::DenyReason};

/// A `CheckRequest`, to be sent.
#[derive(Clone)]
pub struct Message(CheckRequest);

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A token may be in it.
        f.write_str("Message(..)")
    }
}

impl Message {
    /// What Envoy sends of a request with `encode_raw_headers`: the raw path with its query, and each header by itself.
    #[must_use]
    pub fn new(method: &str, host: Option<&str>, path: &str) -> Self {
        let mut http = HttpRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            host: host.unwrap_or_default().to_owned(),
            scheme: "https".to_owned(),
            protocol: "HTTP/1.1".to_owned(),
            ..HttpRequest::default()
        };
        let pseudo = [(":method", Some(method)), (":authority", host), (":path", Some(path))];
        let headers = pseudo.into_iter().filter_map(|(name, value)| Some(raw(name, value?.as_bytes().to_vec())));
        http.header_map = Some(HeaderMap { headers: headers.collect() });
        let request = Some(Request { http: Some(http), ..Request::default() });
        Self(CheckRequest { attributes: Some(AttributeContext { request, ..AttributeContext::default() }) })
    }

    /// A `CheckRequest` in protobuf JSON, as grpcurl and Envoy's logs have it.
    ///
    /// # Errors
    /// [`CapturedError`].
    pub fn from_json(text: &str) -> Result<Self, CapturedError> {
        captured::read(text).map(Self)
    }

    /// The message of these bytes, as a proxy sent them; `None` if they are no `CheckRequest`.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        CheckRequest::decode(bytes).ok().map(Self)
    }

    /// Adds a header in the form that the message has its headers in.
    pub fn push_header(&mut self, name: &str, value: Vec<u8>) {
        let http = self.http_mut();
        let joined = http.header_map.is_none() && !http.headers.is_empty();
        match String::from_utf8(value) {
            Ok(value) if joined => {
                // Envoy joins headers of one name by a comma.
                let mut all = http.headers.remove(name).map(|first| first + ",").unwrap_or_default();
                all.push_str(&value);
                http.headers.insert(name.to_owned(), all);
            }
            Ok(value) => http.header_map.get_or_insert_default().headers.push(raw(name, value.into_bytes())),
            Err(odd) => http.header_map.get_or_insert_default().headers.push(raw(name, odd.into_bytes())),
        }
    }

    /// Chooses a named policy, as `context_extensions` of an Envoy route do.
    pub fn choose_policy(&mut self, name: &str) {
        let attributes = self.0.attributes.get_or_insert_default();
        attributes.context_extensions.insert(POLICY_EXTENSION.to_owned(), name.to_owned());
    }

    /// The named policy that the message chooses.
    #[must_use]
    pub fn policy(&self) -> Option<&str> {
        let chosen = self.0.attributes.as_ref()?.context_extensions.get(POLICY_EXTENSION)?;
        Some(chosen)
    }

    /// Puts one `authorization` header in place of all that are there.
    pub fn authorize(&mut self, value: Vec<u8>) {
        let is_credential = |name: &str| name.eq_ignore_ascii_case("authorization");
        let http = self.http_mut();
        http.headers.retain(|name, _| !is_credential(name));
        if let Some(map) = &mut http.header_map {
            map.headers.retain(|header| !is_credential(&header.key));
        }
        self.push_header("authorization", value);
    }

    /// The method, as sent.
    #[must_use]
    pub fn method(&self) -> &str {
        self.http().map_or("", |http| &http.method)
    }

    /// The host, as sent.
    #[must_use]
    pub fn host(&self) -> &str {
        self.http().map_or("", |http| &http.host)
    }

    /// The path with its query, as sent.
    #[must_use]
    pub fn path(&self) -> &str {
        self.http().map_or("", |http| &http.path)
    }

    /// The bytes that Envoy would send.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        self.0.encode_to_vec().into()
    }

    /// What the adapter makes of it.
    #[must_use]
    pub fn heard(&self) -> Heard {
        Heard(self.encode())
    }

    fn http(&self) -> Option<&HttpRequest> {
        self.0.attributes.as_ref()?.request.as_ref()?.http.as_ref()
    }

    fn http_mut(&mut self) -> &mut HttpRequest {
        let request = self.0.attributes.get_or_insert_default().request.get_or_insert_default();
        request.http.get_or_insert_default()
    }
}

fn raw(name: &str, value: Vec<u8>) -> HeaderValue {
    HeaderValue { key: name.to_owned(), value: String::new(), raw_value: value }
}

/// A message as the adapter decodes it.
pub struct Heard(Bytes);

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Heard").field(&self.attributes()).finish()
    }
}

impl Heard {
    fn attributes(&self) -> Result<Attributes<'_>, DenyReason> {
        Attributes::decode(&self.0).map_err(DenyReason::from)
    }

    /// What the engine judges.
    ///
    /// # Errors
    /// A [`DenyReason`] for a request that is ambiguous or malformed.
    pub fn judged(&self) -> Result<RequestAttributes<'_>, DenyReason> {
        self.attributes()?.judged()
    }

    /// The values of all `authorization` headers, in order.
    pub fn authorization(&self) -> impl Iterator<Item = &[u8]> {
        let attributes = self.attributes().unwrap_or_default();
        attributes.values("authorization").collect::<Vec<_>>().into_iter()
    }
}

/// An answer as Envoy reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// Whether Envoy lets the request pass.
    pub allowed: bool,
    /// The HTTP status of a denial; 200 where Envoy lets the request pass.
    pub status: u16,
    /// The headers of a denial.
    pub headers: Vec<(String, String)>,
    /// The body of a denial.
    pub body: String,
    /// The headers set upstream.
    pub set: Vec<(String, String)>,
    /// The headers removed upstream.
    pub removed: Vec<String>,
    /// The dynamic metadata.
    pub metadata: Map<String, Value>,
}

/// Reads an answer by Envoy's rules. `None` if it is none: that would be a bug.
#[must_use]
pub fn read(answer: Answer) -> Option<Read> {
    let response = CheckResponse::decode(answer.into_bytes()).ok()?;
    let allowed = response.status.is_none_or(|status| status.code == 0);
    let metadata = response.dynamic_metadata.map(object).unwrap_or_default();
    let nothing = Read {
        allowed,
        status: 200,
        headers: Vec::new(),
        body: String::new(),
        set: Vec::new(),
        removed: Vec::new(),
        metadata,
    };
    Some(match (allowed, response.http_response) {
        (true, Some(HttpResponse::OkResponse(ok))) => {
            Read { set: pairs(ok.headers), removed: ok.headers_to_remove, ..nothing }
        }
        (false, Some(HttpResponse::DeniedResponse(denied))) => {
            let status = denied.status.and_then(|status| u16::try_from(status.code).ok())?;
            Read { status, headers: pairs(denied.headers), body: denied.body, ..nothing }
        }
        _ => return None,
    })
}

fn pairs(headers: Vec<HeaderValueOption>) -> Vec<(String, String)> {
    headers.into_iter().filter_map(|option| option.header).map(|header| (header.key, header.value)).collect()
}

fn object(fields: Struct) -> Map<String, Value> {
    fields.fields.into_iter().map(|(name, value)| (name, value_of(value))).collect()
}

fn value_of(value: prost_types::Value) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => value.into(),
        Some(Kind::NumberValue(value)) => Number::from_f64(value).map_or(Value::Null, Value::Number),
        Some(Kind::StringValue(text)) => text.into(),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(value_of).collect(),
        Some(Kind::StructValue(fields)) => Value::Object(object(fields)),
    }
}

#[cfg(test)]
mod tests;

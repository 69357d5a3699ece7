//! From Envoy's message to what the engine judges: canonical, bounded, and read the same way in both forms in which
//! Envoy sends headers (joined in a map, or one by one as bytes).

use std::{fmt, str};

use super::{
    check_request_reader::{self, Kept},
    method_override::asks_for_another_method,
};
use portcullis_engine::{
    authorizer::RequestAttributes,
    reason::{DenyReason, RequestFault},
    request::{host::RequestHost, method::Method, path::CanonicalPath, target::RequestTarget},
};

/// One Check, taken apart. Borrows from the message.
#[derive(Default)]
pub struct Attributes<'m>(Kept<'m>);

impl fmt::Debug for Attributes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the headers: one of them is the token.
        f.debug_struct("Attributes").field("method", &self.0.method).finish_non_exhaustive()
    }
}

impl<'m> Attributes<'m> {
    /// Decodes a message.
    ///
    /// # Errors
    /// [`RequestFault::NoHttpRequest`]: not a `CheckRequest`, or one without an HTTP request.
    pub fn decode(message: &'m [u8]) -> Result<Self, RequestFault> {
        let kept = check_request_reader::read(message).map_err(|_| RequestFault::NoHttpRequest)?;
        if kept.has_http { Ok(Self(kept)) } else { Err(RequestFault::NoHttpRequest) }
    }

    /// What the engine judges.
    ///
    /// # Errors
    /// A [`DenyReason`] for a request that is ambiguous or malformed.
    pub fn judged(&self) -> Result<RequestAttributes<'m>, DenyReason> {
        let target = self.target()?;
        let authorization = self.0.headers.values("authorization").collect();
        Ok(RequestAttributes { target, policy: self.0.policy, authorization })
    }

    fn target(&self) -> Result<RequestTarget, RequestFault> {
        let path = CanonicalPath::parse(self.0.path.as_bytes())?;
        let method = Method::parse(self.0.method)?;
        if asks_for_another_method(self.0.path, &method) {
            return Err(RequestFault::Method);
        }
        // gRPC without a proxy (gRFC A92) sends no host at all; an empty one is a client's trick.
        let names_host = |name: &[u8]| name.eq_ignore_ascii_case(b"host") || name == b":authority";
        let has_host = !self.0.host.is_empty() || self.names().any(names_host);
        let host = if has_host { Some(RequestHost::parse(self.0.host)?) } else { None };
        Ok(RequestTarget { host, path, method })
    }

    /// The method, as sent.
    #[must_use]
    pub fn method(&self) -> &'m str {
        self.0.method
    }

    /// The path with its query, as sent.
    #[must_use]
    pub fn path(&self) -> &'m str {
        self.0.path
    }

    /// The host, as sent.
    #[must_use]
    pub fn host(&self) -> &'m str {
        self.0.host
    }

    /// The id of the stream that the request came in.
    #[must_use]
    pub fn id(&self) -> &'m str {
        self.0.id
    }

    /// The policy that Envoy's route names.
    #[must_use]
    pub fn policy(&self) -> Option<&'m str> {
        self.0.policy
    }

    /// The names of all headers, as sent, UTF-8. A message in which one stands twice may show it twice.
    pub fn names(&self) -> impl Iterator<Item = &'m [u8]> {
        self.0.headers.names()
    }

    /// The values of all headers of that name, in any case.
    pub fn values(&self, name: &'static str) -> impl Iterator<Item = &'m [u8]> {
        self.0.headers.values(name)
    }

    /// All headers, in the form they came in. Dearer than [`Self::names`] and [`Self::values`]: it looks for names that
    /// stand twice.
    pub fn headers(&self) -> impl Iterator<Item = (&'m str, &'m [u8])> {
        // A name is UTF-8, or the message would have been refused.
        self.0.headers.all().map(|(name, value)| (str::from_utf8(name).unwrap_or_default(), value))
    }

    /// Whether the caller speaks gRPC, by the rule Envoy goes by.
    #[must_use]
    pub fn is_grpc(&self) -> bool {
        self.values("content-type").any(|value| {
            let rest = value.strip_prefix(b"application/grpc");
            rest.is_some_and(|rest| rest.first().is_none_or(|b| matches!(b, b'+' | b';')))
        })
    }

    /// The request's id, if it is made of characters that are safe anywhere: it is the client's to choose.
    ///
    /// The one that Envoy's access log and the upstream know, `x-request-id`; the stream's own id where there is none.
    #[must_use]
    pub fn request_id(&self) -> Option<&'m str> {
        let mut ids = self.values("x-request-id");
        let id = match (ids.next(), ids.next()) {
            (Some(id), None) => str::from_utf8(id).ok()?,
            _ => self.0.id,
        };
        let is_safe = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        is_safe.then_some(id)
    }
}

#[cfg(test)]
mod tests;

//! The request itself: whether it has one reading.

use super::{
    path,
    steps::{Check, Walk},
    value,
};
use crate::{
    limits,
    tools::simulate::{request::Message, response::Answered},
};
use portcullis_engine::{
    authorizer::RequestAttributes,
    reason::{DenyReason, RequestFault},
    request::method::Method,
};

const PART: &str = "request";

/// What the adapter checks before any rule is looked at, in its order.
pub(super) fn walk(
    walk: &mut Walk,
    message: &Message,
    judged: &Result<RequestAttributes<'_>, DenyReason>,
    answered: &Answered,
) {
    let fault = match (judged, answered.deny) {
        (Err(DenyReason::Request(fault)), _) => Some(*fault),
        (_, Some(DenyReason::Request(fault @ RequestFault::TooLarge))) => Some(fault),
        _ => None,
    };
    let is_message = matches!(fault, Some(RequestFault::NoHttpRequest | RequestFault::TooLarge));
    if is_message || answered.deny == Some(DenyReason::Internal) {
        let known = Check::found(format!("{} bytes", message.encode().len()))
            .expected(format!("a request of at most {} bytes", limits::CHECK_REQUEST_BYTES));
        walk.made(PART, "message", true, known);
    }
    let is_other = matches!(fault, Some(RequestFault::Method | RequestFault::Host)) || is_message;
    let path_fault = fault.filter(|_| !is_other);
    walk.made(PART, "path", path_fault.is_some(), of_path(message, judged, path_fault));
    let method = Check::found(value::text(message.method()));
    let method = match Method::parse(message.method()) {
        Ok(_) => noted(method, message.method()).expected("the same method in the query, if it names one (`_method`)"),
        Err(_) => method.expected("a method name"),
    };
    walk.made(PART, "method", fault == Some(RequestFault::Method), method);
    walk.made(PART, "host", fault == Some(RequestFault::Host), of_host(message, judged));
}

/// Notes that a method is not one of those that clients send: another case, a typo, or the name of a program.
fn noted(known: Check, method: &str) -> Check {
    const USUAL: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
    let upper = method.to_ascii_uppercase();
    if USUAL.contains(&method) || method.is_empty() {
        known
    } else if USUAL.contains(&upper.as_str()) {
        known.note(format!("not {}: case counts", value::text(&upper)))
    } else {
        known.note("no usual method")
    }
}

fn of_path(
    message: &Message,
    judged: &Result<RequestAttributes<'_>, DenyReason>,
    fault: Option<RequestFault>,
) -> Check {
    let raw = message.path();
    let shown = value::text(&value::path(raw));
    if fault == Some(RequestFault::PathTooLong) {
        let segments = raw.split('?').next().unwrap_or_default().split('/').count().saturating_sub(1);
        let found = format!("{} bytes and {segments} segments", raw.len());
        return path::breaking(found, RequestFault::PathTooLong);
    }
    if let Some(fault) = fault {
        let known = path::breaking(shown, fault);
        return match path::culprit(raw, fault) {
            Some((number, segment)) => known.note(format!("segment {number}, {}", value::text(segment))),
            None => known,
        };
    }
    let Ok(request) = judged else { return Check::found(shown) };
    let canonical = request.target.path.as_str();
    let known = Check::found(value::text(canonical));
    if canonical == raw { known } else { known.note(format!("the canonical form of {shown}")) }
}

fn of_host(message: &Message, judged: &Result<RequestAttributes<'_>, DenyReason>) -> Check {
    let raw = message.host();
    match judged.as_ref().map(|request| &request.target.host) {
        Ok(Some(host)) if host.as_str() != raw => {
            Check::found(value::text(host.as_str())).note(format!("the canonical form of {}", value::text(raw)))
        }
        Ok(Some(host)) => Check::found(value::text(host.as_str())),
        Ok(None) => Check::found("none").note("as in gRPC without a proxy; Envoy always sends one"),
        Err(_) => Check::found(value::text(raw)).expected("one host name or IP literal, with or without a port"),
    }
}

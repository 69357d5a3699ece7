//! The variables that Kubernetes injects into every container for every Service of the namespace. A Service called
//! `portcullis` gives names that start like ours.

use super::{schema::FILE, variables::PREFIX};
use crate::document::suggest::closest;

/// Whether a name, `PORTCULLIS_…`, is that of a service variable: of the Service `portcullis`, or of one whose name
/// goes on after it (`portcullis-grpc` gives `PORTCULLIS_GRPC_SERVICE_HOST`).
pub(crate) fn is_service_variable(name: &str, value: &str) -> bool {
    if is_ours(name) || !name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_') {
        return false;
    }
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || (name.ends_with("_PORT") && is_address(value))
        || name.match_indices("_PORT_").any(|(at, found)| {
            let rest = at.checked_add(found.len()).and_then(|from| name.get(from..));
            rest.is_some_and(is_port)
        })
}

/// Two underscores after a field of the file are ours, `PORTCULLIS_LISTEN__GRPC`, even if what follows is misspelt. A
/// Service `portcullis--grpc` has them elsewhere.
fn is_ours(name: &str) -> bool {
    let Some((field, _)) = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once("__")) else { return false };
    closest(field, FILE.iter().map(|field| field.name)).is_some()
}

/// `tcp://10.0.0.1:9191`.
fn is_address(value: &str) -> bool {
    ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme))
}

/// `9191_TCP`, `9191_TCP_PROTO`, `9191_TCP_PORT`, `9191_TCP_ADDR`.
fn is_port(rest: &str) -> bool {
    let mut words = rest.split('_');
    let number = words.next().is_some_and(|word| word.parse::<u16>().is_ok());
    let protocol = words.next().is_some_and(|word| ["TCP", "UDP", "SCTP"].contains(&word));
    let detail = words.next().is_none_or(|word| ["PROTO", "PORT", "ADDR"].contains(&word));
    number && protocol && detail && words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_injects_is_known() {
        for (name, value) in [
            ("PORTCULLIS_SERVICE_HOST", "10.0.0.1"),
            ("PORTCULLIS_SERVICE_PORT", "9191"),
            ("PORTCULLIS_SERVICE_PORT_GRPC", "9191"),
            ("PORTCULLIS_PORT", "tcp://10.0.0.1:9191"),
            ("PORTCULLIS_PORT_9191_TCP", "tcp://10.0.0.1:9191"),
            ("PORTCULLIS_PORT_9191_TCP_PROTO", "tcp"),
            ("PORTCULLIS_PORT_9191_TCP_PORT", "9191"),
            ("PORTCULLIS_PORT_53_UDP_ADDR", "10.0.0.1"),
            ("PORTCULLIS_GRPC_SERVICE_HOST", "10.0.0.1"),
            ("PORTCULLIS_GRPC_PORT", "tcp://10.0.0.1:9191"),
            ("PORTCULLIS_GRPC_PORT_9191_TCP_ADDR", "10.0.0.1"),
            ("PORTCULLIS__GRPC_SERVICE_HOST", "10.0.0.1"),
            ("PORTCULLIS__GRPC_PORT", "tcp://10.0.0.1:9191"),
            ("PORTCULLIS_A__B_PORT_9191_TCP_ADDR", "10.0.0.1"),
        ] {
            assert!(is_service_variable(name, value), "{name}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for (name, value) in [
            ("PORTCULLIS_PORT", "9191"),
            ("PORTCULLIS_LISTEN__GRPC", "tcp://10.0.0.1:9191"),
            ("PORTCULLIS_LISTEN__GRPC_PORT", "tcp://10.0.0.1:9191"),
            ("PORTCULLIS_LISTN__GRPC_PORT", "tcp://10.0.0.1:9191"),
            ("PORTCULLIS__LISTEN_GRPC", "10.0.0.1:9191"),
            ("PORTCULLIS_PORT_9191", "tcp://10.0.0.1:9191"),
            ("PORTCULLIS_PORT_X_TCP", "tcp://10.0.0.1:9191"),
            ("PORTCULLIS_PORT_9191_TCP_NAME", "x"),
            ("PORTCULLIS_PORT_9191_TCP_ADDR_X", "x"),
            ("PORTCULLIS_HOST", "10.0.0.1"),
            ("PORTCULLIS_service_host", "10.0.0.1"),
        ] {
            assert!(!is_service_variable(name, value), "{name}");
        }
    }
}

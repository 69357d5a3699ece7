//! The same spellings as Checks, as if an Envoy had passed them on untouched.

use std::net::SocketAddr;

use super::{arena::HOLE, backend::Arrived, policy::protected_reading, spelling::Spelling};
use crate::support::raw_check::RawClient;

pub(crate) struct Direct(RawClient);

impl Direct {
    pub(crate) async fn connect(service: SocketAddr) -> Self {
        Self(RawClient::connect(service).await)
    }

    /// What the service says. If it allows what a lax backend takes for something protected, that is a [`HOLE`].
    pub(crate) async fn outcome(&self, spelling: &Spelling, token: Option<&str>) -> String {
        let (method, target, _) = spelling.request_line();
        let mut headers: Vec<(String, Vec<u8>)> = spelling.header_lines();
        for (name, _) in &mut headers {
            name.make_ascii_lowercase();
        }
        headers.extend(token.map(|token| ("authorization".to_owned(), format!("Bearer {token}").into_bytes())));
        let got = self.0.send(message(&method, &target, &headers)).await.unwrap();
        if got.status != 200 {
            return format!("portcullis {} {}", got.status, got.reason);
        }
        // What the answer takes away does not arrive.
        headers.retain(|(name, _)| !got.removed.contains(name));
        let outcome = format!("allowed by {}", got.rule.as_deref().unwrap_or("no rule"));
        let reading = protected_reading(&Arrived { method, target, headers });
        reading.map_or(outcome.clone(), |reading| format!("{HOLE} {outcome}, taken for {reading}"))
    }
}

/// An encoded `CheckRequest`. Texts are bytes here: the service must cope with those that are not UTF-8, too.
fn message(method: &[u8], target: &[u8], headers: &[(String, Vec<u8>)]) -> Vec<u8> {
    let hosts: Vec<&[u8]> =
        headers.iter().filter(|(name, _)| name == "host").map(|(_, value)| value.as_slice()).collect();
    let host = hosts.join(&b',');
    let mut map = Vec::new();
    let authority = (!hosts.is_empty()).then(|| (":authority".to_owned(), host.clone()));
    for (name, value) in headers.iter().filter(|(name, _)| name != "host").chain(&authority) {
        map.extend(field(1, &[field(1, name.as_bytes()), field(3, value)].concat()));
    }
    let http = [field(2, method), field(4, target), field(5, &host), field(13, &map)].concat();
    field(1, &field(4, &field(2, &http)))
}

/// A length-delimited field of the protobuf encoding.
fn field(number: u64, value: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    prost::encoding::encode_varint(number << 3 | 2, &mut field);
    prost::encoding::encode_varint(value.len() as u64, &mut field);
    field.extend(value);
    field
}

//! Checks as Envoy 1.40 sends them: 19 headers in the map, 1.7 KB with an RS256 token. Written field by field, so that every run
//! sends the same bytes (a map of prost has another order each time).

use std::ops::Range;

/// Everything but the token: what a browser sends, and what Envoy adds.
const HEADERS: [(&str, &str); 13] = [
    (":scheme", "https"),
    ("x-forwarded-proto", "https"),
    ("accept", "application/json, text/plain, */*"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.9,de;q=0.8"),
    ("origin", "https://app.example.com"),
    ("referer", "https://app.example.com/"),
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    ),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-site", "same-site"),
    ("x-forwarded-for", "203.0.113.7"),
    ("x-request-id", REQUEST_ID),
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
];
const REQUEST_ID: &str = "5d3c1f0a-8b1e-4f6d-9a57-0c2e6b7d8f90";
const HOST: &str = "api.example.com";

/// A `CheckRequest`.
#[derive(Clone, Debug)]
pub struct Message {
    /// As it is sent.
    pub bytes: Vec<u8>,
    /// Where the token is.
    pub token: Range<usize>,
}

impl Message {
    /// A GET of that path with that token, as seen by an Envoy that joins headers in a map.
    #[must_use]
    pub fn check(path: &str, token: &str) -> Self {
        let bytes = check_request(path, token);
        let start = bytes.windows(token.len().max(1)).position(|window| window == token.as_bytes()).unwrap_or(0);
        Self { token: start..start + token.len(), bytes }
    }
}

/// The headers that a client sends for it, but for `host` and `authorization`: for Envoy in front.
#[must_use]
pub fn client_headers() -> Vec<(&'static str, &'static str)> {
    let own = |name: &str| !name.starts_with(':') && !name.starts_with("x-");
    HEADERS.into_iter().filter(|(name, _)| own(name)).collect()
}

fn check_request(path: &str, token: &str) -> Vec<u8> {
    let authorization = format!("Bearer {token}");
    let mut http = field(1, b"11408294073185710942");
    http.extend(field(2, b"GET"));
    let own = [
        (":authority", HOST),
        (":path", path),
        (":method", "GET"),
        ("authorization", authorization.as_str()),
        ("priority", "u=1, i"),
        ("x-envoy-internal", "true"),
    ];
    for (name, value) in own.into_iter().chain(HEADERS) {
        http.extend(field(3, &[field(1, name.as_bytes()), field(2, value.as_bytes())].concat()));
    }
    http.extend(field(4, path.as_bytes()));
    http.extend(field(5, HOST.as_bytes()));
    http.extend(field(6, b"https"));
    // A size of -1: not known.
    http.extend([9 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
    http.extend(field(10, b"HTTP/1.1"));
    let time = [number(1, 1_800_000_000), number(2, 123_456_789)].concat();
    let request = [field(1, &time), field(2, &http)].concat();
    let attributes = [
        field(1, &peer("203.0.113.7", 51_234)),
        field(2, &peer("10.0.0.5", 10_000)),
        field(4, &request),
        // The metadata contexts, empty.
        field(11, b""),
        field(13, b""),
    ];
    field(1, &attributes.concat())
}

/// A peer with an address.
fn peer(address: &str, port: u64) -> Vec<u8> {
    field(1, &field(1, &[field(2, address.as_bytes()), number(3, port)].concat()))
}

/// A field with bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    varint(&mut field, bytes.len() as u64);
    field.extend_from_slice(bytes);
    field
}

/// A field with a number.
fn number(number: u8, value: u64) -> Vec<u8> {
    let mut field = vec![number << 3];
    varint(&mut field, value);
    field
}

fn varint(into: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            into.push(low & 0x7f);
            return;
        }
        into.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
    use prost::Message as _;

    use super::*;

    #[test]
    fn envoys_types_read_what_was_meant() {
        let token = "x".repeat(809);
        let message = Message::check("/api/v1/resource-00003/0123456789", &token);
        assert_eq!(&message.bytes[message.token.clone()], token.as_bytes());
        assert!((1_650..1_900).contains(&message.bytes.len()), "{}", message.bytes.len());
        let attributes = CheckRequest::decode(message.bytes.as_slice()).unwrap().attributes.unwrap();
        let http = attributes.request.unwrap().http.unwrap();
        assert_eq!(http.headers.len(), 19);
        assert_eq!(http.headers["authorization"], format!("Bearer {token}"));
        assert_eq!((http.method.as_str(), http.path.as_str()), ("GET", "/api/v1/resource-00003/0123456789"));
        assert_eq!((http.host.as_str(), http.size, http.protocol.as_str()), ("api.example.com", -1, "HTTP/1.1"));
        assert!(attributes.source.unwrap().address.is_some());
    }
}

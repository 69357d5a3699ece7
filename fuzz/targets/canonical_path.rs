//! A request's path, and the same bytes as a host and as a method.
#![no_main]

use std::sync::LazyLock;

use portcullis::limits;
use portcullis_engine::{
    policy::Policy,
    request::{
        host::{Host, RequestHost},
        method::Method,
        path::CanonicalPath,
        target::RequestTarget,
    },
};
use portcullis_fuzz::config;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let got = CanonicalPath::parse(input);
    match &got {
        Ok(path) => {
            it_is_what_the_slow_reference_says(input, path);
            nothing_ambiguous_is_in_it(path.as_str());
            it_is_its_own_canonical_form(path);
            a_query_and_a_trailing_slash_do_not_matter(input, path);
            no_backend_sees_a_guarded_path_that_the_policy_leaves_open(input, path);
        }
        Err(_) => assert!(reference(input).is_none(), "refused without a reason: {got:?}"),
    }
    a_host_is_its_own_canonical_form(input);
    a_method_is_a_token(input);
});

/// Design, section 2: what two parsers could read differently has no canonical form.
fn reference(input: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(input).ok()?;
    let path = text.split('?').next()?;
    if input.len() > limits::PATH_BYTES || !path.is_ascii() || path.contains(['\\', ';', '#']) {
        return None;
    }
    if path.chars().any(|c| c <= ' ' || c == '\u{7F}') || !path.starts_with('/') {
        return None;
    }
    let is_root = path == "/";
    let path = if is_root { path } else { path.strip_suffix('/').unwrap_or(path) };
    let mut canonical = String::new();
    let mut decoded = Vec::new();
    for (byte, is_escape) in units(path)? {
        if is_escape && (byte < b' ' || byte == 0x7F || b"\\;".contains(&byte)) {
            return None;
        }
        if is_escape && !(byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)) {
            canonical.push_str(&format!("%{byte:02X}"));
        } else {
            canonical.push(char::from(byte));
        }
        decoded.push(byte);
    }
    let segments: Vec<&str> = canonical.split('/').skip(1).collect();
    if segments.len() > limits::PATH_SEGMENTS || (!is_root && segments.iter().any(|s| ["", ".", ".."].contains(s))) {
        return None;
    }
    // Between encoded slashes there is something, and no dots alone.
    let parts = || segments.iter().filter(|segment| segment.contains("%2F")).flat_map(|segment| segment.split("%2F"));
    if parts().any(|part| ["", ".", ".."].contains(&part)) {
        return None;
    }
    // A second decoder must find nothing to do.
    let text = String::from_utf8(decoded).ok()?;
    let escapes_are_left = text.match_indices('%').any(|(at, _)| {
        let mut after = text.chars().skip(text.get(..at).map_or(0, |before| before.chars().count()) + 1);
        let digits = match after.clone().next() {
            Some('u' | 'U') => after.next().map_or(2, |_| 4),
            _ => 2,
        };
        (0..digits).all(|_| after.next().is_some_and(|c| c.is_ascii_hexdigit()))
    });
    (!escapes_are_left).then_some(canonical)
}

/// The bytes of a path, each with whether it was escaped.
fn units(path: &str) -> Option<Vec<(u8, bool)>> {
    let mut units = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        if *byte == b'%' {
            let digits = after.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
            units.push((u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?, true));
            rest = after.get(2..)?;
        } else {
            units.push((*byte, false));
            rest = after;
        }
    }
    Some(units)
}

fn it_is_what_the_slow_reference_says(input: &[u8], path: &CanonicalPath) {
    // What follows the query's mark is never looked at, whatever it is.
    let end = input.iter().position(|byte| *byte == b'?').unwrap_or(input.len());
    assert_eq!(reference(input.get(..end).unwrap_or_default()).as_deref(), Some(path.as_str()));
}

fn nothing_ambiguous_is_in_it(path: &str) {
    assert!(path.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\;#?".contains(&byte)), "{path:?}");
    assert!(path.starts_with('/') && (path == "/" || !path.ends_with('/')) && !path.contains("//"), "{path}");
    assert!(path.split('/').all(|segment| segment != "." && segment != ".."), "{path}");
    for (at, _) in path.match_indices('%') {
        let escape = path.get(at + 1..at + 3).expect("two digits");
        assert!(escape.chars().all(|c| c.is_ascii_digit() || ('A'..='F').contains(&c)), "{path}");
        assert!(!["5C", "2E", "3B", "00", "7F"].contains(&escape), "{path}");
    }
}

fn it_is_its_own_canonical_form(path: &CanonicalPath) {
    assert_eq!(CanonicalPath::parse(path.as_str()).as_ref(), Ok(path));
    assert!(path.as_str().len() <= limits::PATH_BYTES && path.segments().count() <= limits::PATH_SEGMENTS);
    let rejoined: String = path.segments().map(|segment| format!("/{segment}")).collect();
    assert_eq!(if rejoined.is_empty() { "/" } else { &rejoined }, path.as_str());
}

fn a_query_and_a_trailing_slash_do_not_matter(input: &[u8], path: &CanonicalPath) {
    if input.len() + 4 > limits::PATH_BYTES {
        return;
    }
    let end = input.iter().position(|byte| *byte == b'?').unwrap_or(input.len());
    let bare = input.get(..end).unwrap_or_default();
    for more in [&b"?"[..], b"?/..", b"?a#;", b"/", b"/?b"] {
        if more.starts_with(b"/") && bare.ends_with(b"/") {
            continue;
        }
        assert_eq!(CanonicalPath::parse([bare, more].concat()).as_ref(), Ok(path), "{more:?}");
    }
}

/// The law that all of this is for. Backends decode twice, ignore case, cut parameters and queries, fold backslashes, merge slashes
/// and resolve dots, or do some of it: whoever does must not come to a path that asks for a token by one that does not.
fn no_backend_sees_a_guarded_path_that_the_policy_leaves_open(input: &[u8], path: &CanonicalPath) {
    static POLICY: LazyLock<Policy> = LazyLock::new(|| config::of(GUARDED).policy);
    let target = RequestTarget { host: None, path: path.clone(), method: Method::GET };
    let is_open = POLICY.select(&target).is_ok_and(|rule| rule.ignores_credentials());
    if !is_open {
        return;
    }
    for lax in 0..512_u16 {
        let seen = as_a_backend_sees_it(input, lax);
        let is_guarded = seen.first().is_some_and(|first| first == "admin" || first == "caf\u{e9}")
            || matches!(seen.as_slice(), [one, _, three, ..] if one == "users" && three == "delete")
            || matches!(seen.as_slice(), [one, two, ..] if one == "data" && two == "admin")
            || matches!(seen.as_slice(), [one, two] if one == "jobs" && two.len() > 6 && two.ends_with(":purge"));
        assert!(!is_guarded, "open as {}, but {seen:?} to a backend that does {lax:09b}", path.as_str());
    }
}

const GUARDED: &str = "
issuers: [{ issuer: 'https://issuer.test/', audiences: [api] }]
routes:
  - { path: /**, access: public }
  - { path: /admin/**, scopes: [admin] }
  - { path: '/caf%C3%A9/**', scopes: [admin] }
  - { path: '/users/{id}/delete/**', scopes: [admin] }
  - { path: '/jobs/{id}:purge', scopes: [admin] }
  - { path: /data/**, access: public, encoded_slashes: allow, shadows: true }
  - { path: /data/admin/**, scopes: [admin] }
";

/// The segments of a path to a backend with these bad habits.
fn as_a_backend_sees_it(input: &[u8], lax: u16) -> Vec<String> {
    let has = |habit: u8| lax >> habit & 1 == 1;
    let mut bytes = input.split(|byte| *byte == b'?').next().unwrap_or_default().to_vec();
    let cut = |bytes: Vec<u8>| -> Vec<u8> {
        let segment = |segment: &[u8]| segment.split(|byte| *byte == b';').next().unwrap_or_default().to_vec();
        bytes.split(|byte| *byte == b'/').map(segment).collect::<Vec<_>>().join(&b'/')
    };
    if has(0) {
        bytes = cut(bytes);
    }
    bytes = decode(&bytes);
    if has(1) {
        bytes = cut(decode(&bytes));
    }
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if has(6) {
        text = text.split(['?', '#']).next().unwrap_or_default().to_owned();
    }
    if has(2) {
        text = text.to_uppercase().to_lowercase();
    }
    if has(3) {
        text = text.replace('\\', "/");
    }
    if has(7) {
        text = without_sessions(&text);
    }
    let mut segments: Vec<String> = text.split('/').skip(1).map(str::to_owned).collect();
    if has(8) {
        for segment in &mut segments {
            if let Some((name, _)) = segment.split_once(":$") {
                *segment = name.strip_suffix(':').unwrap_or(name).to_owned();
            }
        }
    }
    if has(4) {
        segments.retain(|segment| !segment.is_empty());
    }
    if has(5) {
        segments = segments.into_iter().fold(Vec::new(), |mut kept, segment| {
            match segment.as_str() {
                "." => {}
                ".." => drop(kept.pop()),
                _ => kept.push(segment),
            }
            kept
        });
    }
    segments
}

/// A path without parts like `/(S(x))`.
fn without_sessions(text: &str) -> String {
    let mut left = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("/(") {
        left.push_str(before);
        let session = after.split_once("))").filter(|(inner, _)| {
            inner.split(')').all(|value| {
                let mut letters = value.chars();
                letters.next().is_some_and(|letter| letter.is_ascii_uppercase()) && letters.next() == Some('(')
            })
        });
        rest = match session {
            Some((_, after)) => after,
            None => {
                left.push_str("/(");
                after
            }
        };
    }
    left.push_str(rest);
    if left.starts_with('/') { left } else { format!("/{left}") }
}

/// One round of percent-decoding; what is no escape stays.
fn decode(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit())) {
            Some(digits) if *byte == b'%' => {
                decoded.push(u8::from_str_radix(digits, 16).unwrap_or_default());
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                decoded.push(*byte);
                rest = after;
            }
        }
    }
    decoded
}

fn a_host_is_its_own_canonical_form(input: &[u8]) {
    let Ok(host) = Host::parse(input) else { return };
    let text = host.as_str();
    assert_eq!(Host::parse(text).as_ref(), Ok(&host));
    assert_eq!(RequestHost::parse(input).as_deref(), Ok(&host));
    assert_eq!(Host::parse(input.to_ascii_uppercase()).as_ref(), Ok(&host));
    assert!(!text.is_empty() && text.len() <= limits::HOST_BYTES && !text.ends_with('.'));
    assert!(text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.:[]".contains(c)), "{text:?}");
    // A port is dropped, so it may come back.
    assert_eq!(Host::parse(format!("{text}:8080")).as_ref(), Ok(&host));
    if !text.starts_with('[') {
        assert!(!text.contains(':'), "{text}");
        assert_eq!(Host::parse(format!("{text}.:443")).as_ref(), Ok(&host));
    }
}

/// RFC 9110 section 9.1.
fn a_method_is_a_token(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let is_token = (1..=limits::METHOD_CHARS).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c));
    assert_eq!(Method::parse(text).is_ok(), is_token);
    if let Ok(method) = Method::parse(text) {
        assert_eq!(method.as_str(), text);
        assert_eq!(method.is_connect(), text.eq_ignore_ascii_case("connect"));
        let named = ["CONNECT", "COPY", "MOVE", "BIND", "REBIND"];
        assert_eq!(method.must_be_named(), named.iter().any(|name| text.eq_ignore_ascii_case(name)));
    }
}

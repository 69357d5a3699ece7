//! What the worst of backends could take a path for: every reading that some server, framework or proxy is known for,
//! in every order and as often as it likes. Each step may also be left out, so a path has a set of readings.
//!
//! Not among them: a query that is read as part of the path, and names that a framework makes up itself, such as
//! `/admin.json` for `/admin`. No gate can know these.

use std::collections::BTreeSet;

type Step = fn(&[u8]) -> Vec<u8>;

const STEPS: [(&str, Step); 19] = [
    ("percent-decoding", percent_decoded),
    ("%u escapes of IIS", u_decoded),
    ("overlong UTF-8", overlong_decoded),
    ("best fit and NFKC", best_fit),
    ("cut at ?", |path| cut(path, b"?")),
    ("cut at #", |path| cut(path, b"#")),
    ("cut at NUL", |path| cut(path, b"\0")),
    ("cut at a line's end", |path| cut(path, b"\r\n")),
    ("controls dropped, as by WHATWG URL", without_controls),
    ("backslashes", |path| path.iter().map(|&byte| if byte == b'\\' { b'/' } else { byte }).collect()),
    ("parameters of segments dropped", without_parameters),
    ("dot segments", without_dot_segments),
    ("slashes merged", merged),
    ("dots and spaces at the end of names, as on Windows", trimmed),
    ("streams of NTFS", without_streams),
    ("sessions of ASP.NET in the path", |path| without_sessions(path, b")")),
    ("the same, none with a slash in it", |path| without_sessions(path, b")/")),
    ("case", folded),
    ("absolute form", without_origin),
];

/// Readings beyond this many would be a bug of this file: most steps do nothing the second time.
const MOST: usize = 20_000;

/// Everything that the path of a request line could be taken for, itself included.
pub(crate) fn readings(target: &[u8]) -> BTreeSet<Vec<u8>> {
    // Of a plain query nobody thinks that it is path.
    let start = cut(target, b"?");
    let mut found = BTreeSet::from([start.clone()]);
    let mut fresh = vec![start];
    while let Some(path) = fresh.pop() {
        for (_, step) in STEPS {
            let next = step(&path);
            if found.insert(next.clone()) {
                fresh.push(next);
            }
        }
        assert!(found.len() < MOST, "too many readings of {}", target.escape_ascii());
    }
    found
}

fn cut(path: &[u8], at: &[u8]) -> Vec<u8> {
    path.iter().copied().take_while(|byte| !at.contains(byte)).collect()
}

fn hex(digits: &[u8]) -> Option<u32> {
    let all_hex = digits.iter().all(u8::is_ascii_hexdigit);
    all_hex.then(|| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok())?
}

fn percent_decoded(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&first, after)) = rest.split_first() {
        let byte = after.get(..2).filter(|_| first == b'%').and_then(hex);
        decoded.push(byte.map_or(first, |byte| u8::try_from(byte).unwrap()));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    decoded
}

fn u_decoded(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some(&first) = rest.first() {
        let escaped = rest.strip_prefix(b"%u").or_else(|| rest.strip_prefix(b"%U"));
        let digits = escaped.and_then(|rest| rest.get(..4)).and_then(hex);
        match digits.and_then(char::from_u32) {
            Some(character) => {
                decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &rest[6..];
            }
            None => {
                decoded.push(first);
                rest = &rest[1..];
            }
        }
    }
    decoded
}

/// ASCII in two, three or four bytes, as decoders before RFC 3629 took it.
fn overlong_decoded(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some(&first) = rest.first() {
        let low = |byte: u8| byte & 0x3F;
        let (byte, length) = match rest {
            [0xC0 | 0xC1, last, ..] => (((first & 1) << 6) | low(*last), 2),
            [0xE0, 0x80 | 0x81, last, ..] => (((rest[1] & 1) << 6) | low(*last), 3),
            [0xF0, 0x80, 0x80 | 0x81, last, ..] => (((rest[2] & 1) << 6) | low(*last), 4),
            _ => (first, 1),
        };
        decoded.push(byte);
        rest = &rest[length..];
    }
    decoded
}

/// Full-width and small forms to ASCII, and the dots and slashes that look alike.
fn best_fit(path: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(path) else { return path.to_vec() };
    let fit = |character: char| match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xFEE0).unwrap().to_string(),
        '\u{2024}' | '\u{fe52}' => ".".into(),
        '\u{2025}' => "..".into(),
        '\u{2044}' | '\u{2215}' => "/".into(),
        '\u{fe68}' | '\u{2216}' => "\\".into(),
        '\u{fe54}' | '\u{37e}' => ";".into(),
        '\u{fe56}' => "?".into(),
        '\u{fe5f}' => "#".into(),
        '\u{fe6a}' => "%".into(),
        other => other.to_string(),
    };
    text.chars().map(fit).collect::<String>().into_bytes()
}

fn without_controls(path: &[u8]) -> Vec<u8> {
    path.iter().copied().filter(|byte| !byte.is_ascii_control()).collect()
}

fn by_segment(path: &[u8], change: impl Fn(&[u8]) -> &[u8]) -> Vec<u8> {
    path.split(|&byte| byte == b'/').map(change).collect::<Vec<_>>().join(&b'/')
}

fn without_parameters(path: &[u8]) -> Vec<u8> {
    by_segment(path, |segment| segment.split(|&byte| byte == b';').next().unwrap())
}

fn trimmed(path: &[u8]) -> Vec<u8> {
    by_segment(path, |segment| match segment.iter().rposition(|byte| !b" .".contains(byte)) {
        Some(last) => &segment[..=last],
        // Of dots alone, the steps for dot segments make something.
        None => segment,
    })
}

/// NTFS takes `::$DATA` and `:$i30:$INDEX_ALLOCATION` for the file or directory itself.
fn without_streams(path: &[u8]) -> Vec<u8> {
    by_segment(path, |segment| match segment.windows(2).position(|two| two == b":$") {
        Some(at) => segment[..at].strip_suffix(b":").unwrap_or(&segment[..at]),
        None => segment,
    })
}

/// Parts like `/(S(x))` are taken out, together with their slash: CVE-2023-36899.
fn without_sessions(path: &[u8], ends: &[u8]) -> Vec<u8> {
    let mut left = Vec::new();
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        if let Some(length) = rest.strip_prefix(b"/(").and_then(|text| session(text, ends)) {
            rest = &rest[2 + length..];
        } else {
            left.push(byte);
            rest = after;
        }
    }
    if left.starts_with(b"/") || left.len() == path.len() { left } else { [b"/".as_slice(), &left].concat() }
}

/// The length of `S(x))`, or of more than one such value. One that ends at one of `ends`, but not at `)`, is none.
fn session(text: &[u8], ends: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let [letter, b'(', value @ ..] = text.get(at..)? else { return None };
        let end = value.iter().position(|byte| ends.contains(byte)).filter(|_| letter.is_ascii_uppercase())?;
        if value[end] != b')' {
            return None;
        }
        at += end + 3;
        if text.get(at) == Some(&b')') {
            return Some(at + 1);
        }
    }
}

fn without_dot_segments(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let segments: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
    for (index, &segment) in segments.iter().enumerate() {
        let is_last = index + 1 == segments.len();
        match segment {
            b"." => {}
            b".." => {
                if kept.len() > 1 {
                    kept.pop();
                }
            }
            _ => kept.push(segment),
        }
        if is_last && (segment == b"." || segment == b"..") {
            kept.push(b"");
        }
    }
    kept.join(&b'/')
}

fn merged(path: &[u8]) -> Vec<u8> {
    let mut merged = path.to_vec();
    merged.dedup_by(|next, last| *next == b'/' && *last == b'/');
    merged
}

fn folded(path: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(path) {
        Ok(text) => {
            let upper = text.chars().flat_map(char::to_lowercase).flat_map(char::to_uppercase);
            upper.flat_map(char::to_lowercase).collect::<String>().into_bytes()
        }
        Err(_) => path.to_ascii_lowercase(),
    }
}

/// The path of `http://host/path` and of `//host/path`.
fn without_origin(path: &[u8]) -> Vec<u8> {
    let Some(at) = path.windows(2).position(|two| two == b"//") else { return path.to_vec() };
    let is_scheme = at == 0 || path[..at].ends_with(b":") && !path[..at].contains(&b'/');
    if !is_scheme {
        return path.to_vec();
    }
    let after = &path[at + 2..];
    after.iter().position(|&byte| byte == b'/').map_or_else(|| b"/".to_vec(), |slash| after[slash..].to_vec())
}

#[test]
fn each_laxity_is_found_alone_and_with_the_others() {
    for lax in [
        "/admin",
        "/%61dmin",
        "/%2561dmin",
        "/%u0061dmin",
        "/%25u0061dmin",
        "/a/../admin",
        "/a/%2e%2E/admin",
        "/a/..;/admin",
        "/a%2f..%5cadmin",
        "//admin",
        "/ADM%C4%B1N",
        "/admin;x",
        "/admin%3Bx",
        "/admin%00.png",
        "/admin%20",
        "/admin.",
        "/a/%c0%ae%c0%ae/admin",
        "/a%e0%80%af..%f0%80%80%afadmin",
        "/a\\..\\admin",
        "/admin%3Fx",
        "/admin%23",
        "/%EF%BC%8Fadmin",
        "/a/%E2%80%A5/admin",
        "/%EF%BC%85%36%31dmin",
        "http://x/admin",
        "//x/admin",
        "/ad%0Amin",
        "/admin%0D%0A",
        "/a/.%00./admin",
        "/a/%252e%252e%252fadmin",
        "/./admin?x",
        "/admin::$DATA",
        "/admin:$i30:$INDEX_ALLOCATION",
        "/admin%3A%3A%24DATA",
        "/(S(x))/admin",
        "/a/../(A(x)F(y))/ad/(S(x))min",
        "/%28S(x)%29/admin",
        "/(S(/(S(x))y))/admin",
        "/x;p%EF%BC%8F../admin",
    ] {
        assert!(readings(lax.as_bytes()).contains(b"/admin".as_slice()), "{lax}: {:?}", readings(lax.as_bytes()));
    }
    for other in [
        "/admins",
        "/a/admin",
        "/xadmin",
        "/?/admin",
        "/a?/../admin",
        "/admi",
        "/admin.json",
        "/a/..x/admin",
        "/admin:x",
        "/(x)/admin",
    ] {
        assert!(!readings(other.as_bytes()).contains(b"/admin".as_slice()), "{other}");
    }
}

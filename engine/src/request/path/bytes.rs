//! Every byte a path can have, raw and escaped, wherever it can stand in a segment (CVE-2025-46821: a byte that the
//! template did not match, and the rule was skipped).

use crate::{policy::PathPattern, reason::RequestFault, request::path::CanonicalPath};

/// What becomes of one unit of a path: its canonical text, or why it is refused.
type Fate = Result<String, RequestFault>;

fn raw(byte: u8) -> Fate {
    match byte {
        0..=0x20 | 0x7F => Err(RequestFault::ControlCharacter),
        0x80.. => Err(RequestFault::NonAscii),
        b'#' => Err(RequestFault::Fragment),
        b'%' => Err(RequestFault::BrokenEscape),
        b';' => Err(RequestFault::PathParameter),
        b'\\' => Err(RequestFault::EncodedSlash),
        b'!'..=b'~' => Ok(char::from(byte).to_string()),
    }
}

fn escaped(byte: u8) -> Fate {
    match byte {
        0..=0x1F | 0x7F => Err(RequestFault::ControlCharacter),
        0x80.. => Err(RequestFault::AmbiguousEscape),
        b'\\' => Err(RequestFault::EncodedSlash),
        b';' => Err(RequestFault::PathParameter),
        b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => Ok(char::from(byte).to_string()),
        _ => Ok(format!("%{byte:02X}")),
    }
}

/// Every byte in every spelling, with what is to become of it. A slash and a question mark end the segment: not here.
fn units() -> impl Iterator<Item = (Vec<u8>, Fate)> {
    (0..=u8::MAX).flat_map(|byte| {
        let plain = (!b"/?".contains(&byte)).then(|| (vec![byte], raw(byte)));
        let escapes = [format!("%{byte:02X}"), format!("%{byte:02x}")];
        plain.into_iter().chain(escapes.map(|escape| (escape.into_bytes(), escaped(byte))))
    })
}

/// Before and after the unit: at the start, in the middle and at the end of a segment, alone in it, in the first, an
/// inner and the last segment.
const PLACES: [(&str, &str); 12] = [
    ("/a/", "xx"),
    ("/a/x", "x"),
    ("/a/xx", ""),
    ("/a/", ""),
    ("/", "xx/b"),
    ("/x", "x/b"),
    ("/xx", "/b"),
    ("/", "/b"),
    ("/a/", "xx/b"),
    ("/a/x", "x/b"),
    ("/a/xx", "/b"),
    ("/a/xx", "/"),
];

#[test]
fn every_byte_is_allowed_or_refused_alike_wherever_it_stands() {
    for (unit, fate) in units() {
        for (before, after) in PLACES {
            let sent = [before.as_bytes(), &unit, after.as_bytes()].concat();
            let expected = match &fate {
                // A segment of one dot.
                Ok(text) if text == "." && before.ends_with('/') && !after.starts_with('x') => {
                    Err(RequestFault::DotSegment)
                }
                // Nothing on one side of an encoded slash.
                Ok(text) if text == "%2F" && (before.ends_with('/') || !after.starts_with('x')) => {
                    Err(RequestFault::EncodedSlash)
                }
                Ok(text) => Ok(format!("{before}{text}{}", after.strip_suffix('/').unwrap_or(after))),
                Err(fault) => Err(*fault),
            };
            let got = CanonicalPath::parse(&sent);
            let shown = got.as_ref().map(|path| path.as_str().to_owned()).map_err(|fault| *fault);
            assert_eq!(shown, expected, "{}", sent.escape_ascii());
            if let Ok(path) = got {
                assert_eq!(CanonicalPath::parse(path.as_str()), Ok(path), "once more: {}", sent.escape_ascii());
            }
        }
    }
}

#[test]
fn every_byte_that_is_allowed_matches_parameters_and_tails() {
    let patterns = |texts: &[&str]| texts.iter().map(|text| PathPattern::parse(text).unwrap()).collect::<Vec<_>>();
    let matching = patterns(&["/a/{x}/b", "/a/{x}/{y}", "/{w}/{x}/{y}", "/a/{x}/**", "/a/{x}/b/**", "/a/**", "/**"]);
    let others = patterns(&["/a/{x}", "/a/{x}/b/{y}", "/{x}/b", "/a/x/b", "/b/**", "/a/{x}/b/c/**"]);
    let mut allowed = 0;
    for (unit, fate) in units() {
        for (before, after) in [("/a/", "zz/b"), ("/a/z", "z/b"), ("/a/zz", "/b"), ("/a/", "/b")] {
            let Ok(path) = CanonicalPath::parse([before.as_bytes(), &unit, after.as_bytes()].concat()) else {
                assert!(
                    fate.is_err() || unit == b"." || [&b"%2e"[..], b"%2f"].contains(&&*unit.to_ascii_lowercase()),
                    "{}",
                    unit.escape_ascii()
                );
                continue;
            };
            // The one that is a literal of a pattern below.
            if path.as_str() == "/a/x/b" {
                continue;
            }
            allowed += 1;
            for pattern in &matching {
                assert!(pattern.matches(&path), "{pattern} {}", path.as_str());
            }
            for pattern in &others {
                assert!(!pattern.matches(&path), "{pattern} {}", path.as_str());
            }
        }
    }
    // 88 raw ones and two spellings of 92 escapes, in four places each, but for three spellings of a dot alone and of x; and
    // two spellings of a slash, in one place.
    assert_eq!(allowed, (88 + 2 * 92) * 4 - 6 + 2);
}

#[test]
fn the_index_finds_what_the_pattern_matches_for_every_byte() {
    use crate::policy::tests::{policy, selected};
    let policy = policy(&["/a/{x}/b", "/t/**", "/a/other"]);
    for (unit, _) in units() {
        let Ok(text) = String::from_utf8([b"z".as_slice(), &unit, b"z"].concat()) else { continue };
        let is_path = CanonicalPath::parse(format!("/{text}")).is_ok();
        for (path, rule) in [(format!("/a/{text}/b"), "/a/{x}/b"), (format!("/t/{text}/x"), "/t/**")] {
            if is_path {
                let got = selected(&policy, "GET", "h", &path);
                // Readings of `z?z` and `z#z` end before the rest, and nothing is there.
                let is_cut = path.contains("%3F") || path.contains("%3f") || path.contains("%23");
                let expected = if path.to_ascii_uppercase().contains("%2F") {
                    "request_encoded_slash"
                } else if is_cut && rule == "/a/{x}/b" {
                    "request_lax_reading"
                } else {
                    rule
                };
                assert_eq!(got, expected, "{path}");
            } else {
                assert!(CanonicalPath::parse(&path).is_err(), "{path}");
            }
        }
    }
}

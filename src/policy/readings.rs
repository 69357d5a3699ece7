//! What else a lax backend could read in a path, so that such a reading needs no less than the path itself.
//!
//! These can't be refused outright: `/wiki/C%23` and `/v1.` are somebody's pages. Nor can they be folded, since a reading
//! may have fewer segments, or more. So [`super::Policy::select`] asks what the rule for the reading would be.

use super::{fold::decode, path::CanonicalPath};

type Step = fn(&str) -> String;

/// In this order, each made or left out: what one yields, the next one may change.
const STEPS: [Step; 4] = [fitted, cut, spaces_trimmed, dots_trimmed];

/// The readings of a path, itself not among them. `None`: it has one that is no path at all, for instance one with a
/// segment of two dots.
pub(super) fn readings(path: &CanonicalPath) -> Option<Vec<CanonicalPath>> {
    if path.is_usual() {
        return Some(Vec::new());
    }
    let mut found = vec![path.as_str().to_owned()];
    for step in STEPS {
        for known in 0..found.len() {
            let next = found.get(known).map(|text| step(text)).unwrap_or_default();
            if !found.contains(&next) {
                found.push(next);
            }
        }
    }
    found.iter().skip(1).map(|reading| CanonicalPath::parse(reading).ok()).collect()
}

/// Compatibility forms of ASCII as ASCII: NFKC, and the "best fit" of Windows, which makes `..` of two one-dot leaders.
fn fitted(text: &str) -> String {
    let mut fitted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('%') {
        fitted.push_str(plain);
        let (character, after) = decode(escaped);
        match character.and_then(fit) {
            // The parameter of a segment is dropped together with it.
            Some(";") => rest = after.find('/').and_then(|slash| after.get(slash..)).unwrap_or_default(),
            Some(ascii) => {
                fitted.push_str(ascii);
                rest = after;
            }
            None => {
                fitted.push('%');
                fitted.push_str(escaped.strip_suffix(after).unwrap_or_default());
                rest = after;
            }
        }
    }
    fitted.push_str(rest);
    fitted
}

/// What stands in a path for that character, if it is a compatibility form.
fn fit(character: char) -> Option<&'static str> {
    const ASCII: &str =
        "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
    let full_width = u32::from(character).checked_sub(0xFF01).and_then(|index| usize::try_from(index).ok());
    let full_width = full_width.and_then(|index| ASCII.get(index..=index));
    let fit = match character {
        '\u{2024}' | '\u{FE52}' => ".",
        '\u{2025}' => "..",
        '\u{2026}' => "...",
        '\u{2044}' | '\u{2215}' | '\u{2216}' | '\u{FE68}' => "/",
        '\u{FE54}' | '\u{37E}' => ";",
        '\u{FE56}' => "?",
        '\u{FE5F}' => "#",
        '\u{FE6A}' => "%",
        '\u{A0}' | '\u{3000}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' => " ",
        _ => full_width?,
    };
    Some(match fit {
        "\\" => "/",
        "?" => "%3F",
        "#" => "%23",
        "%" => "%25",
        " " => "%20",
        other => other,
    })
}

/// Up to an escaped question or number sign: what decodes first and looks for the query then, takes the rest for one
/// (CVE-2024-38474 and CVE-2024-38475 in Apache).
fn cut(text: &str) -> String {
    let end = [text.find("%3F"), text.find("%23")].into_iter().flatten().min();
    let path = end.and_then(|end| text.get(..end)).unwrap_or(text);
    // A trailing slash is not significant, and of the root nothing else is left.
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() { "/".to_owned() } else { path.to_owned() }
}

/// Windows drops spaces at the end of a name, and so do many that read configuration or databases.
fn spaces_trimmed(text: &str) -> String {
    trimmed(text, &["%20"])
}

/// Windows drops dots there as well, and both where they are mixed.
fn dots_trimmed(text: &str) -> String {
    trimmed(text, &[".", "%20"])
}

fn trimmed(text: &str, ends: &[&str]) -> String {
    let mut whole = String::with_capacity(text.len());
    for segment in text.split('/').skip(1) {
        let mut name = segment;
        while let Some(shorter) = ends.iter().find_map(|end| name.strip_suffix(end)) {
            name = shorter;
        }
        // Whoever trims names, trims both ends.
        while let Some(shorter) = name.strip_prefix("%20") {
            name = shorter;
        }
        // An empty name is merged with the slash beside it.
        if !name.is_empty() {
            whole.push('/');
            whole.push_str(name);
        }
    }
    if whole.is_empty() { "/".to_owned() } else { whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Option<Vec<String>> {
        let path = CanonicalPath::parse(raw).unwrap();
        Some(readings(&path)?.iter().map(|reading| reading.as_str().to_owned()).collect())
    }

    #[test]
    fn a_usual_path_has_one_reading() {
        for raw in ["/", "/a/b", "/a.b/.c", "/caf%C3%A9/100%25", "/%E2%82%AC", "/a%20b/c"] {
            assert_eq!(read(raw), Some(vec![]), "{raw}");
        }
    }

    #[test]
    fn lax_readings_are_found() {
        for (raw, reading) in [
            ("/admin%3Fx", "/admin"),
            ("/admin%23/x", "/admin"),
            ("/admin/%3f", "/admin"),
            ("/%3f", "/"),
            ("/a%23b%3fc", "/a"),
            ("/admin.", "/admin"),
            ("/%20admin", "/admin"),
            ("/x/%20%20admin%20/y", "/x/admin/y"),
            ("/admin../x", "/admin/x"),
            ("/admin%20/x%20%20", "/admin/x"),
            ("/admin.%20", "/admin"),
            ("/admin.%20", "/admin."),
            ("/a/.../b", "/a/b"),
            ("/%20/b", "/b"),
            ("/admin%20%3Fx", "/admin"),
            ("/%EF%BD%81dmin", "/admin"),
            ("/a%EF%BC%8Fb", "/a/b"),
            ("/a%EF%BC%BCb", "/a/b"),
            ("/a%E2%88%95b", "/a/b"),
            ("/a%EF%BC%9Bx/b", "/a/b"),
            ("/a%CD%BEx", "/a"),
            ("/a%EF%BC%9Fx", "/a"),
            ("/a%EF%BC%83x", "/a"),
            ("/a%EF%BC%8E", "/a"),
            ("/a%C2%A0", "/a"),
        ] {
            let found = read(raw).unwrap();
            assert!(found.contains(&reading.to_owned()), "{raw}: {found:?}");
        }
    }

    #[test]
    fn a_reading_that_is_no_path_is_told() {
        for raw in ["/a/%E2%80%A4%E2%80%A4/b", "/a/%E2%80%A5/b", "/%E2%80%A4/b", "/%EF%BC%8E./b", "/%EF%BC%8561dmin"] {
            assert_eq!(read(raw), None, "{raw}");
        }
    }
}

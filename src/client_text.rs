//! Texts that clients wrote, as log lines may show them.
//!
//! SECURITY: what a client wrote must neither forge a line, nor break its format, nor act on a terminal, nor bring a secret
//! into the log. So it is shown in visible ASCII without quotes and backslashes, cut, and without what looks like a token.
//! The type has no other way to its text.

use std::fmt;

use crate::limits;

/// The beginning of nearly every JWT, and of each of its parts: `{"` in base64url.
const TOKEN: &str = "eyJ";

/// The beginnings of all others, with white space behind the brace.
const ODD_TOKENS: [&str; 2] = ["ey", "ew"];

/// The shortest first part of such an odd one that is masked: names of files may begin like it, and have dots, too.
const ODD_TOKEN_CHARS: usize = 12;

/// The text that is shown in place of a JWT.
const MASKED_TOKEN: &str = "eyJ…";

/// The sign that a text was cut off. No client can write it: what is not ASCII is escaped.
const CUT: char = '…';

/// A text that a client wrote. It is shown escaped, and cut to [`limits::LOGGED_TEXT_CHARS`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClientText<'a>(&'a str);

impl<'a> ClientText<'a> {
    /// A text that is shown from its beginning, unless it is empty.
    #[must_use]
    pub fn new(text: &'a str) -> Option<Self> {
        (!text.is_empty()).then_some(Self(text))
    }

    /// A path as it was sent. Nothing is shown of its query, of a fragment, or of what follows a `;`, where frameworks put
    /// the ids of sessions, nor of a user and password in front of a host.
    #[must_use]
    pub fn path(sent: &'a str) -> Option<Self> {
        let path = before_query(sent);
        let has_host = !path.starts_with('/') || path.starts_with("//");
        Self::new(if has_host { behind_user(path) } else { path })
    }

    /// A host as it was sent, without a user and password in front of it, and without what belongs to a path or a query.
    #[must_use]
    pub fn host(sent: &'a str) -> Option<Self> {
        Self::new(behind_user(sent).split(['/', '?', '#', ';']).next().unwrap_or_default())
    }
}

/// The part of a path before a query, a fragment or a parameter, each also where its sign is percent-encoded, however often.
fn before_query(sent: &str) -> &str {
    let is_sign = |behind: &str| {
        let encoded = behind.strip_prefix('%').map(|mut digits| {
            while let Some(inner) = digits.strip_prefix("25") {
                digits = inner;
            }
            digits.get(..2).unwrap_or_default().to_ascii_lowercase()
        });
        encoded.map_or_else(|| behind.starts_with(['?', '#', ';']), |hex| matches!(&*hex, "3f" | "23" | "3b"))
    };
    let end = sent.char_indices().find(|(at, _)| is_sign(sent.get(*at..).unwrap_or_default()));
    end.and_then(|(at, _)| sent.get(..at)).unwrap_or(sent)
}

fn behind_user(text: &str) -> &str {
    text.rsplit('@').next().unwrap_or_default()
}

impl fmt::Display for ClientText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut shown, mut count, mut fitting) = (String::new(), 0_usize, 0);
        let mut units = units(self.0);
        while let Some(unit) = units.next().filter(|_| count <= limits::LOGGED_TEXT_CHARS) {
            // One place is left for the sign that something was cut off.
            if count < limits::LOGGED_TEXT_CHARS {
                fitting = shown.len();
            }
            count = count.saturating_add(unit.push_to(&mut shown));
        }
        if count > limits::LOGGED_TEXT_CHARS {
            shown.truncate(fitting);
            shown.push(CUT);
        }
        f.write_str(&shown)
    }
}

impl fmt::Debug for ClientText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A part of a text that is shown as a whole, or not at all.
#[derive(Clone, Copy)]
enum Unit {
    Token,
    Char(char),
}

impl Unit {
    /// Appends what is shown of it. Returns the number of characters.
    fn push_to(self, shown: &mut String) -> usize {
        use fmt::Write as _;
        match self {
            Self::Token => {
                shown.push_str(MASKED_TOKEN);
                MASKED_TOKEN.chars().count()
            }
            Self::Char(c) if is_plain(c) => {
                shown.push(c);
                1
            }
            Self::Char(c) => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    // Writing to a string does not fail.
                    let _ = write!(shown, "%{byte:02X}");
                }
                c.len_utf8().saturating_mul(3)
            }
        }
    }
}

fn units(text: &str) -> impl Iterator<Item = Unit> {
    pieces(text).flat_map(|piece| {
        let (token, text) = match piece {
            Piece::Token => (Some(Unit::Token), ""),
            Piece::Text(text) => (None, text),
        };
        token.into_iter().chain(text.chars().map(Unit::Char))
    })
}

/// Visible ASCII that needs no escape in a quoted text, whatever the quotes are.
fn is_plain(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '`' | '\\')
}

/// A piece of a text.
#[derive(Clone, Copy)]
enum Piece<'a> {
    /// A text that looks like a JWT, or like a part of one.
    Token,
    Text(&'a str),
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, behind) = match first_token(rest) {
            Some(0) => (Piece::Token, rest.trim_start_matches(may_be_of_token)),
            at => {
                let (before, behind) = rest.split_at_checked(at.unwrap_or(rest.len()))?;
                (Piece::Text(before), behind)
            }
        };
        rest = behind;
        Some(piece)
    })
}

/// Says whether a character may be one of a token. Percent signs as well: its dots and its padding may be escaped.
fn may_be_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '%' | '=')
}

/// The place of the first text that looks like a token. A token with an odd beginning has three parts, and begins where a text
/// begins, or behind a character that none has.
fn first_token(text: &str) -> Option<usize> {
    let plain = text.find(TOKEN);
    let mut may_begin = true;
    let odd = text.char_indices().find(|(at, c)| {
        let begins = std::mem::replace(&mut may_begin, !may_be_of_token(*c));
        begins && text.get(*at..).is_some_and(is_odd_token)
    });
    plain.into_iter().chain(odd.map(|(at, _)| at)).min()
}

fn is_odd_token(text: &str) -> bool {
    let end = text.find(|c| !may_be_of_token(c)).unwrap_or(text.len());
    let parts = text.get(..end).unwrap_or_default().replace("%2E", ".").replace("%2e", ".");
    let first = parts.split('.').next().unwrap_or_default();
    ODD_TOKENS.iter().any(|start| first.starts_with(start))
        && first.len() >= ODD_TOKEN_CHARS
        && parts.split('.').count() > 2
}

/// A text without what looks like a JWT, or a part of one: a token may stand where none belongs, in a path, say.
#[must_use]
pub fn without_tokens(text: &str) -> String {
    let shown = pieces(text).map(|piece| match piece {
        Piece::Token => MASKED_TOKEN,
        Piece::Text(text) => text,
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        ClientText::new(text).unwrap().to_string()
    }

    #[test]
    fn what_could_forge_or_break_a_line_is_escaped() {
        for (text, wanted) in [
            ("/a/b%20c", "/a/b%20c"),
            ("/a\"b'c`d\\e", "/a%22b%27c%60d%5Ce"),
            ("/a\nb\r\u{1b}[31m\u{0}\u{7f}", "/a%0Ab%0D%1B[31m%00%7F"),
            ("/ä\u{202e}\u{2028}", "/%C3%A4%E2%80%AE%E2%80%A8"),
            ("/a b", "/a%20b"),
        ] {
            assert_eq!(shown(text), wanted);
            assert_eq!(format!("{:?}", ClientText::new(text).unwrap()), format!("\"{wanted}\""));
        }
        assert_eq!(ClientText::new(""), None);
    }

    #[test]
    fn nothing_is_shown_of_queries_fragments_parameters_and_passwords() {
        let path = |text| ClientText::path(text).map(|path| path.to_string());
        for (text, wanted) in [
            ("/a?access_token=sesame", "/a"),
            ("/a#access_token=sesame", "/a"),
            ("/a;jsessionid=sesame/b", "/a"),
            ("/a%3Faccess_token=sesame", "/a"),
            ("/a%3bjsessionid=sesame", "/a"),
            ("/a%23access_token=sesame", "/a"),
            ("/a%253faccess_token=sesame", "/a"),
            ("/a%25253Bjsessionid=sesame", "/a"),
            ("/a%25/%3/%3a/b%", "/a%25/%3/%3a/b%"),
            ("/%25\u{e4}3f", "/%25%C3%A43f"),
            ("/@user/a@b", "/@user/a@b"),
            ("//user:sesame@host/a", "host/a"),
            ("https://user:sesame@host/a", "host/a"),
        ] {
            assert_eq!(path(text).as_deref(), Some(wanted));
        }
        assert_eq!((path(""), path("?sesame")), (None, None));
        let host = |text| ClientText::host(text).map(|host| host.to_string());
        assert_eq!(host("user:sesame@api.example.com:443").as_deref(), Some("api.example.com:443"));
        assert_eq!((host("[::1]:80").as_deref(), host("user@")), (Some("[::1]:80"), None));
        for odd in ["h/x?access_token=sesame", "h?sesame", "h#sesame", "user/sesame@h", "h;sesame"] {
            assert_eq!(host(odd).as_deref(), Some("h"), "{odd}");
        }
    }

    #[test]
    fn what_looks_like_a_token_is_masked() {
        for (text, wanted) in [
            ("/a/eyJhbGciOiJub25lIn0.e30.x-_/b", "/a/eyJ…/b"),
            ("eyJhbGci eyJhbGci", "eyJ… eyJ…"),
            ("/eyJhbGci%2EeyJpc3Mi%2Ec2ln", "/eyJ…"),
            ("/a/eyAiYWxnIjoibm9uZSJ9.e30.x", "/a/eyJ…"),
            ("/ewoiYWxnIjoibm9uZSJ9==.x.SESAME/b", "/eyJ…/b"),
            ("ewkiYWxnIjoibm9uZSJ9%2Ee30%2esesame", "eyJ…"),
            ("/päth/eyAiYWxnIjoibm9uZSJ9.e30.x", "/päth/eyJ…"),
            (
                "/keys.min.json/eyewear.min.js/eyewear-collection.html",
                "/keys.min.json/eyewear.min.js/eyewear-collection.html",
            ),
            ("/turkey-in-winter.min.js", "/turkey-in-winter.min.js"),
            ("/plain/päth", "/plain/päth"),
            ("", ""),
        ] {
            assert_eq!(without_tokens(text), wanted);
        }
        assert_eq!(shown("/a/eyJhbGciOiJub25lIn0.e30.x-_/b"), "/a/eyJ…/b");
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_never_longer_than_the_limit() {
        let most = limits::LOGGED_TEXT_CHARS;
        assert_eq!(shown(&"x".repeat(most)), "x".repeat(most), "it fits");
        assert_eq!(shown(&"x".repeat(most + 1)), format!("{}…", "x".repeat(most - 1)));
        for length in most - 10..most + 10 {
            for end in ["é", "\n\n", "\"", "eyJx/eyJx/", "x"] {
                let text = format!("{}{}", "x".repeat(length), end.repeat(3));
                let cut = shown(&text);
                assert!(cut.chars().count() <= most, "{cut}");
                let (whole, is_cut) = cut.strip_suffix('…').map_or((cut.as_str(), false), |whole| (whole, true));
                assert!(whole.rfind('%').is_none_or(|at| at + 3 <= whole.len()), "no half of an escape: {cut}");
                assert!(!whole.ends_with("ey") && !whole.ends_with("eyJ"), "no half of a mask: {cut}");
                assert!(is_cut || length + 3 <= most, "{length} {end}");
            }
        }
        assert!(shown(&"\u{1f600}".repeat(100_000)).chars().count() <= most);
    }
}

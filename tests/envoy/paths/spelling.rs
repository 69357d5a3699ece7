//! One spelling of `spellings.yaml`, and the bytes that it is.

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spelling {
    /// Method and target of the request line; the version, if it is not HTTP/1.1. See [`bytes`] for its escapes.
    pub(crate) send: String,
    /// Which parser, advisory or habit it is about.
    pub(crate) about: String,
    /// Header lines. Without a `host` among them it is `api.example.com`; `no host` leaves it out.
    #[serde(default)]
    pub(crate) headers: Vec<String>,
    /// Whether it is no path at all: an odd request that has to be survived.
    #[serde(default)]
    pub(crate) odd: bool,
}

pub(crate) fn spellings() -> Vec<Spelling> {
    serde_saphyr::from_str(include_str!("spellings.yaml")).unwrap()
}

impl Spelling {
    /// Method, target and version.
    pub(crate) fn request_line(&self) -> (Vec<u8>, Vec<u8>, &str) {
        let (rest, version) = match self.send.rsplit_once(' ') {
            Some((rest, version)) if version.starts_with("HTTP/") => (rest, version),
            _ => (&*self.send, "HTTP/1.1"),
        };
        let (method, target) = rest.split_once(' ').unwrap_or((rest, ""));
        (bytes(method), bytes(target), version)
    }

    /// Its header lines as they are sent.
    pub(crate) fn header_lines(&self) -> Vec<(String, Vec<u8>)> {
        let lines = self.headers.iter().filter(|line| *line != "no host");
        let mut lines: Vec<_> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_owned(), bytes(value.trim_matches(' '))))
            .collect();
        let names_host = |line: &String| line == "no host" || line.to_ascii_lowercase().starts_with("host:");
        if !self.headers.iter().any(names_host) {
            lines.insert(0, ("host".into(), b"api.example.com".to_vec()));
        }
        lines
    }

    /// The whole request.
    pub(crate) fn request(&self, case: &str, token: Option<&str>) -> Vec<u8> {
        let (method, target, version) = self.request_line();
        let mut request = [&method[..], b" ", &target, b" ", version.as_bytes(), b"\r\n"].concat();
        for (name, value) in self.header_lines() {
            request.extend([name.as_bytes(), b": ", &value, b"\r\n"].concat());
        }
        if let Some(token) = token {
            request.extend(format!("authorization: Bearer {token}\r\n").bytes());
        }
        request.extend(format!("x-case: {case}\r\nconnection: close\r\n\r\n").bytes());
        request
    }
}

/// `\xNN`, `\r`, `\n`, `\t`, `\0` and `\\` are one byte; `{TEXT*N}` is the text so many times.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let repeated = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let repeated = repeated.and_then(|(inner, after)| {
            let (text, count) = inner.rsplit_once('*')?;
            Some((text.repeat(count.parse().ok()?), after))
        });
        if let Some((repeated, after)) = repeated {
            bytes.extend(repeated.bytes());
            rest = after;
            continue;
        }
        let (byte, length) = match rest.as_bytes() {
            [b'\\', b'x', high, low, ..] => {
                let digits = [*high, *low];
                (u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap(), 4)
            }
            [b'\\', escape, ..] => {
                let at = b"rnt0\\".iter().position(|known| known == escape).unwrap();
                (b"\r\n\t\0\\"[at], 2)
            }
            _ => {
                bytes.extend_from_slice(first.to_string().as_bytes());
                rest = &rest[first.len_utf8()..];
                continue;
            }
        };
        bytes.push(byte);
        rest = &rest[length..];
    }
    bytes
}

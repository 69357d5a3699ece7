//! URLs that keys are fetched from, and the metadata documents that a URL leads to.

use std::borrow::Cow;

use url::Url;

use super::bag::Bag;
use crate::{
    config::{error::Problem, lint_catalogue::Lint},
    document::{suggest::quoted, tree::Place},
    keystore::url_guard::{ForbiddenUrl, check_configured, is_loopback},
    limits,
};

/// A URL to fetch keys from: https, or http on loopback or where it is allowed.
pub(super) fn key_url(bag: &mut Bag, place: &Place, text: &str, allow_http: bool) -> Option<Url> {
    match judge(text, allow_http) {
        Ok(url) => {
            if url.scheme() == "http" && !is_loopback(&url) {
                let message = format!("keys come over plain http from {}", quoted(url.host_str().unwrap_or_default()));
                let help = "whoever is on that network can replace them, and so forge tokens; use https";
                bag.push(Problem::warning(place, message).lint(Lint::PlainHttp).help(help));
            }
            Some(url)
        }
        Err((what, help)) => {
            bag.push(Problem::error(place, format!("{} {what}", quoted(&without_userinfo(text)))).help(help));
            None
        }
    }
}

fn judge(text: &str, allow_http: bool) -> Result<Url, (Cow<'static, str>, &'static str)> {
    let url = Url::parse(text).map_err(|_| ("is not a URL".into(), "write a whole one: `https://host/path`"))?;
    // The parser repairs what others read differently: blanks, `\` for `/`.
    if text.contains(|c: char| c.is_ascii_whitespace() || c.is_control() || c == '\\') {
        return Err(("has a character that no URL has".into(), "remove it"));
    }
    if !is_host(&url) {
        let what = format!("has a host that no server can have, `{}`", host_in(text));
        return Err((what.into(), "a host is letters, digits, `-` and dots, or an IP address: write the whole name"));
    }
    // The fetcher asks the same before each fetch.
    check_configured(&url, allow_http).map_err(|forbidden| match forbidden {
        ForbiddenUrl::Scheme(_) => {
            ("is neither https nor http".into(), "write `https://…`, or use `jwks_file` for a file")
        }
        ForbiddenUrl::Userinfo(_) => ("has a user name or password in it".into(), "keys are public: remove it"),
        ForbiddenUrl::Address(_, why) => {
            (format!("is {why}").into(), "keys are never fetched from there: name the issuer's own host")
        }
        ForbiddenUrl::Characters(_) => (
            "has a character that no address has".into(),
            "variables and templates are not expanded here: name the address itself",
        ),
        ForbiddenUrl::Resolves(_, why) => (format!("resolves to {why}").into(), "name the issuer's own host"),
        ForbiddenUrl::PlainHttp(_) | ForbiddenUrl::PlainHttpOfDocument(_) => {
            ("is plain http".into(), "use https; `allow_http: true` accepts that anyone on the way can replace keys")
        }
    })?;
    if url.fragment().is_some() {
        return Err(("has a fragment".into(), "remove the `#` and what follows"));
    }
    Ok(url)
}

/// Says whether a host can be looked up. The URL library takes more of them than names have characters (WHATWG URL, section
/// 3.2), and the HTTP client takes less.
pub(super) fn is_host(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            let is_label = |label: &str| {
                (1..=limits::HOST_LABEL_BYTES).contains(&label.len())
                    && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            };
            name.len() <= limits::HOST_NAME_BYTES && name.split('.').all(is_label)
        }
        Some(url::Host::Ipv4(_) | url::Host::Ipv6(_)) => true,
        // What has no host has another problem.
        None => true,
    }
}

/// The host as it is written.
fn host_in(text: &str) -> String {
    let rest = text.split_once("//").map_or(text, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    quoted(host).trim_matches('`').to_owned()
}

/// The documents to try for a base URL: OpenID Connect Discovery 1.0 section 4 appends, RFC 8414 section 3.1 inserts.
pub(super) fn discovery_documents(base: &Url) -> Vec<Url> {
    let path = base.path().trim_end_matches('/');
    let at = |path: String| {
        let mut url = base.clone();
        url.set_path(&path);
        url
    };
    vec![
        at(format!("{path}/.well-known/openid-configuration")),
        at(format!("/.well-known/oauth-authorization-server{path}")),
    ]
}

/// A password must not come back in a message.
pub(super) fn without_userinfo(text: &str) -> String {
    if matches!(Url::parse(text), Ok(url) if url.has_host() && url.username().is_empty() && url.password().is_none()) {
        return text.to_owned();
    }
    // Where the text is no URL nothing tells how long the password is: up to the last `@`.
    let Some((before, host)) = text.rsplit_once('@') else { return text.to_owned() };
    let scheme = before.find("//").map_or("", |at| before.get(..at.saturating_add(2)).unwrap_or_default());
    format!("{scheme}…@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(base: &str) -> Vec<String> {
        discovery_documents(&Url::parse(base).unwrap()).iter().map(Url::to_string).collect()
    }

    #[test]
    fn documents_are_appended_and_inserted() {
        assert_eq!(
            documents("https://a.example/"),
            [
                "https://a.example/.well-known/openid-configuration",
                "https://a.example/.well-known/oauth-authorization-server"
            ]
        );
        assert_eq!(
            documents("https://a.example:8443/realms/x/"),
            [
                "https://a.example:8443/realms/x/.well-known/openid-configuration",
                "https://a.example:8443/.well-known/oauth-authorization-server/realms/x"
            ]
        );
    }

    #[test]
    fn http_is_for_loopback_or_with_permission() {
        for url in ["http://localhost:1/", "http://127.0.0.1/", "http://[::1]/k", "https://a.example/"] {
            assert!(judge(url, false).is_ok(), "{url}");
        }
        for url in ["http://a.example/", "http://localhost.example/", "http://10.0.0.1/"] {
            assert!(judge(url, false).is_err(), "{url}");
            assert!(judge(url, true).is_ok(), "{url}");
        }
    }

    #[test]
    fn urls_that_are_never_fetched_are_refused() {
        for url in [
            "",
            "a.example",
            "ftp://a.example/",
            "file:///etc/keys",
            "https://u:p@a.example/",
            "https://u@a.example/",
            "https://a.example/#k",
            "https://a.example/a b",
            "https:\\\\a.example/",
            "http://169.254.169.254/latest",
            "https://[fe80::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://0.0.0.0/",
            "https://[::]/",
            "https://2852039166/",
        ] {
            assert!(judge(url, true).is_err(), "{url}");
        }
    }

    #[test]
    fn a_password_is_not_repeated() {
        assert_eq!(without_userinfo("https://u:p@a.example/x"), "https://…@a.example/x");
        assert_eq!(without_userinfo("https://u:p/w@a.example/x"), "https://…@a.example/x");
        assert_eq!(without_userinfo("https://u:p@s/w@a.example/x"), "https://…@a.example/x");
        assert_eq!(without_userinfo("https://a.example/x@y"), "https://a.example/x@y");
        assert_eq!(without_userinfo("https:\\\\u:p@a.example"), "…@a.example");
        assert_eq!(without_userinfo("u:p@a.example"), "…@a.example");
    }
}

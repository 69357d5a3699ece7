//! The `authorization` headers of one request, one in a line. A byte 1 stands for a thousand letters, so that short
//! inputs come to the limits.
#![no_main]

use portcullis::limits;
use portcullis_engine::{
    oauth::{access_token::AccessToken, credentials::Credentials},
    reason::DenyReason,
};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let letters = |byte: &u8| if *byte == 1 { (b'a', 1000) } else { (*byte, 1) };
    let written = input.iter().map(letters).flat_map(|(byte, count)| std::iter::repeat_n(byte, count));
    let written: Vec<u8> = written.take(limits::TOKEN_BYTES + 100).collect();
    let values: Vec<&[u8]> = written.split(|byte| *byte == b'\n').collect();
    // No input at all is no header; an empty line is an empty one.
    let values = if written.is_empty() { &[][..] } else { &values };
    let got = Credentials::parse(values.iter().copied());
    a_token_is_all_of_one_header(&got, values);
    what_is_not_looked_at_holds_no_bearer_token(&got, values);
    for value in values {
        a_second_credential_is_never_overlooked(value);
        the_case_of_the_scheme_does_not_matter(value);
        a_token_is_found_behind_its_scheme(value);
    }
});

type Got<'a> = Result<Credentials<'a>, DenyReason>;

fn a_token_is_all_of_one_header(got: &Got<'_>, values: &[&[u8]]) {
    let Ok(Credentials::Bearer(token)) = got else { return };
    let [value] = values else { panic!("a token out of {} headers", values.len()) };
    let token = token.expose();
    let whole = std::str::from_utf8(value).expect("a scheme and a token are ASCII").trim_ascii();
    let before = whole.strip_suffix(token).expect("the token is the end of the header");
    let scheme = before.trim_end_matches(' ');
    assert!(scheme.len() < before.len() && scheme.eq_ignore_ascii_case("bearer"), "another scheme: {before:?}");
    is_b64token(token);
}

/// RFC 6750 section 2.1.
fn is_b64token(token: &str) {
    assert!(token.len() <= limits::TOKEN_BYTES);
    let body = token.trim_end_matches('=');
    assert!(!body.is_empty() && body.chars().all(|c| c.is_ascii_alphanumeric() || "-._~+/".contains(c)), "{token:?}");
}

fn what_is_not_looked_at_holds_no_bearer_token(got: &Got<'_>, values: &[&[u8]]) {
    match got {
        Ok(Credentials::None) => assert!(values.is_empty()),
        Ok(Credentials::OtherScheme) => {
            let [value] = values else { panic!("several headers are another scheme") };
            let text = String::from_utf8_lossy(value).to_ascii_lowercase();
            // Proxies join headers with commas.
            let hidden = text.split(',').any(|part| part.trim_ascii().starts_with("bearer "));
            assert!(!hidden, "a bearer token passes for another scheme: {text:?}");
        }
        Ok(Credentials::Bearer(_)) => {}
        Err(reason) => assert!(
            matches!(
                reason,
                DenyReason::MalformedCredentials | DenyReason::SeveralCredentials | DenyReason::OverlongCredentials
            ),
            "{reason:?}"
        ),
    }
}

fn a_second_credential_is_never_overlooked(value: &[u8]) {
    for other in [&b""[..], b"Basic YTpi", b"Bearer a.b.c", value] {
        for headers in [[value, other], [other, value]] {
            assert_eq!(Credentials::parse(headers), Err(DenyReason::SeveralCredentials));
            let joined = headers.join(&b","[..]);
            let got = Credentials::parse([joined.as_slice()]);
            assert!(!matches!(got, Ok(Credentials::Bearer(_))), "one of two tokens was chosen");
            if let Ok(Credentials::Bearer(_)) = Credentials::parse([value]) {
                let refused = [Err(DenyReason::SeveralCredentials), Err(DenyReason::OverlongCredentials)];
                assert!(refused.contains(&got), "a joined token was overlooked: {got:?}");
            }
        }
    }
}

fn the_case_of_the_scheme_does_not_matter(value: &[u8]) {
    let start = value.len() - value.trim_ascii_start().len();
    let mut other = value.to_vec();
    for byte in other.iter_mut().skip(start).take_while(|byte| **byte != b' ') {
        *byte = if byte.is_ascii_lowercase() { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
    }
    let (one, two) = (Credentials::parse([value]), Credentials::parse([other.as_slice()]));
    // A comma makes a list of it, whose other schemes keep their case.
    if !value.contains(&b',') {
        assert_eq!(one, two);
    }
}

fn a_token_is_found_behind_its_scheme(text: &[u8]) {
    let header = [&b"bEARER  "[..], text].concat();
    if let Ok(token) = AccessToken::parse(text) {
        is_b64token(token.expose());
        assert_eq!(Credentials::parse([header.as_slice()]), Ok(Credentials::Bearer(token)));
        let shown = format!("{token:?}");
        assert!(token.expose().len() < 24 || !shown.contains(token.expose()), "its Debug shows the token");
    }
}

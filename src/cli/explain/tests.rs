use super::{
    input,
    request::{Read, RequestError, header, read},
};

fn words(text: &str) -> Result<Read, RequestError> {
    read(&[text.to_owned()], None, None)
}

fn is(method: &str, host: Option<&str>, path: &str) -> Result<Read, RequestError> {
    Ok(Read { method: method.to_owned(), host: host.map(str::to_owned), path: path.to_owned() })
}

#[test]
fn requests_are_read_as_people_have_them() {
    let api = Some("api.test");
    assert_eq!(words("/a?b=1"), is("GET", None, "/a?b=1"));
    assert_eq!(words("DELETE /a"), is("DELETE", None, "/a"));
    assert_eq!(words("GET /a HTTP/1.1"), is("GET", None, "/a"));
    assert_eq!(words("https://api.test/a/../b?x#frag"), is("GET", api, "/a/../b?x"));
    assert_eq!(words("post HTTPS://api.test:8443/a"), is("post", Some("api.test:8443"), "/a"));
    assert_eq!(words("https://api.test"), is("GET", api, "/"));
    assert_eq!(words("https://api.test?x"), is("GET", api, "/?x"));
    assert_eq!(words(r"https://api.test\a"), is("GET", api, r"\a"));
    assert_eq!(words("OPTIONS *"), is("OPTIONS", None, "*"));
    assert_eq!(words("GET /a b HTTP/2"), is("GET", None, "/a b"));
    assert_eq!(words("%2Fa"), is("GET", None, "%2Fa"));
    let apart = |text: &str| read(&text.split(' ').map(str::to_owned).collect::<Vec<_>>(), None, None);
    assert_eq!(apart("PUT /a"), is("PUT", None, "/a"));
    assert_eq!(apart("PUT /a HTTP/1.1"), is("PUT", None, "/a"));
    for mistaken in ["/a sesame", "PUT /a sesame", "/a /b HTTP/1.1", "eyJhbGci.e30.x /a"] {
        assert_eq!(apart(mistaken), Err(RequestError::Unclear), "{mistaken}");
    }
    assert_eq!(read(&["/a".to_owned()], Some("PUT"), api), is("PUT", api, "/a"));
    assert_eq!(read(&["https://api.test/a".to_owned()], None, api), is("GET", api, "/a"));
}

#[test]
fn what_is_no_request_is_an_error() {
    assert_eq!(read(&[], None, None), Err(RequestError::Missing));
    assert_eq!(words("api/messages"), Err(RequestError::Unclear));
    assert_eq!(words("ftp://api.test/a"), Err(RequestError::Unclear));
    let two = read(&["GET /a".to_owned()], Some("PUT"), None);
    assert!(matches!(two, Err(RequestError::TwoMethods(..))), "{two:?}");
    let two = read(&["https://a.test/".to_owned()], None, Some("b.test"));
    assert!(matches!(two, Err(RequestError::TwoHosts(..))), "{two:?}");
}

#[test]
fn headers_are_split_at_their_first_colon() {
    assert_eq!(header("X-A: b:c ").unwrap(), ("x-a".to_owned(), b"b:c".to_vec()));
    let error = header("Authorization Bearer sesame").unwrap_err().to_string();
    assert!(!error.contains("sesame"), "{error}");
}

#[test]
fn tokens_are_taken_as_people_copy_them() {
    for text in ["a.b.c", " a.b.c\n", "Bearer a.b.c", "bearer  a.b.c "] {
        assert_eq!(input::token(text).unwrap(), "a.b.c", "{text:?}");
    }
    for (text, part) in [
        (r#"{"access_token":"sesame.a.b","token_type":"Bearer"}"#, "give the text of its `access_token` alone"),
        ("{\n \"id_token\": \"sesame\"\n}", "without an access token: its `id_token` is for the client"),
        (r#"{"error":"invalid_client","sesame":1}"#, "it is JSON, and no token"),
        (r#""sesame.a.b""#, "it is in quotes: leave them out"),
        ("'sesame.a.b'", "it is in quotes: leave them out"),
        ("[\"sesame\"]", "it is JSON, and no token"),
        ("sesame.\na.\nb", "it holds 3 words"),
        ("Bearer sesame Bearer sesame", "it holds 3 words"),
    ] {
        let error = input::token(text).unwrap_err().to_string();
        assert!(error.contains(part) && !error.contains("sesame"), "{text}: {error}");
    }
    assert!(input::token(" ").is_err() && input::token("@/nonexistent/token").is_err());
}

#[test]
fn what_is_wrong_with_claims_is_said_without_them() {
    for (text, part) in [
        ("sesame=x", "it is not JSON at line 1, column 1: write `--claims '{\"scope\": \"read:messages\"}'`"),
        ("{sesame:1}", "it is not JSON at line 1, column 2"),
        ("[\"sesame\"]", "it is JSON, but not an object: write `--claims '{"),
        ("{\"sesame\":1,\"sesame\":2}", "a member of it is there twice"),
        (" ", "it is empty"),
    ] {
        let error = input::claims(text).unwrap_err().to_string();
        assert!(error.contains(part) && !error.contains("sesame"), "{text}: {error}");
    }
}

#[test]
fn the_name_of_a_file_is_no_token_and_no_claims() {
    let help = "`Cargo.toml` is the name of a file: write `--token @Cargo.toml` to read it";
    assert_eq!(input::token("Cargo.toml").unwrap_err().to_string(), help);
    let help = "`claims.json` is the name of a file: write `--claims @claims.json` to read it";
    assert_eq!(input::claims("claims.json").unwrap_err().to_string(), help);
    assert_eq!(input::token("Cargo.lock.x").unwrap(), "Cargo.lock.x");
}

use proptest::prelude::*;

use super::*;

fn canonical(raw: &str) -> String {
    CanonicalPath::parse(raw).unwrap_or_else(|fault| panic!("{raw:?}: {fault:?}")).as_str().to_owned()
}

fn fault(raw: impl AsRef<[u8]>) -> RequestFault {
    let raw = raw.as_ref();
    CanonicalPath::parse(raw).expect_err(&String::from_utf8_lossy(raw))
}

#[test]
fn a_path_has_one_canonical_form() {
    for (raw, expected) in [
        ("/", "/"),
        ("/?", "/"),
        ("/?a=//../;#\\", "/"),
        ("/a", "/a"),
        ("/a/", "/a"),
        ("/a/?x", "/a"),
        ("/a/b", "/a/b"),
        ("/%61%62%7e%2D", "/ab~-"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/a%3ab%40", "/a%3Ab%40"),
        ("/a%20b", "/a%20b"),
        ("/100%25", "/100%25"),
        ("/100%25/x", "/100%25/x"),
        ("/100%25up", "/100%25up"),
        ("/100%25u00", "/100%25u00"),
        ("/a?b?c", "/a"),
        ("/...", "/..."),
        ("/.a/..b/c.", "/.a/..b/c."),
        ("/a*b:c@d!$&'()+,=", "/a*b:c@d!$&'()+,="),
        ("/API", "/API"),
        ("/a%2fb", "/a%2Fb"),
        ("/a/b%2F..c%2F.d", "/a/b%2F..c%2F.d"),
    ] {
        assert_eq!(canonical(raw), expected);
    }
}

#[test]
fn what_two_parsers_could_read_differently_is_refused() {
    use RequestFault::*;
    let attacks: [(RequestFault, &[&str]); 11] = [
        (EmptySegment, &["//", "///", "//a", "/a//", "/a//b", "/a//?x"]),
        (
            EncodedSlash,
            &["/%2F", "/a/%2f/b", "/%2Fa", "/a%2F/b", "/a%2F%2fb", "/a%2F.%2Fb", "/a%2f%2E%2e", "/%2e%2F/x"],
        ),
        (EncodedSlash, &["/a%5cb", "/a%5Cb", "/a\\b", "/\\", "/..%2fx", "/..\\x"]),
        (DotSegment, &["/.", "/..", "/./", "/a/../b", "/a/..", "/a/./b", "/%2e", "/%2e%2E", "/.%2e/x", "/%2E./"]),
        (PathParameter, &["/a;b", "/;", "/a;", "/..;/x", "/.;/x", "/a%3bx", "/a%3Bx", "/%2e%2e;x"]),
        (Fragment, &["/a#b", "/#", "/#?"]),
        (ControlCharacter, &["/ ", "/a b", "/a\tb", "/a\0", "/a\r\n", "/\u{7f}", "/%00", "/a%0a", "/%1F", "/%7f"]),
        (NonAscii, &["/é", "/\u{80}", "/a\u{ff0f}b"]),
        (BrokenEscape, &["/%", "/a%2", "/%zz", "/%2", "/%u002f", "/%2%46", "/%2/f", "/%+1", "/% 1"]),
        (
            AmbiguousEscape,
            &[
                "/%252f",
                "/%252F",
                "/%252e%252e",
                "/%25%32%46",
                "/%25252f",
                "/%2541",
                "/%25u0061",
                "/%25%75002F",
                "/%25U002e%25u002E",
                "/%c0%af",
                "/%c0%ae",
                "/%ff",
                "/%e9",
            ],
        ),
        (PathNotAbsolute, &["", "*", "a", "a/b", "?", "?/a", "http://x/a", "x:443", "%2Fa", "\\a", " /a", "#/a"]),
    ];
    for (expected, raws) in attacks {
        for raw in raws {
            assert_eq!(fault(raw), expected, "{raw:?}");
        }
    }
    assert_eq!(fault(b"/\x80"), NonAscii);
    assert_eq!(fault(b"/a\xC0\xAF"), NonAscii);
}

#[test]
fn length_and_depth_are_bounded() {
    let longest = format!("/{}", "a".repeat(limits::PATH_BYTES - 1));
    assert_eq!(canonical(&longest).len(), limits::PATH_BYTES);
    assert_eq!(fault(format!("{longest}a")), RequestFault::PathTooLong);
    assert_eq!(fault(format!("/?{longest}")), RequestFault::PathTooLong);
    let deepest = "/a".repeat(limits::PATH_SEGMENTS);
    assert_eq!(canonical(&format!("{deepest}/")), deepest);
    assert_eq!(fault(format!("{deepest}/a")), RequestFault::PathTooLong);
}

#[test]
fn segments_are_what_stands_between_slashes() {
    let segments = |raw: &str| CanonicalPath::parse(raw).unwrap().segments().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(segments("/"), Vec::<String>::new());
    assert_eq!(segments("/a/b%20c/"), ["a", "b%20c"]);
}

/// Paths of pieces that mean something to some parser, so that they meet.
fn raw_path() -> impl Strategy<Value = String> {
    let pieces = [
        "/",
        "/",
        "/a",
        "B",
        ".",
        "..",
        "%2e",
        "%2F",
        "%41",
        "%7e",
        "%c3%a9",
        "%C3%89",
        "%E2%84%AA",
        "%C5%BF",
        "%C3",
        "%25",
        "%",
        "2",
        "F",
        ":",
        "%3a",
        "?",
        ";",
        "#",
        "é",
        " ",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..10)
        .prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #[test]
    fn canonicalising_twice_is_canonicalising_once(raw in raw_path()) {
        if let Ok(path) = CanonicalPath::parse(&raw) {
            prop_assert_eq!(CanonicalPath::parse(path.as_str()), Ok(path));
        }
    }

    #[test]
    fn no_bytes_panic_and_what_passes_is_clean(raw in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(path) = CanonicalPath::parse([b"/".as_slice(), &raw].concat()) {
            prop_assert!(path.as_str().starts_with('/') && !path.as_str().contains("//"));
            prop_assert!(path.as_str() == "/" || !path.as_str().ends_with('/'));
            prop_assert!(path.as_str().bytes().all(|byte| byte.is_ascii_graphic() && !b"\\;#?".contains(&byte)));
            prop_assert!(path.segments().all(|segment| segment != "." && segment != ".."));
        }
    }

    #[test]
    fn a_folded_path_has_the_same_shape(raw in raw_path()) {
        if let Ok(path) = CanonicalPath::parse(&raw) {
            prop_assert_eq!(path.folded().matches('/').count(), path.as_str().matches('/').count());
            prop_assert_eq!(path.is_folded(), path.folded() == path.as_str());
            let again = CanonicalPath::parse(path.folded()).map(|again| (again.is_folded(), again));
            if let Ok((is_folded, again)) = again {
                prop_assert!(is_folded || again.folded() == path.folded(), "{:?} {:?}", path, again);
            }
        }
    }
}

#[test]
fn a_usual_path_is_taken_at_one_look() {
    for raw in ["/a", "/api/v1/messages/17?x=/../", "/a.b/c~d", "/a/b/"] {
        assert!(usual(raw.as_bytes()).is_some(), "{raw}");
    }
}

proptest! {
    /// What is taken at one look is what the closer look makes of it.
    #[test]
    fn one_look_and_a_closer_one_agree(raw in "/?[a-z/.%2A;:$(?\\\\#~é-]{0,12}", repeated in 0..70_usize) {
        for raw in [raw.clone(), format!("{}{raw}", "/a".repeat(repeated))] {
            if let Some(text) = usual(raw.as_bytes()) {
                let expected = CanonicalPath { text: text.to_owned(), forms: None, is_usual: true, has_encoded_slash: false };
                prop_assert_eq!(CanonicalPath::parse_any(raw.as_bytes()), Ok(expected));
            }
        }
    }

    #[test]
    fn one_look_is_never_fooled_by_any_byte(raw in proptest::collection::vec(any::<u8>(), 0..4)) {
        let raw = [b"/a".as_slice(), &raw].concat();
        if let Some(text) = usual(&raw) {
            let expected = CanonicalPath { text: text.to_owned(), forms: None, is_usual: true, has_encoded_slash: false };
            prop_assert_eq!(CanonicalPath::parse_any(&raw), Ok(expected));
        }
    }
}

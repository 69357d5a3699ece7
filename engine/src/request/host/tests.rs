use proptest::prelude::*;

use super::*;

#[test]
fn a_host_has_one_canonical_form() {
    for (raw, expected) in [
        ("example.com", "example.com"),
        ("Admin.EXAMPLE.com", "admin.example.com"),
        ("admin.example.com:1234", "admin.example.com"),
        ("admin.example.com.", "admin.example.com"),
        ("admin.example.com.:443", "admin.example.com"),
        ("localhost:0", "localhost"),
        ("x:65535", "x"),
        ("_svc._tcp.example.com", "_svc._tcp.example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("1.2.3.4", "1.2.3.4"),
        ("1.2.3.4:80", "1.2.3.4"),
        ("[::1]", "[::1]"),
        ("[::1]:80", "[::1]"),
        ("[0:0:0:0:0:0:0:1]", "[::1]"),
        ("[2001:DB8::A]:8443", "[2001:db8::a]"),
        ("1a.2b", "1a.2b"),
    ] {
        assert_eq!(Host::parse(raw).unwrap().as_str(), expected, "{raw}");
    }
}

#[test]
fn anything_but_one_name_or_address_is_refused() {
    let long_label = format!("{}.com", "a".repeat(limits::HOST_LABEL_BYTES + 1));
    let long_name = "a.".repeat(127);
    let words = ". :80 a,b user@host user:pw@host a..b .a a.. a: a:x a:-1 a:65536 a:000080 a:80:80 ::1 [::1 ::1] [] \
        [::1]x [::1]: [::1]80 [fe80::1%25eth0] [1.2.3.4] [v1.a] a/b a?b a#b a%2eb é.com -a.com a-.com * \
        *.com 127.1 0177.0.0.1 01.2.3.4 2130706433 0x7f000001 a.0x7f 0x 1.2.3.4.5 256.1.1.1 a.1";
    let refused = words.split(' ').chain(["", "a, b", "a b", " a", "a ", "a\\b", "a\0b", "a\tb", &long_label]);
    for raw in refused {
        assert_eq!(Host::parse(raw), Err(RequestFault::Host), "{raw:?}");
    }
    assert_eq!(Host::parse(b"a\xFF"), Err(RequestFault::Host));
    assert!(Host::parse(&long_name).is_ok(), "253 bytes and the dot");
    assert_eq!(Host::parse(format!("a{long_name}")), Err(RequestFault::Host));
}

#[test]
fn only_names_have_parents() {
    let parents = |raw: &str| Host::parse(raw).unwrap().parents().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(parents("a.b.c"), ["b.c", "c"]);
    assert_eq!(parents("a"), Vec::<String>::new());
    assert_eq!(parents("1.2.3.4"), Vec::<String>::new());
    assert_eq!(parents("[::1]"), Vec::<String>::new());
}

proptest! {
    #[test]
    fn canonicalising_twice_is_canonicalising_once(raw in "[aB1._:@,\\[\\]-]{0,10}") {
        if let Ok(host) = Host::parse(&raw) {
            prop_assert_eq!(Host::parse(host.as_str()), Ok(host));
        }
    }

    #[test]
    fn no_bytes_panic(raw in prop::collection::vec(any::<u8>(), 0..20)) {
        if let Ok(host) = Host::parse(&raw) {
            prop_assert!(host.as_str().bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()));
        }
    }
}

#[test]
fn a_usual_host_is_taken_at_one_look() {
    for raw in ["api.example.com", "a", "a-b._tcp.x1", "1.a"] {
        assert_eq!(usual(raw.as_bytes()), Some(raw));
    }
}

proptest! {
    /// What is taken at one look is what the closer look makes of it.
    #[test]
    fn one_look_and_a_closer_one_agree(raw in "[a0x_.:A@é-]{0,6}", label in 58..70_usize, labels in 0..5_usize) {
        let long = format!("{}{raw}", "a".repeat(label));
        for raw in [raw, long.clone(), vec![long; labels].join(".")] {
            if let Some(name) = usual(raw.as_bytes()) {
                prop_assert_eq!(Host::parse_any(raw.as_bytes()), Ok(Host(name.into())));
            }
        }
    }
}

//! The reader beside prost: whatever the bytes, both take them or neither does, and both say the same.

mod oracle;
mod written;

use proptest::prelude::*;

use self::{
    oracle::agree,
    written::{bytes, group, key, number, varint, written},
};
use super::*;
use crate::ext_authz::decode::schema::Kind;

/// A `CheckRequest` of these fields of its HTTP request.
fn http(fields: &[Vec<u8>]) -> Vec<u8> {
    bytes(1, &bytes(4, &bytes(2, &fields.concat())))
}

/// Both take it.
fn taken(message: &[u8]) -> Kept<'_> {
    assert!(agree(message), "refused by both: {message:?}");
    read(message).unwrap()
}

fn refused(message: &[u8]) -> bool {
    !agree(message)
}

fn all<'m>(kept: &Kept<'m>) -> Vec<(&'m [u8], &'m [u8])> {
    kept.headers.all().collect()
}

fn pair(name: &str, value: &str) -> Vec<u8> {
    [bytes(1, name.as_bytes()), bytes(2, value.as_bytes())].concat()
}

#[test]
fn of_a_single_value_the_later_one_holds_though_it_is_empty() {
    let message = http(&[bytes(4, b"/a"), bytes(2, b"GET"), bytes(4, b"/b"), bytes(2, b"")]);
    let kept = taken(&message);
    assert_eq!((kept.path, kept.method, kept.has_http), ("/b", "", true));
}

#[test]
fn a_message_given_twice_is_merged() {
    let request = |fields: &[u8]| bytes(4, &bytes(2, fields));
    let one = [bytes(4, b"/a"), bytes(3, &pair("a", "1")), bytes(13, &bytes(1, &pair("x", "1")))].concat();
    let other = [bytes(5, b"h"), bytes(3, &pair("a", "2")), bytes(13, &bytes(1, &pair("x", "2")))].concat();
    for message in [
        [bytes(1, &request(&one)), bytes(1, &request(&other))].concat(),
        bytes(1, &[request(&one), request(&other)].concat()),
        bytes(1, &bytes(4, &[bytes(2, &one), bytes(2, &other)].concat())),
    ] {
        let kept = taken(&message);
        assert_eq!((kept.path, kept.host), ("/a", "h"));
        assert_eq!(all(&kept), [(&b"a"[..], &b"2"[..]), (b"x", b"1"), (b"x", b"2")]);
    }
}

#[test]
fn a_request_may_be_there_and_empty_or_not_at_all() {
    for (message, has_http) in [
        (vec![], false),
        (bytes(1, b""), false),
        (bytes(1, &bytes(4, b"")), false),
        (bytes(1, &bytes(4, &bytes(2, b""))), true),
    ] {
        assert_eq!(taken(&message).has_http, has_http);
    }
}

#[test]
fn an_entry_of_a_map_may_lack_its_halves_or_have_them_twice() {
    for (entry, name, value) in [
        (vec![], "", ""),
        (bytes(1, b"a"), "a", ""),
        (bytes(2, b"v"), "", "v"),
        ([bytes(1, b"a"), bytes(3, b"v")].concat(), "a", ""),
        ([bytes(2, b"v"), bytes(2, b"w")].concat(), "", "w"),
        ([pair("a", "1"), pair("b", "2")].concat(), "b", "2"),
        ([pair("a", "1"), bytes(1, b"")].concat(), "", "1"),
        ([bytes(2, b"v"), number(9, 7), group(8, b""), bytes(1, b"a")].concat(), "a", "v"),
    ] {
        let message = http(&[bytes(3, &entry)]);
        assert_eq!(all(&taken(&message)), [(name.as_bytes(), value.as_bytes())], "{entry:?}");
    }
}

#[test]
fn of_two_entries_with_one_name_the_later_one_holds() {
    let message = http(&[bytes(3, &pair("a", "1")), bytes(3, &pair("A", "2")), bytes(3, &pair("a", "3"))]);
    let kept = taken(&message);
    assert_eq!(all(&kept), [(&b"A"[..], &b"2"[..]), (b"a", b"3")]);
    assert_eq!(kept.headers.values("a").count(), 2, "names of a map differ by case");
}

#[test]
fn a_value_in_bytes_goes_before_one_in_text() {
    let value = |fields: &[Vec<u8>]| bytes(13, &bytes(1, &fields.concat()));
    let message = http(&[
        value(&[bytes(1, b"a"), bytes(2, b"text"), bytes(3, b"\xFF")]),
        value(&[bytes(1, b"a"), bytes(3, b"\xFF"), bytes(2, b"text"), bytes(3, b"")]),
        bytes(3, &pair("a", "joined")),
    ]);
    assert_eq!(all(&taken(&message)), [(&b"a"[..], &b"joined"[..]), (b"a", b"\xFF"), (b"a", b"text")]);
}

#[test]
fn the_policy_is_that_of_the_last_entry() {
    let extension = |value: &str| bytes(10, &pair(POLICY_EXTENSION, value));
    let message = bytes(1, &[extension("a"), bytes(10, &pair("other", "c")), extension("b")].concat());
    assert_eq!(taken(&message).policy, Some("b"));
    assert_eq!(taken(&bytes(1, &extension(""))).policy, Some(""));
    assert_eq!(taken(&bytes(1, &bytes(10, &bytes(2, b"a")))).policy, None);
}

#[test]
fn what_nobody_knows_is_passed_over() {
    let unknown = [number(99, u64::MAX), key(98, 1), vec![0; 8], key(97, 5), vec![0; 4], bytes(96, b"\xFF")].concat();
    let unknown = [unknown.clone(), group(95, &unknown)].concat();
    let message = [unknown.clone(), http(&[unknown.clone(), bytes(4, b"/a"), unknown.clone()]), unknown].concat();
    assert_eq!(taken(&message).path, "/a");
}

#[test]
fn a_text_that_is_none_is_refused_wherever_it_stands() {
    let address = |field: u32| bytes(1, &bytes(1, &bytes(field, b"\xFF")));
    let structure = |value: &[u8]| bytes(1, &bytes(2, &bytes(1, &bytes(2, value))));
    for context in [
        bytes(1, &address(2)),
        bytes(2, &address(7)),
        bytes(1, &bytes(5, b"\xC3")),
        bytes(2, &bytes(3, &bytes(1, b"\xED\xA0\x80"))),
        bytes(4, &bytes(2, &bytes(11, b"a\xC0\xAF"))),
        bytes(10, &bytes(2, b"\xFF")),
        bytes(11, &structure(&bytes(3, b"\xFF"))),
        bytes(13, &structure(&bytes(6, &bytes(1, &bytes(3, b"\xFF"))))),
        bytes(12, &bytes(1, b"\xFF")),
    ] {
        assert!(refused(&bytes(1, &context)), "{context:?}");
    }
    // Also where a later one would take its place, and where the bytes of two would make one character.
    assert!(refused(&http(&[bytes(4, b"\xFF"), bytes(4, b"/a")])));
    assert!(refused(&http(&[bytes(3, &[bytes(1, b"\xC3"), bytes(1, b"\xA9")].concat())])));
    let pieces = "é".as_bytes();
    assert!(refused(&http(&[bytes(3, &[bytes(1, &pieces[..1]), bytes(2, &pieces[1..])].concat())])));
}

#[test]
fn another_layout_than_the_fields_own_is_refused() {
    for fields in [number(4, 1), number(3, 1), group(13, b""), bytes(9, b""), [key(4, 5), vec![0; 4]].concat()] {
        assert!(refused(&http(std::slice::from_ref(&fields))), "{fields:?}");
    }
    for wire_type in [0, 1, 3, 4, 5] {
        let entry = [key(3, wire_type), bytes(3, &pair("a", "1")).split_off(1)].concat();
        assert!(refused(&http(&[entry])), "{wire_type}");
    }
    assert!(refused(&number(1, 1)) && refused(&bytes(1, &number(4, 1))) && refused(&bytes(1, &number(10, 0))));
    let seconds = bytes(4, &bytes(1, &bytes(1, b"")));
    let double = bytes(11, &bytes(1, &bytes(2, &bytes(1, &bytes(2, &number(2, 1))))));
    assert!(refused(&bytes(1, &seconds)) && refused(&bytes(1, &double)));
}

#[test]
fn broken_keys_and_lengths_are_refused() {
    let zero = http(&[vec![0x02, 0]]);
    let odd_layouts = [http(&[vec![0x0E]]), http(&[vec![0x0F]]), http(&[vec![0x0C]])];
    // A key of 33 bits, lengths past the end, past the message around, and past everything.
    let long_key = http(&[varint(1 << 32 | 0x12), vec![0]]);
    let lengths = [vec![0x0A, 2, 0], bytes(1, &[0x22, 9, 0]), [vec![0x0A], vec![0xFF; 9], vec![1]].concat()];
    for message in [zero, long_key].into_iter().chain(odd_layouts).chain(lengths) {
        assert!(refused(&message), "{message:?}");
    }
    let over = [bytes(1, &[0x22, 3, 0x12, 0]), bytes(1, b"")].concat();
    assert!(refused(&over), "a message may not reach past the one around it: {over:?}");
    let cuts = [[key(50, 5), vec![0; 3]].concat(), [key(50, 1), vec![0; 7]].concat(), key(50, 0)];
    for cut in cuts.into_iter().chain([[key(50, 0), vec![0x80]].concat()]) {
        // With the next byte, the number would be whole, and what follows is a good field.
        let message = bytes(1, &[bytes(4, &bytes(2, &cut)), vec![0], bytes(12, b"")].concat());
        assert!(refused(&message), "nor may a number: {message:?}");
    }
    // More bytes than needed are allowed, up to ten.
    let padded = [vec![0x8A, 0x80, 0x00], vec![0x80, 0x80, 0x80, 0x00]].concat();
    assert!(!taken(&padded).has_http);
}

#[test]
fn depth_has_a_limit() {
    let value = |depth: usize| (0..depth).fold(vec![], |inner, _| bytes(6, &bytes(1, &inner)));
    let metadata = |depth: usize| bytes(1, &bytes(11, &bytes(1, &bytes(2, &bytes(1, &bytes(2, &value(depth)))))));
    let verdicts: Vec<bool> = (40..60).map(|depth| agree(&metadata(depth))).collect();
    assert!(verdicts[0] && !verdicts[19], "{verdicts:?}");
    let groups = |depth: usize| http(&[(0..depth).fold(vec![], |inner, _| group(50, &inner))]);
    let verdicts: Vec<bool> = (90..105).map(|depth| agree(&groups(depth))).collect();
    assert!(verdicts[0] && !verdicts[14], "{verdicts:?}");
}

#[test]
fn a_message_of_nothing_but_headers_costs_little_more_than_its_length() {
    // The same name 15,000 times, every way to write it, and 130,000 empty entries: the square of any would be felt.
    let one = http(&vec![bytes(3, &pair("authorization", "")); 15_000]);
    assert_eq!(taken(&one).headers.values("authorization").count(), 1);
    let spelled = |n: usize| {
        let letters = "authorization".char_indices();
        letters.map(|(at, c)| if n >> at & 1 == 1 { c.to_ascii_uppercase() } else { c }).collect::<String>()
    };
    let every = http(&(0..8_192).map(|n| bytes(3, &pair(&spelled(n), ""))).collect::<Vec<_>>());
    assert_eq!(taken(&every).headers.values("authorization").count(), 8_192);
    assert_eq!(taken(&http(&vec![bytes(3, b""); 130_000])).headers.all().count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn both_read_any_message_alike(choices in proptest::collection::vec(any::<u8>(), 0..400)) {
        agree(&written(&choices, &schema::CHECK_REQUEST));
        // The depths of what nobody keeps are seldom reached from there.
        for (field, kind) in schema::ATTRIBUTE_CONTEXT.0 {
            if let Kind::Message(shape) = kind {
                agree(&bytes(1, &bytes(*field, &written(&choices, shape))));
            }
        }
    }

    #[test]
    fn both_read_any_bytes_alike(message in proptest::collection::vec(any::<u8>(), 0..64)) {
        agree(&message);
    }

    #[test]
    fn both_read_a_cut_or_changed_message_alike(
        choices in proptest::collection::vec(any::<u8>(), 0..120),
        (at, byte) in (any::<prop::sample::Index>(), any::<u8>()),
    ) {
        let mut message = written(&choices, &schema::CHECK_REQUEST);
        for end in 0..message.len().min(150) {
            agree(&message[..end]);
        }
        if !message.is_empty() {
            let at = at.index(message.len());
            message[at] = byte;
            agree(&message);
            message.remove(at);
            agree(&message);
        }
    }
}

/// Without this, the ones above could hold of messages that are all refused.
#[test]
fn what_is_written_by_choices_is_often_taken_and_often_refused() {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from(state >> 24).unwrap()
    };
    let (mut with_headers, mut refused) = (0, 0);
    for _ in 0..400 {
        let choices: Vec<u8> = (0..300).map(|_| next()).collect();
        match read(&written(&choices, &schema::CHECK_REQUEST)) {
            Ok(kept) => with_headers += usize::from(kept.headers.names().count() > 1),
            Err(Malformed) => refused += 1,
        }
    }
    assert!(with_headers > 80 && refused > 80, "{with_headers} with headers, {refused} refused");
}

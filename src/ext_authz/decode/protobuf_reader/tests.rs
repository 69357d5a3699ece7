use super::*;

fn number(bytes: &[u8]) -> Result<u64, Malformed> {
    let mut wire = Wire::new(bytes);
    let value = wire.varint()?;
    assert_eq!(wire.at, bytes.len());
    Ok(value)
}

#[test]
fn numbers_have_ten_bytes_at_most() {
    for (bytes, value) in [
        (&[0][..], 0),
        (&[0x7F], 127),
        (&[0x80, 1], 128),
        (&[0x80, 0x80, 0], 0),
        (&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], u64::MAX),
    ] {
        assert_eq!(number(bytes), Ok(value), "{bytes:?}");
    }
    for bytes in [
        &[][..],
        &[0x80],
        &[0xFF; 9],
        &[0xFF; 10],
        &[0xFF; 11],
        &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2],
    ] {
        assert_eq!(number(bytes), Err(Malformed), "{bytes:?}");
    }
}

#[test]
fn a_look_at_many_bytes_finds_the_first_that_is_no_ascii() {
    for length in 0..80 {
        let mut bytes = vec![b'a'; length];
        assert_eq!(ascii_prefix(&bytes), length);
        for at in 0..length {
            bytes[at..].fill(0x80);
            assert_eq!(ascii_prefix(&bytes), at);
            bytes[at..].fill(b'a');
        }
    }
}

#[test]
fn a_text_is_looked_at_wherever_the_last_look_ended() {
    // Two texts with a byte between them that is no ASCII, and one that holds some.
    let bytes = [b"\x0A\x01a\x10\xFF\x01\x0A\x03".as_slice(), "bé".as_bytes(), b"\x0A\x02cd"].concat();
    let mut texts = Vec::new();
    let mut wire = Wire::new(&bytes);
    let read = wire.fields(|wire, key| match key.field {
        1 => wire.text_bytes(key).map(|text| texts.push(text)),
        _ => wire.skip(key),
    });
    assert_eq!((read, texts), (Ok(()), vec![&b"a"[..], "bé".as_bytes(), b"cd"]));
    let torn = b"\x0A\x01a\x0A\x02b\xC3\x0A\x01\xA9";
    assert_eq!(Wire::new(torn).fields(|wire, key| wire.text_bytes(key).map(drop)), Err(Malformed));
}

#[test]
fn groups_that_nobody_knows_are_passed_over_whole() {
    let skip = |bytes: &[u8]| Wire::new(bytes).fields(|wire, key| wire.skip(key));
    assert_eq!(skip(b"\x1B\x08\x01\x1B\x12\x01x\x1C\x1C\x1D1234"), Ok(()));
    for bad in [&b"\x1B"[..], b"\x1C", b"\x1B\x24", b"\x1B\x08\x01", b"\x1B\x1B\x1C", b"\x1D123", b"\x19234567"] {
        assert_eq!(skip(bad), Err(Malformed), "{bad:?}");
    }
    assert_eq!(skip(&b"\x1B\x1C".repeat(300)), Ok(()), "one after the other, they are not deep");
    let nested = |depth: usize| [vec![0x1B; depth], vec![0x1C; depth]].concat();
    assert_eq!((skip(&nested(100)), skip(&nested(101))), (Ok(()), Err(Malformed)));
}

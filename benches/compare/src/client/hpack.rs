//! As much of HPACK (RFC 7541) as checking a gRPC answer takes: what we send is encoded beforehand, and of what comes only
//! `:status` and `grpc-status` are understood, whether their texts are Huffman-coded or not.

use std::collections::VecDeque;

use crate::yardstick::Failure;

const STATIC_ENTRIES: usize = 61;
/// `:status: 200` in the static table.
const STATUS_200: usize = 8;
/// More than fit in 4,096 bytes at 32 each. Older ones may have been evicted: then the peer does not name them either.
const DYNAMIC_ENTRIES: usize = 128;
/// `grpc-status` in the code of RFC 7541, appendix B.
const HUFFMAN_GRPC_STATUS: &[u8] = &[0x9a, 0xca, 0xc8, 0xb2, 0x12, 0x34, 0xda, 0x8f];
/// `0`, padded with ones.
const HUFFMAN_ZERO: &[u8] = &[0x07];

/// The header blocks of a Check, as Envoy's encoder writes them but for Huffman coding.
#[derive(Debug)]
pub(super) struct RequestBlocks {
    /// For the first request on a connection: everything goes into the peer's table.
    pub(super) first: Vec<u8>,
    /// For all others: everything is there.
    pub(super) later: Vec<u8>,
}

impl RequestBlocks {
    /// Of a Check with a deadline of a second, as Envoy sends it.
    #[must_use]
    pub(super) fn check() -> Self {
        // `:method: POST` and `:scheme: http` of the static table.
        let (mut first, mut later) = (vec![0x83, 0x86], vec![0x83, 0x86]);
        // A literal with incremental indexing, its name in the static table.
        for (name, value) in
            [(4, "/envoy.service.auth.v3.Authorization/Check"), (1, "portcullis"), (31, "application/grpc")]
        {
            first.push(0x40 | name);
            text(&mut first, value);
        }
        let own = [
            ("te", "trailers"),
            ("grpc-timeout", "1000m"),
            ("x-envoy-internal", "true"),
            ("x-forwarded-for", "10.0.0.5"),
        ];
        for (name, value) in own {
            first.push(0x40);
            text(&mut first, name);
            text(&mut first, value);
        }
        // The newest entry is 62.
        later.extend((62..62 + 3 + 4).rev().map(|index| 0x80 | index));
        Self { first, later }
    }
}

fn text(into: &mut Vec<u8>, text: &str) {
    into.push(u8::try_from(text.len()).unwrap_or(0x7f));
    into.extend_from_slice(text.as_bytes());
}

/// What is understood of a header block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    /// `:status` is 200.
    pub(super) ok: bool,
    /// Whether `grpc-status` is 0; nothing where it is missing.
    pub(super) grpc: Option<bool>,
}

impl Block {
    fn add(&mut self, field: Field) {
        match field {
            Field::Ok => self.ok = true,
            Field::Grpc { zero } => self.grpc = Some(zero),
            Field::Other => {}
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Field {
    Ok,
    Grpc { zero: bool },
    Other,
}

/// The table that the peer's blocks fill and refer to.
#[derive(Debug, Default)]
pub(super) struct Table(VecDeque<Field>);

impl Table {
    /// Reads a block, whole.
    ///
    /// # Errors
    /// Where it is not one.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Block, Failure> {
        let mut block = Block::default();
        let mut rest = Rest(bytes);
        while let Some(&first) = rest.0.first() {
            if first & 0x80 != 0 {
                let index = rest.integer(7)?;
                block.add(self.field(index)?);
            } else if first & 0xc0 == 0x40 {
                let field = self.literal(&mut rest, 6)?;
                self.0.push_front(field);
                self.0.truncate(DYNAMIC_ENTRIES);
                block.add(field);
            } else if first & 0xe0 == 0x20 {
                // Another size of the table: what is evicted is not named any more.
                rest.integer(5)?;
            } else {
                block.add(self.literal(&mut rest, 4)?);
            }
        }
        Ok(block)
    }

    fn field(&self, index: usize) -> Result<Field, Failure> {
        match index {
            0 => Err("HPACK: index 0".into()),
            STATUS_200 => Ok(Field::Ok),
            1..=STATIC_ENTRIES => Ok(Field::Other),
            _ => self.0.get(index - STATIC_ENTRIES - 1).copied().ok_or_else(|| "HPACK: no such entry".into()),
        }
    }

    fn literal(&self, rest: &mut Rest<'_>, prefix: u32) -> Result<Field, Failure> {
        let is_grpc_status = match rest.integer(prefix)? {
            0 => {
                let (huffman, name) = rest.text()?;
                name == if huffman { HUFFMAN_GRPC_STATUS } else { b"grpc-status" }
            }
            name => matches!(self.field(name)?, Field::Grpc { .. }),
        };
        let (huffman, value) = rest.text()?;
        let zero = value == if huffman { HUFFMAN_ZERO } else { b"0" };
        Ok(if is_grpc_status { Field::Grpc { zero } } else { Field::Other })
    }
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn byte(&mut self) -> Result<u8, Failure> {
        let (first, rest) = self.0.split_first().ok_or("HPACK: cut off")?;
        self.0 = rest;
        Ok(*first)
    }

    /// RFC 7541, section 5.1.
    fn integer(&mut self, prefix: u32) -> Result<usize, Failure> {
        let mask = (1_usize << prefix) - 1;
        let mut value = usize::from(self.byte()?) & mask;
        if value < mask {
            return Ok(value);
        }
        for shift in [0, 7, 14] {
            let byte = self.byte()?;
            value += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err("HPACK: an integer without end".into())
    }

    /// Whether it is Huffman-coded, and its bytes.
    fn text(&mut self) -> Result<(bool, &'a [u8]), Failure> {
        let huffman = self.0.first().ok_or("HPACK: cut off")? & 0x80 != 0;
        let length = self.integer(7)?;
        let (text, rest) = self.0.split_at_checked(length).ok_or("HPACK: cut off")?;
        self.0 = rest;
        Ok((huffman, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_status_is_understood_plain_huffman_coded_and_from_the_table() {
        let mut table = Table::default();
        let plain = [&[0x40, 11][..], b"grpc-status", &[1, b'0']].concat();
        assert_eq!(table.read(&plain).unwrap(), Block { ok: false, grpc: Some(true) });
        let coded = [&[0x88, 0x40, 0x88][..], HUFFMAN_GRPC_STATUS, &[0x81, 0x07]].concat();
        assert_eq!(table.read(&coded).unwrap(), Block { ok: true, grpc: Some(true) });
        assert_eq!(table.read(&[0x80 | 62]).unwrap(), Block { ok: false, grpc: Some(true) });
        // Its name of the table, another value.
        assert_eq!(table.read(&[0x7e, 1, b'7']).unwrap(), Block { ok: false, grpc: Some(false) });
        assert_eq!(table.read(&[0x80 | 62, 0x80 | 63]).unwrap(), Block { ok: false, grpc: Some(true) });
        assert!(table.read(&[0x80 | 70]).is_err());
        assert!(table.read(&[0x40, 11, b'g']).is_err());
    }

    #[test]
    fn a_peer_reads_later_requests_as_the_first() {
        let blocks = RequestBlocks::check();
        assert_eq!(blocks.later.len(), 2 + 3 + 4);
        assert_eq!(blocks.later.last(), Some(&(0x80 | 62)));
    }
}

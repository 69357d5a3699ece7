//! What is kept of a `CheckRequest`: borrowed from its bytes, everything else only looked at.
//!
//! prost's generated types would do the same and say the same, at ten times the cost: two texts and an entry of a hash
//! map for each header.

use std::str;

use super::{
    headers::Headers,
    protobuf_reader::{Key, Malformed, Wire},
    schema::{self, check},
};

/// The key of `context_extensions` with which an Envoy route chooses a named policy.
pub(crate) const POLICY_EXTENSION: &str = "portcullis_policy";

/// The key of the value in an entry of a map, and that of the value in bytes of a header.
const VALUE: u8 = 2 << 3 | 2;
const RAW_VALUE: u8 = 3 << 3 | 2;

/// What is kept.
#[derive(Default)]
pub(crate) struct Kept<'m> {
    /// Whether there is an HTTP request at all.
    pub(crate) has_http: bool,
    pub(crate) id: &'m str,
    pub(crate) method: &'m str,
    pub(crate) path: &'m str,
    pub(crate) host: &'m str,
    pub(crate) headers: Headers<'m>,
    /// The policy that Envoy's route names.
    pub(crate) policy: Option<&'m str>,
}

/// Reads a message.
///
/// By protobuf's rules: of a single value given twice the later one holds, and a message given twice is both of them
/// merged, which is what reading on into the same place comes to.
///
/// # Errors
/// [`Malformed`]: not a `CheckRequest`.
pub(crate) fn read(message: &[u8]) -> Result<Kept<'_>, Malformed> {
    let mut kept = Kept::default();
    Wire::new(message).fields(|wire, key| match key.field {
        1 => wire.message(key, |wire, key| attribute_context(wire, key, &mut kept)),
        _ => check(wire, key, &schema::CHECK_REQUEST),
    })?;
    Ok(kept)
}

fn attribute_context<'m>(wire: &mut Wire<'m>, key: Key, kept: &mut Kept<'m>) -> Result<(), Malformed> {
    match key.field {
        4 => wire.message(key, |wire, key| request(wire, key, kept)),
        10 => {
            let (name, value) = entry(wire, key)?;
            if name == POLICY_EXTENSION.as_bytes() {
                kept.policy = Some(str::from_utf8(value).map_err(|_| Malformed)?);
            }
            Ok(())
        }
        _ => check(wire, key, &schema::ATTRIBUTE_CONTEXT),
    }
}

fn request<'m>(wire: &mut Wire<'m>, key: Key, kept: &mut Kept<'m>) -> Result<(), Malformed> {
    match key.field {
        2 => {
            kept.has_http = true;
            wire.message(key, |wire, key| http_request(wire, key, kept))
        }
        _ => check(wire, key, &schema::REQUEST),
    }
}

fn http_request<'m>(wire: &mut Wire<'m>, key: Key, kept: &mut Kept<'m>) -> Result<(), Malformed> {
    match key.field {
        1 => kept.id = wire.text(key)?,
        2 => kept.method = wire.text(key)?,
        3 => {
            let (name, value) = entry(wire, key)?;
            kept.headers.push_joined(name, value);
        }
        4 => kept.path = wire.text(key)?,
        5 => kept.host = wire.text(key)?,
        13 => wire.message(key, |wire, key| header_map(wire, key, &mut kept.headers))?,
        _ => check(wire, key, &schema::HTTP_REQUEST)?,
    }
    Ok(())
}

/// An entry of `map<string, string>`. What is missing in it is empty.
fn entry<'m>(wire: &mut Wire<'m>, key: Key) -> Result<(&'m [u8], &'m [u8]), Malformed> {
    if let Some(pair) = wire.short_pair(key, VALUE) {
        return Ok(pair);
    }
    let (mut name, mut value): (&[u8], &[u8]) = (b"", b"");
    wire.message(key, |wire, key| {
        match key.field {
            1 => name = wire.text_bytes(key)?,
            2 => value = wire.text_bytes(key)?,
            _ => check(wire, key, &schema::TEXT_ENTRY)?,
        }
        Ok(())
    })?;
    Ok((name, value))
}

fn header_map<'m>(wire: &mut Wire<'m>, key: Key, headers: &mut Headers<'m>) -> Result<(), Malformed> {
    if key.field != 1 {
        return check(wire, key, &schema::HEADER_MAP);
    }
    if let Some((name, raw)) = wire.short_pair(key, RAW_VALUE) {
        headers.push_single(name, raw);
        return Ok(());
    }
    let (mut name, mut value, mut raw): (&[u8], &[u8], &[u8]) = (b"", b"", b"");
    wire.message(key, |wire, key| {
        match key.field {
            1 => name = wire.text_bytes(key)?,
            2 => value = wire.text_bytes(key)?,
            3 => raw = wire.bytes(key)?,
            _ => check(wire, key, &schema::HEADER_VALUE)?,
        }
        Ok(())
    })?;
    headers.push_single(name, if raw.is_empty() { value } else { raw });
    Ok(())
}

#[cfg(test)]
mod tests;

//! The headers that must not reach the upstream as the client sent them.
//!
//! Never one that is set: Envoy removes after it sets.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    identity_headers::Slots,
    protobuf_writer::{Field, Part, encoded},
};
use crate::ext_authz::decode::attributes::Attributes;
use portcullis_engine::answer::identity::{Aliases, IdentityHeaders, fold, fold_byte, spellings};

/// `headers_to_remove` of `OkHttpResponse`.
const REMOVE: u8 = 5;

/// What one configuration removes.
#[derive(Clone, Debug)]
pub(super) struct Removals {
    /// The names that are removed from every request, in byte order, each with the slots that keep it in.
    names: BTreeMap<String, Slots>,
    /// The same, encoded: neighbours that the same slots keep in are one piece.
    pieces: Box<[Piece]>,
    aliases: AliasesOf,
}

#[derive(Clone, Debug)]
pub(super) struct Piece {
    bytes: Box<[u8]>,
    /// Left out if one of these is set.
    unless: Slots,
}

impl Removals {
    pub(super) fn new(identity: &IdentityHeaders) -> Self {
        let guarded: Vec<&str> = identity.guarded().chain(identity.removed()).collect();
        let unseen = guarded.iter().filter(|name| !identity.is_removed_only_if_seen(name));
        let mut all: BTreeSet<String> = unseen.map(|name| (*name).to_owned()).collect();
        if identity.aliases == Aliases::Always {
            all.extend(guarded.iter().flat_map(|name| spellings(name)));
        }
        if !identity.forward_authorization {
            all.insert("authorization".to_owned());
        }
        let with_slots = |name: String| {
            let slots = Slots::named(&name, identity);
            (name, slots)
        };
        let names: BTreeMap<String, Slots> = all.into_iter().map(with_slots).collect();
        let pieces = pieces(&names);
        Self { names, pieces, aliases: AliasesOf::new(&guarded) }
    }

    /// What is removed from that request if these slots are set.
    pub(super) fn of(&self, attributes: &Attributes<'_>, set: Slots) -> Removed<'_> {
        let unusual = |name: &[u8]| self.aliases.has(name) && !self.names.contains_key(&*lower(name));
        if attributes.names().any(unusual) {
            return Removed::Also(self.with_aliases(attributes, set));
        }
        Removed::Usual(&self.pieces, set)
    }

    /// Backends that read CGI variables fold `x_auth_subject`, `x.auth.subject` and, at the widest, `x~auth~subject` into
    /// `X-Auth-Subject`: CVE-2026-33433.
    fn with_aliases(&self, attributes: &Attributes<'_>, set: Slots) -> Box<[u8]> {
        let aliases = attributes.names().filter(|name| self.aliases.has(name)).map(lower);
        let mut all: BTreeSet<Cow<'_, str>> = aliases.filter(|name| !self.names.contains_key(&**name)).collect();
        let usual = self.names.iter().filter(|(_, unless)| !unless.meet(set));
        all.extend(usual.map(|(name, _)| Cow::Borrowed(name.as_str())));
        let mut bytes = Vec::new();
        all.iter().for_each(|name| Field::new(REMOVE, &**name).put(&mut bytes));
        bytes.into()
    }
}

/// A name in lower case. One that folds to a guarded name is ASCII.
fn lower(name: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(name);
    if name.iter().any(u8::is_ascii_uppercase) { Cow::Owned(text.to_ascii_lowercase()) } else { text }
}

fn pieces(names: &BTreeMap<String, Slots>) -> Box<[Piece]> {
    let mut pieces: Vec<(Vec<u8>, Slots)> = Vec::new();
    for (name, unless) in names {
        let field = encoded(&Field::new(REMOVE, name.as_str()));
        match pieces.last_mut() {
            Some((bytes, same)) if same == unless => bytes.extend_from_slice(&field),
            _ => pieces.push((field.into(), *unless)),
        }
    }
    pieces.into_iter().map(|(bytes, unless)| Piece { bytes: bytes.into(), unless }).collect()
}

/// What is removed from one request.
pub(super) enum Removed<'a> {
    /// What is removed from every request.
    Usual(&'a [Piece], Slots),
    /// Other spellings as well, as the request has some.
    Also(Box<[u8]>),
}

impl Part for Removed<'_> {
    #[inline]
    fn size(&self) -> usize {
        match self {
            Self::Usual(pieces, set) => kept(pieces, *set).map(<[u8]>::len).fold(0, usize::saturating_add),
            Self::Also(bytes) => bytes.len(),
        }
    }

    #[inline]
    fn put(&self, into: &mut Vec<u8>) {
        match self {
            Self::Usual(pieces, set) => kept(pieces, *set).for_each(|bytes| into.extend_from_slice(bytes)),
            Self::Also(bytes) => into.extend_from_slice(bytes),
        }
    }
}

fn kept(pieces: &[Piece], set: Slots) -> impl Iterator<Item = &[u8]> {
    pieces.iter().filter(move |piece| !piece.unless.meet(set)).map(|piece| &*piece.bytes)
}

/// All the spellings of guarded names. Almost no header is one, and that is seen at its length and its last letter.
#[derive(Clone, Debug)]
struct AliasesOf {
    /// By length.
    names: Box<[OfOneLength]>,
}

#[derive(Clone, Debug, Default)]
struct OfOneLength {
    /// The last letters that they have, one bit each.
    ends: u32,
    folded: Vec<Box<str>>,
}

impl AliasesOf {
    fn new(guarded: &[&str]) -> Self {
        let longest = guarded.iter().map(|name| name.len()).max().unwrap_or_default();
        let mut names = vec![OfOneLength::default(); longest.saturating_add(1)];
        for folded in guarded.iter().map(|name| fold(name)).collect::<BTreeSet<_>>() {
            if let Some(of_length) = names.get_mut(folded.len()) {
                of_length.ends |= last_letter(folded.as_bytes());
                of_length.folded.push(folded.into());
            }
        }
        Self { names: names.into() }
    }

    /// Whether a header of that name folds to a guarded name.
    #[inline]
    fn has(&self, name: &[u8]) -> bool {
        let of_length = self.names.get(name.len());
        of_length.is_some_and(|names| names.ends & last_letter(name) != 0 && names.have(name))
    }
}

impl OfOneLength {
    fn have(&self, name: &[u8]) -> bool {
        self.folded.iter().any(|folded| name.iter().copied().map(fold_byte).eq(folded.bytes()))
    }
}

/// The bit of a name's last letter, folded. Other characters may share one.
#[inline]
fn last_letter(name: &[u8]) -> u32 {
    name.last().map_or(0, |last| 1_u32.wrapping_shl(u32::from(fold_byte(*last))))
}

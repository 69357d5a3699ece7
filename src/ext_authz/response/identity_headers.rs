//! The headers of an answer: those that carry the identity upstream, and the form that all of them have.

use super::{
    header_value::{Joined, Safe, Value},
    protobuf_writer::{Field, Fixed, Part, encoded},
};
use portcullis_engine::{
    answer::identity::{HeaderName, IdentityHeaders},
    jwt::verified_token::VerifiedToken,
};

/// `headers` of `OkHttpResponse` and of `DeniedHttpResponse` alike.
const HEADERS: u8 = 2;

/// Some of the four values that can go upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slots(u8);

/// One bit each, in the order of [`IdentityHeaders`].
const SLOTS: [Slots; 4] = [Slots(1), Slots(2), Slots(4), Slots(8)];

impl Slots {
    /// Those that go upstream under that name.
    pub(super) fn named(name: &str, identity: &IdentityHeaders) -> Self {
        let is_named = |header: &Option<HeaderName>| header.as_ref().is_some_and(|header| header.as_str() == name);
        let slots = SLOTS.into_iter().zip(in_order(identity)).filter(|(_, header)| is_named(header));
        slots.map(|(slot, _)| slot).fold(Self::default(), Self::and)
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether one of these is one of those.
    pub(super) const fn meet(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }
}

fn in_order(identity: &IdentityHeaders) -> [&Option<HeaderName>; 4] {
    [&identity.subject, &identity.scopes, &identity.issuer, &identity.client_id]
}

/// The names of the identity headers, encoded: the `key` of a `HeaderValue`.
#[derive(Clone, Debug)]
pub(super) struct Names([Option<Box<[u8]>>; 4]);

impl Names {
    pub(super) fn new(identity: &IdentityHeaders) -> Self {
        Self(in_order(identity).map(|name| name.as_ref().map(|name| name_piece(name.as_str()))))
    }

    /// What goes upstream of a token: the headers that have a name and a value.
    pub(super) fn of<'a>(&'a self, token: Option<&'a VerifiedToken>) -> Sets<'a> {
        let Some(token) = token else { return Sets::default() };
        let Self([subject, scopes, issuer, client_id]) = self;
        let text = |text: &'a str| Some(Safe::of(text)).filter(|safe| !safe.is_empty()).map(Value::Text);
        let joined = (!token.scopes().is_empty()).then(|| Value::Scopes(Joined(token.scopes())));
        let named = |name: &'a Option<Box<[u8]>>, value: Option<Value<'a>>| Some(header(name.as_deref()?, value?));
        let headers = [
            named(subject, token.subject().and_then(text)),
            named(scopes, joined),
            named(issuer, text(token.issuer())),
            named(client_id, token.client_id().and_then(text)),
        ];
        let set = headers.iter().zip(SLOTS).filter(|(header, _)| header.is_some());
        let slots = set.map(|(_, slot)| slot).fold(Slots::default(), Slots::and);
        Sets { headers, slots }
    }
}

/// What is set of one request.
#[derive(Default)]
pub(super) struct Sets<'a> {
    pub(super) headers: [Option<Header<'a, Value<'a>>>; 4],
    pub(super) slots: Slots,
}

/// The encoded name of a header.
pub(super) fn name_piece(name: &str) -> Box<[u8]> {
    encoded(&Field::new(1, name))
}

/// `append_action` of a `HeaderValueOption`: 2 for OVERWRITE_IF_EXISTS_OR_ADD.
const OVERWRITE: Fixed<2> = Fixed(b"\x18\x02");

/// A header, in its list.
pub(super) type Header<'a, V> = Field<(Field<(&'a [u8], Field<V>)>, Fixed<2>)>;

/// The header of that encoded name. It overwrites, and says so: with neither field of the choice set, versions of Envoy
/// differ.
#[inline]
pub(super) fn header<V: Part>(name: &[u8], value: V) -> Header<'_, V> {
    // `value` of a HeaderValue; `header` of a HeaderValueOption.
    Field::new(HEADERS, (Field::new(1, (name, Field::new(2, value))), OVERWRITE))
}

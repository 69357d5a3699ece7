//! The headers of a request as they stand in its message, looked up without a map being built of them.

use std::fmt;

/// One header.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Header<'m> {
    name: &'m [u8],
    value: &'m [u8],
}

/// The headers of a request, in both forms in which Envoy sends them. It sends one of them.
#[derive(Clone, Default)]
pub(crate) struct Headers<'m> {
    /// The entries of `headers`, a map: of two with the very same name, the later one holds. Nothing is done about that
    /// before two are found, since Envoy never sends them.
    joined: Vec<Header<'m>>,
    /// Those of `header_map`, all of which hold.
    single: Vec<Header<'m>>,
}

/// How many headers there is room for at once. A request of a browser has about twenty.
const ROOM: usize = 32;

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the headers: one of them is the token.
        write!(f, "Headers({}, {})", self.joined.len(), self.single.len())
    }
}

impl<'m> Headers<'m> {
    #[inline]
    pub(crate) fn push_joined(&mut self, name: &'m [u8], value: &'m [u8]) {
        push(&mut self.joined, Header { name, value });
    }

    pub(crate) fn push_single(&mut self, name: &'m [u8], value: &'m [u8]) {
        push(&mut self.single, Header { name, value });
    }

    /// The names, as sent; some perhaps more than once.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'m [u8]> {
        self.joined.iter().chain(&self.single).map(|header| header.name)
    }

    /// All headers.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'m [u8], &'m [u8])> {
        let joined = the_last_of_each_name(self.joined.iter().rev().copied().collect());
        joined.into_iter().chain(self.single.iter().copied()).map(|header| (header.name, header.value))
    }

    /// The values of all headers of that name, in any case.
    pub(crate) fn values(&self, name: &'static str) -> impl Iterator<Item = &'m [u8]> {
        // Lengths first: they tell nearly all names apart.
        let is_it = move |header: &&Header<'m>| {
            header.name.len() == name.len() && header.name.eq_ignore_ascii_case(name.as_bytes())
        };
        let mut joined = self.joined.iter().rev().filter(is_it);
        let (last, other) = (joined.next().copied(), joined.next());
        let several = match other {
            None => Vec::new(),
            Some(_) => the_last_of_each_name(self.joined.iter().rev().filter(is_it).copied().collect()),
        };
        let only = last.filter(|_| several.is_empty());
        let single = self.single.iter().filter(is_it).copied();
        only.into_iter().chain(several).chain(single).map(|header| header.value)
    }
}

#[inline]
fn push<'m>(headers: &mut Vec<Header<'m>>, header: Header<'m>) {
    if headers.capacity() == 0 {
        headers.reserve_exact(ROOM);
    }
    headers.push(header);
}

/// What a map would hold of these, which are in reverse order. By sorting: comparing each with each would let a hostile
/// message cost the square of its length.
fn the_last_of_each_name(mut reversed: Vec<Header<'_>>) -> Vec<Header<'_>> {
    reversed.sort_by_key(|header| header.name);
    reversed.dedup_by_key(|header| header.name);
    reversed
}

#[cfg(test)]
mod tests;

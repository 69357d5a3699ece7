//! Tokens that are shown again and again, found by their own characters: hashing all of those takes longer than everything
//! else that a request with such a token needs.
//!
//! A fixed number of places, one token in each. Which place is a token's is said by the end of its signature, which the
//! issuer chooses and no client. A token is in its place if all of its characters are the same, compared in a time that
//! tells nothing: else a stranger could find out a token one character after the other.
//!
//! *Invariant: what is found here is only found faster.* Whoever asks checks it as everything that is remembered, see
//! [`super::cache`], and only tokens come in that were verified and found there again.
//!
//! It takes a few KiB when empty and 1 MiB at most: tokens that are too long stay in the other cache.
//!
//! SECURITY: up to [`limits::RECENT_TOKENS`] whole tokens lie in memory, which the other cache spares by keeping digests.
//! Comparing characters needs them. A token leaves when it is shown and is over, or its key vouches for it no more; when
//! another takes its place; with its configuration; and when it is over and somebody sweeps, every
//! [`limits::RECENT_SWEEP`] tokens that needed a signature check. So one that is never shown again stays for its own time
//! and until then, even if its key was removed meanwhile. Its memory is freed, not overwritten.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use arc_swap::ArcSwapOption;

use crate::{jwt::verified_token::VerifiedToken, limits, time::UnixTime};

// What the module says that all of them take.
const _: () = assert!(limits::RECENT_TOKENS.is_power_of_two());
const _: () = assert!(limits::RECENT_TOKENS * limits::RECENT_TOKEN_BYTES <= 1024 * 1024);

/// Places for tokens that are shown again and again.
pub(crate) struct Recent {
    places: Box<[Place]>,
}

#[derive(Default)]
struct Place {
    held: ArcSwapOption<Held>,
    /// How often other tokens asked for the place since the one in it was shown. A few more or less don't matter.
    requests: AtomicU32,
}

struct Held {
    text: Box<[u8]>,
    token: Arc<VerifiedToken>,
}

impl Place {
    /// Lets go of the token in it, if that is such a one.
    fn empty_if(&self, is_such: impl FnOnce(&Held) -> bool) {
        let leaves = self.held.load().as_deref().is_some_and(is_such);
        // Another token that came in between is only found more slowly.
        if leaves {
            self.held.store(None);
        }
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self::with_places(limits::RECENT_TOKENS)
    }
}

impl Recent {
    /// With so many places, a power of two.
    fn with_places(count: usize) -> Self {
        Self { places: (0..count).map(|_| Place::default()).collect() }
    }

    /// The token of these characters; whether it is still true is for the caller to say.
    pub(crate) fn get(&self, text: &[u8]) -> Option<Arc<VerifiedToken>> {
        let place = self.place(text)?;
        let held = place.held.load();
        let held = held.as_ref().filter(|held| are_same(&held.text, text))?;
        if place.requests.load(Ordering::Relaxed) != 0 {
            place.requests.store(0, Ordering::Relaxed);
        }
        Some(Arc::clone(&held.token))
    }

    /// That token was found in the other cache, and may be shown again.
    pub(crate) fn offer(&self, text: &[u8], token: &Arc<VerifiedToken>) {
        if text.len().saturating_add(token.size()) > limits::RECENT_TOKEN_BYTES {
            return;
        }
        let Some(place) = self.place(text) else { return };
        let may_have_it = match &*place.held.load() {
            None => true,
            Some(held) if are_same(&held.text, text) => true,
            Some(_) => place.requests.fetch_add(1, Ordering::Relaxed).saturating_add(1) >= limits::RECENT_REQUESTS,
        };
        if may_have_it {
            place.requests.store(0, Ordering::Relaxed);
            place.held.store(Some(Arc::new(Held { text: text.into(), token: Arc::clone(token) })));
        }
    }

    /// Forgets a token.
    pub(crate) fn forget(&self, text: &[u8]) {
        if let Some(place) = self.place(text) {
            place.empty_if(|held| are_same(&held.text, text));
        }
    }

    /// Forgets all tokens whose times are over: a load for each place.
    pub(crate) fn sweep(&self, now: UnixTime) {
        self.places.iter().for_each(|place| place.empty_if(|held| now >= held.token.valid().end));
    }

    /// Where a token would be.
    fn place(&self, text: &[u8]) -> Option<&Place> {
        let end = u64::from_le_bytes(*text.last_chunk()?);
        // Fibonacci hashing: the upper bits depend on all of the characters.
        let hash = end.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> u32::BITS;
        self.places.get(usize::try_from(hash).ok()? & self.places.len().wrapping_sub(1))
    }
}

/// Whether two tokens are the same. SECURITY: all characters are looked at, wherever the first difference is; how long a
/// token is, is no secret. Eight at a time: about 500 instructions for a usual token, and 27,000 for its SHA-256 where
/// the processor has none of its own for that.
fn are_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let ((ones, end), (others, other_end)) = (one.as_chunks(), other.as_chunks());
    let word = |(one, other): (&[u8; 8], &[u8; 8])| u64::from_ne_bytes(*one) ^ u64::from_ne_bytes(*other);
    let words = ones.iter().zip(others).map(word).fold(0, |all, word| all | word);
    let rest = end.iter().zip(other_end).fold(0, |all, (one, other)| all | (one ^ other));
    // The compiler can't know what is asked of it, so it can't stop early.
    black_box(words | u64::from(rest)) == 0
}

#[cfg(test)]
mod tests;

//! What is sent to servers.

use std::{cell::Cell, rc::Rc};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};

use crate::{
    client::{Verdict, Work},
    message::Message,
};

/// These messages in turn, to be allowed.
#[derive(Debug)]
pub struct InTurn {
    messages: Rc<[Message]>,
    sent: u64,
    most: u64,
}

impl InTurn {
    /// Without end.
    #[must_use]
    pub fn endless(messages: &Rc<[Message]>) -> Box<dyn Work> {
        Self::times(messages, u64::MAX)
    }

    /// So many in all.
    #[must_use]
    pub fn times(messages: &Rc<[Message]>, most: u64) -> Box<dyn Work> {
        Box::new(Self { messages: Rc::clone(messages), sent: 0, most })
    }
}

impl Work for InTurn {
    fn next(&mut self, into: &mut Vec<u8>) -> Option<Verdict> {
        let place = usize::try_from(self.sent % self.messages.len() as u64).ok()?;
        let message = self.messages.get(place).filter(|_| self.sent < self.most)?;
        self.sent += 1;
        into.extend_from_slice(&message.bytes);
        Some(Verdict::Allow)
    }
}

/// Each token once, with what it must be answered with.
#[derive(Debug)]
pub struct Each<I> {
    template: Message,
    tokens: I,
}

impl<I: Iterator<Item = (String, Verdict)> + 'static> Each<I> {
    /// Of tokens that are as long as the template's.
    #[must_use]
    pub fn once(template: Message, tokens: I) -> Box<dyn Work> {
        Box::new(Self { template, tokens })
    }
}

impl<I: Iterator<Item = (String, Verdict)>> Work for Each<I> {
    fn next(&mut self, into: &mut Vec<u8>) -> Option<Verdict> {
        let (token, expected) = self.tokens.next()?;
        let place = self.template.bytes.get_mut(self.template.token.clone())?;
        // Of another length it would be another message: the run ends, and its number of calls is wrong.
        if place.len() != token.len() {
            return None;
        }
        place.copy_from_slice(token.as_bytes());
        into.extend_from_slice(&self.template.bytes);
        Some(expected)
    }
}

/// One token, and in between forgeries of it: another signature each, to be denied.
#[derive(Debug)]
pub struct Mixed {
    template: Message,
    sent: u64,
    forged: Rc<Cell<u32>>,
    every: u64,
    most: u64,
}

impl Mixed {
    /// One in `every` is forged; `forged` counts over all rounds, so that none comes twice.
    #[must_use]
    pub fn endless(template: &Message, every: u64, forged: &Rc<Cell<u32>>) -> Box<dyn Work> {
        Self::times(template, every, forged, u64::MAX)
    }

    /// The same, so many calls in all.
    #[must_use]
    pub fn times(template: &Message, every: u64, forged: &Rc<Cell<u32>>, most: u64) -> Box<dyn Work> {
        Box::new(Self { template: template.clone(), sent: 0, forged: Rc::clone(forged), every, most })
    }
}

impl Work for Mixed {
    fn next(&mut self, into: &mut Vec<u8>) -> Option<Verdict> {
        if self.sent == self.most {
            return None;
        }
        self.sent += 1;
        let start = into.len();
        into.extend_from_slice(&self.template.bytes);
        if !self.sent.is_multiple_of(self.every) {
            return Some(Verdict::Allow);
        }
        let number = self.forged.get().wrapping_add(1);
        self.forged.set(number);
        // In the middle of the signature: its first bytes make it a number that is still below the modulus, its last
        // character has bits that must be zero. Six characters of four bytes and a half: the rest of the last is zero too.
        let middle = start + self.template.token.end - 170;
        let mut characters = [0; 6];
        let written = BASE64.encode_slice(number.to_be_bytes(), &mut characters).ok()?;
        into.get_mut(middle..middle + written)?.copy_from_slice(&characters);
        Some(Verdict::Unauthenticated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_ten_is_forged_each_in_another_way() {
        let template = Message::check("/", &"A".repeat(809));
        let mut work = Mixed::times(&template, 10, &Rc::default(), 1_000);
        let mut forgeries = std::collections::BTreeSet::new();
        let mut forged = 0;
        for _ in 0..1_000 {
            let mut bytes = Vec::new();
            if work.next(&mut bytes) == Some(Verdict::Unauthenticated) {
                forged += 1;
                assert_eq!(bytes.len(), template.bytes.len());
                assert_ne!(bytes, template.bytes);
                forgeries.insert(bytes);
            } else {
                assert_eq!(bytes, template.bytes);
            }
        }
        assert_eq!((forged, forgeries.len()), (100, 100));
        assert_eq!(work.next(&mut Vec::new()), None);
    }

    #[test]
    fn each_token_comes_once() {
        let verdicts = [Verdict::AllowFor(1), Verdict::Allow];
        let tokens = ["one", "two"].map(str::to_owned).into_iter().zip(verdicts);
        let mut work = Each::once(Message::check("/", "___"), tokens);
        let mut bytes = Vec::new();
        assert_eq!([work.next(&mut bytes), work.next(&mut bytes)], verdicts.map(Some));
        assert_eq!(work.next(&mut bytes), None);
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("Bearer one") && text.contains("Bearer two"));
    }
}

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use tonic::Code;

use super::*;
use crate::{
    authorizer::Denial,
    decision::DenyReason,
    ext_authz::{
        attributes::Attributes,
        response::{self, Replies},
    },
    identity::{Aliases, IdentityHeaders},
    policy::rule::{Access, Rule, RuleId},
};

/// A body that comes in these pieces.
struct Pieces(VecDeque<Frame<Bytes>>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

async fn read(pieces: &[&[u8]]) -> Result<Bytes, Code> {
    let frames = pieces.iter().map(|piece| Frame::data(Bytes::copy_from_slice(piece)));
    message(Pieces(frames.collect())).await.map_err(|status| status.code())
}

#[tokio::test]
async fn one_message_is_read_however_it_is_cut() {
    let whole = b"\0\0\0\0\x03abc";
    assert_eq!(read(&[whole]).await.unwrap(), "abc");
    for at in 0..=whole.len() {
        let (first, second) = whole.split_at(at);
        assert_eq!(read(&[first, second]).await.unwrap(), "abc", "cut at {at}");
        assert_eq!(read(&[b"", first, b"", second, b""]).await.unwrap(), "abc", "cut at {at}, with empty pieces");
    }
    let bytes: Vec<&[u8]> = whole.chunks(1).collect();
    assert_eq!(read(&bytes).await.unwrap(), "abc");
    assert_eq!(read(&[b"\0\0\0\0\0"]).await.unwrap(), "", "an empty message is a message");
}

#[tokio::test]
async fn trailers_of_a_request_say_nothing() {
    let frames = [Frame::data(Bytes::from_static(b"\0\0\0\0\x01a")), Frame::trailers(HeaderMap::new())];
    assert_eq!(message(Pieces(frames.into())).await.unwrap(), "a");
}

#[tokio::test]
async fn what_is_not_one_message_is_refused() {
    let cases: [(&str, &[&[u8]]); 7] = [
        ("nothing", &[]),
        ("half a prefix", &[b"\0\0\0"]),
        ("less than it says", &[b"\0\0\0\0\x03ab"]),
        ("more than it says", &[b"\0\0\0\0\x03abcd"]),
        ("two messages", &[b"\0\0\0\0\x01a\0\0\0\0\x01b"]),
        ("two messages in two pieces", &[b"\0\0\0\0\x01a", b"\0\0\0\0\x01b"]),
        ("a compressed one", &[b"\x01\0\0\0\x01a"]),
    ];
    for (name, pieces) in cases {
        assert_eq!(read(pieces).await.unwrap_err(), Code::Internal, "{name}");
    }
    assert_eq!(read(&[b"\x02\0\0\0\x01a"]).await.unwrap_err(), Code::Internal, "a flag that does not exist");
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_before_it_has_come() {
    let prefix = |length: usize| {
        let length = u32::try_from(length).unwrap().to_be_bytes();
        [&[0][..], &length].concat()
    };
    let (most, more) = (prefix(limits::CHECK_MESSAGE_BYTES), prefix(limits::CHECK_MESSAGE_BYTES + 1));
    assert_eq!(read(&[&most, b"a"]).await.unwrap_err(), Code::Internal, "only cut short");
    // The rest of it would be read if this were not refused at once.
    let endless = std::iter::once(Frame::data(Bytes::from(more)));
    let mut body = Pieces(endless.chain((0..9).map(|_| Frame::data(Bytes::from_static(b"a")))).collect());
    assert_eq!(message(&mut body).await.unwrap_err().code(), Code::OutOfRange);
    assert_eq!(body.0.len(), 9);
}

#[test]
fn an_answer_is_a_message_with_its_length_and_then_the_status() {
    let denial = Denial::without_rule(DenyReason::Internal);
    let answer = response::deny(&denial, &Attributes::default(), &Replies::new(&IdentityHeaders::default()));
    let bytes = answer.clone().into_bytes();
    let mut body = AnswerBody::new(answer);
    let sent = body.next().unwrap().into_data().unwrap();
    let (prefix, message) = sent.split_at(PREFIX_BYTES);
    assert_eq!(message, bytes);
    assert_eq!(prefix, [&[0][..], &u32::try_from(bytes.len()).unwrap().to_be_bytes()].concat());
    let trailers = body.next().unwrap().into_trailers().unwrap();
    assert_eq!(trailers.len(), 1);
    assert_eq!(trailers["grpc-status"], "0");
    assert!(body.next().is_none());
}

#[test]
fn a_large_answer_comes_in_pieces_that_are_written_together() {
    let identity = IdentityHeaders { aliases: Aliases::Always, ..IdentityHeaders::default() };
    let permit = Rule { id: RuleId::new("r"), access: Access::Public }.admit_anonymous().unwrap();
    let answer = response::allow(&permit, &Attributes::default(), &Replies::new(&identity));
    let whole = answer.clone().into_frame();
    let mut body = AnswerBody::new(answer);
    let pieces: Vec<Bytes> = std::iter::from_fn(|| body.next()).map_while(|frame| frame.into_data().ok()).collect();
    assert!(pieces.len() > 1 && pieces.iter().all(|piece| piece.len() < 1024), "{}", whole.len());
    assert_eq!(pieces.concat(), whole);
}

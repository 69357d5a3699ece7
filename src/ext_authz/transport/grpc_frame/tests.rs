use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use tonic::Code;

use super::*;
use crate::ext_authz::{
    decode::attributes::Attributes,
    response::{self, Replies},
};
use portcullis_engine::{
    answer::identity::{Aliases, IdentityHeaders},
    authorizer::Denial,
    policy::rule::{Access, Rule, RuleId},
    reason::DenyReason,
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

async fn read(pieces: &[&[u8]]) -> Result<Bytes, NoMessage> {
    let frames = pieces.iter().map(|piece| Frame::data(Bytes::copy_from_slice(piece)));
    message(Pieces(frames.collect())).await
}

fn is_not_one(read: &Result<Bytes, NoMessage>) -> bool {
    matches!(read, Err(NoMessage::Refused(RequestFault::NoHttpRequest)))
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
    let cases: [(&str, &[&[u8]]); 8] = [
        ("nothing", &[]),
        ("half a prefix", &[b"\0\0\0"]),
        ("less than it says", &[b"\0\0\0\0\x03ab"]),
        ("more than it says", &[b"\0\0\0\0\x03abcd"]),
        ("two messages", &[b"\0\0\0\0\x01a\0\0\0\0\x01b"]),
        ("two messages in two pieces", &[b"\0\0\0\0\x01a", b"\0\0\0\0\x01b"]),
        ("a compressed one", &[b"\x01\0\0\0\x01a"]),
        ("a flag that does not exist", &[b"\x02\0\0\0\x01a"]),
    ];
    for (name, pieces) in cases {
        let got = read(pieces).await;
        assert!(is_not_one(&got), "{name}: {got:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_does_not_arrive_is_refused() {
    /// Some bytes, and then nothing.
    struct Stalled(Option<Bytes>);

    impl Body for Stalled {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.0.take().map_or(Poll::Pending, |data| Poll::Ready(Some(Ok(Frame::data(data)))))
        }
    }

    let began = tokio::time::Instant::now();
    let got = message(Stalled(Some(Bytes::from_static(b"\0\0\0\0\x03ab")))).await;
    assert!(is_not_one(&got), "{got:?}");
    assert_eq!(began.elapsed().as_secs(), limits::MESSAGE_WAIT.as_secs());
}

fn prefix(length: usize) -> Vec<u8> {
    [&[0][..], &u32::try_from(length).unwrap().to_be_bytes()].concat()
}

#[tokio::test]
async fn the_largest_message_is_read_and_of_a_larger_one_little_is_kept() {
    for (more, is_read) in [(0, true), (1, false)] {
        let length = limits::CHECK_REQUEST_BYTES + more;
        let (prefix, whole) = (prefix(length), vec![b'a'; length]);
        let pieces: Vec<&[u8]> = std::iter::once(&*prefix).chain(whole.chunks(16_384)).collect();
        match read(&pieces).await {
            Ok(message) => assert!(is_read && message.len() == length),
            got => assert!(!is_read && matches!(got, Err(NoMessage::Refused(RequestFault::TooLarge))), "{got:?}"),
        }
        let mut received = Received::default();
        pieces.iter().for_each(|piece| received.push(Bytes::copy_from_slice(piece)).unwrap());
        let kept = received.first.len() + received.joined.len();
        assert!(is_read || kept < 32_768, "{kept} bytes are kept of what is refused");
    }
}

#[tokio::test]
async fn a_message_that_is_far_too_large_fails_before_it_has_come() {
    let mut body = Pieces(std::iter::once(Frame::data(Bytes::from(prefix(limits::CHECK_MESSAGE_BYTES + 1)))).collect());
    body.0.extend((0..9).map(|_| Frame::data(Bytes::from_static(b"a"))));
    let got = message(&mut body).await;
    assert!(matches!(&got, Err(NoMessage::Failed(status)) if status.code() == Code::OutOfRange), "{got:?}");
    assert_eq!(body.0.len(), 9, "the rest is not read");
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

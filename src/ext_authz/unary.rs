//! One message in, one answer out: the framing of a unary call, the gRPC protocol over HTTP/2, "Length-Prefixed-Message".

use std::{future::poll_fn, pin::pin};

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use hyper::body::{Body, Frame};
use tonic::Status;

use super::response::{Answer, PREFIX_BYTES};
use crate::limits;

/// Bytes of a frame that h2 copies, so that it is written together with others (see [`super::connection`]). Most answers
/// are one such piece.
const PIECE_BYTES: usize = 1023;

/// The one message of a request's body, without its prefix.
///
/// # Errors
/// A status for what is not exactly one uncompressed message: its peer is no Envoy, or a broken one, and a denial in a message
/// would say less. A message beyond [`limits::CHECK_MESSAGE_BYTES`] is refused as soon as its length is known.
pub(super) async fn message<B: Body<Data = Bytes>>(body: B) -> Result<Bytes, Status> {
    let mut body = pin!(body);
    let mut received = Received::default();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        // The peer has gone: nobody hears this.
        let frame = frame.map_err(|_| Status::cancelled("the request broke off"))?;
        if let Ok(data) = frame.into_data() {
            received.push(data)?;
        }
    }
    received.whole()
}

/// What of a body has come so far. Nearly always it is one piece, which is then not copied.
#[derive(Default)]
struct Received {
    first: Bytes,
    /// All of it, once there is a second piece.
    joined: BytesMut,
}

impl Received {
    fn push(&mut self, data: Bytes) -> Result<(), Status> {
        if self.first.is_empty() {
            self.first = data;
        } else {
            if self.joined.is_empty() {
                self.joined.extend_from_slice(&self.first);
            }
            self.joined.extend_from_slice(&data);
        }
        match self.declared()? {
            Some(length) if self.bytes().len() - PREFIX_BYTES > length => {
                Err(Status::internal("more than one message in a unary call"))
            }
            _ => Ok(()),
        }
    }

    fn bytes(&self) -> &[u8] {
        if self.joined.is_empty() { &self.first } else { &self.joined }
    }

    /// The length of the message, once it is known.
    fn declared(&self) -> Result<Option<usize>, Status> {
        let Some((prefix, _)) = self.bytes().split_first_chunk::<PREFIX_BYTES>() else { return Ok(None) };
        let [compressed, length @ ..] = *prefix;
        if compressed != 0 {
            return Err(Status::internal("a compressed message in a call that names no encoding"));
        }
        match usize::try_from(u32::from_be_bytes(length)) {
            Ok(length) if length <= limits::CHECK_MESSAGE_BYTES => Ok(Some(length)),
            _ => Err(Status::out_of_range(format!("messages may have {} bytes", limits::CHECK_MESSAGE_BYTES))),
        }
    }

    fn whole(self) -> Result<Bytes, Status> {
        let declared = self.declared()?;
        let mut message = if self.joined.is_empty() { self.first } else { self.joined.freeze() };
        if declared != message.len().checked_sub(PREFIX_BYTES) || declared.is_none() {
            return Err(Status::internal("less than one message in a unary call"));
        }
        message.advance(PREFIX_BYTES);
        Ok(message)
    }
}

/// The body of an answer: one message, then the status of the call in trailers. It is always OK: what is decided stands in
/// the message.
pub(super) struct AnswerBody {
    message: Bytes,
    trailers: Option<HeaderMap>,
}

impl AnswerBody {
    pub(super) fn new(answer: Answer) -> Self {
        let mut trailers = HeaderMap::with_capacity(1);
        trailers.insert(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"));
        Self { message: answer.into_frame(), trailers: Some(trailers) }
    }

    pub(super) fn next(&mut self) -> Option<Frame<Bytes>> {
        if self.message.is_empty() {
            return self.trailers.take().map(Frame::trailers);
        }
        let piece = self.message.split_to(self.message.len().min(PIECE_BYTES));
        Some(Frame::data(piece))
    }
}

#[cfg(test)]
mod tests;

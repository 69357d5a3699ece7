//! One message in, one answer out: the framing of a unary call, the gRPC protocol over HTTP/2, "Length-Prefixed-Message".

use std::{future::poll_fn, pin::pin};

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use hyper::body::{Body, Frame};
use tonic::Status;

use crate::{
    ext_authz::response::{Answer, PREFIX_BYTES},
    limits,
};
use portcullis_engine::reason::RequestFault;

/// Bytes of a frame that h2 copies, so that it is written together with others (see [`super::connection`]). Most answers
/// are one such piece.
const PIECE_BYTES: usize = 1023;

/// Why there is no message.
#[derive(Debug)]
pub(crate) enum NoMessage {
    /// It is answered as a message that can't be read is: by a denial. A gRPC error may be an allow to a lenient proxy.
    Refused(RequestFault),
    /// An error of the call.
    Failed(Status),
}

impl NoMessage {
    /// Not exactly one uncompressed message, or one that does not arrive: its peer is no Envoy, or a broken one.
    const NOT_ONE: Self = Self::Refused(RequestFault::NoHttpRequest);
}

/// The one message of a request's body, without its prefix.
///
/// # Errors
/// [`NoMessage`]. One beyond [`limits::CHECK_MESSAGE_BYTES`] fails as soon as its length is known.
pub(crate) async fn message<B: Body<Data = Bytes>>(body: B) -> Result<Bytes, NoMessage> {
    let mut body = pin!(body);
    let mut received = Received::default();
    let read = async {
        while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            // The peer has gone: nobody hears this.
            let frame = frame.map_err(|_| NoMessage::Failed(Status::cancelled("the request broke off")))?;
            if let Ok(data) = frame.into_data() {
                received.push(data)?;
            }
        }
        received.whole()
    };
    tokio::time::timeout(limits::MESSAGE_WAIT, read).await.unwrap_or(Err(NoMessage::NOT_ONE))
}

/// What of a body has come so far. Nearly always it is one piece, which is then not copied.
#[derive(Default)]
struct Received {
    first: Bytes,
    /// All of it, once there is a second piece.
    joined: BytesMut,
    /// How many bytes have come: of a message that is refused for its length, few of them are kept.
    count: usize,
}

impl Received {
    fn push(&mut self, data: Bytes) -> Result<(), NoMessage> {
        self.count = self.count.saturating_add(data.len());
        if self.declared()?.is_some_and(|length| length > limits::CHECK_REQUEST_BYTES) {
            // Only counted.
        } else if self.first.is_empty() {
            self.first = data;
        } else {
            if self.joined.is_empty() {
                self.joined.extend_from_slice(&self.first);
            }
            self.joined.extend_from_slice(&data);
        }
        match self.declared()? {
            Some(length) if self.count.saturating_sub(PREFIX_BYTES) > length => Err(NoMessage::NOT_ONE),
            _ => Ok(()),
        }
    }

    /// The length of the message, once it is known.
    fn declared(&self) -> Result<Option<usize>, NoMessage> {
        let bytes = if self.joined.is_empty() { &*self.first } else { &*self.joined };
        let Some((prefix, _)) = bytes.split_first_chunk::<PREFIX_BYTES>() else { return Ok(None) };
        let [compressed, length @ ..] = *prefix;
        if compressed != 0 {
            return Err(NoMessage::NOT_ONE);
        }
        match usize::try_from(u32::from_be_bytes(length)) {
            Ok(length) if length <= limits::CHECK_MESSAGE_BYTES => Ok(Some(length)),
            _ => {
                let most = format!("messages may have {} bytes", limits::CHECK_MESSAGE_BYTES);
                Err(NoMessage::Failed(Status::out_of_range(most)))
            }
        }
    }

    fn whole(self) -> Result<Bytes, NoMessage> {
        let declared = self.declared()?;
        if declared.is_none() || declared != self.count.checked_sub(PREFIX_BYTES) {
            return Err(NoMessage::NOT_ONE);
        }
        if declared.is_some_and(|length| length > limits::CHECK_REQUEST_BYTES) {
            return Err(NoMessage::Refused(RequestFault::TooLarge));
        }
        let mut message = if self.joined.is_empty() { self.first } else { self.joined.freeze() };
        message.advance(PREFIX_BYTES);
        Ok(message)
    }
}

/// The body of an answer: one message, then the status of the call in trailers. It is always OK: what is decided stands in
/// the message.
pub(crate) struct AnswerBody {
    message: Bytes,
    trailers: Option<HeaderMap>,
}

impl AnswerBody {
    pub(crate) fn new(answer: Answer) -> Self {
        let mut trailers = HeaderMap::with_capacity(1);
        trailers.insert(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"));
        Self { message: answer.into_frame(), trailers: Some(trailers) }
    }

    pub(crate) fn next(&mut self) -> Option<Frame<Bytes>> {
        if self.message.is_empty() {
            return self.trailers.take().map(Frame::trailers);
        }
        let piece = self.message.split_to(self.message.len().min(PIECE_BYTES));
        Some(Frame::data(piece))
    }
}

#[cfg(test)]
mod tests;

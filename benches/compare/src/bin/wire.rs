//! The floor of the wire: hyper's HTTP/2 server reads the whole request and gives a fixed gRPC reply. It knows no message.
//!
//! `--answer FILE`: the reply is that `CheckResponse`, for what it costs whoever gets it.

use std::{
    convert::Infallible,
    fs,
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::OnceLock,
    task::{Context, Poll},
};

use hyper::{
    HeaderMap, Request, Response,
    body::{Body, Bytes, Frame, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use portcullis_compare::yardstick::{self, Arguments, Failure};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

/// A gRPC frame around a `CheckResponse` with an empty `ok_response` (field 3).
const ALLOW: &[u8] = &[0, 0, 0, 0, 2, 0x1a, 0];

/// The frame that is sent.
static REPLY: OnceLock<Bytes> = OnceLock::new();

fn reply() -> Bytes {
    REPLY.get().cloned().unwrap_or_else(|| Bytes::from_static(ALLOW))
}

/// A stream to which replies are written together: h2 would write each one over 256 bytes by itself.
struct Joined(TcpStream);

impl AsyncRead for Joined {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl AsyncWrite for Joined {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// The reply as a body: one message, then the trailers.
#[derive(Debug)]
enum Reply {
    Message,
    Trailers,
    Done,
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let (frame, next) = match *self {
            Self::Message => (Frame::data(reply()), Self::Trailers),
            Self::Trailers => {
                let mut trailers = HeaderMap::with_capacity(1);
                trailers.insert("grpc-status", HeaderValue::from_static("0"));
                (Frame::trailers(trailers), Self::Done)
            }
            Self::Done => return Poll::Ready(None),
        };
        *self = next;
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Done)
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Reply>, hyper::Error> {
    let mut body = pin!(request.into_body());
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        frame?;
    }
    let mut response = Response::new(Reply::Message);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    Ok(response)
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::read(&[])?;
    if let Ok(file) = arguments.get("answer") {
        let answer = fs::read(file)?;
        let length = u32::try_from(answer.len())?.to_be_bytes();
        let _ = REPLY.set([&[0][..], &length, &answer].concat().into());
    }
    yardstick::run(&arguments, |listen| async move {
        let listener = TcpListener::bind(listen).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let mut connection = http2::Builder::new(TokioExecutor::new());
            // Nor does Portcullis say the date: the floor does no more than it must.
            connection.auto_date_header(false);
            tokio::spawn(connection.serve_connection(TokioIo::new(Joined(stream)), service_fn(answer)));
        }
    })
}

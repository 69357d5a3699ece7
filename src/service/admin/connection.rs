//! One HTTP/1 connection of the admin port, with every limit written out.

use std::{
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, Response, StatusCode},
};
use hyper::{
    body::{Body as _, Frame, Incoming, SizeHint},
    rt::{Read, ReadBufCursor, Write},
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use parking_lot::{Mutex, MutexGuard};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::limits;

/// The phase that a connection is in, and since when.
#[derive(Debug)]
pub(super) struct Activity(Mutex<(Phase, Instant)>);

/// The phases of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing of the next request has come since the last answer.
    Idle,
    /// The headers of a request are awaited.
    Reading,
    /// An answer is made and sent.
    Answering,
    /// The last part of the answer is being sent.
    Ending,
}

impl Phase {
    /// The longest time that a connection may stay in this phase.
    const fn limit(self) -> Duration {
        match self {
            Self::Idle => limits::ADMIN_IDLE,
            Self::Reading => limits::ADMIN_HEADER_WAIT,
            Self::Answering | Self::Ending => limits::ADMIN_ANSWER_WAIT,
        }
    }
}

impl Activity {
    /// The activity of a connection that was accepted now: the headers of its first request are awaited.
    pub(super) fn new() -> Self {
        Self(Mutex::new((Phase::Reading, Instant::now())))
    }

    /// A value that says when the connection was used last: the connection with the least value has been unused for
    /// longest. Connections that send an answer come after all others.
    pub(super) fn used(&self) -> (bool, Instant) {
        let (phase, since) = *self.lock();
        (matches!(phase, Phase::Answering | Phase::Ending), since)
    }

    fn deadline(&self) -> Instant {
        let (phase, since) = *self.lock();
        since + phase.limit()
    }

    /// The headers of a request are there.
    fn requested(&self) {
        *self.lock() = (Phase::Answering, Instant::now());
    }

    /// The answer has been handed over to be sent. The time that it may take goes on.
    fn answered(&self) {
        self.lock().0 = Phase::Ending;
    }

    /// All that was to be sent has been.
    fn flushed(&self) {
        self.go_on(Phase::Ending, Phase::Idle);
    }

    /// Bytes have come: the first ones after an answer begin a request.
    fn read(&self) {
        self.go_on(Phase::Idle, Phase::Reading);
    }

    fn go_on(&self, from: Phase, to: Phase) {
        let mut state = self.lock();
        if state.0 == from {
            *state = (to, Instant::now());
        }
    }

    fn lock(&self) -> MutexGuard<'_, (Phase, Instant)> {
        // Whatever panicked, it is changed whole or not at all.
        self.0.lock()
    }
}

/// Serves a connection until its peer ends it or takes too long; after `stopping`, until the answer that is being sent is
/// sent.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    pages: Router,
    activity: Arc<Activity>,
    stopping: CancellationToken,
) {
    let pages = TowerToHyperService::new(pages);
    let service = service_fn(|request: Request<Incoming>| {
        activity.requested();
        let answering = Answering(Arc::clone(&activity));
        // No page takes a body: nothing of one is read.
        let answer = request.body().is_end_stream().then(|| pages.call(request));
        async move {
            let response = match answer {
                Some(answer) => answer.await?,
                None => {
                    let mut refusal = Response::new(Body::empty());
                    *refusal.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
                    refusal
                }
            };
            Ok::<_, std::convert::Infallible>(response.map(|rest| Pieces {
                rest,
                piece: Bytes::new(),
                _answering: answering,
            }))
        }
    });
    let stream = Watched { stream: TokioIo::new(stream), activity: &activity };
    let mut connection = pin!(builder().serve_connection(stream, service));
    let mut timer = pin!(sleep_until(activity.deadline()));
    let mut stopped = pin!(stopping.cancelled());
    let mut is_stopping = false;
    poll_fn(|cx| {
        if !is_stopping && stopped.as_mut().poll(cx).is_ready() {
            is_stopping = true;
            connection.as_mut().graceful_shutdown();
        }
        // One that breaks off is its peer's affair.
        if connection.as_mut().poll(cx).is_ready() || is_stopping && !activity.used().0 {
            return Poll::Ready(());
        }
        let deadline = activity.deadline();
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx)
    })
    .await;
}

fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // Time is limited here, by what the connection is doing: an idle one may stay for longer than a slow request.
        .header_read_timeout(None)
        .max_header_size(limits::ADMIN_HEADER_BYTES)
        .max_headers(limits::ADMIN_HEADERS)
        .max_buf_size(limits::ADMIN_HEADER_BYTES);
    builder
}

/// A stream that tells when bytes come, and when all have gone.
struct Watched<'a, T> {
    stream: TokioIo<T>,
    activity: &'a Activity,
}

impl<T: AsyncRead + Unpin> Read for Watched<'_, T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, into));
        self.activity.read();
        Poll::Ready(read)
    }
}

impl<T: AsyncWrite + Unpin> Write for Watched<'_, T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        self.activity.flushed();
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Says that an answer has been handed over when it is dropped.
struct Answering(Arc<Activity>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answered();
    }
}

/// The body of an answer in small pieces. Of one large piece hyper takes all at once, and an answer that is not read would
/// count as sent.
struct Pieces {
    rest: Body,
    piece: Bytes,
    _answering: Answering,
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.piece.is_empty() {
            match ready!(Pin::new(&mut self.rest).poll_frame(cx)).map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.piece = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let length = self.piece.len().min(limits::ADMIN_HEADER_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.piece.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.piece.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, piece) = (self.rest.size_hint(), self.piece.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(piece));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(piece));
        }
        hint
    }
}

#[cfg(test)]
mod tests;

//! One HTTP/2 connection, from the first byte to the last, with every limit written out.

mod ended;
mod read_ahead;

use std::{
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use hyper::{
    rt::{Read, ReadBuf, ReadBufCursor, Write},
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    task::unconstrained,
};
use tokio_util::either::Either;

use super::{connections::Place, dispatch::Front};
use crate::{
    ext_authz::{
        queue::Reads,
        service::{ConnectionEvent, Observer},
    },
    limits,
};
use read_ahead::{FRAME, ReadAhead};

/// A connection that was accepted, and belongs to no runtime yet.
#[derive(Debug)]
pub(crate) enum Accepted {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

impl Accepted {
    fn into_stream(self) -> io::Result<Either<TcpStream, UnixStream>> {
        match self {
            Self::Tcp(stream) => {
                // Without it answers wait for the client's next acknowledgement: 45 ms tails, measured.
                // One whose peer is gone by now refuses it; that is seen at the first reading.
                let _ = stream.set_nodelay(true);
                TcpStream::from_std(stream).map(Either::Left)
            }
            Self::Unix(stream) => UnixStream::from_std(stream).map(Either::Right),
        }
    }
}

/// Serves a connection on the runtime that this runs on, until its peer ends it; or until it is asked to close, and then until
/// what is open is answered.
pub(crate) async fn serve(accepted: Accepted, front: Front, observer: Arc<dyn Observer>, place: Place) {
    match accepted.into_stream() {
        Ok(stream) => serve_stream(stream, &front, &*observer, &place, &builder()).await,
        Err(error) => observer.accept_failed(&error),
    }
}

async fn serve_stream<T: AsyncRead + AsyncWrite + Unpin>(
    stream: T,
    front: &Front,
    observer: &dyn Observer,
    place: &Place,
    builder: &http2::Builder<TokioExecutor>,
) {
    observer.connection(ConnectionEvent::Opened);
    let (is_used, reads) = (AtomicBool::new(false), Reads::new());
    front.queues().add(&reads);
    let service = service_fn(|request| {
        is_used.store(true, Ordering::Relaxed);
        front.answer(request, &reads, place.call())
    });
    let (turn, goodbye) = (AtomicUsize::new(0), OnceLock::new());
    let stream = Joined { stream: TokioIo::new(stream), turn: &turn, goodbye: &goodbye, reads: &reads, ahead: None };
    let mut connection = pin!(builder.serve_connection(stream, service));
    let mut ended = tokio::select! {
        biased;
        ended = in_turns(connection.as_mut(), &turn) => Some(ended),
        () = place.asked_to_close() => None,
        () = unused(&is_used) => Some(Ok(())),
    };
    if ended.is_none() {
        connection.as_mut().graceful_shutdown();
        ended = tokio::select! {
            biased;
            ended = in_turns(connection.as_mut(), &turn) => Some(ended),
            () = place.overstays() => None,
        };
    }
    // A TCP health check, such as a load balancer's, breaks off before it has sent anything: that is no failure.
    if let Some(Err(error)) = ended
        && let Some(failure) =
            ended::failure(&error, goodbye.get().map(|text| &**text), is_used.load(Ordering::Relaxed))
    {
        observer.connection(ConnectionEvent::Failed(&failure));
    }
    if place.makes_room() {
        observer.connection(ConnectionEvent::MadeRoom);
    }
    observer.connection(ConnectionEvent::Closed);
}

/// Runs a connection so that it reads [`limits::READ_PER_TURN`] bytes and then lets others have their turn.
async fn in_turns<C: Future>(mut connection: Pin<&mut C>, turn: &AtomicUsize) -> C::Output {
    poll_fn(|cx| {
        turn.store(limits::READ_PER_TURN, Ordering::Relaxed);
        connection.as_mut().poll(cx)
    })
    .await
}

/// A stream to which answers are written together, and that notes when it is read.
///
/// Of a stream that can write from several buffers at once, h2 takes that every frame over 256 bytes is better written by
/// itself than copied: a system call for each answer, which takes as long as everything else that is done for it. Of others
/// it copies frames up to 1 KiB.
struct Joined<'a, T> {
    stream: T,
    /// Bytes that may still be read in this turn.
    turn: &'a AtomicUsize,
    /// The text that h2 sends to the peer when it ends the connection.
    goodbye: &'a OnceLock<Box<str>>,
    /// Notes when the stream was read.
    reads: &'a Reads,
    /// Bytes that have come beyond a turn. Most connections never have any.
    ahead: Option<Box<ReadAhead>>,
}

impl<T: Read + Unpin> Read for Joined<'_, T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let left = self.turn.load(Ordering::Relaxed);
        if left == 0 {
            self.read_ahead(cx);
            // Behind the tasks of the streams that were woken in this turn.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let room = into.remaining();
        // As if all the room were filled, which is never less than what is read.
        let mut left = left.saturating_sub(room);
        let read = if self.ahead.is_some() {
            let read = self.read_behind(into);
            if self.ahead.as_ref().is_none_or(|ahead| ahead.is_younger_next()) {
                left = 0;
            }
            read
        } else {
            let read = if room > FRAME {
                ready!(self.poll_read_piece(cx, into))
            } else {
                ready!(Pin::new(&mut self.stream).poll_read(cx, into))
            };
            self.reads.read();
            read
        };
        self.turn.store(left, Ordering::Relaxed);
        Poll::Ready(read)
    }
}

impl<T: Read + Unpin> Joined<'_, T> {
    /// Reads no more than a frame may have. After large frames h2 offers more room than may be read in a turn.
    #[cold]
    fn poll_read_piece(&mut self, cx: &mut Context<'_>, mut into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; FRAME];
        let mut piece = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut self.stream).poll_read(cx, piece.unfilled()))?;
        into.put_slice(piece.filled());
        Poll::Ready(Ok(()))
    }

    /// Takes what has come beyond the turn that ends out of the stream, or as much of it as there is room for.
    #[cold]
    fn read_ahead(&mut self, cx: &mut Context<'_>) {
        let mut ahead = self.ahead.take().unwrap_or_else(|| Box::new(ReadAhead::new(self.reads)));
        // The budget of a task in tokio is a number of polls, and this is bounded in bytes.
        let stream = &mut self.stream;
        let filling = unconstrained(poll_fn(|cx| {
            ahead.fill(stream, cx);
            Poll::Ready(())
        }));
        let _ = pin!(filling).poll(cx);
        self.ahead = Some(ahead).filter(|ahead| !ahead.is_empty());
    }

    /// Reads what was read ahead.
    #[cold]
    fn read_behind(&mut self, into: ReadBufCursor<'_>) -> io::Result<()> {
        let Some(ahead) = &mut self.ahead else { return Ok(()) };
        let read = ahead.read(into, self.reads);
        self.ahead.take_if(|ahead| ahead.is_empty());
        read
    }
}

impl<T: Write + Unpin> Write for Joined<'_, T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // Answers end in a header of HPACK's table, which is no letter: this is nearly never so.
        if bytes.last().is_some_and(u8::is_ascii_lowercase)
            && let Some(text) = ended::goodbye(bytes)
        {
            let _ = self.goodbye.set(text.into());
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Returns if nothing has been asked in time.
async fn unused(is_used: &AtomicBool) {
    tokio::time::sleep(limits::FIRST_CALL).await;
    if is_used.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

fn builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits::CONCURRENT_STREAMS)
        .max_pending_accept_reset_streams(limits::PENDING_RESETS)
        .max_local_error_reset_streams(limits::ERROR_RESETS)
        .initial_connection_window_size(limits::CONNECTION_WINDOW)
        .initial_stream_window_size(limits::STREAM_WINDOW)
        .max_frame_size(limits::FRAME_BYTES)
        .max_send_buf_size(limits::SEND_BUFFER_BYTES)
        .header_table_size(limits::HEADER_TABLE_BYTES)
        .max_header_list_size(limits::CALL_HEADER_BYTES)
        .keep_alive_interval(limits::KEEPALIVE_INTERVAL)
        .keep_alive_timeout(limits::KEEPALIVE_TIMEOUT)
        // Nobody asks an authorizer for the date.
        .auto_date_header(false);
    builder
}

#[cfg(test)]
mod tests;

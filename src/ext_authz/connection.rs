//! One HTTP/2 connection, from the first byte to the last, with every limit written out.

use std::{
    convert::Infallible,
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use hyper::{
    rt::{Read, ReadBufCursor, Write},
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpStream, UnixStream};
use tokio_util::{either::Either, sync::CancellationToken};

use super::{front::Front, service::Observer};
use crate::limits;

/// A connection that was accepted, and belongs to no runtime yet.
#[derive(Debug)]
pub(super) enum Accepted {
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

/// Serves a connection on the runtime that this runs on, until its peer ends it; after `stop`, until what is open is answered.
pub(super) async fn serve(accepted: Accepted, front: Front, observer: Arc<dyn Observer>, stop: CancellationToken) {
    let stream = match accepted.into_stream() {
        Ok(stream) => stream,
        Err(error) => return observer.accept_failed(&error),
    };
    let is_used = AtomicBool::new(false);
    let service = service_fn(|request| {
        is_used.store(true, Ordering::Relaxed);
        let answer = front.answer(request);
        async { Ok::<_, Infallible>(answer.await) }
    });
    let mut connection = pin!(builder().serve_connection(Joined(TokioIo::new(stream)), service));
    tokio::select! {
        biased;
        // One that breaks off is its peer's affair.
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
        () = unused(&is_used) => return,
    }
    let _ = connection.await;
}

/// A stream to which answers are written together.
///
/// Of a stream that can write from several buffers at once, h2 takes that every frame over 256 bytes is better written by
/// itself than copied: a system call for each answer, which takes as long as everything else that is done for it. Of others
/// it copies frames up to 1 KiB.
struct Joined<T>(T);

impl<T: Read + Unpin> Read for Joined<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl<T: Write + Unpin> Write for Joined<T> {
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
        .initial_connection_window_size(limits::CONNECTION_WINDOW)
        .max_header_list_size(limits::CALL_HEADER_BYTES)
        .keep_alive_interval(limits::KEEPALIVE_INTERVAL)
        .keep_alive_timeout(limits::KEEPALIVE_TIMEOUT)
        // Nobody asks an authorizer for the date.
        .auto_date_header(false);
    builder
}

#[cfg(test)]
mod tests {
    use std::{os::unix::net::UnixStream as Pair, time::Duration};

    use tokio::{
        io::AsyncReadExt as _,
        time::{Instant, timeout},
    };
    use tonic::service::Routes;

    use super::*;
    use crate::ext_authz::service::{Current, Engine, Service};

    struct Deaf;

    impl Observer for Deaf {
        fn decided(&self, _: &crate::ext_authz::service::Decided<'_>) {}

        fn accept_failed(&self, _: &io::Error) {}
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_on_which_nothing_is_asked_is_closed() {
        let (ours, theirs) = Pair::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        let service = Service::new(Arc::new(Current::from_pointee(Engine::for_tests(Arc::new(Deaf)))));
        let front = Front::new(service, Routes::default());
        let began = Instant::now();
        serve(Accepted::Unix(ours), front, Arc::new(Deaf), CancellationToken::new()).await;
        assert_eq!(began.elapsed().as_secs(), limits::FIRST_CALL.as_secs());
        let mut sent = Vec::new();
        UnixStream::from_std(theirs).unwrap().read_to_end(&mut sent).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_used_stays() {
        let used = AtomicBool::new(true);
        assert!(timeout(Duration::from_secs(3600), unused(&used)).await.is_err());
        assert!(timeout(Duration::from_secs(3600), unused(&AtomicBool::new(false))).await.is_ok());
    }
}

//! One HTTP/2 connection, from the first byte to the last, with every limit written out.

use std::{convert::Infallible, io, pin::pin};

use hyper::{server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpStream, UnixStream};
use tokio_util::{either::Either, sync::CancellationToken};

use super::front::Front;
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
                stream.set_nodelay(true)?;
                TcpStream::from_std(stream).map(Either::Left)
            }
            Self::Unix(stream) => UnixStream::from_std(stream).map(Either::Right),
        }
    }
}

/// Serves a connection on the runtime that this runs on, until its peer ends it; after `stop`, until what is open is answered.
pub(super) async fn serve(accepted: Accepted, front: Front, stop: CancellationToken) {
    // A connection that is gone by now, or that breaks off later, is its peer's affair.
    let Ok(stream) = accepted.into_stream() else { return };
    let service = service_fn(move |request| {
        let front = front.clone();
        async move { Ok::<_, Infallible>(front.answer(request).await) }
    });
    let mut connection = pin!(builder().serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
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

//! The gRPC server: `Authorization`, health and reflection, with every limit written out.

use std::{fmt, future::Future, io, sync::Arc};

use tokio::net::{TcpListener, UnixListener};
use tokio_stream::{
    StreamExt as _,
    wrappers::{TcpListenerStream, UnixListenerStream},
};
use tonic::{
    service::{Routes, RoutesBuilder},
    transport::Server,
};
use tonic_health::{
    ServingStatus,
    server::{HealthReporter, health_reporter},
};
use tonic_reflection::server::Builder as Reflection;

use super::{
    proto::{self, service::authorization_server::AuthorizationServer},
    service::{Current, Observer, Service},
};
use crate::limits;

/// The service's name for health checks; the empty name speaks for the whole server.
const SERVICE: &str = "envoy.service.auth.v3.Authorization";

/// A bound listener.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

/// Tells health checks whether to send requests here.
#[derive(Clone, Debug)]
pub struct Health(HealthReporter);

impl Health {
    /// Sets both names to SERVING or NOT_SERVING.
    pub async fn set_serving(&self, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for name in ["", SERVICE] {
            self.0.set_service_status(name, status).await;
        }
    }
}

/// Everything that is served, not yet listening. NOT_SERVING until told otherwise.
pub struct GrpcServer {
    routes: Routes,
    health: Health,
    observer: Arc<dyn Observer>,
}

impl GrpcServer {
    /// The server over the engine in force.
    ///
    /// # Errors
    /// The descriptors compiled in can't be read: a bug.
    pub async fn new(current: Arc<Current>) -> Result<Self, tonic_reflection::server::Error> {
        let (reporter, health_service) = health_reporter();
        let health = Health(reporter);
        let observer = Arc::clone(&current.load().observer);
        health.set_serving(false).await;
        let check =
            AuthorizationServer::new(Service::new(current)).max_decoding_message_size(limits::CHECK_MESSAGE_BYTES);
        let reflection = || {
            Reflection::configure()
                .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let mut routes = RoutesBuilder::default();
        routes.add_service(check);
        routes.add_service(health_service);
        routes.add_service(reflection().build_v1()?);
        // Older grpcurl and other tools ask for v1alpha first.
        routes.add_service(reflection().build_v1alpha()?);
        Ok(Self { routes: routes.routes(), health, observer })
    }

    /// The switch for health checks.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Serves until `stop`, then lets requests in flight end. Has no deadline of its own.
    ///
    /// # Errors
    /// The transport failed.
    pub async fn serve(
        self,
        listener: Listener,
        stop: impl Future<Output = ()>,
    ) -> Result<(), tonic::transport::Error> {
        let router = Server::builder()
            .max_concurrent_streams(limits::CONCURRENT_STREAMS)
            .initial_connection_window_size(limits::CONNECTION_WINDOW)
            .http2_keepalive_interval(Some(limits::KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(limits::KEEPALIVE_TIMEOUT))
            .add_routes(self.routes);
        let observer = self.observer;
        match listener {
            Listener::Tcp(listener) => {
                let incoming = TcpListenerStream::new(listener).map(|accepted| {
                    let stream = accepted?;
                    // Without it answers wait for the client's next acknowledgement: 45 ms tails, measured.
                    stream.set_nodelay(true)?;
                    Ok(stream)
                });
                let incoming = incoming.then(move |accepted| settled(accepted, Arc::clone(&observer)));
                router.serve_with_incoming_shutdown(incoming, stop).await
            }
            Listener::Unix(listener) => {
                let incoming = UnixListenerStream::new(listener);
                let incoming = incoming.then(move |accepted| settled(accepted, Arc::clone(&observer)));
                router.serve_with_incoming_shutdown(incoming, stop).await
            }
        }
    }
}

impl fmt::Debug for GrpcServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcServer").field("health", &self.health).finish_non_exhaustive()
    }
}

/// A connection, or its error after a pause: without file descriptors accepting fails at once, and the loop would only
/// burn a core. tonic goes on after an error.
async fn settled<S>(accepted: io::Result<S>, observer: Arc<dyn Observer>) -> io::Result<S> {
    if let Err(error) = &accepted {
        observer.accept_failed(error);
        tokio::time::sleep(limits::ACCEPT_PAUSE).await;
    }
    accepted
}

//! The gRPC server: `Authorization`, health and reflection, with every limit written out.

use std::{fmt, io, pin::Pin, sync::Arc};

use http::StatusCode;
use tokio::net::{TcpListener, UnixListener};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::{Routes, RoutesBuilder};
use tonic_health::{
    ServingStatus,
    server::{HealthReporter, health_reporter},
};
use tonic_reflection::server::Builder as Reflection;

use super::{
    connection::{self, Accepted},
    connections::Connections,
    dispatch::Front,
};
pub use crate::ext_authz::queue::Queues;
use crate::{
    ext_authz::{
        proto::{self, service::authorization_server::AuthorizationServer},
        service::{ConnectionEvent, Current, Observer, Service},
    },
    limits,
};

/// The service's name for health checks; the empty name speaks for the whole server.
const SERVICE: &str = "envoy.service.auth.v3.Authorization";

/// The process has no file descriptor left, and the system has none: the same numbers on Linux, macOS and the BSDs.
const EMFILE: i32 = 24;
const ENFILE: i32 = 23;

/// A connection's task.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs connections: on which thread, is not for the server to know.
pub trait Workers: fmt::Debug + Send + Sync + 'static {
    /// Runs a task to its end, in the background.
    fn run(&self, task: Task);
}

/// A bound listener.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

impl Listener {
    /// The next connection, taken off the runtime that it was accepted on.
    async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => listener.accept().await?.0.into_std().map(Accepted::Tcp),
            Self::Unix(listener) => listener.accept().await?.0.into_std().map(Accepted::Unix),
        }
    }
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
    front: Front,
    health: Health,
    observer: Arc<dyn Observer>,
    max_connections: usize,
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
        let service = Service::new(current);
        let check = AuthorizationServer::new(service.clone()).max_decoding_message_size(limits::CHECK_MESSAGE_BYTES);
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
        // Clients of gRPC take a 404 for UNIMPLEMENTED, as they should; a 200 would be an allow to an `http_service`.
        let router = routes.routes().into_axum_router().fallback(async || StatusCode::NOT_FOUND);
        let front = Front::new(service, Routes::from(router));
        Ok(Self { front, health, observer, max_connections: limits::CONNECTIONS })
    }

    /// Sets the number of connections that may be open at once. Beyond it the longest unused one has to close.
    #[must_use]
    pub fn with_max_connections(self, max_connections: usize) -> Self {
        Self { max_connections, ..self }
    }

    /// The switch for health checks.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// The queues that calls wait in until their thread decides them.
    #[must_use]
    pub fn queues(&self) -> Arc<Queues> {
        Arc::clone(self.front.queues())
    }

    /// Serves until `stop`, then lets requests in flight end. Has no deadline of its own.
    pub async fn serve(self, listener: Listener, workers: Arc<dyn Workers>, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        let connections = Arc::new(Connections::new(self.max_connections, stop.clone()));
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = self.accept(&listener, &*workers, &tasks, &connections) => {}
            () = connections.replace_aged() => {}
        }
        drop(listener);
        tasks.close();
        tasks.wait().await;
    }

    /// Accepts connections. Never returns.
    async fn accept(
        &self,
        listener: &Listener,
        workers: &dyn Workers,
        tasks: &TaskTracker,
        connections: &Arc<Connections>,
    ) {
        loop {
            match listener.accept().await {
                Ok(accepted) => match connections.enter().await {
                    Some(place) => {
                        let serving =
                            connection::serve(accepted, self.front.clone(), Arc::clone(&self.observer), place);
                        workers.run(Box::pin(tasks.track_future(serving)));
                    }
                    None => self.observer.connection(ConnectionEvent::Refused),
                },
                // Without file descriptors accepting fails at once, and the loop would only burn a core.
                Err(error) => {
                    self.observer.accept_failed(&error);
                    if matches!(error.raw_os_error(), Some(EMFILE | ENFILE)) {
                        connections.make_room();
                    }
                    tokio::time::sleep(limits::ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

impl fmt::Debug for GrpcServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcServer").field("health", &self.health).finish_non_exhaustive()
    }
}

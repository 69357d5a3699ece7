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
    front::Front,
    proto::{self, service::authorization_server::AuthorizationServer},
    service::{Current, Observer, Service},
};
use crate::limits;

/// The service's name for health checks; the empty name speaks for the whole server.
const SERVICE: &str = "envoy.service.auth.v3.Authorization";

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
        Ok(Self { front, health, observer })
    }

    /// The switch for health checks.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Serves until `stop`, then lets requests in flight end. Has no deadline of its own.
    pub async fn serve(self, listener: Listener, workers: Arc<dyn Workers>, stop: CancellationToken) {
        let connections = TaskTracker::new();
        let observer = || Arc::clone(&self.observer);
        while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
            match accepted {
                Ok(accepted) => {
                    let serving = connection::serve(accepted, self.front.clone(), observer(), stop.clone());
                    workers.run(Box::pin(connections.track_future(serving)));
                }
                // Without file descriptors accepting fails at once, and the loop would only burn a core.
                Err(error) => {
                    self.observer.accept_failed(&error);
                    tokio::time::sleep(limits::ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        connections.close();
        connections.wait().await;
    }
}

impl fmt::Debug for GrpcServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcServer").field("health", &self.health).finish_non_exhaustive()
    }
}

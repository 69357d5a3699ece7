//! The question to the gRPC port: `grpc.health.v1.Health/Check` about the whole server, on a port or a Unix socket.

use std::{
    convert::Infallible,
    error::Error as _,
    future::pending,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use http::{Request, Response, Uri};
use hyper::{
    body::Incoming,
    client::conn::http2::{self, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tonic::{Code, Status, body::Body, codegen::Service};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use super::{
    answer::Answer,
    dial::{self, Stream, Target},
};
use crate::limits;

/// The origin of the request: HTTP/2 asks for one, and the server does not look at it.
const ORIGIN: &str = "http://portcullis";

/// Asks whether it is serving. That it answers at all is a sign of life.
pub(super) async fn ask(target: &Target, live: bool) -> Answer {
    let asked = match target {
        Target::Tcp(address) => match dial::tcp(*address).await {
            Ok(stream) => exchange(stream).await,
            Err(why) => Err(why),
        },
        Target::Unix(path) => match dial::unix(path).await {
            Ok(stream) => exchange(stream).await,
            Err(why) => Err(why),
        },
    };
    let (is_healthy, found) = match asked {
        Ok(ServingStatus::Serving) => (true, "it is serving".to_owned()),
        Ok(status) if live => (true, format!("it shows signs of life: {}", status.as_str_name())),
        Ok(status) => (false, format!("{}: it starts or stops", status.as_str_name())),
        Err(why) => (false, why),
    };
    Answer { is_healthy, asked: format!("{target} (gRPC)"), found }
}

async fn exchange(stream: impl Stream) -> Result<ServingStatus, String> {
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (sender, connection) = handshake.map_err(|_| NO_HTTP)?;
    // What ends the connection fails the question, which says more about it.
    let driving = async {
        let _ = connection.await;
        pending::<Infallible>().await
    };
    let (mut question, mut driving) = (pin!(check(Sender(sender))), pin!(driving));
    tokio::select! {
        status = &mut question => status,
        never = &mut driving => match never {},
    }
}

async fn check(sender: Sender) -> Result<ServingStatus, String> {
    let client = HealthClient::with_origin(sender, Uri::from_static(ORIGIN));
    // The name of no service stands for all of them.
    let asked = HealthCheckRequest::default();
    let answer = client.max_decoding_message_size(limits::HEALTH_ANSWER_BYTES).check(asked).await;
    let answer = answer.map_err(|status| describe(&status))?.into_inner();
    ServingStatus::try_from(answer.status).map_err(|_| stranger("another status"))
}

fn describe(status: &Status) -> String {
    match status.code() {
        // An exchange that failed below gRPC has an error of HTTP for its cause.
        _ if status.source().is_some() => NO_HTTP.to_owned(),
        Code::Unimplemented => stranger("no gRPC health"),
        code => stranger(&format!("grpc-status {}", i32::from(code))),
    }
}

/// The answer is none of Portcullis's gRPC port.
fn stranger(answered: &str) -> String {
    format!("{answered}: this is not the gRPC port of Portcullis")
}

/// The text for an exchange that failed below gRPC: whether there was any, can't be told.
const NO_HTTP: &str = "no answer in HTTP/2: another service listens there, or this one has just ended";

/// A connection as the generated client takes it.
struct Sender(SendRequest<Body>);

impl Service<Request<Body>> for Sender {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = hyper::Result<Response<Incoming>>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

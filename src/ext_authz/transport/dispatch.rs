//! What a request on the port is: a Check, another call of gRPC, or nothing for us.
//!
//! A Check takes the short way, past tonic's router and layers, which cost half of what the whole decision does (11,500
//! instructions and 23,000, measured). It is open to what Envoy sends; a call that says anything out of the ordinary goes
//! the long way, through tonic, to the same [`Service`].

use std::{
    convert::Infallible,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderName},
};
use hyper::body::{Body, Frame, Incoming};
use tokio_util::either::Either;
use tonic::{Status, body::Body as TonicBody, codegen::Service as _, service::Routes};

use super::grpc_frame::{self, AnswerBody, NoMessage};
use crate::{
    ext_authz::{
        deadline,
        queue::{Call, Queues, Reads},
        service::Service,
    },
    limits,
};

/// The path of `Check`.
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";
/// What every content type of gRPC starts with.
const GRPC: &str = "application/grpc";
/// How a call says that its message may be compressed.
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// Takes every request of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    service: Service,
    /// The same service, health and reflection, behind tonic.
    routes: Routes,
    queues: Arc<Queues>,
}

/// The way that a request goes, with what is needed of it there.
enum Way {
    Check(Service, Incoming, Call),
    /// Boxed: it is large.
    Other(Pin<Box<dyn Future<Output = Response<FrontBody>> + Send>>),
}

impl Front {
    pub(crate) fn new(service: Service, routes: Routes) -> Self {
        Self { service, routes, queues: Arc::default() }
    }

    /// Returns the queues that calls wait in.
    pub(crate) const fn queues(&self) -> &Arc<Queues> {
        &self.queues
    }

    /// Answers one request, which the last of these reads has brought. `in_flight` is dropped when it is answered, or taken back.
    pub(crate) fn answer<G: Send>(
        &self,
        request: Request<Incoming>,
        reads: &Reads,
        in_flight: G,
    ) -> impl Future<Output = Result<Response<FrontBody>, Infallible>> + use<G> {
        // No `async` block around a Check: it would have room for its future twice, as it is made and as it is awaited, and
        // all of that is copied several times before it runs.
        match self.way(request, reads) {
            Way::Check(service, body, call) => Either::Left(check(service, body, call, in_flight)),
            Way::Other(answer) => Either::Right(async move {
                let _in_flight = in_flight;
                Ok(answer.await)
            }),
        }
    }

    /// Runs in the task of the connection, which a panic would end: it looks at headers, and no more.
    fn way(&self, mut request: Request<Incoming>, reads: &Reads) -> Way {
        // SECURITY: an Envoy whose filter has `http_service` in place of `grpc_service` takes any 200 for an allow, and a
        // gRPC server's way of saying no is a 200 with a `grpc-status`. So whatever such an Envoy asks must not be a 200.
        // The gRPC protocol over HTTP/2, "Requests": without such a content type, a server answers 415.
        if !is_grpc(request.headers()) {
            return Way::Other(Box::pin(async {
                let mut refusal = Response::new(FrontBody::Other(TonicBody::empty()));
                *refusal.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                refusal
            }));
        }
        if request.uri().path() == CHECK {
            let call = reads.call(deadline::timeout(request.headers()));
            if is_plain(&request) {
                return Way::Check(self.service.clone(), request.into_body(), call);
            }
            request.extensions_mut().insert(Arc::new(call));
        }
        let mut routes = self.routes.clone();
        Way::Other(Box::pin(async move {
            let answer = routes.call(request.map(TonicBody::new));
            // A stream answers at once, and may then go on for as long as it likes.
            let response = match tokio::time::timeout(limits::MESSAGE_WAIT, answer).await {
                Ok(Ok(response)) => response,
                Err(_) => Status::deadline_exceeded("the message did not arrive").into_http(),
            };
            response.map(FrontBody::Other)
        }))
    }
}

async fn check<B: Body<Data = Bytes>, G>(
    service: Service,
    body: B,
    mut call: Call,
    _in_flight: G,
) -> Result<Response<FrontBody>, Infallible> {
    let mut unanswered = Unanswered(Some(&service));
    // In a block of its own, so that what is read and what is answered lie in the same place.
    let message = {
        let mut message = pin!(grpc_frame::message(body));
        match poll_fn(|cx| Poll::Ready(message.as_mut().poll(cx))).await {
            Poll::Ready(message) => message,
            Poll::Pending => call.aside(message).await,
        }
    };
    let picked_up = call.pick_up();
    drop(call);
    let answer = match message {
        Ok(message) => service.answer(message, picked_up).await,
        Err(NoMessage::Refused(fault)) => service.refuse(fault, (&picked_up).into()),
        Err(NoMessage::Failed(status)) => return Ok(status.into_http::<TonicBody>().map(FrontBody::Other)),
    };
    unanswered.0 = None;
    let mut response = Response::new(FrontBody::Check(AnswerBody::new(answer)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(GRPC));
    Ok(response)
}

/// A Check without an answer. If it is dropped as such, its caller has taken it back, or is gone.
struct Unanswered<'a>(Option<&'a Service>);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(service) = self.0 {
            service.cancelled();
        }
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(GRPC.as_bytes()))
}

/// Says whether a Check is one as Envoy makes it: its message is not compressed, so that the bytes of the body are the message.
fn is_plain<B>(request: &Request<B>) -> bool {
    request.method() == Method::POST
        && request.headers().get(GRPC_ENCODING).is_none_or(|encoding| encoding == "identity")
}

/// The body of an answer.
pub(crate) enum FrontBody {
    /// Of a Check that took the short way.
    Check(AnswerBody),
    /// Of everything else.
    Other(TonicBody),
}

impl Body for FrontBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match self.get_mut() {
            Self::Check(body) => Poll::Ready(body.next().map(Ok)),
            Self::Other(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            // Its trailers are still to come, whatever it has sent.
            Self::Check(_) => false,
            Self::Other(body) => body.is_end_stream(),
        }
    }
}

#[cfg(test)]
mod tests;

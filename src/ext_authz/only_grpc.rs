//! What is not gRPC is refused by its HTTP status.
//!
//! SECURITY: an Envoy whose filter has `http_service` in place of `grpc_service` takes any 200 for an allow, and a gRPC
//! server's way of saying no is a 200 with a `grpc-status`. So whatever such an Envoy asks here must not be a 200.

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};

/// The same services, and nothing but a refusal beside them.
pub(super) fn only_grpc(services: Router) -> Router {
    // Clients of gRPC take a 404 for UNIMPLEMENTED, as they should.
    services.fallback(async || StatusCode::NOT_FOUND).layer(middleware::from_fn(refuse_others))
}

async fn refuse_others(request: Request, next: Next) -> Response {
    // The gRPC protocol over HTTP/2, "Requests": without such a content type, a server answers 415.
    if is_grpc(request.headers()) {
        next.run(request).await
    } else {
        StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response()
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

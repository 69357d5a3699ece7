//! The floor of tonic: reads Envoy's complete message and allows everything.

use envoy_types::pb::envoy::service::auth::v3::{
    CheckRequest, CheckResponse, OkHttpResponse,
    authorization_server::{Authorization, AuthorizationServer},
    check_response::HttpResponse,
};
use portcullis_compare::yardstick::{self, Arguments, Failure};
use tonic::{
    Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};

#[derive(Debug)]
struct AllowAll;

#[tonic::async_trait]
impl Authorization for AllowAll {
    async fn check(&self, _: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let ok = OkHttpResponse::default();
        Ok(Response::new(CheckResponse {
            http_response: Some(HttpResponse::OkResponse(ok)),
            ..CheckResponse::default()
        }))
    }
}

fn main() -> Result<(), Failure> {
    yardstick::run(&Arguments::read(&[])?, |listen| async move {
        // Without it, answers wait for acknowledgements: five times slower.
        let incoming = TcpIncoming::bind(listen)?.with_nodelay(Some(true));
        let server = Server::builder().add_service(AuthorizationServer::new(AllowAll));
        Ok(server.serve_with_incoming(incoming).await?)
    })
}

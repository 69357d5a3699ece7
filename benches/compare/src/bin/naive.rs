//! What one writes in an afternoon: the complete messages, and jsonwebtoken on every call.

use std::collections::HashMap;

use envoy_types::pb::{
    envoy::{
        service::auth::v3::{
            CheckRequest, CheckResponse, DeniedHttpResponse, OkHttpResponse,
            authorization_server::{Authorization, AuthorizationServer},
            check_response::HttpResponse,
        },
        r#type::v3::HttpStatus,
    },
    google,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use portcullis_compare::yardstick::{self, Arguments, Failure};
use tonic::{
    Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};

/// What it reads of a token; the rest is checked by jsonwebtoken.
#[derive(Debug, serde::Deserialize)]
struct Claims {
    scope: String,
}

struct Naive {
    keys: HashMap<String, DecodingKey>,
    validation: Validation,
    scope: String,
}

impl Naive {
    fn new(arguments: &Arguments) -> Result<Self, Failure> {
        let set: JwkSet = serde_json::from_str(&std::fs::read_to_string(arguments.get("jwks")?)?)?;
        let mut keys = HashMap::new();
        for jwk in &set.keys {
            keys.insert(jwk.common.key_id.clone().unwrap_or_default(), DecodingKey::from_jwk(jwk)?);
        }
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[arguments.get("issuer")?]);
        validation.set_audience(&[arguments.get("audience")?]);
        validation.validate_nbf = true;
        Ok(Self { keys, validation, scope: arguments.get("scope")?.to_owned() })
    }

    /// Whether the request may pass, or with which HTTP status it may not.
    fn judge(&self, request: &CheckRequest) -> Result<(), u16> {
        let http = request.attributes.as_ref().and_then(|all| all.request.as_ref()?.http.as_ref()).ok_or(400_u16)?;
        let token = http.headers.get("authorization").and_then(|value| value.strip_prefix("Bearer ")).ok_or(401_u16)?;
        let header = decode_header(token).map_err(|_| 401_u16)?;
        let key = header.kid.and_then(|kid| self.keys.get(&kid)).ok_or(401_u16)?;
        let claims = decode::<Claims>(token, key, &self.validation).map_err(|_| 401_u16)?.claims;
        if claims.scope.split(' ').any(|scope| scope == self.scope) { Ok(()) } else { Err(403) }
    }
}

#[tonic::async_trait]
impl Authorization for Naive {
    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let (code, http) = match self.judge(request.get_ref()) {
            Ok(()) => (0, HttpResponse::OkResponse(OkHttpResponse::default())),
            Err(status) => {
                let code = if status == 403 { 7 } else { 16 };
                let status = Some(HttpStatus { code: i32::from(status) });
                (code, HttpResponse::DeniedResponse(DeniedHttpResponse { status, ..DeniedHttpResponse::default() }))
            }
        };
        let status = Some(google::rpc::Status { code, ..google::rpc::Status::default() });
        Ok(Response::new(CheckResponse { status, http_response: Some(http), ..CheckResponse::default() }))
    }
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::read(&[])?;
    let service = Naive::new(&arguments)?;
    yardstick::run(&arguments, |listen| async move {
        let incoming = TcpIncoming::bind(listen)?.with_nodelay(Some(true));
        let server = Server::builder().add_service(AuthorizationServer::new(service));
        Ok(server.serve_with_incoming(incoming).await?)
    })
}

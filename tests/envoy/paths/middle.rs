//! An ext_authz service between Envoy and Portcullis that keeps what was asked and answered, and changes nothing.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use envoy_types::pb::envoy::service::auth::v3::{
    CheckRequest, CheckResponse,
    attribute_context::HttpRequest,
    authorization_client::AuthorizationClient,
    authorization_server::{Authorization, AuthorizationServer},
};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Channel};

use crate::support::check::{Got, read};

/// One Check with its answer.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) asked: HttpRequest,
    pub(crate) got: Got,
}

/// By the value of the header `x-case`.
type Checks = Arc<Mutex<HashMap<String, Vec<Checked>>>>;

pub(crate) struct Middle {
    pub(crate) address: SocketAddr,
    checks: Checks,
}

struct Recorder {
    portcullis: AuthorizationClient<Channel>,
    checks: Checks,
}

impl Middle {
    pub(crate) async fn start(portcullis: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let checks = Checks::default();
        let portcullis = AuthorizationClient::connect(format!("http://{portcullis}")).await.unwrap();
        let recorder = Recorder { portcullis, checks: Arc::clone(&checks) };
        let server = tonic::transport::Server::builder().add_service(AuthorizationServer::new(recorder));
        #[expect(clippy::disallowed_methods, reason = "a test's task")]
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        Self { address, checks }
    }

    pub(crate) fn checked(&self, case: &str) -> Vec<Checked> {
        self.checks.lock().get(case).cloned().unwrap_or_default()
    }
}

#[tonic::async_trait]
impl Authorization for Recorder {
    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let message = request.into_inner();
        let asked = message.attributes.clone().unwrap().request.unwrap().http.unwrap();
        let answer = self.portcullis.clone().check(message).await?.into_inner();
        let checked = Checked { asked, got: read(answer.clone()) };
        self.checks.lock().entry(case(&checked.asked)).or_default().push(checked);
        Ok(Response::new(answer))
    }
}

fn case(asked: &HttpRequest) -> String {
    let raw = asked.header_map.iter().flat_map(|map| &map.headers).find(|header| header.key == "x-case");
    let raw = raw.map(|header| String::from_utf8_lossy(&header.raw_value).into_owned());
    raw.or_else(|| asked.headers.get("x-case").cloned()).unwrap_or_default()
}

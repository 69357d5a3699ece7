//! Checks as Envoy sends them, with Envoy's complete types: what we meant by our own types is not asked.

use envoy_types::pb::envoy::{
    config::core::v3::{HeaderMap, HeaderValue},
    service::auth::v3::{
        AttributeContext, CheckRequest, CheckResponse,
        attribute_context::{HttpRequest, Request},
        authorization_client::AuthorizationClient,
        check_response::HttpResponse,
    },
};

/// A request as a client sends it.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: String,
    pub path: String,
    pub host: String,
    pub headers: Vec<(String, Vec<u8>)>,
    /// Whether Envoy sends headers raw (`encode_raw_headers`) or joined in a map.
    pub raw: bool,
}

pub fn get(path: &str) -> Ask {
    Ask { method: "GET".into(), path: path.into(), host: "api.example.com".into(), headers: Vec::new(), raw: true }
}

impl Ask {
    pub fn method(mut self, method: &str) -> Self {
        self.method = method.into();
        self
    }

    pub fn host(mut self, host: &str) -> Self {
        self.host = host.into();
        self
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().into()));
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    pub fn joined(mut self) -> Self {
        self.raw = false;
        self
    }

    pub fn message(&self) -> CheckRequest {
        let mut http = HttpRequest {
            id: "3f5c-test".into(),
            method: self.method.clone(),
            path: self.path.clone(),
            host: self.host.clone(),
            scheme: "http".into(),
            protocol: "HTTP/1.1".into(),
            size: -1,
            ..HttpRequest::default()
        };
        if self.raw {
            let header = |(key, value): &(String, Vec<u8>)| HeaderValue {
                key: key.clone(),
                raw_value: value.clone(),
                ..HeaderValue::default()
            };
            http.header_map = Some(HeaderMap { headers: self.headers.iter().map(header).collect() });
        } else {
            for (key, value) in &self.headers {
                let value = String::from_utf8(value.clone()).unwrap();
                let joined = http.headers.entry(key.clone()).or_default();
                if !joined.is_empty() {
                    joined.push(',');
                }
                joined.push_str(&value);
            }
        }
        let request = Some(Request { http: Some(http), ..Request::default() });
        CheckRequest { attributes: Some(AttributeContext { request, ..AttributeContext::default() }) }
    }
}

/// What Envoy makes of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got {
    /// 200 for an allow, else the status of the denial.
    pub status: u16,
    /// Headers of the denial, or headers for the upstream.
    pub headers: Vec<(String, String)>,
    pub removed: Vec<String>,
    pub body: String,
    /// The `reason` of the dynamic metadata.
    pub reason: String,
    /// The `rule` of the dynamic metadata.
    pub rule: Option<String>,
}

impl Got {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads an answer as Envoy does: the status code alone decides whether it is an allow.
pub fn read(response: CheckResponse) -> Got {
    let is_allow = response.status.as_ref().is_none_or(|status| status.code == 0);
    let metadata = response.dynamic_metadata.unwrap_or_default();
    let text = |name: &str| match metadata.fields.get(name)?.kind.as_ref()? {
        envoy_types::pb::google::protobuf::value::Kind::StringValue(text) => Some(text.clone()),
        _ => None,
    };
    let pairs = |options: Vec<envoy_types::pb::envoy::config::core::v3::HeaderValueOption>| {
        options.into_iter().filter_map(|option| option.header).map(|header| (header.key, header.value)).collect()
    };
    let (reason, rule) = (text("reason").unwrap_or_default(), text("rule"));
    match response.http_response {
        Some(HttpResponse::DeniedResponse(denied)) if !is_allow => {
            let status = u16::try_from(denied.status.unwrap().code).unwrap();
            Got { status, headers: pairs(denied.headers), removed: vec![], body: denied.body, reason, rule }
        }
        Some(HttpResponse::OkResponse(ok)) if is_allow => {
            let (headers, removed) = (pairs(ok.headers), ok.headers_to_remove);
            Got { status: 200, headers, removed, body: String::new(), reason, rule }
        }
        other => panic!("an answer that says two things: allow {is_allow}, {other:?}"),
    }
}

/// A client as Envoy is one.
#[derive(Clone, Debug)]
pub struct Client(AuthorizationClient<tonic::transport::Channel>);

impl Client {
    pub async fn connect(address: std::net::SocketAddr) -> Self {
        Self(AuthorizationClient::connect(format!("http://{address}")).await.unwrap())
    }

    /// Over a connection of another kind.
    pub fn over(channel: tonic::transport::Channel) -> Self {
        Self(AuthorizationClient::new(channel))
    }

    pub async fn send(&self, ask: &Ask) -> Got {
        self.message(ask.message()).await
    }

    pub async fn message(&self, message: CheckRequest) -> Got {
        read(self.0.clone().check(message).await.unwrap().into_inner())
    }

    /// The same where the connection may break.
    pub async fn try_send(&self, ask: &Ask) -> Result<Got, tonic::Status> {
        Ok(read(self.0.clone().check(ask.message()).await?.into_inner()))
    }

    /// With the deadline that Envoy sends along.
    pub async fn try_within(&self, ask: &Ask, timeout: std::time::Duration) -> Result<Got, tonic::Status> {
        let mut request = tonic::Request::new(ask.message());
        request.set_timeout(timeout);
        Ok(read(self.0.clone().check(request).await?.into_inner()))
    }
}

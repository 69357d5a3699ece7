//! The question to the gRPC port: `grpc.health.v1.Health/Check` about the whole server, on a port or a Unix socket.

use std::{
    convert::Infallible,
    future::{pending, poll_fn},
    pin::pin,
};

use bytes::Bytes;
use h2::client::{self, SendRequest};
use http::{HeaderMap, Request, StatusCode};
use prost::Message as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic_health::pb::{HealthCheckResponse, health_check_response::ServingStatus};

use super::{
    Answer,
    dial::{self, Target},
};
use crate::limits;

const METHOD: &str = "http://portcullis/grpc.health.v1.Health/Check";
/// An uncompressed message of no bytes: the name of the service is empty.
const WHOLE_SERVER: &[u8] = &[0; PREFIX];
/// Bytes before each message of gRPC: a flag, and the length.
const PREFIX: usize = 5;
/// The `grpc-status` of a server that does not have the method.
const UNIMPLEMENTED: &str = "12";

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

async fn exchange(stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<ServingStatus, String> {
    let (sender, connection) = client::handshake(stream).await.map_err(|_| NO_HTTP)?;
    let driving = async {
        let _ = connection.await;
        pending::<Infallible>().await
    };
    let (mut question, mut driving) = (pin!(check(sender)), pin!(driving));
    tokio::select! {
        status = &mut question => status,
        never = &mut driving => match never {},
    }
}

async fn check(sender: SendRequest<Bytes>) -> Result<ServingStatus, String> {
    let request = Request::post(METHOD).header("content-type", "application/grpc").header("te", "trailers").body(());
    let request = request.map_err(|error| format!("it can't be asked: {error}"))?;
    let mut sender = sender.ready().await.map_err(|_| NO_HTTP)?;
    let (response, mut message) = sender.send_request(request, false).map_err(|_| NO_HTTP)?;
    message.send_data(Bytes::from_static(WHOLE_SERVER), true).map_err(|_| NO_HTTP)?;
    let response = response.await.map_err(|_| NO_HTTP)?;
    if response.status() != StatusCode::OK {
        return Err(stranger(response.status().as_str()));
    }
    // An answer without a message has its status among the headers.
    refuse(response.headers())?;
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.map_err(|_| NO_HTTP)?;
        let _ = body.flow_control().release_capacity(data.len());
        bytes.extend_from_slice(&data);
        if bytes.len() > limits::HEALTH_ANSWER_BYTES {
            return Err(stranger("a long message"));
        }
    }
    let trailers = poll_fn(|cx| body.poll_trailers(cx)).await.map_err(|_| NO_HTTP)?;
    refuse(&trailers.unwrap_or_default())?;
    decode(&bytes).ok_or_else(|| stranger("another message"))
}

/// Fails for every status but OK.
fn refuse(headers: &HeaderMap) -> Result<(), String> {
    match headers.get("grpc-status").map(|status| status.to_str().unwrap_or_default()) {
        None | Some("0") => Ok(()),
        Some(UNIMPLEMENTED) => Err(stranger("no gRPC health")),
        Some(status) => Err(stranger(&format!("grpc-status {}", crate::config::quoted(status)))),
    }
}

/// The status in a single message.
fn decode(bytes: &[u8]) -> Option<ServingStatus> {
    let (prefix, message) = bytes.split_at_checked(PREFIX)?;
    let [0, length @ ..] = prefix else { return None };
    let length: [u8; 4] = length.try_into().ok()?;
    if usize::try_from(u32::from_be_bytes(length)) != Ok(message.len()) {
        return None;
    }
    ServingStatus::try_from(HealthCheckResponse::decode(message).ok()?.status).ok()
}

/// The answer is none of Portcullis's gRPC port.
fn stranger(answered: &str) -> String {
    format!("{answered}: this is not the gRPC port of Portcullis")
}

/// The text for an exchange that failed below gRPC: whether there was any, can't be told.
const NO_HTTP: &str = "no answer in HTTP/2: another service listens there, or this one has just ended";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_whole_or_not_at_all() {
        assert_eq!(decode(&[0, 0, 0, 0, 2, 8, 1]), Some(ServingStatus::Serving));
        assert_eq!(decode(&[0, 0, 0, 0, 2, 8, 2]), Some(ServingStatus::NotServing));
        assert_eq!(decode(&[0, 0, 0, 0, 0]), Some(ServingStatus::Unknown));
        for broken in [
            &[][..],
            &[0, 0, 0, 0],
            &[0, 0, 0, 0, 2, 8],
            &[0, 0, 0, 0, 1, 8, 1],
            &[1, 0, 0, 0, 2, 8, 1],
            &[0, 0, 0, 0, 2, 8, 9],
            &[0, 0, 0, 0, 2, 255, 255],
        ] {
            assert_eq!(decode(broken), None, "{broken:?}");
        }
    }
}

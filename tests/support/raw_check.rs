//! Checks of any bytes: what no message type would encode.

use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use tonic::{
    Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::{Channel, Endpoint},
};

use super::check::{Got, read};

/// Bytes both ways.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

/// A client that sends bytes.
#[derive(Clone, Debug)]
pub struct RawClient(Channel);

impl RawClient {
    pub async fn connect(address: std::net::SocketAddr) -> Self {
        Self(Endpoint::try_from(format!("http://{address}")).unwrap().connect().await.unwrap())
    }

    /// Sends bytes that need not be a message.
    pub async fn send(&self, bytes: Vec<u8>) -> Result<Got, Status> {
        let mut client = Grpc::new(self.0.clone());
        client.ready().await.unwrap();
        let path = PathAndQuery::from_static("/envoy.service.auth.v3.Authorization/Check");
        let answer = client.unary(tonic::Request::new(Bytes::from(bytes)), path, Raw).await?;
        Ok(read(prost::Message::decode(answer.into_inner()).unwrap()))
    }
}

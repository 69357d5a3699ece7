//! An HTTP/1.1 client connection: one request at a time, its answer read whole.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// An answer, read to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    /// The status code of the answer.
    pub(crate) status: u16,
    /// The lines of its head.
    pub(crate) head: String,
    /// The body, as long as `content-length` says.
    pub(crate) body: Vec<u8>,
}

/// The reason why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Break {
    /// The connection was not accepted.
    Connect,
    /// The connection was closed or reset before the whole answer came.
    Closed,
    /// Nothing came for the client's whole patience.
    Timeout,
    /// The bytes that came are not an HTTP/1.1 answer.
    Malformed,
}

/// The most bytes of one answer that are read: an echo of some headers.
const ANSWER_BYTES: usize = 256 * 1024;

/// A connection that is kept from one request to the next.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
}

impl Reply {
    /// Returns the value of a header, whose name is given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// Tells whether the server closes the connection after it.
    pub(crate) fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

impl Connection {
    /// Opens a connection to that address.
    pub(crate) async fn open(address: SocketAddr, patience: Duration) -> Result<Self, Break> {
        let connected = tokio::time::timeout(patience, TcpStream::connect(address)).await;
        let stream = connected.map_err(|_| Break::Timeout)?.map_err(|_| Break::Connect)?;
        stream.set_nodelay(true).map_err(|_| Break::Connect)?;
        Ok(Self { stream, input: Vec::with_capacity(2048) })
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn exchange(&mut self, request: &[u8], patience: Duration) -> Result<Reply, Break> {
        let exchange = async {
            self.stream.write_all(request).await.map_err(|_| Break::Closed)?;
            self.input.clear();
            loop {
                if self.stream.read_buf(&mut self.input).await.map_err(|_| Break::Closed)? == 0 {
                    return Err(Break::Closed);
                }
                if let Some(reply) = parse(&self.input)? {
                    return Ok(reply);
                }
                if self.input.len() > ANSWER_BYTES {
                    return Err(Break::Malformed);
                }
            }
        };
        tokio::time::timeout(patience, exchange).await.map_err(|_| Break::Timeout)?
    }
}

/// Sends one GET on a connection of its own.
pub(crate) async fn get(address: SocketAddr, path: &str, patience: Duration) -> Result<Reply, Break> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let whole = async {
        let mut stream = TcpStream::connect(address).await.map_err(|_| Break::Connect)?;
        stream.write_all(request.as_bytes()).await.map_err(|_| Break::Closed)?;
        let mut input = Vec::new();
        stream.read_to_end(&mut input).await.map_err(|_| Break::Closed)?;
        let (head, body) = split(&input).ok_or(Break::Closed)?;
        // The admin pages may be chunked; a search for one line in them works all the same.
        Ok(Reply { status: status(head).ok_or(Break::Malformed)?, head: head.to_owned(), body: body.to_vec() })
    };
    tokio::time::timeout(patience, whole).await.map_err(|_| Break::Timeout)?
}

fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((std::str::from_utf8(bytes.get(..end)?).ok()?, bytes.get(end + 4..)?))
}

fn status(head: &str) -> Option<u16> {
    head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()
}

/// Returns the answer once all of it is there.
fn parse(bytes: &[u8]) -> Result<Option<Reply>, Break> {
    let Some((head, rest)) = split(bytes) else { return Ok(None) };
    let status = status(head).ok_or(Break::Malformed)?;
    let reply = Reply { status, head: head.to_owned(), body: Vec::new() };
    let length = match reply.header("content-length") {
        Some(length) => length.parse().map_err(|_| Break::Malformed)?,
        // Neither Envoy's own answers nor the sample upstream's are chunked.
        None if reply.header("transfer-encoding").is_some() => return Err(Break::Malformed),
        None => 0_usize,
    };
    Ok(rest.get(..length).map(|body| Reply { body: body.to_vec(), ..reply }))
}

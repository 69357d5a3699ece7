//! A client that sends bytes as they are.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// Sends one request that ends its connection. The status of the answer, or `None` if there is none.
pub(crate) async fn exchange(address: SocketAddr, request: &[u8]) -> Option<u16> {
    let exchange = async {
        let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
        // Whoever refuses the beginning may not wait for the rest.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        // Not to its end: Envoy waits a second for clients that it has refused.
        while !answer.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => answer.push(byte),
                Err(_) => break,
            }
        }
        answer
    };
    let answer = tokio::time::timeout(PATIENCE, exchange).await.unwrap();
    status(&answer)
}

fn status(answer: &[u8]) -> Option<u16> {
    std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()
}

/// A connection that is kept, and made anew where Envoy closes it.
pub(crate) struct Kept {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

/// An answer's status and where it redirects to.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) location: Option<Vec<u8>>,
}

impl Kept {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    pub(crate) async fn send(&mut self, request: &[u8]) -> Option<Reply> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => BufReader::new(TcpStream::connect(self.address).await.unwrap()),
        };
        stream.get_mut().write_all(request).await.ok()?;
        let (reply, keep) = tokio::time::timeout(PATIENCE, read(&mut stream)).await.unwrap()?;
        self.stream = keep.then_some(stream);
        Some(reply)
    }
}

/// One answer with its body, and whether the connection lives on.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<(Reply, bool)> {
    let (mut head, mut length, mut location, mut keep) = (Vec::new(), 0, None, true);
    loop {
        let start = head.len();
        stream.read_until(b'\n', &mut head).await.ok()?;
        let line = head[start..].strip_suffix(b"\r\n")?;
        if line.is_empty() {
            break;
        }
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let value = line[colon + 1..].trim_ascii();
        match &*line[..colon].to_ascii_lowercase() {
            b"content-length" => length = std::str::from_utf8(value).unwrap().parse().unwrap(),
            b"location" => location = Some(value.to_vec()),
            b"connection" => keep = !value.eq_ignore_ascii_case(b"close"),
            b"transfer-encoding" => panic!("no length in {}", head.escape_ascii()),
            _ => {}
        }
    }
    stream.read_exact(&mut vec![0; length]).await.ok()?;
    Some((Reply { status: status(&head)?, location }, keep))
}

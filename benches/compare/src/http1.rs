//! A lean HTTP/1.1 client for Envoy: keep-alive, one request at a time on each connection, every status looked at.

use std::{
    cell::RefCell,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::LocalSet,
};

use crate::{client::Measured, message, stats::Latency, yardstick::Failure};

/// A request as the client of the captured one sends it, with a token or without.
#[must_use]
pub fn request(path: &str, token: Option<&str>) -> Vec<u8> {
    let mut text = format!("GET {path} HTTP/1.1\r\nhost: api.example.com\r\n");
    for (name, value) in message::client_headers() {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(token) = token {
        text.push_str(&format!("authorization: Bearer {token}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// The status that one request is answered with.
///
/// # Errors
/// Where it is not answered.
pub async fn status(address: SocketAddr, request: &[u8]) -> Result<u16, Failure> {
    Client::open(address).await?.send(request).await
}

/// Sends the request on so many connections for that time; each answer must be a 200.
///
/// # Errors
/// Where a connection breaks.
pub async fn load(
    address: SocketAddr,
    request: Vec<u8>,
    connections: usize,
    time: Duration,
) -> Result<Measured, Failure> {
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(Client::open(address).await?);
    }
    let nothing = Measured { calls: 0, wrong: 0, errors: 0, elapsed: Duration::ZERO, latency: Latency::default() };
    let (request, measured) = (Rc::new(request), Rc::new(RefCell::new(nothing)));
    let started = Instant::now();
    let local = LocalSet::new();
    let mut tasks = Vec::new();
    for mut client in clients {
        let (request, measured) = (Rc::clone(&request), Rc::clone(&measured));
        tasks.push(local.spawn_local(async move {
            while started.elapsed() < time {
                let sent = Instant::now();
                let status = client.send(&request).await?;
                let mut measured = measured.borrow_mut();
                if status == 200 {
                    measured.calls += 1;
                    measured.latency.add(sent.elapsed());
                } else {
                    measured.wrong += 1;
                }
            }
            Ok::<(), Failure>(())
        }));
    }
    let all = local.run_until(async {
        for task in tasks {
            task.await??;
        }
        Ok::<(), Failure>(())
    });
    tokio::time::timeout(time + Duration::from_secs(60), all).await.map_err(|_| "Envoy stopped answering")??;
    drop(local);
    let measured = Rc::into_inner(measured).ok_or("a task is left")?.into_inner();
    Ok(Measured { elapsed: started.elapsed(), ..measured })
}

struct Client {
    stream: TcpStream,
    input: Vec<u8>,
}

impl Client {
    async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, input: Vec::with_capacity(4_096) })
    }

    async fn send(&mut self, request: &[u8]) -> Result<u16, Failure> {
        self.stream.write_all(request).await?;
        self.input.clear();
        loop {
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err("Envoy closed the connection".into());
            }
            if let Some(status) = whole(&self.input) {
                return Ok(status);
            }
        }
    }
}

/// The status of an answer, once it is all there.
fn whole(bytes: &[u8]) -> Option<u16> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let length: usize = lines.find_map(|line| line.strip_prefix("content-length: "))?.parse().ok()?;
    (bytes.len() >= end + 4 + length).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn half_an_answer_is_none() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ndate: now\r\n\r\nok";
        assert_eq!(whole(answer), Some(200));
        assert_eq!(whole(&answer[..answer.len() - 1]), None);
        assert_eq!(whole(&answer[..20]), None);
    }
}

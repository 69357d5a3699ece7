//! One HTTP/2 connection (RFC 9113), as client: streams in parallel, flow control both ways.

use std::{cell::RefCell, net::SocketAddr, time::Instant};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    LONGEST,
    frame::{self, Frame, GRPC_HEAD},
    hpack::{RequestBlocks, Table},
    load::{Record, Shared},
    streams::Streams,
};
use crate::yardstick::Failure;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What the peer may send on the connection, and after how much of it more is granted.
const RECEIVE_WINDOW: u32 = 1 << 30;
const GRANT_AFTER: u32 = 1 << 28;
/// And on each stream.
const STREAM_WINDOW: u32 = 1 << 20;
/// RFC 9113, section 6.9.2.
const INITIAL_WINDOW: u32 = 65_535;

const SETTING_TABLE_SIZE: u16 = 1;
const SETTING_MAX_STREAMS: u16 = 3;
const SETTING_INITIAL_WINDOW: u16 = 4;

/// A connection to a server.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    blocks: RequestBlocks,
    table: Table,
    streams: Streams,
    most: usize,
    /// What we may send on the connection.
    window: i64,
    /// What came since more was granted.
    received: u32,
    has_settings: bool,
    input: Vec<u8>,
    filled: usize,
    output: Vec<u8>,
}

impl Connection {
    /// Connects, and waits for the server's settings; `most` calls at once are made.
    ///
    /// # Errors
    /// Where the server is not there, or its settings don't do.
    pub async fn open(address: SocketAddr, most: usize) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut output = PREFACE.to_vec();
        let settings = [&SETTING_INITIAL_WINDOW.to_be_bytes()[..], &STREAM_WINDOW.to_be_bytes()].concat();
        frame::put(&mut output, frame::SETTINGS, 0, 0, &settings);
        frame::put(&mut output, frame::WINDOW_UPDATE, 0, 0, &(RECEIVE_WINDOW - INITIAL_WINDOW).to_be_bytes());
        let (blocks, table, streams) = (RequestBlocks::check(), Table::default(), Streams::new());
        let window = i64::from(INITIAL_WINDOW);
        let input = vec![0; 256 * 1024];
        let (received, has_settings, filled) = (0, false, 0);
        let mut connection =
            Self { stream, blocks, table, streams, most, window, received, has_settings, input, filled, output };
        while !connection.has_settings {
            connection.flush().await?;
            connection.read().await?;
            connection.take(&mut Record::default())?;
        }
        Ok(connection)
    }

    /// Makes calls until there is no more to do, and waits for the last answer.
    pub(super) async fn run(&mut self, shared: &RefCell<Shared>) -> Result<(), Failure> {
        loop {
            self.fill(&mut shared.borrow_mut())?;
            self.flush().await?;
            if self.streams.in_flight == 0 {
                return Ok(());
            }
            self.read().await?;
            self.take(&mut shared.borrow_mut().record)?;
        }
    }

    /// Puts as many requests into the output as may be in flight.
    fn fill(&mut self, shared: &mut Shared) -> Result<(), Failure> {
        let now = Instant::now();
        while self.streams.in_flight < self.most && self.window >= LONGEST as i64 {
            let (before, stream) = (self.output.len(), self.streams.next());
            let block = if stream == 1 { &self.blocks.first } else { &self.blocks.later };
            frame::put(&mut self.output, frame::HEADERS, frame::END_HEADERS, stream, block);
            // Head and message are written once their length is known.
            let head = self.output.len();
            self.output.extend_from_slice(&[0; frame::HEAD + GRPC_HEAD]);
            let Some(expected) = shared.next(now, &mut self.output) else {
                self.output.truncate(before);
                return Ok(());
            };
            let length = self.output.len() - head - frame::HEAD;
            let mut heads = Vec::with_capacity(frame::HEAD + GRPC_HEAD);
            frame::head(&mut heads, length, frame::DATA, frame::END_STREAM, stream);
            heads.push(0);
            heads.extend_from_slice(&u32::try_from(length - GRPC_HEAD)?.to_be_bytes());
            let place = self.output.get_mut(head..head + heads.len()).ok_or("no room for a head")?;
            place.copy_from_slice(&heads);
            self.window -= i64::try_from(length)?;
            self.streams.open(expected, now)?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        self.stream.write_all(&self.output).await?;
        self.output.clear();
        Ok(())
    }

    async fn read(&mut self) -> Result<(), Failure> {
        let room = self.input.get_mut(self.filled..).ok_or("no room for input")?;
        match self.stream.read(room).await? {
            0 => Err("the server closed the connection".into()),
            read => {
                self.filled += read;
                Ok(())
            }
        }
    }

    /// Takes in all frames that have come whole.
    fn take(&mut self, record: &mut Record) -> Result<(), Failure> {
        let now = Instant::now();
        let input = std::mem::take(&mut self.input);
        let mut rest = input.get(..self.filled).unwrap_or_default();
        while let Some((frame, after)) = Frame::split(rest) {
            self.frame(&frame, now, record)?;
            rest = after;
        }
        let left = rest.len();
        let start = self.filled - left;
        self.input = input;
        self.input.copy_within(start..self.filled, 0);
        self.filled = left;
        Ok(())
    }

    fn frame(&mut self, frame: &Frame<'_>, now: Instant, record: &mut Record) -> Result<(), Failure> {
        match frame.kind {
            frame::HEADERS => self.headers(frame, now, record),
            frame::DATA => self.data(frame, now, record),
            frame::RST_STREAM => {
                // After a whole answer it says nothing.
                if self.streams.close(frame.stream).is_some() {
                    record.errors += 1;
                }
                Ok(())
            }
            frame::SETTINGS if !frame.has(frame::ACK) => self.settings(frame),
            frame::PING if !frame.has(frame::ACK) => {
                frame::put(&mut self.output, frame::PING, frame::ACK, 0, frame.payload);
                Ok(())
            }
            frame::WINDOW_UPDATE if frame.stream == 0 => {
                self.window += i64::from(frame.number() & 0x7fff_ffff);
                Ok(())
            }
            frame::GOAWAY => Err("the server says GOAWAY".into()),
            // Windows of streams: no message is longer than what they are at the start.
            _ => Ok(()),
        }
    }

    fn settings(&mut self, frame: &Frame<'_>) -> Result<(), Failure> {
        for setting in frame.payload.chunks_exact(6) {
            let Some((&[i0, i1], &[a, b, c, d])) =
                setting.split_first_chunk().and_then(|(id, value)| Some((id, value.first_chunk()?)))
            else {
                continue;
            };
            let value = u32::from_be_bytes([a, b, c, d]) as usize;
            match u16::from_be_bytes([i0, i1]) {
                SETTING_TABLE_SIZE if value < 4_096 => return Err("the server's header table is too small".into()),
                SETTING_INITIAL_WINDOW if value < LONGEST => return Err("the server's windows are too small".into()),
                SETTING_MAX_STREAMS => self.most = self.most.min(value),
                _ => {}
            }
        }
        self.has_settings = true;
        frame::put(&mut self.output, frame::SETTINGS, frame::ACK, 0, &[]);
        Ok(())
    }

    fn headers(&mut self, frame: &Frame<'_>, now: Instant, record: &mut Record) -> Result<(), Failure> {
        if !frame.has(frame::END_HEADERS) || frame.has(frame::PADDED) || frame.has(frame::PRIORITY) {
            return Err("a header block in pieces, padded or with priorities, which this client does not read".into());
        }
        let block = self.table.read(frame.payload)?;
        let Some(call) = self.streams.get(frame.stream) else { return Ok(()) };
        call.has_head |= block.ok;
        if frame.has(frame::END_STREAM) {
            self.end(frame.stream, block.grpc == Some(true), now, record);
        }
        Ok(())
    }

    fn data(&mut self, frame: &Frame<'_>, now: Instant, record: &mut Record) -> Result<(), Failure> {
        if frame.has(frame::PADDED) {
            return Err("padded data, which this client does not read".into());
        }
        self.received += u32::try_from(frame.payload.len())?;
        if self.received > GRANT_AFTER {
            frame::put(&mut self.output, frame::WINDOW_UPDATE, 0, 0, &self.received.to_be_bytes());
            self.received = 0;
        }
        let Some(call) = self.streams.get(frame.stream) else { return Ok(()) };
        call.take(frame.payload, &mut record.checker);
        if frame.has(frame::END_STREAM) {
            // Without trailers there is no `grpc-status`.
            self.end(frame.stream, false, now, record);
        }
        Ok(())
    }

    fn end(&mut self, stream: u32, is_ok: bool, now: Instant, record: &mut Record) {
        let Some(call) = self.streams.close(stream) else { return };
        if !call.has_head || !is_ok {
            record.errors += 1;
        } else if call.is_right(&mut record.checker) {
            record.calls += 1;
            record.latency.add(now.saturating_duration_since(call.started));
        } else {
            record.wrong += 1;
        }
    }
}

//! An upstream that keeps what reached it, byte by byte: no library tidies it up.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) method: Vec<u8>,
    pub(crate) target: Vec<u8>,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

impl Arrived {
    pub(crate) fn header(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.headers.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_slice())
    }
}

/// What arrived, by the value of the header `x-case`.
pub(crate) type Arrivals = Arc<Mutex<HashMap<String, Vec<Arrived>>>>;

pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    pub(crate) arrivals: Arrivals,
}

impl Backend {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let arrivals = Arrivals::default();
        let into = Arc::clone(&arrivals);
        #[expect(clippy::disallowed_methods, reason = "a test's task")]
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&into)));
            }
        });
        Self { address, arrivals }
    }

    pub(crate) fn arrived(&self, case: &str) -> Vec<Arrived> {
        self.arrivals.lock().get(case).cloned().unwrap_or_default()
    }
}

async fn serve(stream: TcpStream, arrivals: Arrivals) {
    let mut stream = BufReader::new(stream);
    while let Some(arrived) = read(&mut stream).await {
        let case = arrived.header("x-case").next().map(|case| String::from_utf8_lossy(case).into_owned());
        // What comes without its name is kept as well: nothing may arrive unseen.
        arrivals.lock().entry(case.unwrap_or_default()).or_default().push(arrived);
        if stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.is_err() {
            return;
        }
    }
}

/// One request without a body, up to its empty line.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<Arrived> {
    let first = line(stream).await?;
    let mut words = first.splitn(2, |&byte| byte == b' ');
    let method = words.next()?.to_vec();
    let rest = words.next()?;
    let target = rest[..rest.iter().rposition(|&byte| byte == b' ')?].to_vec();
    let mut headers = Vec::new();
    loop {
        let line = line(stream).await?;
        if line.is_empty() {
            return Some(Arrived { method, target, headers });
        }
        let colon = line.iter().position(|&byte| byte == b':')?;
        let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
        headers.push((name, line[colon + 1..].trim_ascii().to_vec()));
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).await.ok()?;
    line.strip_suffix(b"\r\n").map(<[u8]>::to_vec)
}

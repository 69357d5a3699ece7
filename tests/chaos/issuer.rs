//! An issuer behind a gate that can hang, be slow, refuse or answer 500, without any change of its keys.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use portcullis_demo::issuer::{DemoIssuer, Fault};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use super::{
    Failure,
    tokens::{AUDIENCE, Tokens},
};

/// The gate's treatment of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Passes connections on at once.
    Open,
    /// Passes them on after that time.
    Slow(Duration),
    /// Accepts them and never answers.
    Hang,
    /// Closes them at once.
    Closed,
    /// Answers every request with 500.
    Error,
}

/// An issuer and the gate before it.
#[derive(Debug)]
pub(crate) struct Issuer {
    /// The tokens of this issuer.
    pub(crate) tokens: Arc<Tokens>,
    issuer: Arc<DemoIssuer>,
    gate: watch::Sender<Gate>,
    _tasks: JoinSet<()>,
}

impl Issuer {
    /// Starts it, reachable under `address`.
    pub(crate) async fn start(address: SocketAddr) -> Result<Self, Failure> {
        let listener = TcpListener::bind(address).await?;
        let inner = TcpListener::bind("127.0.0.1:0").await?;
        let target = inner.local_addr()?;
        let issuer = Arc::new(DemoIssuer::start(inner, &format!("http://{address}/"), AUDIENCE).await?);
        let (gate, watched) = watch::channel(Gate::Open);
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, target, watched));
        let tokens = Arc::new(Tokens::new(Arc::clone(&issuer))?);
        Ok(Self { tokens, issuer, gate, _tasks: tasks })
    }

    /// Returns the exact `iss`.
    pub(crate) fn name(&self) -> &str {
        self.issuer.issuer()
    }

    /// Does that with connections from now on. Open ones are closed, unless the issuer hangs: then they hang as well.
    pub(crate) fn set_gate(&self, gate: Gate) {
        self.gate.send_replace(gate);
    }

    /// Publishes new keys beside those before, and signs with them from now on.
    pub(crate) async fn rotate_keeping_old(&self) -> Result<(), Failure> {
        self.tokens.set_steady(false);
        // Of the faults, the one that leaves both documents as good as they were.
        self.issuer.set_fault(Some(Fault::MaxAgeHuge)).await?;
        self.tokens.publish_new()
    }

    /// Publishes new keys in place of those before.
    pub(crate) async fn rotate(&self) -> Result<(), Failure> {
        self.issuer.rotate().await?;
        self.tokens.renew()
    }

    /// Returns how often its keys were fetched.
    pub(crate) fn key_set_reads(&self) -> usize {
        self.issuer.key_set_reads()
    }
}

async fn serve(listener: TcpListener, target: SocketAddr, gate: watch::Receiver<Gate>) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(pass(stream, target, gate.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn pass(mut stream: TcpStream, target: SocketAddr, mut gate: watch::Receiver<Gate>) {
    let now = *gate.borrow_and_update();
    let passed = async {
        match now {
            Gate::Open => {}
            Gate::Slow(wait) => tokio::time::sleep(wait).await,
            Gate::Hang => std::future::pending().await,
            Gate::Closed => return,
            Gate::Error => {
                // Not before the request: what is unread at the close would reset the connection.
                let _ = stream.read(&mut [0; 2048]).await;
                let answer = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(answer).await;
                return;
            }
        }
        if let Ok(mut inner) = TcpStream::connect(target).await {
            let _ = copy_bidirectional(&mut stream, &mut inner).await;
        }
    };
    tokio::select! {
        () = passed => return,
        _ = gate.changed() => {}
    }
    // An issuer that hangs closes nothing, not even what was open before: a closed connection is found out at once.
    while *gate.borrow_and_update() == Gate::Hang {
        if gate.changed().await.is_err() {
            break;
        }
    }
}

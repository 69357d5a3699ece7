//! Signals. SIGTERM (containers, systemd) and SIGINT (Ctrl-C) ask to stop: the first for a clean end, the second for one
//! now. SIGHUP asks to load the configuration anew.

use std::{future::Future, io};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What asks a service to stop.
pub trait Stop: Send {
    /// Returns when it is asked to, with what asked. Can be called again for the next time.
    fn asked(&mut self) -> impl Future<Output = &'static str> + Send;
}

/// Signals, listened to from the moment this is made.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Starts listening.
    ///
    /// # Errors
    /// The system refuses a handler.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }
}

impl Stop for Signals {
    async fn asked(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// SIGHUP, listened to from the moment this is made: before, it kills.
#[derive(Debug)]
pub struct Hangups(Signal);

impl Hangups {
    /// Starts listening.
    ///
    /// # Errors
    /// The system refuses a handler.
    pub fn listen() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::hangup())?))
    }

    /// Returns at the next one.
    pub async fn asked(&mut self) {
        // `None` would mean that no more can come.
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

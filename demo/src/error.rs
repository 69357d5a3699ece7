//! What stops the demo.

use std::{io, net::SocketAddr, path::PathBuf};

/// What stops the demo, or a part of it.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The issuer's name can't be served.
    #[error("the issuer `{0}` is not an http or https URL without query and fragment")]
    IssuerUrl(String),
    /// The crypto library failed, for want of randomness.
    #[error("the crypto library could not make or use a key")]
    Crypto,
    /// An address is taken, or not ours.
    #[error("can't listen on `{addr}`: {source}")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A listener without an address.
    #[error("can't read a listener's address: {0}")]
    Listener(#[source] io::Error),
    /// A request that got no answer.
    #[error("no answer from `{url}`: {reason}")]
    Http {
        /// Where it went.
        url: String,
        /// Why there is none, innermost cause last.
        reason: String,
    },
    /// The issuer answered, but not with a token.
    #[error("`{url}` answered {status} and no access token")]
    NoToken {
        /// The token endpoint.
        url: String,
        /// Its HTTP status.
        status: u16,
    },
    /// The stack never answered.
    #[error("the stack is not ready after {seconds} s: {last}")]
    NotReady {
        /// How long it was waited for.
        seconds: u64,
        /// What was seen last.
        last: String,
    },
    /// A file or directory of the demo can't be written.
    #[error("can't write `{path}`: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A child process can't be started.
    #[error("can't start {name} (`{program}`): {source}")]
    Spawn {
        /// What it is to the demo.
        name: &'static str,
        /// The program.
        program: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A child process ended though nobody asked it to.
    #[error("{name} ended early ({status}); its log is `{log}`")]
    ChildEnded {
        /// What it is to the demo.
        name: &'static str,
        /// How it ended.
        status: String,
        /// Its log file.
        log: PathBuf,
    },
    /// Signals can't be waited for.
    #[error("can't wait for signals: {0}")]
    Signals(#[source] io::Error),
}

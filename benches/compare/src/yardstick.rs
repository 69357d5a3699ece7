//! What the services to compare with have in common: their command line, and how they listen.

use std::{collections::BTreeMap, future::Future, net::SocketAddr};

use tokio::runtime::{Builder, Runtime};

/// Why a program failed, for people.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A command line of `--name value` pairs.
#[derive(Debug, Default)]
pub struct Arguments(BTreeMap<String, String>);

impl Arguments {
    /// The arguments of this process, all but the first. Flags have no value.
    ///
    /// # Errors
    /// Where a name has no value.
    pub fn read(flags: &[&str]) -> Result<Self, Failure> {
        let mut all = std::env::args().skip(1);
        let mut pairs = BTreeMap::new();
        while let Some(name) = all.next() {
            let name = name.strip_prefix("--").ok_or_else(|| format!("`{name}` is no option"))?.to_owned();
            if flags.contains(&name.as_str()) {
                pairs.insert(name, String::new());
                continue;
            }
            let value = all.next().ok_or_else(|| format!("`--{name}` has no value"))?;
            pairs.insert(name, value);
        }
        Ok(Self(pairs))
    }

    /// All names that were given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The value of one.
    ///
    /// # Errors
    /// Where it is missing.
    pub fn get(&self, name: &str) -> Result<&str, Failure> {
        self.0.get(name).map(String::as_str).ok_or_else(|| format!("`--{name}` is missing").into())
    }
}

/// Runs a service at `--listen` on `--threads` threads (one, unless said otherwise) until the process is ended.
///
/// # Errors
/// Whatever the command line or the service fails with.
pub fn run<S, F>(arguments: &Arguments, service: S) -> Result<(), Failure>
where
    S: FnOnce(SocketAddr) -> F,
    F: Future<Output = Result<(), Failure>>,
{
    let listen = arguments.get("listen")?.parse()?;
    let threads = arguments.get("threads").unwrap_or("1").parse()?;
    runtime(threads)?.block_on(service(listen))
}

fn runtime(threads: usize) -> std::io::Result<Runtime> {
    if threads == 1 {
        Builder::new_current_thread().enable_all().build()
    } else {
        Builder::new_multi_thread().worker_threads(threads).enable_all().build()
    }
}

//! Programs as users run them.

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::Stdio,
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    task::JoinHandle,
};

/// `portcullis` as built for tests, in an environment of its own.
pub fn portcullis(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(arguments).env_clear().kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(Stdio::piped());
    command
}

/// A program that `make tools` brought.
pub fn tool(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools").join(name);
    assert!(path.exists(), "{} is missing: `make tools` brings it", path.display());
    path
}

/// A real part that `tests/tools/fetch` brings by that name, fetched if it is not there. Where it can't be had, the test says what
/// is missing.
pub fn fetched(name: &str, path: &str) -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/fetch");
    let output = std::process::Command::new(script).arg(name).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    tool(path)
}

/// An address where nobody listens, now or later: a privileged port that has no use today.
pub fn nobody() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 1))
}

/// A loopback address for one listener of this test alone, so that no other socket can have its port. Where the system
/// has only one loopback address, a port that was free just now has to do.
pub fn own_address() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    if cfg!(target_os = "linux") {
        let [.., high, low] = std::process::id().to_be_bytes();
        SocketAddr::from(([127, high | 0x80, low, NEXT.fetch_add(1, Ordering::Relaxed)], 10000))
    } else {
        SocketAddr::from(([127, 0, 0, 1], free_port()))
    }
}

/// A port that was free just now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A running `portcullis serve`. Its log is read all the time, so that no line is lost.
pub struct Serve {
    pub child: Child,
    pub grpc: SocketAddr,
    pub admin: SocketAddr,
    log: JoinHandle<String>,
}

impl Serve {
    /// Starts it and waits until it listens; ports come out of its log.
    pub async fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::run(portcullis(&[&["serve"], arguments].concat()), environment).await
    }

    /// Starts it as [`Self::start`] does, after that command of the shell: `ulimit -n 256`, say.
    pub async fn start_after(command: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let program = env!("CARGO_BIN_EXE_portcullis");
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{command}; exec \"$0\" serve \"$@\""), program]).args(arguments);
        shell.env_clear().kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::run(shell, environment).await
    }

    /// Starts it by a command that becomes it.
    pub async fn spawn(mut command: Command) -> Self {
        command.kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::run(command, &[]).await
    }

    async fn run(mut command: Command, environment: &[(&str, &str)]) -> Self {
        // No proxy needs a notice, unless a test says otherwise.
        command
            .env("PORTCULLIS_LOG_FORMAT", "json")
            .env("PORTCULLIS_DRAIN_NOTICE", "0s")
            .envs(environment.iter().copied());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut seen = String::new();
        let (grpc, admin) = loop {
            let line = tokio::time::timeout(Duration::from_secs(20), lines.next_line()).await.unwrap().unwrap();
            let Some(line) = line else { panic!("it ended before it listened:\n{seen}") };
            seen.push_str(&line);
            seen.push('\n');
            let entry: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if entry["fields"]["message"] == "portcullis is listening" {
                // A Unix socket, which the test knows, or none.
                let none = SocketAddr::from(([0, 0, 0, 0], 0));
                let address =
                    |field: &str| entry["fields"][field].as_str().and_then(|text| text.parse().ok()).unwrap_or(none);
                break (address("listen.grpc"), address("listen.admin"));
            }
        };
        #[expect(clippy::disallowed_methods, reason = "a test's task")]
        let log = tokio::spawn(async move {
            while let Some(line) = lines.next_line().await.unwrap() {
                seen.push_str(&line);
                seen.push('\n');
            }
            seen
        });
        Self { child, grpc, admin, log }
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
        if name == "STOP" {
            self.wait_for_stop();
        }
    }

    /// Waits until all threads stand still. The signal goes to one of them, and the others run on until that one has a processor.
    #[cfg(target_os = "linux")]
    fn wait_for_stop(&self) {
        let tasks = format!("/proc/{}/task", self.child.id().unwrap());
        let is_stopped = |task: std::io::Result<std::fs::DirEntry>| {
            let stat = task.and_then(|task| std::fs::read_to_string(task.path().join("stat")));
            // The state stands behind the name, which is in parentheses. A thread that is gone does not run either.
            stat.map_or(true, |stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['T', 'Z', 'X'])))
        };
        for _ in 0..2500 {
            if std::fs::read_dir(&tasks).unwrap().all(is_stopped) {
                return;
            }
            std::thread::sleep(Duration::from_millis(4));
        }
        panic!("threads of {tasks} run on");
    }

    #[cfg(not(target_os = "linux"))]
    fn wait_for_stop(&self) {
        std::thread::sleep(Duration::from_millis(200));
    }

    /// Waits for its end: exit code and all that it logged.
    pub async fn ended(mut self) -> (Option<i32>, String) {
        let status = tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await.unwrap().unwrap();
        (status.code(), self.log.await.unwrap())
    }
}

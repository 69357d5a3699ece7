//! Programs that a scenario starts, stops and breaks.

use std::{fs, process::Stdio, time::Duration};

use tokio::{
    process::{Child, Command},
    time::Instant,
};

use super::Failure;

/// A running program; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    child: Child,
    pid: u32,
}

impl Program {
    /// Starts a program without input.
    pub(crate) fn start(name: &str, command: &mut Command) -> Result<Self, Failure> {
        let child = command.stdin(Stdio::null()).kill_on_drop(true).spawn();
        let child = child.map_err(|error| format!("can't start {name}: {error}"))?;
        let pid = child.id().ok_or("a process without an id")?;
        Ok(Self { name: name.to_owned(), child, pid })
    }

    /// Returns its process id.
    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    /// Gives access to what it writes on standard error, where that is a pipe.
    pub(crate) fn take_stderr(&mut self) -> Option<tokio::process::ChildStderr> {
        self.child.stderr.take()
    }

    /// Sends it a signal: TERM, KILL, HUP, STOP, CONT.
    pub(crate) fn signal(&self, signal: &str) -> Result<(), Failure> {
        let pid = self.pid.to_string();
        let sent = std::process::Command::new("kill").args(["-s", signal, &pid]).stderr(Stdio::null()).status()?;
        if sent.success() { Ok(()) } else { Err(format!("{} is gone before signal {signal}", self.name).into()) }
    }

    /// Returns how it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<i32>, Failure> {
        Ok(self.child.try_wait()?.map(|status| status.code().unwrap_or(-1)))
    }

    /// Sends SIGTERM and waits. Returns the exit code, `None` where it has to be killed, and how long that took.
    pub(crate) async fn stop(mut self, patience: Duration) -> Result<(Option<i32>, Duration), Failure> {
        let asked = Instant::now();
        // A program that has ended already has its exit code.
        let _ = self.signal("TERM");
        let code = match tokio::time::timeout(patience, self.child.wait()).await {
            Ok(status) => Some(status?.code().unwrap_or(-1)),
            Err(_) => {
                self.kill().await?;
                None
            }
        };
        Ok((code, asked.elapsed()))
    }

    /// Kills the program with SIGKILL.
    pub(crate) async fn kill(mut self) -> Result<(), Failure> {
        Ok(self.child.kill().await?)
    }

    /// Returns its memory (`VmRSS`) in MiB.
    pub(crate) fn rss_mib(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: Option<f64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        kib.unwrap_or_default() / 1024.0
    }

    /// Returns how many file descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid)).map_or(0, Iterator::count)
    }
}

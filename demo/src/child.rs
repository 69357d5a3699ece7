//! A child process of the demo: its output goes to a log, and it doesn't outlive us.

use std::{
    ffi::OsStr,
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{
    process::{self, Command},
    time::timeout,
};

use super::{error::DemoError, work_dir::WorkDir};
use crate::limits;

/// A running child. Dropping it kills it; [`Child::stop`] is the polite way.
#[derive(Debug)]
pub(super) struct Child {
    name: &'static str,
    process: process::Child,
    log: PathBuf,
}

impl Child {
    /// Starts a program with these variables on top of ours, and with its output in `<name>.log` of the directory.
    ///
    /// # Errors
    /// When the log can't be written or the program can't be started.
    pub(super) fn start(
        name: &'static str,
        program: &Path,
        args: &[&OsStr],
        env: &[(&str, String)],
        dir: &WorkDir,
    ) -> Result<Self, DemoError> {
        let log = dir.write(&format!("{name}.log"), "")?;
        let append = || File::options().append(true).open(&log);
        let (out, err) = append()
            .and_then(|out| Ok((out, append()?)))
            .map_err(|source| DemoError::File { path: log.clone(), source })?;
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(out).stderr(err).kill_on_drop(true);
        // What the user's shell says about another Portcullis, or about a proxy, is not about this one.
        #[expect(clippy::disallowed_methods, reason = "the child's environment is ours, less what is not about it")]
        for (variable, _) in std::env::vars_os() {
            if variable.as_encoded_bytes().starts_with(b"PORTCULLIS_") {
                command.env_remove(variable);
            }
        }
        command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        command.envs(env.iter().map(|(variable, value)| (*variable, value.as_str())));
        let started = command.spawn();
        let process = started.map_err(|source| DemoError::Spawn { name, program: program.to_owned(), source })?;
        Ok(Self { name, process, log })
    }

    /// Returns when it ends by itself, which it should not.
    pub(super) async fn ended(&mut self) -> DemoError {
        let status = match self.process.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        DemoError::ChildEnded { name: self.name, status, log: self.log.clone() }
    }

    /// Asks it to end, waits, and kills it if it doesn't.
    pub(super) async fn stop(mut self) {
        if let (Ok(None), Some(id)) = (self.process.try_wait(), self.process.id()) {
            terminate(id).await;
            if timeout(limits::STOP, self.process.wait()).await.is_err() {
                self.process.kill().await.unwrap_or_default();
            }
        }
    }
}

/// Sends SIGTERM. The standard library can only kill, and a system call of our own would be unsafe code; every shell
/// has `kill` built in. The id is still the child's: nobody has waited for it yet.
async fn terminate(id: u32) {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "kill -TERM \"$1\"", "sh"]).arg(id.to_string()).stdin(Stdio::null()).stderr(Stdio::null());
    shell.status().await.map(drop).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::work_dir::last_lines;

    fn shell(script: &str, dir: &WorkDir) -> Child {
        Child::start(
            "shell",
            Path::new("/bin/sh"),
            &["-c".as_ref(), script.as_ref()],
            &[("PART", "me".to_owned())],
            dir,
        )
        .unwrap()
    }

    #[tokio::test]
    async fn an_early_end_is_told_with_its_log() {
        let dir = WorkDir::new().unwrap();
        let error = shell("echo $PART; echo err >&2; exit 3", &dir).ended().await;
        let DemoError::ChildEnded { name: "shell", status, log } = error else { panic!("{error}") };
        assert!(status.contains('3'), "{status}");
        assert_eq!(last_lines(&log), ["me", "err"]);
        dir.remove();
    }

    #[tokio::test]
    async fn stopping_asks_first() {
        let dir = WorkDir::new().unwrap();
        let script = "trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.05; done";
        let child = shell(script, &dir);
        let log = child.log.clone();
        while last_lines(&log).is_empty() {
            tokio::time::sleep(limits::POLL).await;
        }
        let before = Instant::now();
        child.stop().await;
        assert!(before.elapsed() < limits::STOP);
        assert_eq!(last_lines(&log), ["up", "asked"]);
        dir.remove();
    }

    #[tokio::test]
    async fn a_program_that_is_missing_is_named() {
        let dir = WorkDir::new().unwrap();
        let error = Child::start("part", Path::new("/nowhere/part"), &[], &[], &dir).unwrap_err().to_string();
        assert!(error.starts_with("can't start part (`/nowhere/part`)"), "{error}");
        dir.remove();
    }
}

//! Servers as processes of their own, each on its cores; what they take is read from `/proc`.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::yardstick::Failure;

/// For how long a server may start; under valgrind it takes its time.
const START: Duration = Duration::from_secs(60);
/// And stop.
const STOP: Duration = Duration::from_secs(60);

/// A running server; dropping it ends it.
#[derive(Debug)]
pub struct Server {
    /// What it is called in the table.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts a program on those cores (`0`, `0,1`), its output going into a file, and waits until it listens.
    ///
    /// # Errors
    /// Where it ends, or does not listen.
    pub fn start(
        name: &str,
        address: SocketAddr,
        cores: &str,
        command: &[String],
        log: &Path,
    ) -> Result<Self, Failure> {
        let file = File::create(log)?;
        let mut taskset = Command::new("taskset");
        taskset.args(["-c", cores]).args(command);
        taskset.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = taskset.spawn().map_err(|error| format!("taskset (Debian: util-linux) can't be run: {error}"))?;
        let mut server = Self { name: name.to_owned(), address, child };
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            let status = server.child.try_wait()?;
            if status.is_some() || started.elapsed() > START {
                let log = fs::read_to_string(log).unwrap_or_default();
                return Err(format!("{name} does not listen ({status:?}):\n{log}").into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Microseconds of CPU so far, in user space and in the kernel.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn cpu(&self) -> Result<f64, Failure> {
        cpu(&self.child.id().to_string())
    }

    /// MiB of memory: `VmRSS` now, `VmHWM` at the most.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn memory(&self, which: &str) -> Result<f64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(':'));
        let kib: f64 = line.and_then(|line| line.split_whitespace().next()).ok_or("no such line")?.parse()?;
        Ok(kib / 1024.0)
    }

    /// Asks it to end and waits until it has.
    ///
    /// # Errors
    /// Where it does not.
    pub fn stop(mut self) -> Result<(), Failure> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            if asked.elapsed() > STOP {
                return Err(format!("{} does not stop", self.name).into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Microseconds of CPU of this process so far.
///
/// # Errors
/// Where there is no `/proc`.
pub fn own_cpu() -> Result<f64, Failure> {
    cpu("self")
}

fn cpu(process: &str) -> Result<f64, Failure> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the program, in brackets, may have anything in it.
    let (_, rest) = stat.rsplit_once(')').ok_or("an unknown form of /proc/PID/stat")?;
    let ticks: Result<Vec<u32>, _> = rest.split_whitespace().skip(11).take(2).map(str::parse).collect();
    // USER_HZ is 100 on every Linux that Rust runs on.
    Ok(ticks?.into_iter().map(f64::from).sum::<f64>() * 10_000.0)
}

/// An address of this machine where nobody listens.
///
/// # Errors
/// Where there is none left.
pub fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Puts this process, the client, on those cores.
///
/// # Errors
/// Where there are no such cores.
pub fn pin(cores: &str) -> Result<(), Failure> {
    let own = std::process::id().to_string();
    let done = Command::new("taskset").args(["-a", "-c", "-p", cores, &own]).output()?;
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned().into()) }
}

/// The first two cores that this process may use; twice the same where there is but one.
#[must_use]
pub fn two_cores() -> (String, String) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or("0").trim();
    first_two(list)
}

/// Of a list like `0-3,8`.
fn first_two(list: &str) -> (String, String) {
    let mut cores = list.split(',').flat_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        first.parse::<u32>().unwrap_or(0)..=last.parse().unwrap_or(0)
    });
    let first = cores.next().unwrap_or(0);
    (first.to_string(), cores.next().unwrap_or(first).to_string())
}

/// Status and body of a page.
///
/// # Errors
/// Where there is no answer.
pub fn page(address: SocketAddr, path: &str) -> Result<(u16, String), Failure> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).ok_or("no status")?.parse()?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or("no body")?;
    Ok((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::first_two;

    #[test]
    fn two_cores_are_found_wherever_they_are() {
        let both = |list| first_two(list);
        assert_eq!(both("0-1"), ("0".into(), "1".into()));
        assert_eq!(both("4,7-9"), ("4".into(), "7".into()));
        assert_eq!(both("3"), ("3".into(), "3".into()));
    }
}

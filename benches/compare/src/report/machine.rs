//! The machine of a run, and the versions of what was measured.

use std::{collections::BTreeMap, fs, process::Command};

use serde::Serialize;

use crate::options::Options;

/// Crates whose versions matter.
const CRATES: [&str; 8] = ["aws-lc-rs", "envoy-types", "h2", "hyper", "jsonwebtoken", "prost", "tokio", "tonic"];

/// The machine of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Machine {
    /// As `/proc/cpuinfo` says.
    pub cpu: String,
    /// How many this process may use.
    pub cores: usize,
    /// The release of the kernel.
    pub kernel: String,
}

/// This one.
#[must_use]
pub fn machine() -> Machine {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |line: &str| line.split_once(": ").map(|(_, value)| value.to_owned());
    let cpu = cpuinfo.lines().find(|line| line.starts_with("model name")).and_then(value).unwrap_or_default();
    let cores = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned();
    Machine { cpu, cores, kernel }
}

/// Of the commit, of programs, and of crates: the yardsticks have the service's own versions.
#[must_use]
pub fn versions(options: &Options) -> BTreeMap<String, String> {
    let portcullis = options.portcullis.to_string_lossy();
    let mut versions = BTreeMap::from([
        ("commit".to_owned(), first_line("git", &["describe", "--always", "--dirty", "--abbrev=12"])),
        ("portcullis".to_owned(), first_line(&portcullis, &["--version"])),
        ("rustc".to_owned(), first_line("rustc", &["--version"])),
    ]);
    if options.wants("instructions") {
        versions.insert("valgrind".to_owned(), first_line("valgrind", &["--version"]));
    }
    if options.wants("envoy") {
        versions.insert("envoy".to_owned(), first_line(&options.envoy.to_string_lossy(), &["--version"]));
    }
    let lock = include_str!("../../Cargo.lock");
    for name in CRATES {
        let entry =
            lock.split_once(&format!("name = \"{name}\"\nversion = \"")).and_then(|(_, rest)| rest.split_once('"'));
        versions.insert(name.to_owned(), entry.map(|(version, _)| version.to_owned()).unwrap_or_default());
    }
    versions
}

/// Now, in UTC.
#[must_use]
pub fn date() -> String {
    first_line("date", &["-u", "+%Y-%m-%d %H:%M UTC"])
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&output).into_owned();
    text.lines()
        .find(|line| !line.trim().is_empty())
        .map_or_else(|| "unknown".to_owned(), |line| line.trim().to_owned())
}

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
    let version = |program: &str| number(&first_line(program, &["--version"]));
    let mut versions = BTreeMap::from([
        ("commit".to_owned(), first_line("git", &["describe", "--always", "--dirty", "--abbrev=12"])),
        ("portcullis".to_owned(), version(&options.portcullis.to_string_lossy())),
        ("rustc".to_owned(), version("rustc")),
    ]);
    if options.wants("instructions") {
        versions.insert("valgrind".to_owned(), version("valgrind"));
    }
    if options.wants("envoy") {
        versions.insert("envoy".to_owned(), version(&options.envoy.to_string_lossy()));
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

/// What in a line looks like a version: digits with two dots.
fn number(line: &str) -> String {
    let mut words = line.split(|c: char| !c.is_ascii_digit() && c != '.');
    words.find(|word| word.split('.').filter(|part| !part.is_empty()).count() >= 3).unwrap_or("unknown").to_owned()
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&output).into_owned();
    text.lines()
        .find(|line| !line.trim().is_empty())
        .map_or_else(|| "unknown".to_owned(), |line| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        let said = [
            "envoy  version: 9e55809/1.40.0/Clean/RELEASE/BoringSSL",
            "rustc 1.95.0 (5980761 2026-04-14)",
            "valgrind-3.19.0",
        ];
        assert_eq!(said.map(number), ["1.40.0", "1.95.0", "3.19.0"]);
        assert_eq!(number("no such program"), "unknown");
    }
}

//! The metrics of the process, with the names that Prometheus' client libraries give them. From `/proc`: on other systems than
//! Linux those that are not known there are left out.

use std::{fmt, fs};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};
use rustix::process::{Resource, getrlimit};

/// Parts of a second in which `/proc` tells times: the kernel's USER_HZ, which is 100 on every architecture that Rust supports.
/// Asking the kernel for it takes its auxiliary vector, whose reader in rustix crashes under valgrind.
const TICKS_PER_SECOND: f64 = 100.0;

/// Reads the state of this process at each scrape.
#[derive(Debug)]
pub(super) struct ProcessMetrics {
    /// Read once: the system derives it from the wall clock, and it must change at a restart alone.
    started: Option<f64>,
}

impl ProcessMetrics {
    pub(super) fn new() -> Self {
        Self { started: start_time() }
    }
}

impl Collector for ProcessMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        if let Some(cpu) = cpu_seconds() {
            let cpu = ConstCounter::new(cpu);
            let help = "CPU time of the process in user and kernel mode, in seconds";
            cpu.encode(encoder.encode_descriptor("process_cpu_seconds", help, None, cpu.metric_type())?)?;
        }
        if let Some(started) = self.started {
            let started = ConstGauge::new(started);
            let help = "When the process started, in seconds since 1970";
            started.encode(encoder.encode_descriptor(
                "process_start_time_seconds",
                help,
                None,
                started.metric_type(),
            )?)?;
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let gauges = [
            ("process_resident_memory_bytes", "Memory of the process that is in RAM", kilobytes(&status, "VmRSS")),
            ("process_virtual_memory_bytes", "Address space of the process", kilobytes(&status, "VmSize")),
            ("process_threads", "Threads of the process", field(&status, "Threads")),
            ("process_open_fds", "Open file descriptors of the process", open_descriptors()),
            ("process_max_fds", "The limit of open file descriptors", getrlimit(Resource::Nofile).current),
        ];
        for (name, help, value) in gauges {
            if let Some(value) = value.and_then(|value| i64::try_from(value).ok()) {
                let value = ConstGauge::new(value);
                value.encode(encoder.encode_descriptor(name, help, None, value.metric_type())?)?;
            }
        }
        Ok(())
    }
}

/// The CPU time that the process has taken: fields 14 and 15 of `/proc/self/stat`.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let ticks = stat_field(&stat, 14)?.checked_add(stat_field(&stat, 15)?)?;
    Some(ticks as f64 / TICKS_PER_SECOND)
}

/// Returns the time at which the process started: so many ticks after the boot of the system, field 22 of `/proc/self/stat`.
fn start_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let system = fs::read_to_string("/proc/stat").ok()?;
    let boot: u64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(boot as f64 + stat_field(&stat, 22)? as f64 / TICKS_PER_SECOND)
}

/// A field of `/proc/self/stat`, counted from 1. The second one, the name of the program in parentheses, may have spaces and
/// parentheses in it.
fn stat_field(stat: &str, number: usize) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
}

/// The number of a line of `/proc/self/status`.
fn field(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.split_ascii_whitespace().next()?.parse().ok()
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    field(status, name)?.checked_mul(1024)
}

/// The number of open file descriptors. Linux tells it as the size of the directory since 6.2; before, its entries are counted,
/// one of which is that of the directory itself.
fn open_descriptors() -> Option<u64> {
    let dir = "/proc/self/fd";
    match fs::metadata(dir).ok()?.len() {
        0 => u64::try_from(fs::read_dir(dir).ok()?.count()).ok()?.checked_sub(1),
        open => Some(open),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_behind_a_name_with_spaces_and_parentheses() {
        let fields: Vec<String> = (3..=52).map(|field| field.to_string()).collect();
        let stat = format!("7 (a) (b 1 2) {}", fields.join(" "));
        assert_eq!((stat_field(&stat, 3), stat_field(&stat, 22)), (Some(3), Some(22)));
        assert_eq!((stat_field("7 (a) 1 2", 22), stat_field(&stat, 1)), (None, None));
    }

    #[test]
    fn lines_of_the_status_are_told_apart_by_their_whole_name() {
        let status = "VmRSSx:\t1 kB\nVmRSS:\t    12 kB\nThreads:\t7\n";
        assert_eq!((kilobytes(status, "VmRSS"), field(status, "Threads")), (Some(12 * 1024), Some(7)));
        assert_eq!(field(status, "Vm"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_descriptor_more_is_seen() {
        use crate::clock::{Clock as _, SystemClock};
        let files: Vec<_> = (0..50).map(|_| fs::File::open("/proc/self/stat").unwrap()).collect();
        let open = open_descriptors().unwrap();
        assert!(open >= 50, "{open}");
        drop(files);
        let (started, now) = (start_time().unwrap(), SystemClock.now().as_secs() as f64);
        assert!(started > now - 3600.0 && started <= now + 2.0, "{started} {now}");
    }
}

//! The health checks of a cluster: whether Envoy sees in time that Portcullis is about to stop.

use std::time::Duration;

use crate::{
    config::{lint::Lint, show_duration},
    document::tree::{Entry, Node, Place},
    limits,
    tools::envoy_lint::{findings::Findings, read},
};

/// Envoy's interval between health checks before the first request where none is set.
const DEFAULT_NO_TRAFFIC_INTERVAL: Duration = Duration::from_secs(60);

/// Lints whether a health check sees that Portcullis is about to stop, while it still answers.
pub(crate) fn lint(findings: &mut Findings, check: &Node) {
    let mut warn = |place: &Place, message: &str, help: &str| {
        findings.warn(Lint::EnvoyHealthChecks, place, message, help);
    };
    if let Some(tcp) = read::field(check, "tcp_health_check") {
        let message =
            "a TCP health check passes until Portcullis closes its port: Envoy does not see that it is stopping";
        warn(&tcp.place, message, "set `grpc_health_check: { authority: portcullis }` in its place");
    }
    let notice = limits::DRAIN_NOTICE;
    let duration = |name| read::field(check, name).and_then(|entry| Some((entry, read::duration(&entry.node)?)));
    let announced = format!("but Portcullis announces a stop only {} ahead (`--drain-notice`)", show_duration(notice));
    if let Some((entry, interval)) = duration("interval") {
        let (jitter, longest) = jittered(check, interval);
        if interval >= notice {
            let message = format!("Envoy checks health every {}, {announced}", show_duration(interval));
            warn(&entry.node.place, &message, "set `interval: 1s`");
        } else if longest >= notice
            && let Some(jitter) = jitter
        {
            let message = format!("Envoy may wait {} between health checks, {announced}", show_duration(longest));
            warn(&jitter.place, &message, &format!("remove `{}`", jitter.key));
        }
    }
    let idle = duration("no_traffic_healthy_interval").or_else(|| duration("no_traffic_interval"));
    let interval = idle.map_or(DEFAULT_NO_TRAFFIC_INTERVAL, |(_, interval)| interval);
    if interval >= notice {
        let message =
            format!("before its first Check Envoy checks health every {}, {announced}", show_duration(interval));
        let help = format!("set `{}: 1s`", idle.map_or("no_traffic_interval", |(entry, _)| &entry.key));
        let place = idle.map_or_else(|| check_place(check), |(entry, _)| &entry.node.place);
        warn(place, &message, &help);
    }
}

/// The field that makes the interval between two health checks longer, and the longest that it can get.
fn jittered(check: &Node, interval: Duration) -> (Option<&Entry>, Duration) {
    let fixed = read::field(check, "interval_jitter");
    let percent = read::field(check, "interval_jitter_percent");
    let by_fixed = fixed.and_then(|entry| read::duration(&entry.node)).unwrap_or_default();
    let factor = percent.and_then(|entry| read::number(&entry.node)).and_then(|percent| u32::try_from(percent).ok());
    let by_percent = interval.saturating_mul(factor.unwrap_or_default()).checked_div(100).unwrap_or_default();
    let larger = if by_fixed >= by_percent { fixed } else { percent };
    (larger, interval.saturating_add(by_fixed).saturating_add(by_percent))
}

/// The place of a health check's interval, or its own.
fn check_place(check: &Node) -> &Place {
    read::field(check, "interval").map_or(&check.place, |entry| &entry.place)
}

//! The classic text format of Prometheus (version 0.0.4), made from OpenMetrics text: the library writes that alone.
//!
//! Series and values are the same in both. What differs is the lines that describe them: in OpenMetrics a counter and an
//! info metric are named without the suffix that their series have, in the classic text with it.

use std::fmt::Write as _;

/// Turns OpenMetrics text into classic text. It may not have exemplars or timestamps, which the formats write in different
/// ways: no metric here has one.
#[must_use]
pub fn from_open_metrics(text: &str) -> String {
    let mut classic = String::with_capacity(text.len());
    // The line with the help text comes before the one with the type, which decides the name in both.
    let (mut help, mut created) = ("", None);
    for line in text.lines() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            help = described.split_once(' ').map_or("", |(_, help)| help);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|typed| typed.split_once(' ')) {
            let (suffix, kind) = classic_type(kind);
            created = matches!(kind, "counter" | "histogram" | "summary").then(|| format!("{name}_created"));
            // Writing to a string does not fail.
            let _ = writeln!(classic, "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}");
        } else if !line.starts_with('#') && created.as_ref().is_none_or(|created| !is_series_of(line, created)) {
            let _ = writeln!(classic, "{line}");
        }
    }
    classic
}

/// The suffix of a metric's series that OpenMetrics does not count as part of its name, and the type that is nearest.
fn classic_type(open_metrics: &str) -> (&'static str, &str) {
    match open_metrics {
        "counter" => ("_total", "counter"),
        "info" => ("_info", "gauge"),
        "stateset" => ("", "gauge"),
        "unknown" | "gaugehistogram" => ("", "untyped"),
        other => ("", other),
    }
}

/// Says whether a line is a series of that name.
fn is_series_of(line: &str, name: &str) -> bool {
    line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types_are_those_of_the_classic_format_and_series_stay() {
        let text = r##"# HELP a_checks Checks.
# TYPE a_checks counter
a_checks_total{rule="# HELP a b\n\"x\" 1"} 7
a_checks_created{rule="# HELP a b\n\"x\" 1"} 1.5
# HELP a_build The build.
# TYPE a_build info
a_build_info{version="1"} 1
# HELP a_time_seconds Times.
# TYPE a_time_seconds histogram
# UNIT a_time_seconds seconds
a_time_seconds_sum 0.5
a_time_seconds_count 2
a_time_seconds_bucket{le="+Inf"} 2
a_time_seconds_created 1.5
# HELP a_time_created A gauge.
# TYPE a_time_created gauge
a_time_created 3
# HELP a_set States.
# TYPE a_set stateset
a_set{a_set="x"} 1
# HELP a_thing Who knows.
# TYPE a_thing unknown
a_thing 4
# EOF
"##;
        let classic = r##"# HELP a_checks_total Checks.
# TYPE a_checks_total counter
a_checks_total{rule="# HELP a b\n\"x\" 1"} 7
# HELP a_build_info The build.
# TYPE a_build_info gauge
a_build_info{version="1"} 1
# HELP a_time_seconds Times.
# TYPE a_time_seconds histogram
a_time_seconds_sum 0.5
a_time_seconds_count 2
a_time_seconds_bucket{le="+Inf"} 2
# HELP a_time_created A gauge.
# TYPE a_time_created gauge
a_time_created 3
# HELP a_set States.
# TYPE a_set gauge
a_set{a_set="x"} 1
# HELP a_thing Who knows.
# TYPE a_thing untyped
a_thing 4
"##;
        assert_eq!(from_open_metrics(text), classic);
    }
}

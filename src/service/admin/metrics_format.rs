//! The choice of a format for `/metrics`: content negotiation by `Accept` (RFC 9110 section 12.5.1).
//!
//! Who asks decides: Prometheus names OpenMetrics and gets it; scrapers that know the classic text alone, `curl` and browsers
//! get that. No request is answered with 406: a scraper that accepts neither says so when it reads the answer.

use axum::http::{HeaderMap, header};

/// A format that metrics can be shown in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsFormat {
    /// The text format of OpenMetrics 1.0.
    OpenMetrics,
    /// The text format that Prometheus had before, which every scraper reads.
    ClassicText,
}

/// A quality value of RFC 9110 section 12.4.2 in thousandths: 0 is "not acceptable".
type Quality = u16;

/// The weight that a list of media ranges gives to a format, and how exactly a range names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Preference {
    precision: Precision,
    quality: Quality,
}

/// The precision with which a media range names a type. The most precise range that matches decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Precision {
    /// There is no range that matches.
    #[default]
    None,
    /// `*/*`
    Anything,
    /// `text/*`
    Type,
    /// `text/plain`
    Subtype,
    /// `text/plain;version=0.0.4`
    Version,
}

impl MetricsFormat {
    /// Chooses the format for a request: OpenMetrics if it is preferred to the classic text, or named and liked as much.
    pub(super) fn negotiate(headers: &HeaderMap) -> Self {
        let lists = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let ranges: Vec<MediaRange<'_>> =
            lists.flat_map(|list| split(list, ',')).filter_map(MediaRange::parse).collect();
        let preference = |format: Self| {
            let matching = ranges.iter().filter_map(|range| range.preference(format));
            matching.max().unwrap_or_default()
        };
        let (open_metrics, classic) = (preference(Self::OpenMetrics), preference(Self::ClassicText));
        // `*/*` says nothing about OpenMetrics: its sender may know the classic text alone.
        let is_named = open_metrics.precision >= Precision::Subtype && open_metrics.quality > 0;
        if open_metrics.quality > classic.quality || (is_named && open_metrics.quality == classic.quality) {
            Self::OpenMetrics
        } else {
            Self::ClassicText
        }
    }

    /// Returns the value of `Content-Type` for this format.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::ClassicText => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Returns the type, the subtype and the versions whose readers can read this format. OpenMetrics 0.0.1 is the draft of
    /// 1.0.0, and nothing here is written in another way for it.
    const fn names(self) -> (&'static str, &'static str, &'static [&'static str]) {
        match self {
            Self::OpenMetrics => ("application", "openmetrics-text", &["1.0.0", "0.0.1"]),
            Self::ClassicText => ("text", "plain", &["0.0.4"]),
        }
    }
}

/// One element of `Accept`.
#[derive(Clone, Copy, Debug)]
struct MediaRange<'a> {
    kind: &'a str,
    subtype: &'a str,
    version: Option<&'a str>,
    quality: Quality,
}

impl<'a> MediaRange<'a> {
    /// Parses an element. One that is malformed is as if it were not there.
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = split(text, ';');
        let (kind, subtype) = parts.next()?.trim().split_once('/')?;
        let mut range = Self { kind, subtype, version: None, quality: 1000 };
        for parameter in parts.filter(|part| !part.trim().is_empty()) {
            let (name, value) = parameter.trim().split_once('=')?;
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
            // Others don't tell formats apart: all texts are UTF-8, and names need no escaping.
            if name.eq_ignore_ascii_case("version") {
                range.version = Some(value);
            } else if name.eq_ignore_ascii_case("q") {
                range.quality = quality(value)?;
            }
        }
        Some(range)
    }

    fn preference(&self, format: MetricsFormat) -> Option<Preference> {
        let (kind, subtype, versions) = format.names();
        let is = |name: &str, wanted: &str| name.eq_ignore_ascii_case(wanted);
        let precision = match (self.kind, self.subtype, self.version) {
            ("*", "*", _) => Precision::Anything,
            (own, "*", _) if is(own, kind) => Precision::Type,
            (own, name, None) if is(own, kind) && is(name, subtype) => Precision::Subtype,
            (own, name, Some(version)) if is(own, kind) && is(name, subtype) && versions.contains(&version) => {
                Precision::Version
            }
            _ => return None,
        };
        Some(Preference { precision, quality: self.quality })
    }
}

/// Splits at a separator, but not within quoted strings.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |c| {
        is_quoted ^= c == '"';
        c == separator && !is_quoted
    })
}

/// Parses a weight: `0`, `0.5`, `1.000`.
fn quality(text: &str) -> Option<Quality> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_weight = matches!(whole, "0" | "1") && fraction.len() <= 3 && fraction.bytes().all(|c| c.is_ascii_digit());
    let thousandths: Quality = format!("{whole}{fraction:0<3}").parse().ok()?;
    (is_weight && thousandths <= 1000).then_some(thousandths)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn negotiate(accept: &[&str]) -> MetricsFormat {
        let headers = accept.iter().map(|value| (header::ACCEPT, HeaderValue::from_str(value).unwrap()));
        MetricsFormat::negotiate(&headers.collect())
    }

    #[test]
    fn each_scraper_gets_the_format_that_it_reads() {
        use MetricsFormat::{ClassicText, OpenMetrics};
        for (who, accept, format) in [
            (
                "Prometheus 3",
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                 application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                 text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                OpenMetrics,
            ),
            (
                "Prometheus 3 with native histograms",
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
                 application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                 application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
                 text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                OpenMetrics,
            ),
            (
                "Prometheus 2.42, Datadog since 7.46",
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                 text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                OpenMetrics,
            ),
            (
                "Prometheus 2.5",
                "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                OpenMetrics,
            ),
            ("Datadog, `use_latest_spec`", "application/openmetrics-text; version=0.0.1; charset=utf-8", OpenMetrics),
            ("Datadog before", "text/plain", ClassicText),
            ("VictoriaMetrics, Netdata", "text/plain;version=0.0.4;q=1,*/*;q=0.1", ClassicText),
            (
                "Telegraf",
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,\
                 text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
                ClassicText,
            ),
            ("curl", "*/*", ClassicText),
            ("a browser", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", ClassicText),
        ] {
            assert_eq!(negotiate(&[accept]), format, "{who}");
        }
        assert_eq!(negotiate(&[]), ClassicText, "no header");
    }

    #[test]
    fn weights_decide_and_the_most_exact_range_gives_them() {
        let is_open_metrics = |accept: &str| negotiate(&[accept]) == MetricsFormat::OpenMetrics;
        for accept in [
            "application/openmetrics-text",
            "Application/OpenMetrics-Text; Version=\"1.0.0\"",
            "application/openmetrics-text, text/plain",
            "text/plain;q=0.5, application/openmetrics-text;q=0.501",
            // Of anything, and of a type, when that is what is preferred.
            "text/plain;q=0.1, */*",
            "application/*, text/*;q=0.9",
            "text/plain;q=0, */*;q=0.1",
            "application/openmetrics-text;version=1.0.0, application/openmetrics-text;q=0, text/plain;q=0.5",
            "application/openmetrics-text;",
            "x/y;z=\",\", application/openmetrics-text",
            "nonsense, application/openmetrics-text, ;;, */",
        ] {
            assert!(is_open_metrics(accept), "{accept}");
        }
        for accept in [
            "application/openmetrics-text;q=0.5, text/plain;q=0.501",
            "application/openmetrics-text;q=0, */*",
            "application/openmetrics-text;version=1.0.0;q=0",
            "application/openmetrics-text;version=2.0.0",
            "application/openmetrics-text;version=1.0.0;q=0.4, application/openmetrics-text, text/plain;q=0.5",
            "text/plain;version=1.0.0",
            "application/json",
            // A weight that is none: the whole element does not count.
            "application/openmetrics-text;q=1.001",
            "application/openmetrics-text;q=0.1234",
            "application/openmetrics-text;q=2",
            "application/openmetrics-text;q=+1",
            "application/openmetrics-text;q",
            "x/y;z=\"application/openmetrics-text, application/openmetrics-text\"",
            "",
        ] {
            assert!(!is_open_metrics(accept), "{accept}");
        }
        let both = ["text/plain;q=0.2", "application/openmetrics-text;q=0.3"];
        assert_eq!(negotiate(&both), MetricsFormat::OpenMetrics, "lists of several lines are one");
    }
}

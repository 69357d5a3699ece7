//! The report of a check as JSON: the problems, and what was not checked. The names of members are stable.

use serde::Serialize;

use crate::{
    config::{error::ConfigErrors, site::Site},
    document::report::Report,
    tools::envoy_lint::{Checked, Seen, Verdict},
};

/// The problems of some files, and what an offline check or one of an Envoy configuration adds.
#[derive(Debug, Serialize)]
pub(super) struct CheckReport<'p> {
    #[serde(flatten)]
    problems: Report<'p, Site>,
    /// The things that were not checked or not looked at; only there where something may have been left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_checked: Option<Vec<&'p str>>,
    /// The verdict on an Envoy configuration; only there if one was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    /// The lints of which `--allow` has left something out that lets requests pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<Vec<&'static str>>,
    /// The parts of an Envoy configuration that were looked at, by number.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<&'p Seen>,
}

impl<'p> CheckReport<'p> {
    /// The problems of these files, in this order.
    pub(super) fn new(files: &[&'p ConfigErrors]) -> Self {
        Self { problems: Report::new(files), not_checked: None, verdict: None, allowed: None, seen: None }
    }

    /// Names in the report what an offline check did not look at.
    pub(super) fn without(self, not_checked: Vec<&'p str>) -> Self {
        Self { not_checked: Some(not_checked), ..self }
    }

    /// Adds the verdict on an Envoy configuration, and what was not looked at.
    pub(super) fn of_envoy(self, checked: &'p Checked) -> Self {
        let mut not_checked = self.not_checked.unwrap_or_default();
        not_checked.extend(checked.seen.unseen.iter().map(String::as_str));
        let allowed = checked.allowed.iter().map(|lint| lint.name()).collect();
        Self {
            not_checked: Some(not_checked),
            verdict: Some(checked.verdict()),
            allowed: Some(allowed),
            seen: Some(&checked.seen),
            ..self
        }
    }
}

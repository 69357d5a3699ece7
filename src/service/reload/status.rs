//! What operators are told of the configuration: which one is in force since when, and how the last reload went.

use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;
use serde_json::{Value, json};

use crate::limits;
use portcullis_engine::time::UnixTime;

/// The state of the configuration, for `/readyz`.
#[derive(Debug)]
pub(crate) struct ConfigStatus(Mutex<Status>);

#[derive(Debug, Serialize)]
struct Status {
    /// A short digest of the file.
    revision: String,
    /// Seconds since 1970.
    loaded_at: i64,
    /// Fields whose change counts from the next start on.
    restart_needed_for: Vec<&'static str>,
    last_reload: Option<LastReload>,
}

#[derive(Debug, Serialize)]
struct LastReload {
    ok: bool,
    outcome: &'static str,
    /// Seconds since 1970.
    at: i64,
    error: Option<String>,
}

impl ConfigStatus {
    pub(crate) fn started(revision: &str, now: UnixTime) -> Self {
        let (revision, loaded_at) = (revision.to_owned(), now.as_secs());
        Self(Mutex::new(Status { revision, loaded_at, restart_needed_for: Vec::new(), last_reload: None }))
    }

    /// Another configuration is in force.
    pub(crate) fn loaded(&self, revision: &str, restart_needed_for: Vec<&'static str>, now: UnixTime) {
        let mut status = self.lock();
        revision.clone_into(&mut status.revision);
        status.loaded_at = now.as_secs();
        status.restart_needed_for = restart_needed_for;
    }

    /// A reload has ended, well or not.
    pub(crate) fn reloaded(&self, outcome: &'static str, error: Option<&str>, now: UnixTime) {
        let short = |text: &str| text.chars().take(limits::RELOAD_ERROR_CHARS).collect();
        let (ok, at) = (error.is_none(), now.as_secs());
        self.lock().last_reload = Some(LastReload { ok, outcome, at, error: error.map(short) });
    }

    /// For the page.
    #[must_use]
    pub(crate) fn to_json(&self) -> Value {
        let status = self.lock();
        json!(&*status)
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        // Each field is right by itself.
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_beside_what_is_in_force() {
        let at = UnixTime::from_secs;
        let status = ConfigStatus::started("aa", at(1));
        assert_eq!(status.to_json()["last_reload"], Value::Null);
        status.reloaded("invalid", Some(&"é".repeat(1000)), at(2));
        let shown = status.to_json();
        assert_eq!((&shown["revision"], &shown["loaded_at"]), (&json!("aa"), &json!(1)));
        assert_eq!((&shown["last_reload"]["ok"], &shown["last_reload"]["at"]), (&json!(false), &json!(2)));
        assert_eq!(shown["last_reload"]["error"].as_str().unwrap().chars().count(), limits::RELOAD_ERROR_CHARS);
        status.loaded("bb", vec!["listen.grpc"], at(3));
        status.reloaded("success", None, at(3));
        let shown = status.to_json();
        assert_eq!((&shown["revision"], &shown["loaded_at"]), (&json!("bb"), &json!(3)));
        assert_eq!(shown["last_reload"], json!({ "ok": true, "outcome": "success", "at": 3, "error": null }));
        assert_eq!(shown["restart_needed_for"], json!(["listen.grpc"]));
    }
}

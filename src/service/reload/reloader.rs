//! Loads the configuration anew and swaps it in one step. Whatever fails on the way leaves the last good one in force.
//!
//! *Invariant: one answer, one configuration.* What is swapped is the whole [`Engine`], and a Check takes it once.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::mpsc,
    task::{JoinSet, spawn_blocking},
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    bounded_work::{BoundedWork, Unfinished, Urgency},
    candidate::{self, Read, Rejected},
    file_reader::FileReader,
    reload_source::{Reload, short},
    status::ConfigStatus,
    watch::{Hints, Trigger},
};
use crate::{
    config::{Config, Listen, Loaded},
    ext_authz::{
        response::Replies,
        service::{Current, Engine},
    },
    keystore::saved::SavedKeys,
    limits,
    service::{
        error::ServeError,
        instrumentation::Observers,
        issuers::{Around, Issuers},
        keys_dir,
        outside::Outside,
        readiness::Readiness,
        supervise::{Backoff, caught, wait_to_restart},
        telemetry::{events, metrics::Metrics},
    },
};
use portcullis_engine::{authorizer::Authorizer, digest::Sha256};

/// The outcome of a reload that puts another configuration into force.
const SUCCESS: &str = "success";
/// The outcome of a look that finds the active configuration again, after another text.
const UNCHANGED: &str = "unchanged";

/// Returns every outcome that a reload may have, for a metric's label.
pub(crate) fn outcomes() -> impl Iterator<Item = &'static str> {
    [SUCCESS, UNCHANGED].into_iter().chain(Rejected::OUTCOMES)
}

/// Tasks that keep keys fresh. They outlive whoever starts them.
pub(crate) type Refreshers = Arc<Mutex<JoinSet<()>>>;

/// What lives through reloads.
pub(crate) struct Lasting {
    pub(crate) current: Arc<Current>,
    pub(crate) outside: Outside,
    pub(crate) observers: Arc<Observers>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) status: Arc<ConfigStatus>,
    pub(crate) refreshers: Refreshers,
    pub(crate) readiness: Arc<Readiness>,
}

/// What there was to see in the file.
#[derive(PartialEq)]
enum Seen {
    Text(Sha256),
    Unreadable(String),
}

/// A look that could not be finished, because of a writer or a disk.
struct Owed {
    /// The reason of that look.
    trigger: Trigger,
    /// The latest time to look again.
    at: Instant,
    /// The time by which that look was put off.
    wait: Duration,
}

/// Loads the configuration anew.
pub(crate) struct Reloader {
    reload: Reload,
    lasting: Lasting,
    issuers: Issuers,
    /// As of the start: changes need another one.
    listen: Listen,
    keys_dir: Option<PathBuf>,
    file: FileReader,
    /// What is in force.
    in_force: Option<Sha256>,
    /// What the last attempt saw.
    seen: Option<Seen>,
    last_ok: bool,
    /// The last failure that was reported.
    reported: Option<String>,
    owed: Option<Owed>,
    judging: BoundedWork,
    /// Engines that Checks may still be using.
    retired: Vec<Arc<Engine>>,
}

impl Reloader {
    pub(crate) fn new(
        reload: Reload,
        lasting: Lasting,
        issuers: Issuers,
        listen: Listen,
        keys_dir: Option<PathBuf>,
        hints: Arc<Hints>,
    ) -> Self {
        let in_force = reload.file.as_ref().map(|file| file.digest);
        let seen = in_force.map(Seen::Text);
        let file = FileReader::new(hints, reload.pace);
        Self {
            reload,
            lasting,
            issuers,
            listen,
            keys_dir,
            file,
            in_force,
            seen,
            last_ok: true,
            reported: None,
            owed: None,
            judging: BoundedWork::new(limits::RELOAD_JUDGING),
            retired: Vec::new(),
        }
    }

    /// Acts on triggers until there can be no more, also after a panic: the reloader keeps its state, and a bug does not undo
    /// the active configuration.
    pub(crate) async fn keep_running(&mut self, triggers: &mut mpsc::Receiver<Trigger>) {
        let mut backoff = Backoff::new();
        while caught(self.run(triggers)).await.is_err() {
            // Otherwise the file would count as one that was looked at, and the last reload as a good one.
            if self.seen != self.in_force.map(Seen::Text) {
                self.ended(Rejected::Bug.outcome(), Some(&Rejected::Bug.to_string()));
            }
            wait_to_restart("reloader", &mut backoff).await;
        }
    }

    /// Acts on triggers until there can be no more.
    async fn run(&mut self, triggers: &mut mpsc::Receiver<Trigger>) {
        loop {
            let has_retired = !self.retired.is_empty();
            let owed = self.owed.as_ref().map(|owed| owed.at);
            tokio::select! {
                trigger = triggers.recv() => match trigger {
                    Some(trigger) => {
                        self.look(trigger).await;
                        // Also where there is a trigger after the other, and no time between them.
                        self.sweep().await;
                    }
                    None => return,
                },
                () = sleep_until(owed.unwrap_or_else(Instant::now)), if owed.is_some() => self.look(Trigger::Poll).await,
                () = sleep(limits::RETIRED_SWEEP), if has_retired => self.sweep().await,
                () = sleep(limits::TASKS_LOOKED_AT) => {}
            }
            self.report_ended_tasks();
        }
    }

    /// Looks at the file, and loads it if there is a reason to.
    pub(crate) async fn look(&mut self, trigger: Trigger) {
        let Some(file) = self.reload.file.as_ref().map(|file| file.path.clone()) else {
            events::config_from_environment();
            return;
        };
        let began = Instant::now();
        let owed = self.owed.take();
        // What was asked for and could not be done is done now.
        let why = owed.as_ref().map_or(trigger, |owed| trigger.or(owed.trigger));
        let is_again = owed.is_some();
        let urgency = if trigger == Trigger::Poll { Urgency::Routine } else { Urgency::Urgent };
        let known = match &self.seen {
            Some(Seen::Text(digest)) => Some(*digest),
            _ => None,
        };
        let read = match self.file.read(&file, known, why, is_again, urgency).await {
            Ok(Some(read)) => read,
            Ok(None) => return,
            Err(rejected) => {
                self.put_off(&rejected, why, owed);
                let seen = Some(Seen::Unreadable(rejected.to_string()));
                let is_news = seen != self.seen || trigger == Trigger::Hangup;
                self.seen = seen;
                return if is_news {
                    self.reject(&file, &rejected, trigger)
                };
            }
        };
        let seen = Some(Seen::Text(read.digest));
        let is_known = seen == self.seen;
        self.seen = seen;
        match why {
            Trigger::Hangup => {}
            // What failed may depend on other files than this one.
            Trigger::File if is_known && self.last_ok => return,
            Trigger::Poll if is_known => return,
            Trigger::File | Trigger::Poll if self.in_force == Some(read.digest) => return self.is_back(why),
            Trigger::File | Trigger::Poll => {}
        }
        match self.load(&file, read, why, began).await {
            Ok(()) => self.ended(SUCCESS, None),
            Err(rejected) => {
                self.put_off(&rejected, why, owed);
                let is_told = self.reported.as_ref() == Some(&rejected.to_string()) && !self.last_ok;
                if !(is_told && rejected.is_passing()) || trigger == Trigger::Hangup {
                    self.reject(&file, &rejected, trigger);
                }
            }
        }
    }

    /// Looks again soon after what may pass by itself; each time a little later.
    fn put_off(&mut self, rejected: &Rejected, why: Trigger, before: Option<Owed>) {
        if rejected.is_passing() {
            let wait = before.map_or(limits::RELOAD_AGAIN, |owed| owed.wait.saturating_mul(2).min(limits::RELOAD_POLL));
            self.owed = Some(Owed { trigger: why.or(Trigger::File), at: Instant::now() + wait, wait });
        }
    }

    async fn load(&mut self, file: &Path, read: Read, trigger: Trigger, began: Instant) -> Result<(), Rejected> {
        let Read { text, digest, .. } = read;
        let (path, env, suite) = (file.to_owned(), self.reload.env.clone(), self.reload.suite.clone());
        let judging = move || candidate::judge(&path, &text, &env, suite.as_ref());
        let judged = self.judging.run(Urgency::Urgent, judging).await.map_err(|unfinished| match unfinished {
            Unfinished::Hangs => Rejected::JudgingHangs,
            Unfinished::Bug => Rejected::Bug,
        });
        let Loaded { config, warnings, .. } = judged??;
        let saved = timeout(limits::RELOAD_JUDGING, self.saved(config.keys_dir.as_deref())).await;
        let saved = saved.map_err(|_| Rejected::JudgingHangs)??;
        let issuers = self.succeed(&config, saved)?;
        // Asked for before the swap, so that the first request finds them.
        if timeout(limits::RELOAD_KEYS_WAIT, issuers.keys.settled()).await.is_err() {
            let status = issuers.keys.status(Instant::now());
            status.iter().filter(|status| !status.settled).for_each(|late| events::config_without_keys(&late.issuer));
        }
        for warning in warnings.problems().take(limits::RELOAD_ERRORS_LOGGED) {
            events::config_warning(&warning.to_string());
        }
        self.swap(config, issuers, digest, trigger, began);
        Ok(())
    }

    /// The directory of saved keys; the one in force is not opened again.
    async fn saved(&self, dir: Option<&Path>) -> Result<Option<SavedKeys>, Rejected> {
        if dir == self.keys_dir.as_deref() {
            return Ok(self.issuers.saved().cloned());
        }
        Ok(keys_dir::open(dir, &self.lasting.observers).await?)
    }

    fn succeed(&self, config: &Config, saved: Option<SavedKeys>) -> Result<Issuers, ServeError> {
        let mut tasks = self.lasting.refreshers.lock();
        let observer = Arc::clone(&self.lasting.observers) as _;
        let mut around = Around { tasks: &mut tasks, outside: &self.lasting.outside, observer };
        self.issuers.succeeded_by(config.issuers.clone(), saved, config.policy.asked_claims(), &mut around)
    }

    /// The one step.
    fn swap(&mut self, config: Config, issuers: Issuers, digest: Sha256, trigger: Trigger, began: Instant) {
        let before = self.lasting.current.load_full();
        let restart_needed_for = changed(&self.listen, &config.listen);
        let (keys, tokens) = (Arc::clone(&issuers.keys), Arc::clone(issuers.verifier.cache()));
        let revision = short(&digest);
        let engine = Engine {
            revision: Arc::clone(&revision),
            authorizer: Authorizer::new(config.policy, issuers.verifier.clone()),
            keys: Arc::clone(&keys),
            replies: Replies::new(&config.identity),
            clock: Arc::clone(&before.clock),
            observer: Arc::clone(&before.observer),
            in_flight: before.in_flight.clone(),
        };
        self.lasting.current.store(Arc::new(engine));
        self.lasting.readiness.follow(config.ready);
        let now = self.lasting.outside.clock.now();
        self.lasting.metrics.follow(keys, tokens);
        self.lasting.metrics.config.loaded(&revision, now.as_secs());
        issuers.start_series(&self.lasting.metrics);
        restart_needed_for.iter().for_each(|field| events::config_needs_restart(field));
        events::config_loaded(&revision, &before.revision, trigger.name(), began.elapsed());
        self.lasting.status.loaded(&revision, restart_needed_for, now);
        (self.issuers, self.keys_dir, self.in_force) = (issuers, config.keys_dir, Some(digest));
        self.retired.push(before);
    }

    /// The file holds what is in force, after something else.
    fn is_back(&mut self, trigger: Trigger) {
        events::config_unchanged(&self.lasting.current.load().revision, trigger.name());
        self.ended(UNCHANGED, None);
    }

    fn reject(&mut self, file: &Path, rejected: &Rejected, trigger: Trigger) {
        let name = file.display().to_string();
        rejected.log(&name, limits::RELOAD_ERRORS_LOGGED);
        let revision = &self.lasting.current.load().revision;
        events::config_rejected(&name, rejected.outcome(), rejected, revision, trigger.name());
        self.ended(rejected.outcome(), Some(&rejected.to_string()));
    }

    fn ended(&mut self, outcome: &'static str, error: Option<&str>) {
        self.last_ok = error.is_none();
        self.reported = error.map(str::to_owned);
        self.lasting.metrics.config.reloaded(outcome, self.last_ok);
        self.lasting.status.reloaded(outcome, error, self.lasting.outside.clock.now());
    }

    /// Drops engines that no Check uses any more, on a thread that may take its time for 10,000 rules, and then what was
    /// counted for rules and issuers that are no more.
    async fn sweep(&mut self) {
        let (ended, in_use) = self.retired.drain(..).partition(|engine| Arc::strong_count(engine) == 1);
        self.retired = in_use;
        let ended: Vec<Arc<Engine>> = ended;
        if ended.is_empty() {
            return;
        }
        let current = self.lasting.current.load_full();
        let (metrics, observers) = (Arc::clone(&self.lasting.metrics), Arc::clone(&self.lasting.observers));
        let issuers: HashSet<String> = self.issuers.names().map(str::to_owned).collect();
        let dropping = spawn_blocking(move || {
            drop(ended);
            let rules: HashSet<&str> = current.authorizer.policy().rule_ids().map(|id| id.as_str()).collect();
            metrics.retain(|rule| rules.contains(rule), |issuer| issuers.contains(issuer));
            observers.retain(|issuer| issuers.contains(issuer));
        });
        let _ = dropping.await;
    }

    fn report_ended_tasks(&self) {
        let mut tasks = self.lasting.refreshers.lock();
        while let Some(ended) = tasks.try_join_next() {
            // One that was cancelled has no issuer any more. None ends by itself, and one that a bug ends starts again.
            if let Err(error) = ended
                && !error.is_cancelled()
            {
                events::part_failed("key refresher", &error);
            }
        }
    }
}

/// Returns the fields of `listen` that a configuration changes: only a start puts them into force.
fn changed(now: &Listen, wanted: &Listen) -> Vec<&'static str> {
    // Taken apart, so that a new field asks for a decision here.
    let Listen { grpc, admin, max_connections } = wanted;
    let fields = [
        ("listen.grpc", now.grpc == *grpc),
        ("listen.admin", now.admin == *admin),
        ("listen.max_connections", now.max_connections == *max_connections),
    ];
    fields.into_iter().filter_map(|(field, is_same)| (!is_same).then_some(field)).collect()
}

#[cfg(test)]
mod tests;

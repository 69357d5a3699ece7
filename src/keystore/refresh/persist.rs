//! Key sets across restarts: put to use at a start, saved after each change. Nothing waits long for the disk, and
//! no fetch for a set to be written.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::Instant};
use url::Url;

use super::{blocking_io::Disk, outside::Outside, target::Target};
use crate::{
    keystore::{
        fetch::FetchError,
        saved::{Origin, SavedKeys},
        source::KeySource,
    },
    limits,
};
use portcullis_engine::{
    digest::{Sha256, sha256},
    keys::key_set::KeySet,
};

/// Keeps the key sets of one issuer.
pub(super) struct Keeper {
    /// Where and under what; `None` if nothing is to be kept.
    place: Option<(SavedKeys, Origin)>,
    target: Arc<Target>,
    outside: Outside,
    disk: Disk,
    saving: JoinSet<()>,
    last: Option<(Sha256, Instant)>,
}

impl Keeper {
    pub(super) fn new(target: &Arc<Target>, outside: &Outside, disk: &Disk) -> Self {
        let origin = |url: &Url| Origin::new(&target.issuer, url.as_str(), &target.transport);
        let place = outside.saved.clone().zip(remote(&target.source).map(origin));
        let (target, outside, disk) = (Arc::clone(target), outside.clone(), disk.clone());
        Self { place, target, outside, disk, saving: JoinSet::new(), last: None }
    }

    /// The set of an earlier run and how old it is: whoever starts while an issuer hangs should not wait for it.
    pub(super) async fn restore(&self) -> Option<(KeySet, Duration)> {
        let (saved, origin) = self.place.clone()?;
        let (target, now) = (Arc::clone(&self.target), self.outside.clock.now());
        let loading = self.disk.run(Path::new("keys_dir"), move || {
            let Some(found) = saved.load(&origin, target.max_stale, now)? else { return Ok(None) };
            let set = KeySet::parse(&found.text, &target.algorithms);
            let set = set.map_err(|reason| FetchError::KeySet { place: "the saved key set".to_owned(), reason })?;
            Ok(Some((set, found.age)))
        });
        loading.await.unwrap_or_else(|error| {
            self.outside.observer.not_restored(&self.target.issuer, &error);
            None
        })
    }

    /// Saves a set that was fetched now, unless the same one was saved a moment ago.
    pub(super) fn save(&mut self, text: Vec<u8>) {
        while self.saving.try_join_next().is_some() {}
        let Some((saved, origin)) = self.place.clone() else { return };
        let (digest, at) = (sha256(&text), Instant::now());
        let is_recent = |at: Instant| at.elapsed() < *limits::KEYS_REFRESH_RANGE.start();
        if self.last.is_some_and(|(last, at)| last == digest && is_recent(at)) {
            return;
        }
        self.last = Some((digest, at));
        let (disk, outside, issuer) = (self.disk.clone(), self.outside.clone(), Arc::clone(&self.target.issuer));
        self.saving.spawn(async move {
            let now = outside.clock.now();
            let outcome = disk.run(Path::new("keys_dir"), move || saved.save(&origin, &text, now)).await;
            match outcome {
                Ok(()) => outside.observer.saved(&issuer),
                Err(error) => outside.observer.not_saved(&issuer, &error),
            }
        });
    }
}

/// Where the configuration says that fetched keys come from.
fn remote(source: &KeySource) -> Option<&Url> {
    match source {
        KeySource::Discovery { documents, .. } => documents.first(),
        KeySource::JwksUri { url, .. } => Some(url),
        KeySource::JwksFile(_) | KeySource::PublicKeyFile(_) | KeySource::Secret(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::SystemClock,
        keystore::{clock_skew::ClockSkew, refresh::Observer, source::Transport},
    };
    use portcullis_engine::keys::algorithm::Algorithm;

    struct Silent;

    impl Observer for Silent {
        fn fetched(&self, _: &str, _: Result<&KeySet, &FetchError>, _: Duration) {}
        fn clock_compared(&self, _: &str, _: ClockSkew, _: Duration) {}
        fn restored(&self, _: &str, _: Duration) {}
        fn not_saved(&self, _: &str, error: &FetchError) {
            panic!("{error}");
        }
        fn not_restored(&self, _: &str, error: &FetchError) {
            panic!("{error}");
        }
    }

    fn keeper(saved: SavedKeys) -> Keeper {
        let source = KeySource::JwksUri { url: Url::parse("https://a.test/jwks").unwrap(), allow_http: false };
        let (algorithms, transport, max_stale) = (vec![Algorithm::EdDSA], Transport::default(), Duration::MAX);
        let target = Target { issuer: "a".into(), algorithms, source, transport, max_stale, written_at: String::new() };
        let (clock, observer) = (Arc::new(SystemClock), Arc::new(Silent));
        Keeper::new(&Arc::new(target), &Outside { fetch: None, saved: Some(saved), clock, observer }, &Disk::new())
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_set_is_written_once_a_minute_and_another_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut keeper = keeper(SavedKeys::open(dir.path()).unwrap().keys);
        let minute = *limits::KEYS_REFRESH_RANGE.start();
        let almost = minute - Duration::from_millis(1);
        let moment = Duration::from_millis(1);
        for (after, text, is_written) in [
            (Duration::ZERO, r#"{"keys":[1]}"#, true),
            (Duration::ZERO, r#"{"keys":[1]}"#, false),
            (almost, r#"{"keys":[1]}"#, false),
            (moment, r#"{"keys":[1]}"#, true),
            (moment, r#"{"keys":[2]}"#, true),
            (moment, r#"{"keys":[1]}"#, true),
        ] {
            tokio::time::advance(after).await;
            keeper.save(text.as_bytes().to_vec());
            assert_eq!(keeper.saving.len(), usize::from(is_written), "{text} after {after:?}");
            while let Some(saved) = keeper.saving.join_next().await {
                saved.unwrap();
            }
        }
    }
}

//! What is taken for a change, by itself and with a real file system.

use std::{fs, os::unix::fs::symlink, path::Path};

use notify::event::{CreateKind, DataChange, MetadataKind, RemoveKind, RenameMode};
use tokio::{io::AsyncWriteExt as _, task::JoinSet};

use super::*;

const FILE: &str = "/etc/portcullis/portcullis.yaml";
const QUIET: Duration = Duration::from_millis(100);

const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
const CLOSED: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));
const READ: EventKind = EventKind::Access(AccessKind::Open(AccessMode::Any));
const MOVED: EventKind = EventKind::Modify(ModifyKind::Name(RenameMode::To));

fn told(kinds: &[EventKind], path: &str) -> Hints {
    let hints = Hints::default();
    let places = Mutex::new(Places { names: [FILE.into()].into(), ..Places::default() });
    for kind in kinds {
        hints.take(&Ok(Event::new(*kind).add_path(path.into())), &places);
    }
    hints
}

#[tokio::test(start_paused = true)]
async fn a_change_counts_once_nothing_follows_it() {
    for kinds in [
        &[MOVED][..],
        &[EventKind::Create(CreateKind::File)],
        &[EventKind::Remove(RemoveKind::File)],
        &[EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any))],
        &[WRITTEN, CLOSED],
        &[WRITTEN, WRITTEN, MOVED],
        &[WRITTEN, EventKind::Remove(RemoveKind::File)],
    ] {
        let hints = told(kinds, FILE);
        let began = Instant::now();
        hints.settled(QUIET).await;
        assert!((QUIET..QUIET * 3).contains(&began.elapsed()), "{kinds:?} {:?}", began.elapsed());
        assert!(timeout(QUIET * 100, hints.settled(QUIET)).await.is_err(), "once: {kinds:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn other_files_and_our_own_reading_are_no_change() {
    let elsewhere = told(&[MOVED, WRITTEN, CLOSED], "/etc/portcullis/other.yaml");
    let read = told(&[READ], FILE);
    for hints in [elsewhere, read] {
        assert!(timeout(QUIET * 100, hints.settled(QUIET)).await.is_err());
        hints.idle(QUIET).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_has_not_closed_the_file_is_waited_for_and_known_for_as_long_as_it_takes() {
    let hints = told(&[WRITTEN], FILE);
    let began = Instant::now();
    assert!(timeout(limits::RELOAD_WRITER / 2, hints.settled(QUIET)).await.is_err(), "half a file");
    assert!(timeout(limits::RELOAD_WRITER / 4, hints.idle(QUIET)).await.is_err(), "it is not looked at now and then");
    hints.settled(QUIET).await;
    assert!(began.elapsed() >= limits::RELOAD_WRITER, "{:?}", began.elapsed());
    hints.idle(limits::RELOAD_WRITER * 1000).await;
    assert!(hints.is_being_written(), "nothing but its end ends that");
    let places = Mutex::new(Places { names: [FILE.into()].into(), ..Places::default() });
    hints.take(&Ok(Event::new(CLOSED).add_path(FILE.into())), &places);
    hints.settled(QUIET).await;
    assert!(!hints.is_being_written());
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_never_pauses_is_known_as_soon_as_one_that_does() {
    let hints = told(&[WRITTEN], FILE);
    let places = Mutex::new(Places { names: [FILE.into()].into(), ..Places::default() });
    let write = async || {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            hints.take(&Ok(Event::new(WRITTEN).add_path(FILE.into())), &places);
        }
    };
    for _ in 0..3 {
        let began = Instant::now();
        tokio::select! {
            () = hints.settled(QUIET) => {}
            () = write() => unreachable!(),
            () = tokio::time::sleep(limits::RELOAD_WRITER * 10) => panic!("nobody hears of it"),
        }
        assert!(began.elapsed() >= limits::RELOAD_WRITER && hints.is_being_written());
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_system_lost_may_have_been_a_change() {
    let hints = Hints::default();
    let lost = Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
    hints.take(&Ok(lost), &Mutex::default());
    hints.settled(QUIET).await;
    hints.state.lock().writing = true;
    hints.take(&Err(notify::Error::generic("lost")), &Mutex::default());
    hints.settled(QUIET).await;
    assert!(!hints.is_being_written(), "its end may have been lost as well");
}

struct Watched {
    dir: tempfile::TempDir,
    triggers: mpsc::Receiver<Trigger>,
    _task: JoinSet<()>,
}

impl Watched {
    /// Watches `portcullis.yaml` in a directory that `prepare` has filled.
    async fn new(prepare: impl FnOnce(&Path), poll: Duration, watch: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path());
        let (sender, triggers) = mpsc::channel(1);
        let pace = Pace { quiet: Duration::from_millis(10), poll, watch };
        let mut task = JoinSet::new();
        task.spawn(run(Some(dir.path().join("portcullis.yaml")), None, pace, Arc::default(), sender));
        let mut watched = Self { dir, triggers, _task: task };
        assert_eq!(watched.triggers.recv().await, Some(Trigger::Poll), "what changed before is looked for");
        watched
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn is_told(&mut self) {
        let told = timeout(Duration::from_secs(60), self.triggers.recv()).await;
        assert_eq!(told, Ok(Some(Trigger::File)));
    }

    /// Takes triggers until there are none for a while: one change may be told in two parts.
    async fn drain(&mut self) {
        while timeout(Duration::from_millis(200), self.triggers.recv()).await.is_ok() {}
    }
}

const HOUR: Duration = Duration::from_secs(3600);

fn plain(dir: &Path) {
    fs::write(dir.join("portcullis.yaml"), "a").unwrap();
}

fn config_map(dir: &Path) {
    fs::create_dir(dir.join("..2026_1")).unwrap();
    fs::write(dir.join("..2026_1/portcullis.yaml"), "a").unwrap();
    symlink("..2026_1", dir.join("..data")).unwrap();
    symlink("..data/portcullis.yaml", dir.join("portcullis.yaml")).unwrap();
}

#[tokio::test]
async fn a_file_that_is_written_in_place_is_told_of_when_it_is_closed() {
    let mut watched = Watched::new(plain, HOUR, true).await;
    let path = watched.path("portcullis.yaml");
    let mut file = tokio::fs::OpenOptions::new().append(true).open(path).await.unwrap();
    file.write_all(b"half").await.unwrap();
    file.flush().await.unwrap();
    assert!(timeout(Duration::from_millis(500), watched.triggers.recv()).await.is_err(), "it is still open");
    file.write_all(b"whole").await.unwrap();
    file.flush().await.unwrap();
    drop(file);
    watched.is_told().await;
}

#[tokio::test]
async fn a_file_that_is_moved_there_removed_and_made_again_is_told_of() {
    let mut watched = Watched::new(plain, HOUR, true).await;
    for _ in 0..3 {
        fs::write(watched.path("new"), "b").unwrap();
        fs::rename(watched.path("new"), watched.path("portcullis.yaml")).unwrap();
        watched.is_told().await;
        watched.drain().await;
    }
    fs::remove_file(watched.path("portcullis.yaml")).unwrap();
    watched.is_told().await;
    watched.drain().await;
    fs::write(watched.path("portcullis.yaml"), "c").unwrap();
    watched.is_told().await;
}

#[tokio::test]
async fn a_file_that_is_written_under_another_name_is_told_of_also_after_it_was_replaced() {
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link");
    let mut watched = Watched::new(plain, HOUR, true).await;
    for _ in 0..2 {
        // As a file that is mounted by itself into a container: its directory there does not see who writes.
        fs::hard_link(watched.path("portcullis.yaml"), &link).unwrap();
        watched.drain().await;
        fs::write(&link, "written").unwrap();
        watched.is_told().await;
        fs::remove_file(&link).unwrap();
        watched.drain().await;
        fs::write(watched.path("new"), "new").unwrap();
        fs::rename(watched.path("new"), watched.path("portcullis.yaml")).unwrap();
        watched.is_told().await;
        watched.drain().await;
    }
}

#[tokio::test]
async fn a_file_system_that_is_not_known_to_tell_of_changes_counts_as_one_that_does_not() {
    for (file, unwatched) in [(PathBuf::from("/proc/version"), true), (std::env::temp_dir().join("none.yaml"), false)] {
        let hints = Arc::new(Hints::default());
        Followed::new(file, Pace::default(), &hints).follow();
        assert_eq!(hints.is_unwatched(), unwatched);
    }
}

#[tokio::test]
async fn where_the_last_look_at_the_places_hangs_the_next_one_ends_at_once() {
    let dir = tempfile::tempdir().unwrap();
    plain(dir.path());
    let hints = Arc::new(Hints::default());
    let followed = Arc::new(Mutex::new(Followed::new(dir.path().join("portcullis.yaml"), Pace::default(), &hints)));
    let (looking, is_looking) = std::sync::mpsc::channel();
    let (release, hanging) = std::sync::mpsc::channel::<()>();
    let last = Arc::clone(&followed);
    let last = std::thread::spawn(move || {
        let places = last.lock();
        looking.send(()).unwrap();
        assert!(hanging.recv().is_err() && places.itself.is_none());
    });
    is_looking.recv().unwrap();
    timeout(Duration::from_secs(60), follow(Arc::clone(&followed))).await.unwrap();
    drop(release);
    last.join().unwrap();
    follow(Arc::clone(&followed)).await;
    assert!(followed.lock().itself.is_some());
}

#[tokio::test]
async fn a_config_maps_swap_is_told_of_each_time() {
    let mut watched = Watched::new(config_map, HOUR, true).await;
    for version in 2..5 {
        let (old, new) = (format!("..2026_{}", version - 1), format!("..2026_{version}"));
        fs::create_dir(watched.path(&new)).unwrap();
        fs::write(watched.path(&new).join("portcullis.yaml"), "b").unwrap();
        symlink(&new, watched.path("..data_tmp")).unwrap();
        fs::rename(watched.path("..data_tmp"), watched.path("..data")).unwrap();
        fs::remove_dir_all(watched.path(&old)).unwrap();
        watched.is_told().await;
        watched.drain().await;
    }
    fs::write(watched.path("..2026_4/portcullis.yaml"), "c").unwrap();
    watched.is_told().await;
}

#[tokio::test(start_paused = true)]
async fn without_watches_the_file_is_looked_at_now_and_then() {
    let mut watched = Watched::new(plain, HOUR, false).await;
    let began = Instant::now();
    for _ in 0..3 {
        assert_eq!(watched.triggers.recv().await, Some(Trigger::Poll));
    }
    assert!((HOUR * 3..HOUR * 4).contains(&began.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn without_a_file_nothing_is_looked_at() {
    let (sender, mut triggers) = mpsc::channel(1);
    let mut task = JoinSet::new();
    task.spawn(run(None, None, Pace::default(), Arc::default(), sender));
    assert!(timeout(HOUR, triggers.recv()).await.is_err());
}

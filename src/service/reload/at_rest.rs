//! The configuration of a start, which is read when no writer is seen: half a policy may be a valid one, without the rules
//! at its end.

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    thread,
};

use super::writers::{self, Wanted, Writer};
use crate::{
    config::{self, Loaded, error::ConfigErrors},
    files, limits,
};
use portcullis_engine::digest::{Sha256, sha256};

/// The reason why a start has no configuration.
#[derive(Debug)]
pub enum NoConfig {
    /// There are errors in it.
    Invalid(ConfigErrors),
    /// A process has held a file open for writing for all the time that a start waits.
    BeingWritten(BeingWritten),
}

/// A file that a process holds open for writing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is open for writing, by {}: it is read when that has closed it", .file.display(), shown(.writer.as_ref()))]
pub struct BeingWritten {
    pub(super) file: PathBuf,
    pub(super) writer: Option<Writer>,
}

fn shown(writer: Option<&Writer>) -> String {
    // What shortens a file by its name closes nothing, and so does who writes to the file that was here before.
    let unseen = "a process that can't be seen from here (if there is none, `touch` the file)";
    writer.map_or_else(|| unseen.to_owned(), ToString::to_string)
}

impl BeingWritten {
    /// Finds out whether a process is seen to hold one of these files open for writing.
    pub(super) fn find<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Option<Self> {
        let wanted = |path: &'p Path| Some((path, Wanted::new(&files::open(path).ok()?).ok()?));
        let (paths, files): (Vec<_>, Vec<_>) = paths.into_iter().filter_map(wanted).unzip();
        let (index, writer) = writers::find(&files)?;
        paths.get(index).map(|path| Self { file: path.to_path_buf(), writer: Some(writer) })
    }

    /// A file that the system has told a change of, and not that it was closed.
    pub(super) fn unseen(path: &Path) -> Self {
        Self { file: path.to_owned(), writer: None }
    }

    pub(super) fn find_open(file: &File, path: &Path) -> Option<Self> {
        let (_, writer) = writers::find(&[Wanted::new(file).ok()?])?;
        Some(Self { file: path.to_owned(), writer: Some(writer) })
    }
}

/// Loads a configuration as [`config::load()`] does, when neither its file nor one that was read for it is seen to be open
/// for writing. A writer is waited for, up to [`limits::RELOAD_WRITER`].
///
/// # Errors
/// [`NoConfig`]
pub fn load_at_rest(path: Option<&Path>, env: &BTreeMap<String, String>) -> Result<Loaded, NoConfig> {
    let rounds = limits::RELOAD_WRITER.as_millis().checked_div(limits::RELOAD_QUIET.as_millis()).unwrap_or(0);
    let mut last = None;
    for _ in 0..=rounds {
        let loaded = config::load(path, env);
        match disturbed(path, &loaded) {
            None => return loaded.map_err(NoConfig::Invalid),
            Some(Disturbed::Changed) => {}
            Some(Disturbed::Written(written)) => last = Some(written),
        }
        thread::sleep(limits::RELOAD_QUIET);
    }
    match last {
        Some(written) => Err(NoConfig::BeingWritten(written)),
        // It changes all the time, and no process is seen to do that.
        None => Err(NoConfig::BeingWritten(BeingWritten::unseen(path.unwrap_or_else(|| Path::new(""))))),
    }
}

/// The reason why a loaded configuration does not count.
enum Disturbed {
    Written(BeingWritten),
    /// The file is another one by now.
    Changed,
}

/// Looks for writers, and reads the file again: if none is seen and the text is still the same, then it was whole.
fn disturbed(path: Option<&Path>, loaded: &Result<Loaded, ConfigErrors>) -> Option<Disturbed> {
    let file = loaded.as_ref().ok().and_then(|loaded| loaded.file.as_ref());
    let path = file.map(|file| file.path.as_path()).or(path)?;
    let named = loaded.iter().flat_map(|loaded| loaded.config.read_files());
    if let Some(written) = BeingWritten::find(std::iter::once(path).chain(named)) {
        return Some(Disturbed::Written(written));
    }
    let is_same = file.is_none_or(|file| digest_of(path).is_none_or(|now| now == file.digest));
    (!is_same).then_some(Disturbed::Changed).or_else(|| BeingWritten::find([path]).map(Disturbed::Written))
}

/// The digest of a regular file; nothing else can be read twice.
fn digest_of(path: &Path) -> Option<Sha256> {
    files::read(path, limits::CONFIG_BYTES).ok().map(|bytes| sha256(&bytes))
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _, time::Duration};

    use super::*;

    const POLICY: &str =
        "issuers: [{ issuer: https://a.test/, audiences: [api] }]\nroutes:\n  - { path: /x, access: public }\n";

    #[test]
    fn a_file_at_rest_is_loaded_and_a_broken_one_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("portcullis.yaml");
        fs::write(&path, POLICY).unwrap();
        let loaded = load_at_rest(Some(&path), &BTreeMap::new()).unwrap();
        assert_eq!(loaded.config.policy.rules().count(), 1);
        fs::write(&path, "broken").unwrap();
        assert!(matches!(load_at_rest(Some(&path), &BTreeMap::new()), Err(NoConfig::Invalid(_))));
        assert!(matches!(load_at_rest(Some(&dir.path().join("none")), &BTreeMap::new()), Err(NoConfig::Invalid(_))));
    }

    #[test]
    fn however_many_files_are_named_few_searches_for_writers_are_enough() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("portcullis.yaml");
        let secret = |name: u32| {
            fs::write(dir.path().join(name.to_string()), [b'x'; 32]).unwrap();
            format!(
                "  - {{ issuer: https://{name}.test/, audiences: [a], algorithms: [HS256], secret_file: '{name}' }}\n"
            )
        };
        let issuers: String = (0..20).map(secret).collect();
        fs::write(&path, format!("issuers:\n{issuers}routes: [{{ path: /x, access: public }}]\n")).unwrap();
        let _ = writers::searches();
        assert_eq!(load_at_rest(Some(&path), &BTreeMap::new()).unwrap().config.read_files().count(), 20);
        // A process that another test starts may have a copy of a descriptor for a moment: then there is another round.
        assert!((2..20).contains(&writers::searches()), "each may look at thousands of descriptors");
    }

    #[test]
    fn half_a_file_waits_for_its_writer_also_where_the_half_is_broken() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("portcullis.yaml");
        for half in [POLICY.len(), 20] {
            let mut writer = File::create(&path).unwrap();
            writer.write_all(POLICY.as_bytes().get(..half).unwrap()).unwrap();
            let rest = POLICY.get(half..).unwrap().to_owned() + "  - { path: /y, access: authenticated }\n";
            let writing = thread::spawn(move || {
                thread::sleep(Duration::from_millis(500));
                writer.write_all(rest.as_bytes()).unwrap();
            });
            let loaded = load_at_rest(Some(&path), &BTreeMap::new()).unwrap();
            assert_eq!(loaded.config.policy.rules().count(), 2, "{half}");
            writing.join().unwrap();
        }
    }
}

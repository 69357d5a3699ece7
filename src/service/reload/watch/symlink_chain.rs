//! Which directory entries decide what a file name means: the file's own, and each symbolic link on the way there. A
//! Kubernetes ConfigMap changes none of its files: it swaps a link in the middle of the way.

use std::{
    collections::{BTreeSet, HashSet},
    ffi::OsString,
    fs,
    path::{Component, Path, PathBuf},
};

use crate::limits;

/// What to watch for a file, and what to look for there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// Directories.
    pub(super) dirs: BTreeSet<PathBuf>,
    /// Paths whose change may be a change of the file.
    pub(super) names: HashSet<PathBuf>,
}

/// One step on the way.
enum Step {
    Root,
    Up,
    To(OsString),
}

fn steps(path: &Path) -> impl Iterator<Item = Step> {
    let step = |part| match part {
        Component::Prefix(_) | Component::CurDir => None,
        Component::RootDir => Some(Step::Root),
        Component::ParentDir => Some(Step::Up),
        Component::Normal(name) => Some(Step::To(name.to_owned())),
    };
    path.components().rev().filter_map(step)
}

impl Places {
    /// Those of a file, as the links are now.
    pub(super) fn of(file: &Path) -> Self {
        let mut places = Self::default();
        let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        // The last step first.
        let mut ahead: Vec<Step> = steps(&absolute).collect();
        let (mut at, mut links) = (PathBuf::new(), 0_usize);
        while let Some(step) = ahead.pop() {
            match step {
                Step::Root => at = PathBuf::from("/"),
                Step::Up => {
                    at.pop();
                }
                Step::To(name) => {
                    let next = at.join(name);
                    let target = fs::read_link(&next).ok().filter(|_| links < limits::RELOAD_LINKS);
                    if ahead.is_empty() || target.is_some() {
                        places.names.extend([next.clone(), at.clone()]);
                        places.dirs.insert(at.clone());
                    }
                    match target {
                        Some(target) => {
                            links = links.saturating_add(1);
                            ahead.extend(steps(&target));
                        }
                        None => at = next,
                    }
                }
            }
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn real(dir: &tempfile::TempDir) -> PathBuf {
        dir.path().canonicalize().unwrap()
    }

    #[test]
    fn a_plain_file_has_one_place_there_or_not() {
        let dir = tempfile::tempdir().unwrap();
        let root = real(&dir);
        let places = Places::of(&root.join("portcullis.yaml"));
        assert_eq!(places.dirs, BTreeSet::from([root.clone()]));
        assert!(places.names.contains(&root.join("portcullis.yaml")));
        fs::write(root.join("portcullis.yaml"), "").unwrap();
        assert_eq!(Places::of(&root.join("./portcullis.yaml")), places);
    }

    #[test]
    fn a_config_maps_links_are_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = real(&dir);
        fs::create_dir(root.join("..2026_1")).unwrap();
        fs::write(root.join("..2026_1/portcullis.yaml"), "").unwrap();
        symlink("..2026_1", root.join("..data")).unwrap();
        symlink("..data/portcullis.yaml", root.join("portcullis.yaml")).unwrap();
        let places = Places::of(&root.join("portcullis.yaml"));
        assert_eq!(places.dirs, BTreeSet::from([root.clone(), root.join("..2026_1")]));
        for name in ["portcullis.yaml", "..data", "..2026_1/portcullis.yaml"] {
            assert!(places.names.contains(&root.join(name)), "{name}");
        }
        assert!(
            !places.names.contains(&root.join("..data/portcullis.yaml")),
            "no such entry: it is a link's other name"
        );
    }

    #[test]
    fn links_elsewhere_upwards_and_in_a_circle_end() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (root, other) = (real(&here), real(&there));
        symlink(other.join("sub/../p.yaml"), root.join("a")).unwrap();
        fs::create_dir(other.join("sub")).unwrap();
        assert_eq!(Places::of(&root.join("a")).dirs, BTreeSet::from([root.clone(), other]));
        symlink("c", root.join("b")).unwrap();
        symlink("b", root.join("c")).unwrap();
        assert_eq!(Places::of(&root.join("b")).dirs, BTreeSet::from([root]));
    }
}

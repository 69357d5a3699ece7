use std::os::unix::fs::PermissionsExt as _;

use super::*;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn origin(issuer: &str, url: &str) -> Origin {
    Origin::new(issuer, url, &Transport::default())
}

fn ours() -> Origin {
    origin("https://a.test/", "https://a.test/jwks")
}

/// A directory that nothing is wrong with.
fn open(dir: &Path) -> SavedKeys {
    let opened = SavedKeys::open(dir).unwrap();
    assert!(opened.trouble.is_none(), "{:?}", opened.trouble);
    opened.keys
}

fn saved() -> (tempfile::TempDir, SavedKeys) {
    let dir = tempfile::tempdir().unwrap();
    let keys = open(&dir.path().join("below/keys"));
    keys.save(&ours(), br#"{"keys": []}"#, NOW).unwrap();
    (dir, keys)
}

#[test]
fn what_is_saved_comes_back_with_its_age() {
    let (_dir, keys) = saved();
    let got = keys.load(&ours(), DAY, NOW.plus(Duration::from_secs(60))).unwrap().unwrap();
    assert_eq!((got.text.as_slice(), got.age), (br#"{"keys": []}"#.as_slice(), Duration::from_secs(60)));
    keys.save(&ours(), br#"{"keys":[1]}"#, NOW).unwrap();
    assert_eq!(keys.load(&ours(), DAY, NOW).unwrap().unwrap().text, br#"{"keys":[1]}"#);
    assert_eq!(fs::read_dir(&keys.dir).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn it_is_for_one_origin_and_max_stale_only() {
    let (_dir, keys) = saved();
    let load = |origin: &Origin, now| keys.load(origin, DAY, now).unwrap().is_some();
    assert!(load(&ours(), NOW.plus(DAY)));
    assert!(!load(&ours(), NOW.plus(DAY + Duration::from_millis(1))));
    let with = |ca: Option<&[u8]>, proxy: Option<&str>| {
        let proxy = proxy.map(|proxy| url::Url::parse(proxy).unwrap());
        Origin::new("https://a.test/", "https://a.test/jwks", &Transport { ca: ca.map(Into::into), proxy })
    };
    for other in [
        origin("https://a.test/", "https://b.test/jwks"),
        origin("https://b.test/", "https://a.test/jwks"),
        with(Some(b"an authority"), None),
        with(None, Some("http://proxy.test:3128")),
    ] {
        assert!(!load(&other, NOW), "{other:?}");
        fs::copy(keys.path(&ours()), keys.path(&other)).unwrap();
        assert!(!load(&other, NOW), "what it says counts, not what it is called: {other:?}");
    }
    assert!(load(&ours(), NOW));
    let (one, two) = (with(None, Some("http://me:hunter2@p.test/")), with(None, Some("http://me:other@p.test/")));
    assert_eq!(one.via, two.via, "nothing of a password is kept, not even a digest");
}

#[test]
fn files_that_nobody_saved_are_errors_and_never_keys() {
    let (_dir, keys) = saved();
    let load = |now| keys.load(&ours(), DAY, now);
    assert!(load(NOW.minus(Duration::from_secs(60))).unwrap().is_some(), "clocks differ a little");
    assert!(load(NOW.minus(Duration::from_secs(61))).is_err(), "from the future");
    for text in [&b""[..], b"{}", b"[]", b"\xff", br#"{"issuer":"https://a.test/"}"#] {
        fs::write(keys.path(&ours()), text).unwrap();
        assert!(load(NOW).is_err(), "{text:?}");
    }
    fs::write(keys.path(&ours()), vec![b' '; limits::SAVED_KEYS_BYTES + 1]).unwrap();
    assert_eq!(load(NOW).unwrap_err().to_string().split(": ").last(), Some("it is larger than 278528 bytes"));
    fs::remove_file(keys.path(&ours())).unwrap();
    fs::create_dir(keys.path(&ours())).unwrap();
    assert!(load(NOW).is_err());
}

#[test]
fn a_file_at_the_limit_is_read() {
    let (_dir, keys) = saved();
    let path = keys.path(&ours());
    let mut text = fs::read(&path).unwrap();
    text.resize(limits::SAVED_KEYS_BYTES, b' ');
    fs::write(&path, text).unwrap();
    assert!(keys.load(&ours(), DAY, NOW).unwrap().is_some());
}

#[test]
fn a_file_that_others_could_have_written_is_refused() {
    let (_dir, keys) = saved();
    let path = keys.path(&ours());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0, "ours are for us alone");
    assert_eq!(fs::metadata(&keys.dir).unwrap().permissions().mode() & 0o077, 0);
    for mode in [0o620, 0o602, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(keys.load(&ours(), DAY, NOW).is_err(), "{mode:o}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(keys.load(&ours(), DAY, NOW).is_ok());
    for owner in [keys.owner.map(|owner| owner + 1), None] {
        let somebody_else = SavedKeys { owner, ..keys.clone() };
        assert!(somebody_else.load(&ours(), DAY, NOW).is_err(), "{owner:?}");
    }
    let aside = keys.dir.join("aside");
    fs::rename(&path, &aside).unwrap();
    std::os::unix::fs::symlink(&aside, &path).unwrap();
    assert!(keys.load(&ours(), DAY, NOW).is_err(), "a link");
}

#[test]
fn two_that_save_at_once_leave_one_whole_set() {
    let (_dir, keys) = saved();
    let texts = [format!(r#"{{"keys":["{}"]}}"#, "a".repeat(100_000)), r#"{"keys":[]}"#.to_owned()];
    std::thread::scope(|scope| {
        for text in &texts {
            let keys = keys.clone();
            scope.spawn(move || (0..50).for_each(|_| keys.save(&ours(), text.as_bytes(), NOW).unwrap()));
        }
        for _ in 0..50 {
            let got = keys.load(&ours(), DAY, NOW).unwrap().unwrap().text;
            assert!(texts.iter().any(|text| text.as_bytes() == got) || got == br#"{"keys": []}"#);
        }
    });
    assert_eq!(fs::read_dir(&keys.dir).unwrap().count(), 1);
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_directory_that_cannot_be_written_to_is_said_and_used_once_it_can() {
    let (dir, _) = saved();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for place in [file.clone(), file.join("below")] {
        let opened = SavedKeys::open(&place).unwrap();
        let trouble = opened.trouble.unwrap().to_string();
        assert!(trouble.starts_with(&format!("`{}` can't be used: ", place.display())), "{trouble}");
        assert!(opened.keys.save(&ours(), b"{}", NOW).is_err());
    }
    let opened = SavedKeys::open(&file.join("below")).unwrap();
    fs::remove_file(&file).unwrap();
    opened.keys.save(&ours(), b"{}", NOW).unwrap();
    assert_eq!(fs::metadata(file.join("below")).unwrap().mode() & 0o777, 0o700);
    if cfg!(target_os = "linux") {
        assert!(opened.keys.load(&ours(), DAY, NOW).unwrap().is_some(), "the system says who we are");
    }
}

#[test]
fn a_directory_that_others_can_write_to_is_refused_and_the_remedies_help() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("keys");
    fs::create_dir(&place).unwrap();
    for mode in [0o720, 0o702, 0o777, 0o1777, 0o2770] {
        set_mode(&place, mode);
        let refused = SavedKeys::open(&place).unwrap_err();
        assert_eq!(refused, RefusedDir::Mode { dir: place.display().to_string(), mode });
        assert!(refused.to_string().contains(&format!("(mode {mode:04o})")), "{refused}");
        assert_eq!(fs::read_dir(&place).unwrap().count(), 0, "nothing was put there");
    }
    open(&place.join("below")).save(&ours(), b"{}", NOW).unwrap();
    set_mode(&place, 0o755);
    let keys = open(&place);
    keys.save(&ours(), b"{}", NOW).unwrap();
    assert!(keys.load(&ours(), DAY, NOW).unwrap().is_some());
    // It became so later.
    set_mode(&place, 0o777);
    assert!(keys.save(&ours(), b"{}", NOW).is_err());
    assert!(keys.load(&ours(), DAY, NOW).is_err(), "also a file that is ours alone");
}

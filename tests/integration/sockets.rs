//! The Unix socket as other users of the machine meet it.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use crate::support::process::Serve;

/// Numbers of users and groups that no account has.
const GROUP: u32 = 54_321;
const OTHER: u32 = 54_322;

/// A directory that every user may enter, with the program in it.
fn shared() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // Built below a home directory, it can't be run by others.
    let program = dir.path().join("portcullis");
    let built = env!("CARGO_BIN_EXE_portcullis");
    fs::hard_link(built, &program).or_else(|_| fs::copy(built, &program).map(drop)).unwrap();
    (dir, program)
}

/// Asks for health over the socket, as that user and group.
async fn ask(program: &Path, socket: &str, (uid, gid): (u32, u32)) -> (i32, String) {
    let mut command = Command::new(program);
    command.arg("health").env_clear().stdin(Stdio::null()).uid(uid).gid(gid);
    command.env("PORTCULLIS_LISTEN__ADMIN", "off").env("PORTCULLIS_LISTEN__GRPC", socket);
    let output = command.output().await.unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Tells whether the test runs as root: only root can become another user.
fn is_root(dir: &Path) -> bool {
    fs::metadata(dir).unwrap().uid() == 0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_whom_the_mode_admits_can_connect() {
    let (dir, program) = shared();
    if !is_root(dir.path()) {
        return;
    }
    for (mode, group, admitted, refused) in [
        ("0660", Some(GROUP), &[(0, 0), (OTHER, GROUP)][..], &[(OTHER, OTHER), (GROUP, OTHER)][..]),
        ("0600", Some(GROUP), &[(0, 0)], &[(OTHER, GROUP), (OTHER, OTHER)]),
        ("0666", None, &[(OTHER, OTHER), (OTHER, GROUP)], &[]),
    ] {
        let path = dir.path().join(format!("{mode}.sock"));
        let socket = format!("unix:{}", path.display());
        let mode = [("PORTCULLIS_LISTEN__GRPC__MODE", mode)];
        let group = group.map(|group| ("PORTCULLIS_LISTEN__GRPC__GROUP", group.to_string()));
        let config = dir.path().join("portcullis.yaml");
        fs::write(&config, "routes: [{ path: /open, access: public }]\n").unwrap();
        let mut environment = mode.to_vec();
        environment.extend([("PORTCULLIS_LISTEN__GRPC", &*socket), ("PORTCULLIS_LISTEN__ADMIN", "off")]);
        environment.extend(group.iter().map(|(name, group)| (*name, &**group)));
        let serve = Serve::start(&["--config", config.to_str().unwrap()], &environment).await;
        let mut answers = Vec::new();
        for who in admitted {
            let mut answer = ask(&program, &socket, *who).await;
            while answer.1.contains("NOT_SERVING") {
                answer = ask(&program, &socket, *who).await;
            }
            answers.push((who, answer, format!("healthy: {socket} (gRPC): it is serving\n")));
        }
        for who in refused {
            let answer = ask(&program, &socket, *who).await;
            answers.push((who, answer, format!("not healthy: {socket} (gRPC): this user may not connect to it\n")));
        }
        for (who, (code, said), expected) in answers {
            assert_eq!((code == 0, said), (expected.starts_with("healthy"), expected), "{mode:?} {who:?}");
        }
        assert!(fs::read_dir(dir.path()).unwrap().all(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            !name.starts_with('.')
        }));
        drop(serve);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_no_member_of_the_group_says_so_and_one_that_is_starts() {
    let (dir, program) = shared();
    if !is_root(dir.path()) {
        return;
    }
    let own = dir.path().join("own");
    fs::create_dir(&own).unwrap();
    std::os::unix::fs::chown(&own, Some(OTHER), Some(OTHER)).unwrap();
    let socket = format!("unix:{}", own.join("p.sock").display());
    let start = |gid: u32| {
        let mut command = Command::new(&program);
        command.arg("serve").env_clear().uid(OTHER).gid(gid);
        command.env("PORTCULLIS_ISSUER", "http://127.0.0.1:1/").env("PORTCULLIS_AUDIENCE", "a");
        command.env("PORTCULLIS_LISTEN__ADMIN", "off").env("PORTCULLIS_LISTEN__GRPC", &socket);
        command.env("PORTCULLIS_LISTEN__GRPC__GROUP", GROUP.to_string());
        command
    };
    let output = start(OTHER).stdin(Stdio::null()).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    let told =
        format!("the socket can't be given to the group `{GROUP}`: make the user that Portcullis runs as a member");
    assert!(said.contains(&told), "{said}");
    assert_eq!(fs::read_dir(&own).unwrap().count(), 0);
    let serve = Serve::spawn(start(GROUP)).await;
    let found = fs::metadata(own.join("p.sock")).unwrap();
    assert_eq!((found.uid(), found.gid(), found.mode() & 0o7777), (OTHER, GROUP, 0o660));
    drop(serve);
}

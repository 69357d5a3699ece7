//! The Unix socket as other users of the machine meet it.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use crate::support::process::Serve;

/// Users and groups by number. No account has these.
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
async fn ask(program: &Path, socket: &str, (uid, gid): User) -> (i32, String) {
    let mut command = Command::new(program);
    command.arg("health").env_clear().stdin(Stdio::null()).uid(uid).gid(gid);
    command.env("PORTCULLIS_LISTEN__ADMIN", "off").env("PORTCULLIS_LISTEN__GRPC", socket);
    let output = command.output().await.unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Users and their groups.
type User = (u32, u32);

/// The user that the test runs as, and another one. Only root can become another user: where another user runs the test, the
/// own user is all that there is.
fn users(dir: &Path) -> (User, Option<User>) {
    let own = fs::metadata(dir).unwrap();
    ((own.uid(), own.gid()), (own.uid() == 0).then_some((OTHER, OTHER)))
}

/// A directory of that user's alone to write to.
fn own_place(dir: &Path, (user, group): User) -> PathBuf {
    let place = dir.join("own");
    fs::create_dir(&place).unwrap();
    std::os::unix::fs::chown(&place, Some(user), Some(group)).unwrap();
    place
}

/// Has the command run as that user, without an admin port, on that socket. What it fetches keys from is not there.
fn as_user(mut command: Command, (user, group): User, socket: &Path) -> Command {
    command.env_clear().uid(user).gid(group);
    command.env("PORTCULLIS_ISSUER", "http://127.0.0.1:1/").env("PORTCULLIS_AUDIENCE", "a");
    command.env("PORTCULLIS_LISTEN__ADMIN", "off");
    command.env("PORTCULLIS_LISTEN__GRPC", format!("unix:{}", socket.display()));
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_whom_the_mode_admits_can_connect() {
    let (dir, program) = shared();
    let (own, other) = users(dir.path());
    let group = if other.is_some() { GROUP } else { own.1 };
    for (mode, group, admitted, refused) in [
        ("0660", Some(group), &[(OTHER, GROUP)][..], &[(OTHER, OTHER), (GROUP, OTHER)][..]),
        ("0600", Some(group), &[], &[(OTHER, GROUP), (OTHER, OTHER)]),
        ("0666", None, &[(OTHER, OTHER), (OTHER, GROUP)], &[]),
    ] {
        let path = dir.path().join(format!("{mode}.sock"));
        let socket = format!("unix:{}", path.display());
        let config = dir.path().join("portcullis.yaml");
        fs::write(&config, "routes: [{ path: /open, access: public }]\n").unwrap();
        let number = group.map(|group| ("PORTCULLIS_LISTEN__GRPC__GROUP", group.to_string()));
        let mut environment = vec![("PORTCULLIS_LISTEN__GRPC__MODE", mode)];
        environment.extend([("PORTCULLIS_LISTEN__GRPC", &*socket), ("PORTCULLIS_LISTEN__ADMIN", "off")]);
        environment.extend(number.iter().map(|(name, group)| (*name, &**group)));
        let serve = Serve::start(&["--config", config.to_str().unwrap()], &environment).await;
        let found = fs::metadata(&path).unwrap();
        assert_eq!(format!("{:04o}", found.mode() & 0o7777), mode);
        assert_eq!(group.unwrap_or(own.1), found.gid(), "{mode}");
        let others = |users: &[User]| users.iter().copied().filter(|_| other.is_some()).collect::<Vec<_>>();
        for who in [own].into_iter().chain(others(admitted)) {
            let mut answer = ask(&program, &socket, who).await;
            while answer.1.contains("NOT_SERVING") {
                answer = ask(&program, &socket, who).await;
            }
            assert_eq!(answer, (0, format!("healthy: {socket} (gRPC): it is serving\n")), "{mode} {who:?}");
        }
        for who in others(refused) {
            let expected = format!("not healthy: {socket} (gRPC): this user may not connect to it\n");
            assert_eq!(ask(&program, &socket, who).await, (1, expected), "{mode} {who:?}");
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
    let (own, other) = users(dir.path());
    let (user, group) = other.unwrap_or(own);
    let place = own_place(dir.path(), (user, group));
    let start = |of: u32, wanted: u32| {
        let mut command = Command::new(&program);
        command.arg("serve");
        let mut command = as_user(command, (user, of), &place.join("p.sock"));
        command.env("PORTCULLIS_LISTEN__GRPC__GROUP", wanted.to_string());
        command
    };
    let output = start(group, GROUP).stdin(Stdio::null()).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    let told =
        format!("the socket can't be given to the group `{GROUP}`: make the user that Portcullis runs as a member");
    assert!(said.contains(&told), "{said}");
    assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
    let member = if other.is_some() { GROUP } else { group };
    let serve = Serve::spawn(start(member, member)).await;
    let found = fs::metadata(place.join("p.sock")).unwrap();
    assert_eq!((found.uid(), found.gid(), found.mode() & 0o7777), (user, member, 0o660));
    drop(serve);
}

/// Service managers set a umask so that sockets get the mode that is wanted: a mode in the configuration works with each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mode_is_set_under_every_umask() {
    let (dir, program) = shared();
    let (own, other) = users(dir.path());
    // Root may enter every directory, whatever its mode.
    let user = other.unwrap_or(own);
    let place = own_place(dir.path(), user);
    for umask in ["0117", "0177", "0777", "0000"] {
        let path = place.join(format!("{umask}.sock"));
        let mut command = Command::new("sh");
        command.args(["-c", &format!("umask {umask}; exec \"$0\" serve")]).arg(&program);
        let mut command = as_user(command, user, &path);
        command.env("PORTCULLIS_LISTEN__GRPC__MODE", "0660");
        let serve = Serve::spawn(command).await;
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o660, "{umask}");
        drop(serve);
    }
}

//! Files that are being written, and names that lead to no file at all.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    os::unix::{fs::symlink, net::UnixListener},
    sync::mpsc as sync_mpsc,
};

use super::{
    fake::{Service, issuer, policy, with_issuers},
    *,
};

const ALL: [Trigger; 3] = [Trigger::File, Trigger::Poll, Trigger::Hangup];

fn pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[tokio::test(start_paused = true)]
async fn half_a_file_waits_for_the_writer_that_the_system_told_of_however_long_that_takes() {
    let mut service = Service::start(&policy("read")).await;
    service.reloader.file.hints.set_writing(true);
    service.write(&policy("write"));
    for _ in 0..100 {
        service.reloader.look(Trigger::File).await;
        service.reloader.look(Trigger::Poll).await;
        sleep(limits::RELOAD_WRITER).await;
    }
    assert_eq!((service.rule_ids(), service.count("being_written")), (vec!["read".to_owned()], 1), "told once");
    let (outcome, error) = service.last();
    assert!(outcome == "being_written" && error.contains("portcullis.yaml` is open for writing"), "{error}");
    service.reloader.look(Trigger::Hangup).await;
    assert_eq!(
        (service.rule_ids(), service.count("being_written")),
        (vec!["read".to_owned()], 2),
        "who asks is answered"
    );
    service.reloader.file.hints.set_writing(false);
    service.reloader.look(Trigger::Poll).await;
    assert_eq!((service.rule_ids(), service.last().0), (vec!["write".to_owned()], "success".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_was_there_before_anybody_watched_is_seen() {
    for trigger in ALL {
        let mut service = Service::start(&policy("read")).await;
        let mut writer = File::create(service.file()).unwrap();
        writer.write_all(policy("half").as_bytes()).unwrap();
        for _ in 0..3 {
            service.reloader.look(trigger).await;
            assert_eq!(service.rule_ids(), ["read"], "{trigger:?}");
        }
        let (outcome, error) = service.last();
        let expected = format!("by process {} (`", std::process::id());
        assert!(outcome == "being_written" && error.contains(&expected), "{trigger:?} {error}");
        writer.write_all(b"  - { path: /y, scopes: [more], id: whole }\n").unwrap();
        drop(writer);
        service.reloader.look(Trigger::Poll).await;
        assert_eq!(service.rule_ids(), ["half", "whole"], "{trigger:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_sighup_asked_for_is_done_when_the_file_is_closed_also_if_nothing_has_changed() {
    let mut service = Service::start(&policy("read")).await;
    let before = service.engine();
    let writer = OpenOptions::new().append(true).open(service.file()).unwrap();
    service.reloader.look(Trigger::File).await;
    assert!(service.status()["last_reload"].is_null(), "what is in force is not in doubt");
    service.reloader.look(Trigger::Hangup).await;
    assert!(Arc::ptr_eq(&before, &service.engine()) && service.last().0 == "being_written");
    drop(writer);
    service.reloader.look(Trigger::Poll).await;
    assert!(!Arc::ptr_eq(&before, &service.engine()) && service.last().0 == "success");
}

#[tokio::test(start_paused = true)]
async fn a_closed_file_is_looked_at_again_without_any_word() {
    let mut service = Service::start(&policy("read")).await;
    let current = Arc::clone(&service.reloader.lasting.current);
    let writer = File::create(service.file()).unwrap();
    (&writer).write_all(policy("write").as_bytes()).unwrap();
    service.reloader.look(Trigger::File).await;
    assert_eq!(service.last().0, "being_written");
    let status = Arc::clone(&service.reloader.lasting.status);
    let (triggers, mut triggered) = mpsc::channel(1);
    let mut tasks = JoinSet::new();
    let mut reloader = service.reloader;
    tasks.spawn(async move { reloader.keep_running(&mut triggered).await });
    sleep(limits::RELOAD_POLL * 10).await;
    assert_eq!(status.to_json()["last_reload"]["outcome"], "being_written");
    drop(writer);
    timeout(limits::RELOAD_POLL * 2, async {
        while status.to_json()["last_reload"]["outcome"] != "success" {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(current.load().authorizer.policy().rule_ids().next().unwrap().as_str(), "write");
    drop(triggers);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_tells_a_change_counts_when_two_looks_have_found_the_same() {
    let mut service = Service::start(&policy("read")).await;
    let poll = service.reloader.reload.pace.poll;
    service.reloader.file.hints.set_unwatched();
    service.write(&policy("half"));
    for trigger in [Trigger::Poll, Trigger::File, Trigger::Poll] {
        service.reloader.look(trigger).await;
        assert_eq!(service.rule_ids(), ["read"], "three looks at the same moment are one");
    }
    sleep(poll).await;
    service.write(&policy("write"));
    service.reloader.look(Trigger::Poll).await;
    assert_eq!(service.rule_ids(), ["read"], "it did not stand still");
    sleep(poll).await;
    service.reloader.look(Trigger::Poll).await;
    assert_eq!(service.rule_ids(), ["write"]);
    let writer = File::create(service.file()).unwrap();
    (&writer).write_all(policy("admin").as_bytes()).unwrap();
    for _ in 0..3 {
        sleep(poll).await;
        service.reloader.look(Trigger::Poll).await;
        assert_eq!((service.rule_ids(), service.last().0), (vec!["write".to_owned()], "being_written".to_owned()));
    }
    drop(writer);
    service.reloader.look(Trigger::Hangup).await;
    assert_eq!(service.rule_ids(), ["admin"], "SIGHUP says that it is as it should be");
}

#[tokio::test(start_paused = true)]
async fn a_pipe_a_device_a_socket_and_a_directory_are_refused_and_a_good_file_after_each_counts() {
    let mut service = Service::start(&policy("read")).await;
    let put = |service: &Service, name: &str| fs::rename(service.dir.path().join(name), service.file()).unwrap();
    let socket = UnixListener::bind(service.dir.path().join("socket")).unwrap();
    pipe(&service.dir.path().join("pipe"));
    symlink("/dev/zero", service.dir.path().join("endless")).unwrap();
    for (round, (name, kind)) in
        [("pipe", "a named pipe"), ("endless", "a device"), ("socket", "a socket"), ("", "a directory")]
            .into_iter()
            .enumerate()
    {
        if name.is_empty() {
            fs::remove_file(service.file()).unwrap();
            fs::create_dir(service.file()).unwrap();
        } else {
            put(&service, name);
        }
        for trigger in ALL {
            service.reloader.look(trigger).await;
            let (outcome, error) = service.last();
            let expected = format!("it is {kind}, not a regular file");
            assert!(outcome == "unreadable" && error.contains(&expected), "{error}");
        }
        if name.is_empty() {
            fs::remove_dir(service.file()).unwrap();
        }
        let good = format!("good-{round}");
        fs::write(service.dir.path().join("new"), policy(&good)).unwrap();
        put(&service, "new");
        service.reloader.look(Trigger::File).await;
        assert_eq!((service.rule_ids(), service.last().0), (vec![good], "success".to_owned()));
    }
    drop(socket);
}

#[tokio::test(start_paused = true)]
async fn tests_that_are_no_file_or_half_a_file_keep_the_policy_out() {
    const TEST: &str = "tests: [{ name: t, request: GET /x, expect: no_credentials }]\n";
    let mut service = Service::start(&policy("read")).await;
    service.reloader.reload.suite = Some(Arc::new(crate::service::embedded_tests::of_candidate));
    let tests = service.dir.path().join("policy_test.yaml");
    pipe(&tests);
    service.write(&format!("{}tests: [policy_test.yaml]\n", policy("write")));
    service.reloader.look(Trigger::File).await;
    let (outcome, error) = service.last();
    assert!(outcome == "tests_failed", "{error}");
    fs::remove_file(&tests).unwrap();
    for half in [TEST, "tests: [{ na"] {
        let writer = File::create(&tests).unwrap();
        (&writer).write_all(half.as_bytes()).unwrap();
        for _ in 0..5 {
            service.reloader.look(Trigger::File).await;
        }
        let (outcome, error) = service.last();
        assert!(outcome == "being_written" && error.contains("policy_test.yaml` is open for writing"), "{error}");
        assert_eq!(service.rule_ids(), ["read"]);
    }
    assert_eq!(service.count("being_written"), 1, "told once");
    fs::write(&tests, TEST).unwrap();
    service.reloader.look(Trigger::Poll).await;
    assert_eq!(service.rule_ids(), ["write"], "without any change of the file itself");
}

#[tokio::test(start_paused = true)]
async fn half_a_secret_keeps_a_configuration_out_until_it_is_closed() {
    let mut service = Service::start(&policy("read")).await;
    let writer = File::create(service.dir.path().join("secret")).unwrap();
    (&writer).write_all(&[b'x'; 32]).unwrap();
    let shared = "  - { issuer: https://b.test/, audiences: [api], algorithms: [HS256], secret_file: secret }\n";
    service.write(&with_issuers(&(issuer("https://a.test/", "https://a.test/jwks", "") + shared), "write"));
    service.reloader.look(Trigger::File).await;
    let (outcome, error) = service.last();
    assert!(outcome == "being_written" && error.contains("secret` is open for writing"), "{error}");
    (&writer).write_all(&[b'y'; 32]).unwrap();
    drop(writer);
    service.reloader.look(Trigger::Poll).await;
    assert_eq!((service.rule_ids(), service.last().0), (vec!["write".to_owned()], "success".to_owned()));
}

/// Hangs until the sender is dropped.
fn hang(until: &Mutex<sync_mpsc::Receiver<()>>) {
    let _ = until.lock().recv();
}

#[tokio::test]
async fn a_disk_that_hangs_ends_neither_reloading_nor_its_reports() {
    let mut service = Service::start(&policy("read")).await;
    let (release, until) = sync_mpsc::channel::<()>();
    let until = Arc::new(Mutex::new(until));
    let hanging = Arc::new(std::sync::atomic::AtomicBool::new(true));
    service.reloader.file.reading = BoundedWork::new(Duration::from_millis(20));
    let is_hanging = Arc::clone(&hanging);
    service.reloader.file.reader = Arc::new(move |path, known| {
        if is_hanging.load(std::sync::atomic::Ordering::SeqCst) {
            hang(&until);
        }
        candidate::read(path, known)
    });
    service.write(&policy("write"));
    for _ in 0..10 {
        service.reloader.look(Trigger::Poll).await;
    }
    let (outcome, error) = service.last();
    assert!(outcome == "timed_out" && error.contains("its disk may hang"), "{error}");
    assert_eq!(service.count("timed_out"), 1, "told once");
    service.reloader.look(Trigger::Hangup).await;
    assert_eq!((service.count("timed_out"), service.rule_ids()), (2, vec!["read".to_owned()]));
    // Another file is in its place by now, on a disk that does not hang, and the earlier reads still do.
    hanging.store(false, std::sync::atomic::Ordering::SeqCst);
    service.reloader.file.reading = service.reloader.file.reading.clone().with_limit(Duration::from_secs(60));
    service.reloader.look(Trigger::File).await;
    assert_eq!((service.rule_ids(), service.last().0), (vec!["write".to_owned()], "success".to_owned()));
    drop(release);
}

#[tokio::test]
async fn a_file_that_is_named_on_a_disk_that_hangs_ends_neither_reloading_nor_its_reports() {
    let mut service = Service::start(&policy("read")).await;
    let (release, until) = sync_mpsc::channel::<()>();
    let until = Mutex::new(until);
    service.reloader.judging = BoundedWork::new(Duration::from_millis(20));
    service.reloader.reload.suite = Some(Arc::new(move |_: &candidate::Candidate<'_>| {
        hang(&until);
        Ok(())
    }));
    service.write(&policy("write"));
    service.reloader.look(Trigger::File).await;
    let (outcome, error) = service.last();
    assert!(outcome == "timed_out" && error.contains("a file that it names may hang"), "{error}");
    service.reloader.judging = service.reloader.judging.clone().with_limit(Duration::from_secs(60));
    service.reloader.reload.suite = None;
    service.write(&policy("admin"));
    service.reloader.look(Trigger::File).await;
    assert_eq!((service.rule_ids(), service.last().0), (vec!["admin".to_owned()], "success".to_owned()));
    drop(release);
}

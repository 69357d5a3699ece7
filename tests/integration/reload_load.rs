//! A hundred reloads under load: every answer is wholly one configuration's.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use portcullis::service::Pace;
use portcullis_demo::issuer::DemoIssuer;
use serde_json::Value;
use tokio::{task::JoinSet, time::MissedTickBehavior};

use crate::support::{
    check::{Client, Got, get},
    issuer, scoped,
    service::TestService,
};

const RELOADS: usize = 100;
const CONNECTIONS: usize = 4;
/// Together they send a thousand requests a second, as far as the machine lets them.
const SENDERS: usize = 16;
const PACE: Duration = Duration::from_millis(16);

/// A configuration whose name stands in its rules, in the headers for the upstream, and in what it asks for.
fn named(name: &str, issuer: &str) -> String {
    format!(
        "listen: {{ grpc: '127.0.0.1:0', admin: '127.0.0.1:0' }}
issuers:
  - {{ issuer: {issuer}, audiences: [{audience}] }}
identity: {{ headers: {{ subject: x-subject-{name} }} }}
routes:
  - {{ path: /open, scopes: [read:messages], id: open-{name} }}
  - {{ path: /shut, scopes: ['only:{name}'], id: shut-{name} }}
",
        audience = crate::support::AUDIENCE
    )
}

/// Whose answer it is. Panics if it is not wholly one's.
fn whose(path: &str, got: &Got) -> char {
    let of = |name: char| {
        let header = |name: &str| got.header(name).is_some();
        match path {
            "/open" => {
                let other = if name == 'a' { 'b' } else { 'a' };
                (got.status, got.reason.as_str()) == (200, "ok")
                    && got.rule == Some(format!("open-{name}"))
                    && header(&format!("x-subject-{name}"))
                    && !header(&format!("x-subject-{other}"))
            }
            _ => {
                let challenge = got.header("www-authenticate").unwrap_or_default();
                (got.status, got.reason.as_str()) == (403, "insufficient_scope")
                    && got.rule == Some(format!("shut-{name}"))
                    && challenge.contains(&format!("scope=\"only:{name}\""))
            }
        }
    };
    match (of('a'), of('b')) {
        (true, false) => 'a',
        (false, true) => 'b',
        _ => panic!("neither one's nor the other's: {path} {got:?}"),
    }
}

#[derive(Default)]
struct Counts {
    a: AtomicUsize,
    b: AtomicUsize,
    done: AtomicBool,
}

impl Counts {
    fn answers(&self) -> [usize; 2] {
        [self.a.load(Ordering::SeqCst), self.b.load(Ordering::SeqCst)]
    }
}

async fn send(client: Client, token: String, path: &'static str, counts: Arc<Counts>) {
    let mut pace = tokio::time::interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let ask = get(path).bearer(&token);
    while !counts.done.load(Ordering::SeqCst) {
        pace.tick().await;
        let count = if whose(path, &client.send(&ask).await) == 'a' { &counts.a } else { &counts.b };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

struct Reloads {
    service: TestService,
    dir: tempfile::TempDir,
    issuer: DemoIssuer,
    http: reqwest::Client,
}

impl Reloads {
    async fn start() -> Self {
        let (dir, issuer) = (tempfile::tempdir().unwrap(), issuer().await);
        let path = dir.path().join("portcullis.yaml");
        fs::write(&path, named("a", issuer.issuer())).unwrap();
        let pace = Pace { quiet: Duration::from_millis(5), ..Pace::default() };
        let service = TestService::start_file(&path, pace).await;
        Self { service, dir, issuer, http: reqwest::Client::new() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("portcullis.yaml")
    }

    fn replace(&self, text: &str) {
        let new = self.dir.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.path()).unwrap();
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut config = Value::Null;
        for _ in 0..6000 {
            let page = self.http.get(format!("http://{}/readyz", self.service.admin)).send().await.unwrap();
            assert_eq!(page.status(), 200);
            config = serde_json::from_str::<Value>(&page.text().await.unwrap()).unwrap()["config"].clone();
            if is_so(&config) {
                return config;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{what} did not come: {config}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_reloads_under_load_fail_no_request_and_mix_no_answer() {
    let reloads = Reloads::start().await;
    let counts = Arc::new(Counts::default());
    let token = scoped(&reloads.issuer, "read:messages");
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(reloads.service.client().await);
    }
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let path = if sender % 4 == 3 { "/shut" } else { "/open" };
        let client = clients[sender % CONNECTIONS].clone();
        senders.spawn(send(client, token.clone(), path, Arc::clone(&counts)));
    }
    let began = tokio::time::Instant::now();
    let ask = get("/open").bearer(&token);
    let mut revision = reloads.until("the first", |_| true).await["revision"].clone();
    for n in 1..=RELOADS {
        let name = if n % 2 == 0 { "a" } else { "b" };
        let text = named(name, reloads.issuer.issuer());
        if n % 5 == 0 {
            // Broken in ways that would read as a policy of fewer rules, or of none, if they were taken.
            let broken = [format!("{text}  - {{ path: /x"), String::new(), format!("{text}shut: true\n")];
            reloads.replace(&broken[n % 3]);
            let rejected = reloads.until("the rejection", |now| now["last_reload"]["ok"] == false).await;
            assert_eq!(rejected["revision"], revision, "a broken file changes nothing");
        }
        reloads.replace(&text);
        let now = reloads.until("the reload", |now| now["revision"] != revision).await;
        revision = now["revision"].clone();
        // What is reported is in force.
        let got = clients[n % CONNECTIONS].send(&ask).await;
        assert_eq!(whose("/open", &got).to_string(), name, "reload {n}");
        // Under load, however slow the machine is: some answers by each.
        let before: usize = counts.answers().iter().sum();
        while counts.answers().iter().sum::<usize>() < before + SENDERS {
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert!(senders.try_join_next().is_none(), "a sender has failed");
        }
    }
    counts.done.store(true, Ordering::SeqCst);
    senders.join_all().await;
    let [a, b] = counts.answers();
    assert!(a > RELOADS && b > RELOADS, "{a} {b}");
    // For whoever wants to know; how fast the machine is, is no law.
    println!("{RELOADS} reloads in {:?}, {} answers", began.elapsed(), a + b);
    let metrics = reloads.service.page("/metrics").await.1;
    assert!(metrics.contains(&format!("config_reloads_total{{outcome=\"success\"}} {RELOADS}\n")), "{metrics}");
    assert_eq!(reloads.issuer.key_set_reads(), 1, "and no reload cost a fetch");
    drop(clients);
    reloads.service.stop().await.unwrap();
}

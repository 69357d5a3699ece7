//! Restarts of one of two instances behind envoy/ha.yaml: what Envoy does with retries, health checks and the notice
//! that Portcullis gives before it stops.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    envoy_faults::{HA, ha_by_name, sample, with_block},
    envoy_restarts::{RESTART_FAULTS, misplaced_retries},
    support::{
        config,
        envoy::Envoy,
        issuer,
        process::{Serve, nobody, own_address},
        scoped,
        service::TestService,
    },
    upstream,
};

const RETRIES: &str = "                        retry_policy:";
const HEALTH: &str = "      health_checks:";
const INTERVALS: [&str; 2] = ["          interval:", "          no_traffic_interval:"];

/// An instance of Portcullis at an address that it keeps over restarts.
struct Instance {
    address: SocketAddr,
    config: tempfile::TempPath,
    serve: Serve,
}

impl Instance {
    async fn start(issuer: &str, notice: &str) -> Self {
        // Closed here: a file that is open for writing is not read.
        let config_file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::write(&config_file, config(issuer)).unwrap();
        let address = own_address();
        let serve = Self::serve(address, &config_file, notice).await;
        Self { address, config: config_file, serve }
    }

    async fn serve(address: SocketAddr, config: &Path, notice: &str) -> Serve {
        let listen = address.to_string();
        let environment = [("PORTCULLIS_LISTEN__GRPC", listen.as_str()), ("PORTCULLIS_DRAIN_NOTICE", notice)];
        let serve = Serve::start(&["--config", config.to_str().unwrap()], &environment).await;
        for _ in 0..500 {
            if reqwest::get(format!("http://{}/readyz", serve.admin)).await.unwrap().status() == 200 {
                return serve;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("not ready after ten seconds");
    }

    /// Asks it to stop, and waits until it has.
    async fn stop(self) -> Stopped {
        self.serve.signal("TERM");
        self.ended(Some(0)).await
    }

    async fn ended(self, expected: Option<i32>) -> Stopped {
        let (code, log) = self.serve.ended().await;
        assert_eq!(code, expected, "{log}");
        Stopped { address: self.address, config: self.config }
    }

    /// Counts the Checks that it has answered.
    async fn checks(&self) -> u64 {
        let page = reqwest::get(format!("http://{}/metrics", self.serve.admin)).await.unwrap().text().await.unwrap();
        let counters = page.lines().filter(|line| line.starts_with("portcullis_ext_authz_checks_total"));
        counters.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
    }
}

/// An instance that has ended.
struct Stopped {
    address: SocketAddr,
    config: tempfile::TempPath,
}

impl Stopped {
    async fn start(self, notice: &str) -> Instance {
        let serve = Instance::serve(self.address, &self.config, notice).await;
        Instance { address: self.address, config: self.config, serve }
    }
}

/// A configuration with two endpoints, with those of Portcullis in the places of the two in it.
fn at(text: &str, instances: [SocketAddr; 2]) -> String {
    let place = |address: &str, port: u16| {
        format!("                      address: {address}\n                      port_value: {port}\n")
    };
    [9191, 9193].iter().zip(instances).fold(text.to_owned(), |text, (port, instance)| {
        let old = place("127.0.0.1", *port);
        assert!(text.contains(&old), "there is no endpoint {port}");
        text.replacen(&old, &place(&instance.ip().to_string(), instance.port()), 1)
    })
}

/// The example with health checks ten times a second.
fn with_fast_health_checks(text: &str) -> String {
    let fast = |text: String, key: &str| with_block(&text, key, &format!("{key} 0.1s\n"));
    INTERVALS.into_iter().fold(text.to_owned(), fast)
}

/// Clients that send requests one after the other until they are asked for what they got.
struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
    clients: JoinSet<Vec<u16>>,
}

impl Load {
    fn start(envoy: &Arc<Envoy>, token: &str) -> Self {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut clients = JoinSet::new();
        for _ in 0..4 {
            let (envoy, token) = (Arc::clone(envoy), token.to_owned());
            let (stop, sent) = (Arc::clone(&stop), Arc::clone(&sent));
            clients.spawn(async move {
                let mut statuses = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    statuses.push(envoy.get("/api/private", Some(&token)).await.status);
                    sent.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                statuses
            });
        }
        Self { stop, sent, clients }
    }

    /// Returns after so many more requests.
    async fn more(&self, requests: usize) {
        let until = self.sent.load(Ordering::Relaxed) + requests;
        while self.sent.load(Ordering::Relaxed) < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends it: every request must have been let in.
    async fn assert_nothing_lost(self) {
        self.stop.store(true, Ordering::Relaxed);
        let all = self.clients.join_all().await.concat();
        let lost = all.iter().filter(|status| **status != 200).count();
        assert_eq!(lost, 0, "of {}", all.len());
        assert!(all.len() > 100, "{}", all.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_retries_alone_restarts_without_any_notice_lose_nothing() {
    let issuer = issuer().await;
    let upstream = upstream().await;
    let (mut one, two) = tokio::join!(Instance::start(issuer.issuer(), "0s"), Instance::start(issuer.issuer(), "0s"));
    let text = with_block(&at(HA, [one.address, two.address]), HEALTH, "");
    let envoy = Arc::new(Envoy::start_text(&text, upstream.addr()).await);
    let load = Load::start(&envoy, &scoped(&issuer, ""));
    for _ in 0..3 {
        load.more(50).await;
        let stopped = one.stop().await;
        load.more(50).await;
        one = stopped.start("0s").await;
    }
    load.more(50).await;
    load.assert_nothing_lost().await;
    assert!(envoy.stat("cluster.portcullis.upstream_rq_retry_success").await > 50, "half of them needed another try");
    assert_eq!(envoy.stat("cluster.portcullis.upstream_rq_per_try_timeout").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_health_checks_alone_the_notice_is_enough_to_lose_nothing() {
    let issuer = issuer().await;
    let upstream = upstream().await;
    // Longer than this test: the second signal ends it, once Envoy asks the other one only.
    let (one, two) = tokio::join!(Instance::start(issuer.issuer(), "5m"), Instance::start(issuer.issuer(), "5m"));
    let text = with_block(&with_fast_health_checks(&at(HA, [one.address, two.address])), RETRIES, "");
    let envoy = Arc::new(Envoy::start_text(&text, upstream.addr()).await);
    let load = Load::start(&envoy, &scoped(&issuer, ""));
    load.more(50).await;
    assert!(one.checks().await > 0 && two.checks().await > 0, "both are asked");
    one.serve.signal("TERM");
    let mut before = one.checks().await;
    for waited in 0.. {
        load.more(50).await;
        let now = one.checks().await;
        if now == before {
            break;
        }
        before = now;
        assert!(waited < 100, "Envoy goes on asking it");
    }
    assert_eq!(envoy.stat("cluster.portcullis.membership_healthy").await, 1);
    one.serve.signal("TERM");
    let stopped = one.ended(Some(0)).await;
    load.more(50).await;
    let one = stopped.start("5m").await;
    while one.checks().await == 0 {
        load.more(10).await;
    }
    load.assert_nothing_lost().await;
    assert_eq!(envoy.stat("cluster.portcullis.upstream_rq_retry").await, 0);
    assert_eq!(envoy.stat("cluster.portcullis.membership_healthy").await, 2);
}

/// Two instances with the same port need addresses of their own, of which other systems have one.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_by_name_restart_and_change_without_a_loss() {
    let issuer = issuer().await;
    let upstream = upstream().await;
    let start = || Instance::start(issuer.issuer(), "0s");
    let (one, two, three) = tokio::join!(start(), start(), start());
    let names = crate::name_server::NameServer::start(&[one.address, two.address]).await;
    let kind = "      type: STRICT_DNS\n";
    let place = "                      address: portcullis\n                      port_value: 9191\n";
    let port = place.replace("9191", &one.address.port().to_string());
    let text = ha_by_name().replacen(kind, &format!("{kind}{}", names.resolver()), 1).replacen(place, &port, 1);
    let envoy = Arc::new(Envoy::start_text(&text, upstream.addr()).await);
    let load = Load::start(&envoy, &scoped(&issuer, ""));
    load.more(50).await;
    assert!(
        one.checks().await > 0 && two.checks().await > 0 && three.checks().await == 0,
        "those of the name are asked"
    );
    let two = two.stop().await;
    load.more(50).await;
    names.set(&[one.address, three.address]);
    while three.checks().await == 0 {
        load.more(10).await;
    }
    assert_ne!(two.address, three.address);
    load.assert_nothing_lost().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tcp_health_check_does_not_see_the_notice() {
    let issuer = issuer().await;
    let upstream = upstream().await;
    let (one, two) = tokio::join!(Instance::start(issuer.issuer(), "5m"), Instance::start(issuer.issuer(), "5m"));
    let fault = RESTART_FAULTS.iter().find(|fault| fault.name == "tcp-health-check").unwrap();
    let text = with_block(&with_fast_health_checks(&at(HA, [one.address, two.address])), fault.block, fault.to);
    let envoy = Envoy::start_text(&text, upstream.addr()).await;
    one.serve.signal("TERM");
    while reqwest::get(format!("http://{}/readyz", one.serve.admin)).await.unwrap().status() == 200 {}
    let checked = "cluster.portcullis.health_check.success";
    let before = envoy.stat(checked).await;
    while envoy.stat(checked).await < before + 10 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(envoy.stat("cluster.portcullis.membership_healthy").await, 2);
}

/// Counts how many of twenty requests are let in while one of two instances is away.
async fn let_in(text: String) -> usize {
    let issuer = issuer().await;
    let upstream = upstream().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    // Without health checks Envoy goes on asking the one that is away.
    let text = with_block(&at(&text, [service.grpc, nobody()]), HEALTH, "");
    let envoy = Envoy::start_text(&text, upstream.addr()).await;
    let mut let_in = 0;
    for _ in 0..20 {
        let_in += usize::from(envoy.get("/api/public", None).await.status == 200);
    }
    let_in
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_retries_lose_half_while_one_of_two_is_away() {
    assert_eq!(let_in(HA.to_owned()).await, 20);
    assert_eq!(let_in(sample()).await, 20);
    assert_eq!(let_in(misplaced_retries()).await, 10);
    for name in ["no-retries", "no-condition", "other-conditions", "zero-retries"] {
        let fault = RESTART_FAULTS.iter().find(|fault| fault.name == name).unwrap();
        assert_eq!(let_in(fault.text()).await, 10, "{name}");
    }
    // What `check --envoy` suggests in place of no retries at all is enough.
    let fault = RESTART_FAULTS.iter().find(|fault| fault.name == "no-retries").unwrap();
    let found = portcullis::tools::envoy_lint::lint(&fault.text(), "envoy.yaml", None);
    let mended = fault.mended(found.problems().next().unwrap().help_text().unwrap()).unwrap();
    assert_eq!(let_in(mended).await, 20);
}

/// A way to a service on which every answer takes that long.
async fn slow_way_to(service: SocketAddr, delay: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test's server")]
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((inbound, _)) = listener.accept().await {
            connections.spawn(delayed(inbound, service, delay));
        }
    });
    address
}

async fn delayed(inbound: TcpStream, service: SocketAddr, delay: Duration) -> std::io::Result<()> {
    let (mut read_in, mut write_in) = inbound.into_split();
    let (mut read_out, mut write_out) = TcpStream::connect(service).await?.into_split();
    let back = async {
        let mut bytes = vec![0; 64 * 1024];
        loop {
            let length = read_out.read(&mut bytes).await?;
            if length == 0 {
                return Ok(());
            }
            tokio::time::sleep(delay).await;
            write_in.write_all(&bytes[..length]).await?;
        }
    };
    tokio::try_join!(tokio::io::copy(&mut read_in, &mut write_out), back).map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_longest_back_off_cuts_off_answers_that_take_their_time() {
    let short = RESTART_FAULTS.iter().find(|fault| fault.name == "short-try-by-default").unwrap();
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let upstream = upstream().await;
    for (text, status) in [(sample(), 200), (short.text(), 503)] {
        let slow = slow_way_to(service.grpc, Duration::from_millis(150)).await;
        let envoy = Envoy::start_text(&with_block(&at(&text, [slow, slow]), HEALTH, ""), upstream.addr()).await;
        assert_eq!(envoy.get("/api/public", None).await.status, status);
        let cut_off = envoy.stat("cluster.portcullis.upstream_rq_per_try_timeout").await;
        assert_eq!(cut_off > 0, status == 503, "{cut_off}");
    }
}

//! Requests at a rate that answers don't slow down (an open loop), over a bounded number of connections; every answer is
//! judged.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use super::{
    Failure,
    http1::{Break, Connection, Reply},
    judge::{Verdict, judge},
    mix::{Ask, Kind, Mix},
};

/// The time a client waits for an answer: longer than Envoy's 2 s for Portcullis.
pub(crate) const PATIENCE: Duration = Duration::from_secs(6);
/// Connections of one load at the most.
const CONNECTIONS: u64 = 2048;
/// Requests are sent in steps of this time.
const TICK: Duration = Duration::from_millis(4);
/// A request sent this long before a stop may still be on its way through Envoy, and find the listener closed.
const ON_THE_WAY: Duration = Duration::from_millis(250);
/// Wrong answers that are described in the report.
const DESCRIBED: usize = 5;

/// A request that was lost.
#[derive(Clone, Debug)]
pub(crate) struct Lost {
    /// The number of the request in Envoy's access log.
    pub(crate) number: u64,
    /// The kind of the request.
    pub(crate) kind: Kind,
    /// The status that came in place of a decision, or the reason why none came.
    pub(crate) why: Result<u16, Break>,
    /// True for an answer that Portcullis wrote, false for Envoy's own.
    pub(crate) by_portcullis: bool,
    /// The moment when the request was sent.
    pub(crate) sent: Instant,
    /// The moment when the loss was known.
    pub(crate) ended: Instant,
}

/// The counts of one load.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Requests that were due.
    pub(crate) due: u64,
    /// Requests that were sent.
    pub(crate) sent: u64,
    /// Answers that were right.
    pub(crate) right: u64,
    /// Requests that reached the upstream and must not.
    pub(crate) wrong_allows: u64,
    /// Requests that reached the upstream with another identity.
    pub(crate) wrong_identities: u64,
    /// Denials that are not the right ones.
    pub(crate) wrong_denies: u64,
    /// Requests that were lost while that was to be expected.
    pub(crate) tolerated: u64,
    /// Requests that were lost.
    pub(crate) lost: Vec<Lost>,
    /// The first wrong answers, in words.
    pub(crate) described: Vec<String>,
    /// Requests that were sent, by kind.
    pub(crate) kinds: BTreeMap<Kind, u64>,
    /// Microseconds to each answer.
    pub(crate) latencies: Vec<u32>,
}

/// A period in which losses are tolerated.
#[derive(Clone, Copy, Debug)]
struct Tolerated {
    from: Instant,
    /// True if requests that were under way at its begin may be lost as well.
    under_way: bool,
    to: Option<Instant>,
}

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    mix: Arc<Mix>,
    idle: Mutex<Vec<Connection>>,
    tally: Mutex<Tally>,
    tolerated: Mutex<Vec<Tolerated>>,
}

/// A load that runs until it is stopped.
#[derive(Debug)]
pub(crate) struct Load {
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: JoinSet<Result<(), Failure>>,
    /// The source of its requests.
    pub(crate) mix: Arc<Mix>,
}

/// Numbers requests of all loads.
static NUMBER: AtomicU64 = AtomicU64::new(1);

impl Load {
    /// Sends so many requests a second, from now on.
    pub(crate) fn start(address: SocketAddr, mix: Mix, rate: u32) -> Self {
        let mix = Arc::new(mix);
        let shared = Arc::new(Shared {
            address,
            mix: Arc::clone(&mix),
            idle: Mutex::default(),
            tally: Mutex::default(),
            tolerated: Mutex::default(),
        });
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(send(Arc::clone(&shared), rate, stop.clone()));
        Self { shared, stop, tasks, mix }
    }

    /// From now on, losses are to be expected, also of requests that are under way.
    pub(crate) fn tolerate_losses(&self) {
        self.shared.tolerated.lock().push(Tolerated { from: Instant::now(), under_way: true, to: None });
    }

    /// From now on, new requests may be lost: those under way are answered before the end.
    pub(crate) fn tolerate_losses_of_new_ones(&self) {
        self.shared.tolerated.lock().push(Tolerated { from: Instant::now(), under_way: false, to: None });
    }

    /// From now on, losses are not to be expected any more. Requests that are under way still may be lost.
    pub(crate) fn expect_all(&self) {
        for tolerated in self.shared.tolerated.lock().iter_mut() {
            tolerated.to.get_or_insert_with(Instant::now);
        }
    }

    /// Closes connections on which nothing is under way: Envoy was restarted.
    pub(crate) fn forget_connections(&self) {
        self.shared.idle.lock().clear();
    }

    /// Stops sending, waits for the last answers and returns what came of it.
    pub(crate) async fn stop(mut self) -> Result<Tally, Failure> {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended??;
        }
        Ok(std::mem::take(&mut *self.shared.tally.lock()))
    }
}

async fn send(shared: Arc<Shared>, rate: u32, stop: CancellationToken) -> Result<(), Failure> {
    let mut requests = JoinSet::new();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let started = Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => {}
        }
        let due = started.elapsed().as_micros() * u128::from(rate) / 1_000_000;
        let due = u64::try_from(due)?;
        let before = std::mem::replace(&mut shared.tally.lock().due, due);
        for _ in before..due {
            let in_flight = u64::try_from(requests.len())?;
            if in_flight < CONNECTIONS {
                requests.spawn(one(Arc::clone(&shared), shared.mix.next()?));
            }
        }
        while requests.try_join_next().is_some() {}
    }
    while requests.join_next().await.is_some() {}
    Ok(())
}

async fn one(shared: Arc<Shared>, ask: Ask) {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let sent = Instant::now();
    {
        let mut tally = shared.tally.lock();
        tally.sent += 1;
        *tally.kinds.entry(ask.kind).or_default() += 1;
    }
    let answer = exchange(&shared, &ask.to_bytes(number)).await;
    let ended = Instant::now();
    let verdict = judge(&ask.expected, ask.path, &answer);
    let tolerated = shared.tolerated.lock().iter().any(|tolerated| {
        let begun = if tolerated.under_way { ended } else { sent + ON_THE_WAY };
        tolerated.from <= begun && tolerated.to.is_none_or(|to| to >= sent)
    });
    let mut tally = shared.tally.lock();
    tally.latencies.push(u32::try_from((ended - sent).as_micros()).unwrap_or(u32::MAX));
    let describe = match &verdict {
        Verdict::Right => {
            tally.right += 1;
            return;
        }
        Verdict::Refused | Verdict::Unanswered(_) if tolerated => {
            tally.tolerated += 1;
            return;
        }
        Verdict::Refused | Verdict::Unanswered(_) => {
            let why = answer.as_ref().map(|reply| reply.status).map_err(|why| *why);
            // Envoy's own answer to a Check that failed has no body.
            let by_portcullis = answer.as_ref().is_ok_and(|reply| !reply.body.is_empty());
            tally.lost.push(Lost { number, kind: ask.kind, why, by_portcullis, sent, ended });
            return;
        }
        Verdict::WrongAllow => {
            tally.wrong_allows += 1;
            String::new()
        }
        Verdict::WrongIdentity(found) => {
            tally.wrong_identities += 1;
            found.clone()
        }
        Verdict::WrongDeny => {
            tally.wrong_denies += 1;
            String::new()
        }
    };
    if tally.described.len() < DESCRIBED {
        let got = answer.map_or_else(
            |why| format!("{why:?}"),
            |reply| format!("{} {}", reply.status, reply.header("www-authenticate").unwrap_or_default()),
        );
        let line = format!("{} to {}: {got}, expected {}; {describe}", ask.kind.name(), ask.path, ask.expected);
        tally.described.push(line.chars().take(400).collect());
    }
}

async fn exchange(shared: &Shared, request: &[u8]) -> Result<Reply, Break> {
    let idle = shared.idle.lock().pop();
    let mut connection = match idle {
        Some(connection) => connection,
        None => Connection::open(shared.address, PATIENCE).await?,
    };
    let reply = connection.exchange(request, PATIENCE).await?;
    if !reply.closes() {
        shared.idle.lock().push(connection);
    }
    Ok(reply)
}

impl Tally {
    /// Returns the latency that so many of a hundred answers had at most, in milliseconds.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(at).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
    }
}

//! The differential law: whatever Envoy is told to make of a path, what reaches the upstream is what was judged. Random
//! paths over kept connections, through every way in which Envoy can treat escaped slashes.
//!
//! The judged path is not guessed: a recorder stands between Envoy and the service.

use futures_util::future::join_all;
use portcullis_engine::request::path::CanonicalPath;
use proptest::{
    prelude::*,
    sample::select,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{
    arena::{Arena, Setup},
    backend::Arrived,
    client::{Kept, Reply},
    middle::Checked,
    policy::{SCOPE, policies, protected_reading},
};
use crate::support::{issuer, scoped, service::TestService};

/// Paths for each setup.
const PATHS: usize = 1200;
const CONNECTIONS: usize = 4;
/// The usual seed. `PATHS_SEED=7 cargo test --test envoy differential` takes another one.
const SEED: u64 = 20_260_731;

/// What became of the paths of one setup.
#[derive(Debug, Default)]
struct Tally {
    /// Reached the upstream.
    forwarded: usize,
    /// Reached it in another form than they were sent in.
    rewritten: usize,
    redirected: usize,
    denied: usize,
    refused_by_envoy: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_reaches_the_upstream_under_another_path_than_the_one_judged() {
    let seed = seed();
    // Shown with a failure.
    println!("PATHS_SEED={seed}");
    let issuer = issuer().await;
    let token = scoped(&issuer, SCOPE);
    let [_, (_, open)] = policies(issuer.issuer());
    let service = TestService::start(&open).await;
    for action in ["KEEP_UNCHANGED", "REJECT_REQUEST", "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD"] {
        let arena = Arena::start(service.grpc, &Setup::escaped_slashes(action)).await;
        let tally = run(&arena, &paths(seed), &token).await;
        arena.nothing_arrived_unnamed();
        println!("{action}: {tally:?}");
        // All of it happens, or the law would hold for nothing.
        assert!(tally.forwarded > PATHS / 10 && tally.denied > PATHS / 10, "{action}: {tally:?}");
        assert!(tally.rewritten > PATHS / 100 && tally.refused_by_envoy > PATHS / 100, "{action}: {tally:?}");
        assert_eq!(tally.redirected > 0, action == "UNESCAPE_AND_REDIRECT", "{action}: {tally:?}");
    }
}

#[expect(clippy::disallowed_methods, reason = "for people who look for more")]
fn seed() -> u64 {
    std::env::var("PATHS_SEED").map_or(SEED, |seed| seed.parse().unwrap())
}

fn paths(seed: u64) -> Vec<Vec<u8>> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let path = path();
    (0..PATHS).map(|_| path.new_tree(&mut runner).unwrap().current()).collect()
}

/// Names that rules are about.
const NAMES: &[&str] = &[
    "admin",
    "api",
    "secret",
    "public",
    "items",
    "7",
    "Reports",
    "ADMIN",
    "%61dmin",
    "x",
    "a.b",
    "\u{e9}",
    "data",
    "data/a%2Fb",
    "data/admin%2fx",
    "7:purge",
    "(S(x))",
    "(S(/(S(x))y))",
    "x%EF%BC%9Bp%EF%BC%8Fadmin",
    "top%EF%BC%9Bp%2Fsecret",
    "admin::$DATA",
];

/// Names that rules are about, everything that means something to some parser, and any byte, raw or escaped. A line feed
/// is left out: it would end the header.
fn path() -> impl Strategy<Value = Vec<u8>> {
    let marks = [
        "/",
        "/",
        "/",
        "/",
        "//",
        "/../",
        "/./",
        "..",
        ".",
        "%2e",
        "%2E%2e",
        "%2f",
        "%2F",
        "%5c",
        "%5C",
        "\\",
        ";",
        ";x",
        "%3b",
        "?",
        "%3F",
        "#",
        "%23",
        "%25",
        "%",
        "%252f",
        "%00",
        "%20",
        "%c0%af",
        "%EF%BC%8F",
        "%E2%80%A4",
        "%u002f",
    ];
    let escape = |byte: u8, upper: bool| if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
    let piece = prop_oneof![
        5 => select(NAMES).prop_map(|name| format!("/{name}").into_bytes()),
        3 => select(NAMES).prop_map(|name| name.as_bytes().to_vec()),
        5 => select(marks.to_vec()).prop_map(|mark| mark.as_bytes().to_vec()),
        1 => (any::<u8>(), any::<bool>()).prop_map(move |(byte, upper)| escape(byte, upper).into_bytes()),
        1 => any::<u8>().prop_filter("no line feed", |byte| *byte != b'\n').prop_map(|byte| vec![byte]),
    ];
    prop::collection::vec(piece, 0..7).prop_map(|pieces| [b"/".as_slice(), &pieces.concat()].concat())
}

async fn run(arena: &Arena, paths: &[Vec<u8>], token: &str) -> Tally {
    let share = paths.len().div_ceil(CONNECTIONS);
    let connections = paths.chunks(share).enumerate().map(|(index, paths)| async move {
        let mut connection = Kept::new(arena.envoy.address);
        let mut tally = Tally::default();
        for (number, path) in paths.iter().enumerate() {
            let case = format!("{index}-{number}");
            // Every other one has the scope: what is protected must be judged as what it is, too.
            let token = (number % 2 == 0).then_some(token);
            let reply = send(&mut connection, path, &case, token).await;
            tally.add(arena, path, &case, token);
            if let Some(Reply { status: 300..400, location: Some(location) }) = reply {
                // As a client follows it.
                let case = format!("{case}-followed");
                tally.redirected += 1;
                send(&mut connection, &location, &case, token).await;
                tally.add(arena, &location, &case, token);
            }
        }
        tally
    });
    join_all(connections).await.into_iter().fold(Tally::default(), |all, tally| all.and(&tally))
}

async fn send(connection: &mut Kept, path: &[u8], case: &str, token: Option<&str>) -> Option<Reply> {
    let mut request = [b"GET ", path, b" HTTP/1.1\r\nhost: api.example.com\r\n"].concat();
    if let Some(token) = token {
        request.extend(format!("authorization: Bearer {token}\r\n").bytes());
    }
    request.extend(format!("x-case: {case}\r\n\r\n").bytes());
    connection.send(&request).await
}

impl Tally {
    fn add(&mut self, arena: &Arena, sent: &[u8], case: &str, token: Option<&str>) {
        let (checked, arrived) = (arena.middle.checked(case), arena.backend.arrived(case));
        match (checked.as_slice(), arrived.as_slice()) {
            ([], []) => self.refused_by_envoy += 1,
            ([one], []) => {
                assert_ne!(one.got.status, 200, "allowed, and yet it did not arrive: {one:?}");
                self.denied += 1;
            }
            ([checked], [arrived]) => {
                the_law_holds(sent, checked, arrived, token.is_some());
                self.forwarded += 1;
                self.rewritten += usize::from(arrived.target != sent);
            }
            (checked, arrived) => panic!("{}: {checked:?} {arrived:?}", sent.escape_ascii()),
        }
    }

    fn and(self, other: &Self) -> Self {
        Self {
            forwarded: self.forwarded + other.forwarded,
            rewritten: self.rewritten + other.rewritten,
            redirected: self.redirected + other.redirected,
            denied: self.denied + other.denied,
            refused_by_envoy: self.refused_by_envoy + other.refused_by_envoy,
        }
    }
}

fn the_law_holds(sent: &[u8], checked: &Checked, arrived: &Arrived, has_scope: bool) {
    let sent = sent.escape_ascii();
    assert_eq!(checked.got.status, 200, "{sent} was denied and arrived");
    // Byte by byte, and so in its canonical form, too.
    assert_eq!(arrived.target.escape_ascii().to_string(), checked.asked.path.as_bytes().escape_ascii().to_string());
    assert_eq!((&*arrived.method, arrived.header("host").next()), (&b"GET"[..], Some(checked.asked.host.as_bytes())));
    assert!(CanonicalPath::parse(&arrived.target).is_ok(), "{sent} arrived as {arrived:?}");
    let reading = protected_reading(arrived).filter(|_| !has_scope);
    assert!(reading.is_none(), "{sent} arrived without its scope as {arrived:?}: {reading:?}");
}

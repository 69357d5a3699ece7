//! Every bound of the program, with its reason. Nothing else in the crate names a size, a count or a waiting time of
//! its own: a reviewer reads this page, and a test sends the limit and one more.

use std::time::Duration;

pub use portcullis_engine::limits::*;

// --- wire ---------------------------------------------------------------------------------------------------------

/// Bytes of one `CheckRequest` that are received. Beyond [`CHECK_REQUEST_BYTES`] the answer is a denial; only beyond this one is it
/// a gRPC error, which Envoy may be configured to take for an allow: so it is more than Envoy can be made to send.
pub const CHECK_MESSAGE_BYTES: usize = 64 * 1024 * 1024;
/// Characters of a `grpc-timeout` value: eight digits and a unit.
pub const GRPC_TIMEOUT_CHARS: usize = 9;
/// Streams that one HTTP/2 connection may have open at once.
pub const CONCURRENT_STREAMS: u32 = 1024;
/// A connection on which nothing is asked within this time is closed: whoever probes ports holds no file descriptors.
pub const FIRST_CALL: Duration = Duration::from_secs(40);
/// How long the message of a call may take to arrive. Envoy sends it at once.
pub const MESSAGE_WAIT: Duration = Duration::from_secs(5);
/// Bytes of the headers of one call, by the count of RFC 9113 section 6.5.2; a longer list is answered with 431. Envoy's have
/// some 300. Its `initial_metadata` may copy a header of the client's, which Envoy lets have 60 KiB: it must fit, or clients
/// make errors of their own Checks. At [`HEADER_ABUSE`] times as many h2 ends the connection.
pub const CALL_HEADER_BYTES: u32 = 64 * 1024;
/// A connection that is silent for so long is asked for a sign of life.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// And closed if it gives none within this time: its peer is dead.
pub const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// After a connection could not be accepted, for want of file descriptors say, nothing is accepted for so long.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Checks that may wait for one thread without any of them being turned away. They are 2 ms of work for a core where tokens
/// are remembered and 8 ms where each is new (7.3 and 30 µs each, `make bench`): one of them that has waited for half of its
/// deadline, 100 ms with Envoy's default, waited for a processor and not for the others. Where more wait on a thread that
/// is so slow, the deadlines of the last ones pass before their turn.
pub const WAITING_CHECKS: usize = 256;
/// HTTP/2 connection window. Between 64 KiB and 4 MiB it makes no difference to speed, measured. h2 allows half of it for
/// small DATA frames (see [`SMALL_DATA_FRAME`]), and that must carry whatever arrives in one turn ([`READ_PER_TURN`]). It does
/// not bound memory: messages are read as they come, and each is bounded by itself.
pub const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;
/// HTTP/2 window of one stream: a message that is looked at is sent without waiting. Longer ones are only counted.
pub const STREAM_WINDOW: u32 = 512 * 1024;

// HTTP/2 from a proxy. The defaults of h2 and hyper protect a server from one hostile client. Here the peer is a proxy that
// carries the requests of thousands of clients over one connection: what ends the connection is an error for all of them. So
// no client may be able to reach one of these bounds through a proxy that keeps to the protocol.

/// Bytes that are read of one connection before its Checks, and other connections, have their turn. Everything that h2 counts
/// between two turns is bounded by it: streams that are taken back before they are looked at, small DATA frames. One read
/// more, of at most [`FRAME_BYTES`], may follow. Some 60 Checks of a busy Envoy fit: with 32 KiB, most of those were read ahead
/// and copied once more, which took 5,000 instructions a Check (measured).
pub const READ_PER_TURN: usize = 128 * 1024;
/// Bytes of one connection that are read ahead at the end of a turn, so that it is known since when they wait, and how many
/// Checks wait in them. The kernel does not say when bytes came, and holds some 100 KiB of a connection (measured, TCP and Unix
/// sockets): the rest of a full set of Checks, 2 MiB, would wait unseen at the peer.
pub const READ_AHEAD: usize = 5 * 512 * 1024;
/// Bytes that all connections of a thread may have read ahead together: three that do so in full. What is more waits in the
/// kernel, and for how long is not known.
pub const READ_AHEAD_THREAD: usize = 8 * 1024 * 1024;
/// Streams that the peer has taken back before they were looked at; one more ends the connection (h2's default: 20). Envoy
/// takes a Check back whenever its client leaves, and a proxy in front that restarts takes back all of them at once. 16 full
/// sets of streams; in one turn at most 6,000 fit. At the limit they take 24 MiB of memory (peak, measured: 1.5 KiB each).
pub const PENDING_RESETS: usize = 16 * CONCURRENT_STREAMS as usize;
/// Streams of one connection that h2 itself resets or refuses, in the whole life of the connection (hyper's default: 1,024):
/// beyond [`CONCURRENT_STREAMS`], malformed headers, DATA on a stream that is forgotten. An Envoy that has not yet heard of our
/// [`CONCURRENT_STREAMS`] may open as many as its cluster's `max_requests` at once. As h2 counts these for ever, a
/// connection is replaced in time: [`CONNECTION_AGE`]. The bound also holds what waits in memory for a peer that does not read.
pub const ERROR_RESETS: usize = 16 * CONCURRENT_STREAMS as usize;
/// After this time the peer is told to open another connection (GOAWAY, NO_ERROR), and what is in flight is answered: counts
/// that h2 keeps for a connection's whole life ([`ERROR_RESETS`], [`EMPTY_DATA_FRAMES`]) and the numbers of streams, which
/// last for 2^30 requests, begin anew before they can end a connection of weeks. Servers of gRPC call it the connection age.
pub const CONNECTION_AGE: Duration = Duration::from_secs(3600);
/// By how much a connection may be replaced earlier, at random: not all of them at once.
pub const CONNECTION_AGE_JITTER: Duration = Duration::from_secs(360);
/// Bytes of one frame: the least that RFC 9113 section 4.2 allows, and h2's default. A longer one ends the connection.
pub const FRAME_BYTES: u32 = 16 * 1024;
/// Bytes of an answer that wait in one stream for a peer that does not take them (hyper's default: 400 KiB). Answers are
/// shorter; what is longer waits where it is made.
pub const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// Bytes of the table of headers that the peer's encoder may refer to: h2's default, and that of RFC 9113 section 6.5.2.
pub const HEADER_TABLE_BYTES: u32 = 4096;

// What hyper can't set. The values are h2's (0.4.20), and tests hold them: a release that changes one is noticed.

/// Streams that we have reset, and of which h2 remembers for a second that frames may still come (`max_concurrent_reset_streams`).
/// Of later ones, DATA counts among the [`ERROR_RESETS`]; no connection ends by this bound alone.
pub const REMEMBERED_RESETS: usize = 50;
/// Bytes below which a DATA frame that is not a stream's last is small. What it lacks is taken from the budget, half of
/// [`CONNECTION_WINDOW`], until the frame is read; beyond the budget the connection ends. What small frames take on a stream that
/// is answered already is never given back: another reason for [`CONNECTION_AGE`].
pub const SMALL_DATA_FRAME: usize = 256;
/// Empty DATA frames that are not a stream's last, in the whole life of a connection; one more ends it. Envoy sends none. See
/// [`CONNECTION_AGE`].
pub const EMPTY_DATA_FRAMES: usize = 100;
/// CONTINUATION frames of one list of headers, beside its last one; one more ends the connection. h2 makes it five quarters of
/// what [`CALL_HEADER_BYTES`] need, and at least 5.
pub const CONTINUATION_FRAMES: usize = 5;
/// By how much a list of headers may exceed [`CALL_HEADER_BYTES`]; more ends the connection.
pub const HEADER_ABUSE: u32 = 4;

/// Bytes of h2's reason that are logged when a connection ends: a peer may send its own.
pub const CONNECTION_ERROR_CHARS: usize = 200;
/// Bytes that are read of an event which the HTTP/2 library traces: it may quote what a peer has sent.
pub const TRACED_TEXT_BYTES: usize = 512;
/// The time in which at most one log line of a kind is written about connections that ended for an error, could not be accepted
/// or were refused. The line says how many were left out.
pub const CONNECTION_LINES: Duration = Duration::from_secs(1);

/// gRPC connections at once, unless the configuration says otherwise. An idle one takes some 21 KiB (measured, 5,000 of them in
/// a release build), so all of them 330 MiB: where memory is scarcer, `listen.max_connections` says so, as in
/// envoy/kubernetes.yaml.
pub const CONNECTIONS: usize = 16_000;
/// The values that `listen.max_connections` may have.
pub const CONNECTIONS_RANGE: std::ops::RangeInclusive<usize> = 1..=1_000_000;
/// The part of the process's file descriptors that gRPC connections may take, as a fraction: the rest is for the admin port, key
/// fetches and files.
pub const CONNECTIONS_SHARE: (usize, usize) = (3, 4);
/// A connection that must make room is told so, and closed after this time if nothing is in flight on it: its peer may have sent
/// a Check before it heard.
pub const ROOM_GRACE: Duration = Duration::from_millis(250);
/// The part of all connections that may be closing at once to make room, beyond the bound: as 1 / this. Others wait.
pub const ROOM_CLOSING: usize = 16;
/// The time that a new connection waits for another one to close before it is refused.
pub const ROOM_WAIT: Duration = Duration::from_secs(1);
/// The interval at which connections that have reached their age are looked for. It is also how exactly the last use of a
/// connection is known while no new one comes.
pub const CONNECTIONS_LOOKED_AT: Duration = Duration::from_secs(1);

// --- keys ---------------------------------------------------------------------------------------------------------

/// Bytes of a key set or a discovery document.
pub const KEY_DOCUMENT_BYTES: usize = 256 * 1024;
/// Characters of a `content-encoding` that are shown to an operator.
pub const CONTENT_ENCODING_CHARS: usize = 40;
/// Bytes of a shared secret, by RFC 7518 section 3.2 at least the hash's own length.
pub const SECRET_BYTES: std::ops::RangeInclusive<usize> = 32..=4096;
/// Different bytes of a shared secret below which it is called weak: random ones of 32 bytes have 25 at least, in hexadecimal 10.
pub const SECRET_DIFFERENT_BYTES: usize = 8;
/// One fetch, from connecting to the last byte.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// One attempt to get an issuer's keys: metadata, one more place for it, and the key set. An attempt ends with the first of
/// these fetches that has no answer, so that it is reported within [`FETCH_TIMEOUT`].
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(16);
/// Characters of a URL in a message: some come out of remote documents.
pub const SHOWN_URL_CHARS: usize = 200;
/// Reading or writing one file: longer is a disk that hangs.
pub const DISK_TIMEOUT: Duration = Duration::from_secs(2);
/// How often wall time is compared with the clock of timers, which stands still while the machine is suspended.
pub const CLOCKS_COMPARED: Duration = Duration::from_secs(60);
/// By how much they may differ from one look to the next.
pub const CLOCKS_DIFFER: Duration = Duration::from_secs(10);
/// The resolution of an HTTP `Date` (RFC 9110 section 5.6.7): the moment is anywhere within the second that it names.
pub const DATE_RESOLUTION: Duration = Duration::from_secs(1);
/// Connecting alone.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Fetches of one issuer's keys that tokens may ask for one after another. A rotation needs one; forged tokens that come
/// first, or a set that was fetched a moment too early, take no more than the others.
pub const FETCH_BURST: u32 = 3;
/// After each of these intervals, tokens may ask for one fetch more, up to [`FETCH_BURST`]. So long at most is a token of a
/// new key refused while a flood of unknown keys takes each fetch that there is.
pub const FETCH_COOLDOWN: Duration = Duration::from_secs(5);
/// A fetch that takes longer counts as one that fails when it is about who may wait for it. Good issuers answer within some
/// hundred milliseconds, and Envoy waits for a second.
pub const FETCH_SLOW: Duration = Duration::from_secs(1);
/// First wait after a failed fetch; doubles up to [`FETCH_BACKOFF_MAX`].
pub const FETCH_BACKOFF_MIN: Duration = Duration::from_secs(1);
/// Longest wait after failed fetches.
pub const FETCH_BACKOFF_MAX: Duration = Duration::from_secs(30);
/// A key set that does not say how long it stays true is fetched anew, in the background, at this age.
pub const KEYS_REFRESH_AFTER: Duration = Duration::from_secs(300);
/// And one that does (`Cache-Control`) within these bounds: a removed key is gone after an hour at most, and a provider is
/// not asked all the time because it says `no-store`.
pub const KEYS_REFRESH_RANGE: std::ops::RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(3600);
/// The part of that time, or of the time that the set names, by which a fetch may come early at random: replicas that were
/// started together would ask together for ever.
pub const REFRESH_JITTER: f64 = 0.1;
/// Longest random wait before the first fetch where there are saved keys: replicas that start together do not ask together.
pub const FIRST_FETCH_JITTER: Duration = Duration::from_secs(1);
/// Metadata of an issuer is read again when the key set that it names can't be had, and at this age: an issuer that moves
/// its keys usually serves the old place for a day, and metadata that has turned bad is noticed on the same day.
pub const METADATA_REFRESH_AFTER: Duration = Duration::from_secs(3600);
/// Age from which metadata is also read again when a token asks for a key and the key set is the same as before: the issuer
/// may have moved its keys and left the old ones in their place. So long at most are tokens of the new place refused, and
/// forged tokens cost one more request in this time.
pub const METADATA_RECHECK_AFTER: Duration = Duration::from_secs(60);
/// While the last successful fetch is younger, a signature that a known key refutes is false, whether the issuer can be
/// reached or not. Older keys may have been replaced under their names.
pub const KEYS_CONFIRMED: Duration = Duration::from_secs(600);
/// Keys of an issuer that can't be reached are kept in use up to this age, unless `max_stale` says otherwise.
pub const KEYS_MAX_STALE: Duration = Duration::from_secs(24 * 3600);
/// What `max_stale` may be: long enough for one refresh to fail, and an end to trusting keys that nobody confirms.
pub const KEYS_MAX_STALE_RANGE: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(600)..=Duration::from_secs(30 * 24 * 3600);
/// Bytes of a saved key set: of the set itself, and of what is written beside it.
pub const SAVED_KEYS_BYTES: usize = KEY_DOCUMENT_BYTES + 16 * 1024;
/// How far a saved key set may seem to come from the future: clocks of two machines differ.
pub const SAVED_KEYS_CLOCK: Duration = Duration::from_secs(60);
/// Bytes of the name of a group of users: more than any system takes.
pub const GROUP_NAME_BYTES: usize = 256;
/// Bytes of `/etc/group`: some large organisations write all of their groups there.
pub const GROUP_FILE_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of a file with certificates of authorities.
pub const CA_FILE_BYTES: usize = 1024 * 1024;
/// Checks that may wait for keys at once, of all issuers and of all configurations that are in use together; one more is
/// answered without waiting. Anybody can make tokens that wait, and each holds a stream: far fewer than
/// [`CONCURRENT_STREAMS`] and than the 1,024 requests that Envoy sends to a cluster at once by default, so that other
/// Checks are answered however many wait. With fetches of 100 ms these places serve 640 new tokens a second.
pub const KEY_WAITERS: usize = 64;
/// The part of [`KEY_WAITERS`] for tokens with a signature that a known key refutes: nearly all of them are forged.
pub const REPLACEMENT_WAITERS: usize = 8;
/// The part of [`KEY_WAITERS`] for one issuer whose last fetch failed: its next fetch probably fails, too.
pub const FAILING_ISSUER_WAITERS: usize = 16;
/// The part of [`KEY_WAITERS`] for all issuers together whose last fetch failed: a half stays free for the others.
pub const FAILING_WAITERS: usize = KEY_WAITERS / 2;
/// Keys of one issuer that are remembered because a token waited for them and they did not come, 32 bytes each: 8 KiB an
/// issuer, 512 KiB for all.
pub const WAITED_KEYS: usize = 256;
/// A Check that came without a deadline waits at most this long for keys.
pub const KEY_WAIT: Duration = Duration::from_secs(2);
/// The part of a Check's deadline that is left when it stops waiting, one in so many: its answer still arrives where the
/// machine is busy. Under load, 50 ms of a second were too little for one in ten.
pub const DEADLINE_MARGIN: u32 = 5;

// --- policy and configuration -------------------------------------------------------------------------------------

/// Bytes of a configuration file.
pub const CONFIG_BYTES: usize = 8 * 1024 * 1024;
/// Nesting of a configuration file.
pub const CONFIG_DEPTH: usize = 32;
/// YAML aliases in a configuration file: enough to share blocks, too few for a bomb.
pub const CONFIG_ALIASES: usize = 256;
/// Nodes of a configuration file after aliases are resolved.
pub const CONFIG_NODES: usize = 2_000_000;
/// Bytes of all names and texts of a configuration file after aliases are resolved.
pub const CONFIG_TEXT_BYTES: usize = 2 * CONFIG_BYTES;
/// Items of one list, and fields of one section; `routes` and `issuers` have their own limits.
pub const CONFIG_ITEMS: usize = 1000;
/// Headers of `identity.remove`: every answer that lets a request pass names them.
pub const REMOVED_HEADERS: usize = 64;
/// Scopes in all lists of `implies` together. Each required scope is followed through all of them at load.
pub const IMPLICATIONS: usize = 256;
/// Problems of one configuration up to which similar names are looked for: only the first ones are printed.
pub const CONFIG_SUGGESTIONS: usize = 1000;
/// Warnings of one kind that are kept of one configuration: more are no help, and would hide the others.
pub const WARNINGS_OF_A_KIND: usize = 20;
/// Bytes of a scope beyond which no typing errors are looked for in it.
pub const COMPARED_SCOPE_BYTES: usize = 64;
/// Pairs of scopes that are compared to find typing errors: machines name things so that thousands are alike.
pub const COMPARED_SCOPES: usize = 100_000;
/// How long a change of the configuration file waits for the next one: whoever writes it in several steps is done then.
pub const RELOAD_QUIET: Duration = Duration::from_millis(100);
/// And for how long at most, where a file is changed all the time.
pub const RELOAD_QUIET_MAX: Duration = Duration::from_secs(1);
/// The time that a writer that has not closed the file is given before that is reported, and before a start gives up. The
/// file counts when it is closed, however long that takes: half a policy may be a valid one.
pub const RELOAD_WRITER: Duration = Duration::from_secs(5);
/// The wait before the next look at a file that was open for writing, or could not be read in time; doubles up to
/// [`RELOAD_POLL`]. Most often the system tells earlier.
pub const RELOAD_AGAIN: Duration = Duration::from_secs(1);
/// Descriptors of all processes that a search for writers looks at: less than a second of work. Beyond it no writer is known.
pub const WRITER_DESCRIPTORS: usize = 50_000;
/// The time that checking a configuration may take, its tests and the files that it names included: the largest takes a
/// second, and what takes much longer is a disk that hangs.
pub const RELOAD_JUDGING: Duration = Duration::from_secs(30);
/// Threads that may hang at a disk when a configuration is read, and as many when one is checked.
pub const RELOAD_HANGING: usize = 8;
/// The number of them that routine looks may take. The rest is for a file that was just changed, and for SIGHUP.
pub const RELOAD_HANGING_ROUTINE: usize = 2;
/// The interval between looks at the file. It matters where the system does not tell of changes (network file systems, too
/// many watches): a change counts there when two looks have found the same.
pub const RELOAD_POLL: Duration = Duration::from_secs(30);
/// How often the file is read until it stands still.
pub const RELOAD_READS: usize = 20;
/// How often is looked whether a bug has ended a background task.
pub const TASKS_LOOKED_AT: Duration = Duration::from_secs(10);
/// How long a reload waits for the keys of new or changed issuers before it goes into force without them: an issuer that
/// is down must not hold up a change of the policy.
pub const RELOAD_KEYS_WAIT: Duration = Duration::from_secs(5);
/// Errors of one configuration that are logged at a reload.
pub const RELOAD_ERRORS_LOGGED: usize = 20;
/// Symbolic links on the way to the configuration file, as many as Linux follows.
pub const RELOAD_LINKS: usize = 40;
/// How often is looked whether the last Check by an old configuration has ended.
pub const RETIRED_SWEEP: Duration = Duration::from_millis(100);
/// Characters of the error of the last reload in `/readyz`.
pub const RELOAD_ERROR_CHARS: usize = 500;
/// Issuers that a log line names as waited for: of 64 that can't be reached, a few show what is going on.
pub const AWAITED_ISSUERS_LOGGED: usize = 5;
/// Issuers of one configuration.
pub const ISSUERS: usize = 64;
/// Bytes of an Envoy configuration that `check --envoy` reads: a `/config_dump` has every cluster and certificate in it.
pub const ENVOY_BYTES: usize = 32 * 1024 * 1024;
/// Its nesting: protobuf's own JSON reader, and with it Envoy, gives up at 100 levels.
pub const ENVOY_DEPTH: usize = 100;
/// Its YAML aliases.
pub const ENVOY_ALIASES: usize = 4096;
/// A timeout of Envoy's Check below which the first token with a new key often finds no time to have that key fetched:
/// a name look-up, TLS and a request to the issuer.
pub const ENVOY_CHECK_TIMEOUT: Duration = Duration::from_millis(500);
/// A timeout of Envoy's Check above which one Portcullis that hangs holds up requests for longer than their clients wait.
/// Portcullis itself answers within [`KEY_WAIT`].
pub const ENVOY_CHECK_TIMEOUT_MAX: Duration = Duration::from_secs(5);
/// Largest clock tolerance that may be configured.
pub const CLOCK_TOLERANCE_MAX: Duration = Duration::from_secs(300);

// --- trying a policy ----------------------------------------------------------------------------------------------

/// Bytes of a file with a token, claims or a captured request that `explain` reads.
pub const EXPLAIN_INPUT_BYTES: usize = 2 * CHECK_REQUEST_BYTES;
/// For how long `explain --live` waits for an issuer's keys: one attempt to get them, and no second one.
pub const EXPLAIN_KEYS: Duration = ATTEMPT_TIMEOUT;
/// What takes longer is worth a word to whoever waits.
pub const PROGRESS_AFTER: Duration = Duration::from_secs(1);

// --- policy tests -------------------------------------------------------------------------------------------------

/// Tests of one file, tables written out.
pub const POLICY_TESTS: usize = 10_000;
/// Characters of a test's name.
pub const POLICY_TEST_NAME_CHARS: usize = 200;
/// Bytes of the headers of one request: what Envoy lets through.
pub const POLICY_TEST_HEADER_BYTES: usize = 60 * 1024;
/// Bytes of the headers that all requests of a file have: each test has a copy.
pub const POLICY_TEST_DEFAULT_BYTES: usize = 4 * 1024;
/// Bytes of the claims and of the header of a token as they are written: each test has a copy.
pub const POLICY_TEST_CLAIMS_BYTES: usize = TOKEN_BYTES;
/// When tests take place that don't say so, 2026-01-01T00:00:00Z: the same in every run.
pub const POLICY_TEST_TIME: i64 = 1_767_225_600;
/// Mutants of one policy that are tried: what they take grows with the square of the policy.
pub const POLICY_MUTANTS: usize = 20_000;

// --- process ------------------------------------------------------------------------------------------------------

/// Threads that answer Checks. More is a typing error.
pub const THREADS: usize = 256;
/// From NOT_SERVING to closing the listeners, unless `--drain-notice` says otherwise: longer than the interval of usual
/// health checks, so that proxies notice.
pub const DRAIN_NOTICE: Duration = Duration::from_secs(5);
/// The longest `--drain-notice`: load balancers take up to five minutes to move clients elsewhere.
pub const DRAIN_NOTICE_MAX: Duration = Duration::from_secs(300);
/// From closing the listeners to giving up on requests in flight. A stop takes [`DRAIN_NOTICE`], this and [`STOP_END`] at
/// most, 26 s: less than the 30 s after which Kubernetes kills where there is no `preStop`.
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(20);
/// From the end of the drain to the end of the process: [`EXIT_GRACE`], and what is left of the log.
pub const STOP_END: Duration = Duration::from_secs(1);
/// Once nothing is in flight, for how long connections may stay open: answers are still being written.
pub const DRAIN_FLUSH: Duration = Duration::from_millis(500);
/// For how long a task that hangs in the system may hold up the exit.
pub const EXIT_GRACE: Duration = Duration::from_millis(500);
/// Bytes of log lines that wait for the thread that writes them: some 15,000 lines, or what is logged at `debug` by a busy
/// service while that thread gets no processor for 200 ms. Lines beyond it are dropped.
pub const LOG_QUEUE_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of log lines that are written with one call, unless one line alone has more. Linux writes that many to a pipe in one
/// piece (`PIPE_BUF`, pipe(7)): lines of several processes that share a pipe stay whole.
pub const LOG_BATCH_BYTES: usize = 4096;
/// Time after which a log that failed is tried again if nothing is logged in between; also the least time between two lines
/// that say how many lines were lost.
pub const LOG_RETRY: Duration = Duration::from_secs(1);
/// Pause of the writing thread where the log takes nothing at the moment and does not block.
pub const LOG_PAUSE: Duration = Duration::from_millis(10);
/// Time by which the last log lines may delay the exit, [`EXIT_GRACE`] included.
pub const LOG_FLUSH: Duration = Duration::from_secs(1);
/// Characters of a text that a client wrote in a log line: a path, a host. Longer ones are cut.
pub const LOGGED_TEXT_CHARS: usize = 200;
/// Log lines about denials of one reason and rule in one [`DENIAL_LINES_PERIOD`]; the rest are counted. Ten show what is going
/// on, and a flood of 30,000 a second is otherwise 7 MB of log a second.
pub const DENIAL_LINES: u32 = 10;
/// The time that [`DENIAL_LINES`] counts for.
pub const DENIAL_LINES_PERIOD: Duration = Duration::from_secs(1);
/// Pairs of reason and rule that are told apart in one [`DENIAL_LINES_PERIOD`]: a client can make some 50 reasons for each of
/// 20,000 rules. Denials of further pairs in the same period are only counted.
pub const DENIAL_LINE_KEYS: usize = 1024;
/// Back-off before a background task that panicked is started again: the first one and the longest one, doubled in between.
pub const TASK_BACKOFF: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);
/// Attempts to lock the directory of a Unix socket while it is claimed; other starts hold it for a moment.
pub const SOCKET_CLAIMS: u32 = 100;
/// Pause between two of them.
pub const SOCKET_CLAIM_PAUSE: Duration = Duration::from_millis(20);
/// The values that `portcullis health --timeout` may have.
pub const HEALTH_TIMEOUT_RANGE: std::ops::RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(60);
/// Bytes of an answer that `portcullis health` reads: `/readyz` says a few hundred of each issuer, and their number is bounded.
pub const HEALTH_ANSWER_BYTES: usize = 1024 * 1024;
/// The highest age of a Check that is shown: a request that seems older has passed a clock that is wrong.
pub const REQUEST_AGE_SHOWN: Duration = Duration::from_secs(3600);
/// Interval at which each thread that answers Checks shows a sign of life.
pub const HEARTBEAT: Duration = Duration::from_secs(1);
/// Interval at which each thread that answers Checks looks at the age of one of them.
pub const REQUEST_AGE_SAMPLED: Duration = Duration::from_secs(1);
/// Time for which the highest value of a metric is shown, and at most twice as long: no shorter than the usual minute between
/// two scrapes, so that each of them sees it.
pub const PEAK_SHOWN: Duration = Duration::from_secs(60);
/// A thread that has shown no sign of life for so long makes `/healthz` fail. No Check takes nearly as long without waiting,
/// and a restart costs more than a thread that is slow for a while.
pub const HEARTBEAT_SILENCE: Duration = Duration::from_secs(10);
/// Time that `/healthz` waits for a sign of life from a thread that has been silent for too long: the whole process may have
/// been suspended. Below the second that a Kubernetes probe waits by default.
pub const HEARTBEAT_ANSWER: Duration = Duration::from_millis(500);

// --- admin port ---------------------------------------------------------------------------------------------------

/// Connections to the admin port: probes of a node and scrapers are a few. For one more, the one that has been unused for
/// longest is closed.
pub const ADMIN_CONNECTIONS: usize = 64;
/// The part of the process's file descriptors that they may take, as 1 / this: 8 of 256. [`CONNECTIONS_SHARE`] takes 192 of those,
/// connections that make room ([`ROOM_CLOSING`]) take 12, and the process itself takes 16 and 4 for each of its [`THREADS`]: with
/// four of these, a dozen are left for key fetches and files.
pub const ADMIN_CONNECTIONS_SHARE: usize = 32;
/// The time in which the headers of a request must arrive, on a new connection from when it was accepted. Probes send theirs
/// at once.
pub const ADMIN_HEADER_WAIT: Duration = Duration::from_secs(10);
/// The time in which an answer must be made and read by its client: as long as scrapers wait by default.
pub const ADMIN_ANSWER_WAIT: Duration = Duration::from_secs(10);
/// The time that a connection may stay after an answer without another request: longer than the usual minute between two
/// scrapes, so that the next one does not meet a connection that is just being closed.
pub const ADMIN_IDLE: Duration = Duration::from_secs(75);
/// Bytes of a request's headers, its first line among them, of what is buffered of a request, and of a piece of an answer:
/// the least that hyper can be given, and some 40 times what probes and scrapers send.
pub const ADMIN_HEADER_BYTES: usize = 8 * 1024;
/// Headers of a request. Browsers send some 20.
pub const ADMIN_HEADERS: usize = 64;

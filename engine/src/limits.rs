//! Every bound of the engine, with its reason. Nothing else in the crate names a size, a count or a duration of its own: a
//! reviewer reads this page, and a test sends the limit and one more.

/// Bytes of one `CheckRequest` that are looked at. Envoy caps request headers at 60 KiB; bodies are not asked for.
pub const CHECK_REQUEST_BYTES: usize = 256 * 1024;
/// Bytes of a request path with its query.
pub const PATH_BYTES: usize = 8 * 1024;
/// Segments of a path: bounds the search through the pattern tree.
pub const PATH_SEGMENTS: usize = 64;
/// Characters of a method: the longest registered one has 17.
pub const METHOD_CHARS: usize = 32;
/// Bytes of a host name, RFC 1035 section 2.3.4, plus a port.
pub const HOST_BYTES: usize = 255 + 6;
/// Bytes of a host name alone, without its trailing dot.
pub const HOST_NAME_BYTES: usize = 253;
/// Bytes of one label of a host name, RFC 1035 section 2.3.4.
pub const HOST_LABEL_BYTES: usize = 63;
/// Bytes of a whole compact token. Longer credentials are refused before anything is decoded.
pub const TOKEN_BYTES: usize = 16 * 1024;
/// Bytes of the decoded JOSE header.
pub const TOKEN_HEADER_BYTES: usize = 2 * 1024;
/// Bytes of the decoded claims set: what fits into a token beside its header and signature. Scopes and groups have no bound of
/// their own: 5,600 of one letter fit.
pub const TOKEN_CLAIMS_BYTES: usize = 11 * 1024;
/// Nesting of JSON in a token or a key set.
pub const JSON_DEPTH: usize = 16;
/// Bytes of a `kid`.
pub const KID_BYTES: usize = 256;
/// Bytes of a claim that names a user or a client (`sub`, a client id): it becomes a header, whole or not at all.
pub const NAME_CLAIM_BYTES: usize = 1024;
/// The latest time a token may name, in seconds: the year 9999. Beyond it arithmetic stops meaning anything.
pub const NUMERIC_DATE_SECONDS: f64 = 253_402_300_799.0;
/// Verified tokens that are remembered, if they are small.
pub const TOKEN_CACHE_ENTRIES: usize = 150_000;
/// Bytes that they may take, as estimated: usual tokens take 300 each (`benches/token.rs`), so 100,000 of them fit however
/// they are spread over the parts of the cache.
pub const TOKEN_CACHE_BYTES: usize = 48 * 1024 * 1024;
/// Bytes that the allocator takes for each piece of memory, beside its length: what glibc's does on average.
pub const ALLOCATION_BYTES: usize = 16;
/// Places for tokens that are found again by their own characters: a power of two.
pub const RECENT_TOKENS: usize = 256;
/// Bytes of such a token and of what is known of it. With [`RECENT_TOKENS`], all of them take 1 MiB at most.
pub const RECENT_TOKEN_BYTES: usize = 4 * 1024;
/// The number of requests for the place of a token that is not shown in between, before another token gets it: copying a
/// token costs more than finding it.
pub const RECENT_REQUESTS: u32 = 8;
/// Tokens that need a signature check between two searches for expired ones among [`RECENT_TOKENS`]: as many as
/// there are places, so that each pays for looking at one, and few enough that it happens where clients are few.
pub const RECENT_SWEEP: u64 = RECENT_TOKENS as u64;
/// Refused tokens that are remembered: those of a large client that goes on with tokens of a removed key. A client
/// that makes up more of them evicts other refused tokens only.
pub const REFUSED_TOKENS: usize = 16 * 1024;
/// Bytes that they may take.
pub const REFUSED_TOKEN_BYTES: usize = 3 * 1024 * 1024;
/// Keys taken from one set; the rest are ignored with a warning.
pub const KEYS_PER_SET: usize = 64;
/// Keys of a set with which a token without a `kid` is tried: each takes a signature check, and anybody can make such tokens.
/// Providers publish the old, the present and the next key of an algorithm.
pub const KEYS_TRIED: usize = 4;
/// Characters of a name that a provider gave a key, in messages.
pub const KEY_NAME_CHARS: usize = 64;
/// Skipped keys of a set without a usable one that its error names.
pub const SKIPPED_KEYS_SHOWN: usize = 3;
/// Bits of an RSA modulus, NIST SP 800-131A and aws-lc's upper bound.
pub const RSA_MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Readings of one path by lax backends, the path itself among them: as many as any two oddities make together. With more of
/// them a request is refused.
pub const PATH_READINGS: usize = 12;
/// Items of two rules, multiplied, up to which they are compared for the readings of one path, all comparisons together.
/// Beyond it a reading counts as one that needs more.
pub const READING_COMPARISONS: usize = 10_000;
/// Route rules of one configuration.
pub const RULES: usize = 20_000;
/// Crossings, and as many shadowings, that are reported of one policy: more are no help, and finding them takes time.
/// Errors and warnings count apart.
pub const POLICY_PROBLEMS: usize = 100;
/// Steps that looking for crossings and shadowings of one policy may take: pairs of places in the trees of patterns, and
/// what is compared there. It takes about a second.
pub const POLICY_STEPS: usize = 40_000_000;
/// Audiences of a token of which a log line has a digest. Tokens rarely have more than two.
pub const LOGGED_AUDIENCES: usize = 4;

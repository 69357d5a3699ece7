//! Portcullis: an Envoy external authorizer. It validates OAuth 2.0 bearer access tokens and enforces scope policies
//! per route, so that a proxy protects any backend without authorization code in it. The README says what it is for and
//! how to run it; this page describes the code.
//!
//! # One Check in six hops
//!
//! ```text
//! Envoy ──CheckRequest──▶ 1 ext_authz::service      (its connection is served by one thread, see service::workers;
//!                                                    ext_authz::queue turns it away if it has waited for too long)
//!                         2 ext_authz::decode::attributes   -> RequestAttributes (canonical, bounded, read in place)
//!                         3 authorizer
//!                             4 policy              -> the rule, or a denial
//!                             5 portcullis_engine::jwt::verifier       -> VerifiedToken   (rule.admit -> Permit)
//! Envoy ◀─CheckResponse── 6 ext_authz::response     (the only file that builds a CheckResponse)
//! ```
//!
//! The single await on the way is "a key is missing: wait for the store's fetch, bounded, then run it once more". How long
//! each hop takes is in `benches/hops.rs`; how all of it compares with other services, in `benches/compare`.
//!
//! # Floors
//!
//! | floor | modules | |
//! |---|---|---|
//! | root | [`cli`], [`app`], [`rehearsal`], [`shutdown`], [`descriptors`] | arguments, tasks, signals, open files; offline trials |
//! | adapters | [`ext_authz`], [`config`], [`keystore::fetch`], [`keystore::refresh`], [`keystore::saved`], [`admin`], [`telemetry`], [`files`] | the outside |
//! | engine | [`authorizer`] | a request and a moment in, a decision out |
//! | mechanisms | [`bearer`], [`jwt`], [`jwks`], [`policy`] | credentials, tokens, keys, rules |
//! | words | [`limits`], [`clock`], [`json`], [`digest`], [`reason`], [`identity`], [`build_info`], [`client_text`], [`printable`], [`portcullis_engine::oauth::scope`] | what all speak in |
//!
//! A module imports from its own floor and those below; adapters don't import each other; a test holds that.
//!
//! # Invariants
//!
//! *Invariant: shut unless opened.* Whatever is unknown, ambiguous, late or broken is a denial. There is no default that
//! allows, and no way from an error to an allow.
//!
//! *Invariant: success is a proof.* Only [`portcullis_engine::jwt::verifier::Verifier`] makes a [`portcullis_engine::jwt::verified_token::VerifiedToken`], only a
//! [`portcullis_engine::policy::rule::Rule`] makes a [`portcullis_engine::policy::rule::Permit`], and only from a permit an allow answer is made. Forgetting a
//! check does not compile.
//!
//! *Invariant: engine and below are pure.* No clock, no IO, no randomness, no logs: the time and the keys are arguments.
//!
//! *Invariant: keys are never looked up without an issuer*, and no fetch is ever made inside a Check.
//!
//! *Invariant: the token caches are invisible.* A hit says what verifying afresh would say, at that moment, with those keys,
//! and asks for newer keys as often. What is remembered of a good token is what policy and headers use; a claim that neither
//! uses is as if it were absent. A refused token is remembered only for what follows from its bytes and the key set.
//!
//! *Invariant: what is fast is held to what is plain.* The reader of messages and the writer of answers stand beside the
//! generated types in tests and under the fuzzer, and a path, host or header taken at one look beside the closer look.
//!
//! *Invariant: one table from reason to answer*, [`reason`], with a row for each.
//!
//! *Invariant: no client can stop it for others.* Whatever a client, a proxy or an issuer can make the service hold or do has
//! a bound in [`limits`], with its reason. Beyond it what is turned away is that client's own, or what is least used.
//!
//! *Invariant: logs and counters never decide.* No thread that decides waits for a log line to be written, and no failure of
//! logging, counting or of a background task changes an answer. `service::supervise` starts such a task again; the process ends
//! only when it can't decide.
//!
//! *Invariant: a configuration takes effect whole.* Each answer is wholly that of one configuration, and a file that is known
//! to be open for writing is not loaded. [`files`] reads only regular files, up to a bound.
//!
//! *Invariant: nothing a client sends comes back in a header*, and no token, secret or query is logged. Other texts of
//! a client are logged only as [`client_text`] shows them, and what else strangers write only as [`printable`] does.
//!
//! *Absent on purpose:* a list of routes that is walked in order (an index decides, order never matters); a mode that only
//! logs; a switch that turns verification off; keys or tokens in the repository.

pub mod build_info;
pub mod cli;
pub mod client_text;
pub mod clock;
pub mod config;
pub mod document;
pub mod ext_authz;
pub mod files;
pub mod keystore;
pub mod limits;
pub mod printable;
pub mod service;
pub mod tools;

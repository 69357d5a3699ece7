//! Portcullis: an Envoy external authorizer. It validates OAuth 2.0 bearer access tokens and enforces scope policies
//! per route, so that a proxy protects any backend without authorization code in it. The README says what it is for and
//! how to run it; this page describes the code.
//!
//! # One Check in six hops
//!
//! ```text
//! Envoy ──CheckRequest──▶ 1 ext_authz::transport   (one thread serves a connection, see service::workers;
//!                                                    ext_authz::queue turns a Check away that has waited for too long)
//!                         2 ext_authz::decode      -> RequestAttributes (canonical, bounded, read in place)
//!                         3 engine: authorizer
//!                             4 engine: policy     -> the rule, or a denial
//!                             5 engine: token_cache, jwt -> VerifiedToken   (rule.admit -> Permit)
//! Envoy ◀─CheckResponse── 6 ext_authz::response    (the only file that builds a CheckResponse)
//! ```
//!
//! The single await on the way, in [`ext_authz::service`], is "a key is missing: wait for the store's fetch, bounded, then run
//! it once more". How long each hop takes is in `benches/hops.rs`; how all of it compares with other services, in
//! `benches/compare`.
//!
//! # Crates
//!
//! `engine/` ([`portcullis_engine`]) decides: pure and synchronous, with no clock, IO, log or randomness. This crate brings
//! requests and keys, and is the program. `demo/` is another program, for trying this one out; the product depends on neither it
//! nor on what mints its tokens.
//!
//! # Modules, lowest first
//!
//! | module | |
//! |---|---|
//! | [`build_info`], [`limits`], [`clock`], [`printable`], [`client_text`], [`files`] | what all others speak in |
//! | [`document`] | YAML with positions, problems, redaction: knows nothing of Portcullis |
//! | [`keystore`] | keys of the configured issuers: discovery, fetches, the store |
//! | [`ext_authz`] | Envoy's protocol: transport, decoding, the one wait, responses |
//! | [`config`] | the configuration: decode, resolve, lints |
//! | [`tools`] | simulate, explain, policy tests, the lints of Envoy's configuration |
//! | [`service`] | the running service: composition, reloads, workers, admin port, logs and metrics |
//! | [`cli`] | the commands |
//!
//! A module imports from those above it in this table. There is no ring of files or folders; a test holds both.
//!
//! # Invariants
//!
//! *Invariant: shut unless opened.* Whatever is unknown, ambiguous, late or broken is a denial. There is no default that
//! allows, and no way from an error to an allow.
//!
//! *Invariant: success is a proof.* Only [`Verifier`](portcullis_engine::jwt::verifier::Verifier) makes a
//! [`VerifiedToken`](portcullis_engine::jwt::verified_token::VerifiedToken), only a
//! [`Rule`](portcullis_engine::policy::rule::Rule) makes a [`Permit`](portcullis_engine::policy::rule::Permit), and only from a
//! permit an allow answer is made. Forgetting a check does not compile.
//!
//! *Invariant: the engine is pure.* No clock, no IO, no randomness, no logs: the time and the keys are arguments.
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
//! *Invariant: one table from reason to answer*, [`portcullis_engine::reason`], with a row for each.
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

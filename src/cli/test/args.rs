//! The arguments of `portcullis test`.

use std::path::PathBuf;

/// Runs policy tests: requests with their tokens, and what must come of each. No keys and no network are needed.
#[derive(Debug, clap::Args)]
#[command(override_usage = "\
portcullis test [OPTIONS] [FILE]...
       portcullis test [OPTIONS] --config <FILE> [FILE]...")]
#[command(after_help = HELP)]
pub(crate) struct TestArgs {
    /// Files of tests; without any, those that `tests` of the configuration names. A configuration may stand here as well
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// The configuration, in place of the one that `config` of a file names, or that PORTCULLIS_CONFIG does
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Only tests with this text in their name
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["min_coverage", "mutate", "min_mutation"])]
    pub(super) filter: Option<String>,
    /// Fails if the tests reach less than so many percent of the goals
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(super) min_coverage: Option<u8>,
    /// Weakens the policy in one place at a time, and lists what no test notices
    #[arg(long)]
    pub(super) mutate: bool,
    /// Fails if the tests notice less than so many percent of the mutants; implies `--mutate`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(super) min_mutation: Option<u8>,
    /// Writes the results as JUnit XML as well
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// How the results are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

const HELP: &str = "\
Examples:
  portcullis test policy_test.yaml
  portcullis test portcullis.yaml
  portcullis test --config portcullis.yaml --mutate --min-mutation 100 --junit out.xml tests/*.yaml

A file of tests:
  config: portcullis.yaml               # relative to this file
  tests:
    - name: messages need read:messages
      request: GET /api/private-scoped
      cases:
        - { token: { scopes: [read:messages] }, expect: allow }
        - { token: valid, expect: insufficient_scope }
        - { token: expired, expect: token_expired }
        - { token: none, expect: 401 }

Coverage is the share of goals that passing tests reached. Each rule has a goal for letting a request
pass; each that asks for a token, one for turning away a request without a good one; each of its
requirements (a scope, a claim...), one that is reached when one token met it and another was turned
away for it.

Mutants: each requirement dropped, each rule made public, opened to every method, removed. One that
no test notices is a hole that could open without anybody seeing it.

Exit codes: 0 every test passed
            1 a test failed, or coverage or mutation is below its minimum
            2 the command line, a file of tests or the configuration is wrong, or there are no tests";

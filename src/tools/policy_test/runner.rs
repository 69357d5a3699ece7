//! Files of tests and a configuration, brought together and run.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    case::Suite,
    compare,
    coverage::Observer,
    decode,
    explain_line::explain_line,
    mutate::{Mutant, Mutation, Survivor, mutants},
    report::{Outcome, Report},
    run::{Minted, Names, Prepared, Ran, prepare, rule_of, run},
};
use crate::{
    config::{
        error::{ConfigErrors, Problem},
        other_document::{Bag, Document, quoted},
    },
    document::tree::Place,
    tools::simulate::simulator::Stage,
};
use portcullis_engine::{
    answer::identity::IdentityHeaders, jwt::issuer_rules::IssuerRules, policy::Policy, time::UnixTime,
};

/// A file of tests.
#[derive(Debug)]
pub struct TestFile {
    document: Document,
    suite: Suite,
    /// The configuration that it names, relative to itself.
    pub config: Option<PathBuf>,
}

impl TestFile {
    /// Reads a file. `now` is what `time: now` means in it.
    ///
    /// # Errors
    /// Every problem of it that can be seen without the configuration.
    pub fn open(path: &Path, now: UnixTime) -> Result<Self, ConfigErrors> {
        Self::of(Document::open(path)?, now)
    }

    /// Reads a file that a command was given, which may be its standard input.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_argument(path: &Path, now: UnixTime) -> Result<Self, ConfigErrors> {
        Self::of(Document::open_argument(path)?, now)
    }

    /// The same of a text; `name` is the file's.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn parse(text: &str, name: &str, now: UnixTime) -> Result<Self, ConfigErrors> {
        Self::of(Document::parse(text, name)?, now)
    }

    fn of(document: Document, now: UnixTime) -> Result<Self, ConfigErrors> {
        let suite = decode::decode(&document, now)?;
        let base = Path::new(document.name()).parent().unwrap_or_else(|| Path::new(""));
        let config = suite.config.as_ref().map(|(config, _)| base.join(config));
        Ok(Self { document, suite, config })
    }

    /// The name of the file.
    #[must_use]
    pub fn name(&self) -> &str {
        self.document.name()
    }

    /// The problem that the configuration which it names can't be read, for that reason.
    #[must_use]
    pub fn unreadable_config(&self, reason: &str) -> Option<ConfigErrors> {
        let (config, place) = self.suite.config.as_ref()?;
        let mut bag = Bag::default();
        let message = format!("the configuration {} can't be read: {reason}", quoted(&config.display().to_string()));
        bag.push(Problem::error(place, message).help("`config` names a configuration, relative to this file"));
        Some(self.document.problems(bag))
    }
}

/// What is tested: what of a configuration decides about requests.
#[derive(Debug)]
pub struct Subject {
    /// Which request needs what.
    pub policy: Policy,
    /// Whose tokens are taken.
    pub issuers: Vec<IssuerRules>,
    /// What goes upstream.
    pub identity: IdentityHeaders,
}

/// Tests that are ready to run.
#[derive(Debug)]
pub struct Session {
    config: String,
    stage: Stage,
    tests: Vec<Prepared>,
    filtered_out: usize,
}

impl Session {
    /// The tests of these files whose names contain the filter. `config` is what to call the configuration.
    ///
    /// # Errors
    /// Problems that show only beside the configuration, file by file.
    pub fn new(
        config: &str,
        subject: Subject,
        files: Vec<TestFile>,
        filter: Option<&str>,
    ) -> Result<Self, Vec<ConfigErrors>> {
        let stage = Stage::new(subject.policy, subject.issuers, &subject.identity);
        let names = Names::of(&stage);
        let (mut tests, mut filtered_out) = (Vec::new(), 0_usize);
        let mut minted = Minted::default();
        let mut broken = Vec::new();
        for TestFile { document, suite, .. } in files {
            let mut bag = Bag::default();
            for case in suite.cases {
                // One that is left out is looked at all the same: a filter hides no problem.
                let is_wanted = filter.is_none_or(|text| case.name.contains(text));
                let Some(prepared) = prepare(&mut bag, case, &names, &stage, &mut minted) else { continue };
                if is_wanted {
                    tests.push(prepared);
                } else {
                    filtered_out = filtered_out.saturating_add(1);
                }
            }
            let problems = document.problems(bag);
            if problems.has_errors() {
                broken.push(problems);
            }
        }
        if broken.is_empty() { Ok(Self { config: config.to_owned(), stage, tests, filtered_out }) } else { Err(broken) }
    }

    /// How many tests there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tests.len()
    }

    /// Whether there is none: then nothing can fail.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    /// Runs every test.
    #[must_use]
    pub fn run(&self) -> Report {
        let mut observer = Observer::new(self.stage.policy());
        let mut outcomes = Vec::with_capacity(self.tests.len());
        for prepared in &self.tests {
            let ran = run(prepared, &self.stage);
            if let (true, Some(answered)) = (ran.mismatches.is_empty(), &ran.answered) {
                observer.take(answered);
            }
            outcomes.push(self.outcome(prepared, ran));
        }
        Report {
            config: self.config.clone(),
            errors: Vec::new(),
            tests: outcomes,
            filtered_out: self.filtered_out,
            coverage: observer.finish(),
            mutation: None,
        }
    }

    fn outcome(&self, prepared: &Prepared, ran: Ran) -> Outcome {
        let case = &prepared.case;
        let hit = ran.answered.as_ref().and_then(|answered| answered.rule.as_ref());
        let passed = ran.mismatches.is_empty();
        Outcome {
            name: case.name.clone(),
            file: case.file.to_string(),
            line: case.line,
            passed,
            found: ran.answered.as_ref().map_or_else(String::new, compare::decision),
            rule: hit.map(|hit| hit.id.clone()),
            rule_written_at: hit.map(|hit| hit.written_at.clone()).filter(|at| !at.is_empty()),
            explain: if passed { None } else { explain_line(&self.config, prepared) },
            mismatches: ran.mismatches,
        }
    }

    /// Tries every mutant of the policy on the tests that it can change. `progress` is told how many are done, of how
    /// many. To be asked only if every test passes.
    pub fn mutate(&self, progress: &mut dyn FnMut(usize, usize)) -> Mutation {
        let policy = self.stage.policy();
        let routes = policy.routes();
        let (mutants, left_out) = mutants(policy, &routes);
        let decided_by: Vec<Option<Arc<str>>> =
            self.tests.iter().map(|prepared| rule_of(&run(prepared, &self.stage))).collect();
        let mut mutation = Mutation { left_out, ..Mutation::default() };
        for (done, mutant) in mutants.iter().enumerate() {
            progress(done, mutants.len());
            let concerned = self.concerned(mutant, &decided_by);
            // A change of access always makes a policy: without a test it needs not be made.
            let changed = if concerned.is_empty() && !mutant.moves_requests() {
                None
            } else {
                let Some(changed) = mutant.policy(policy, &routes) else { continue };
                Some(changed)
            };
            mutation.tried = mutation.tried.saturating_add(1);
            let fails = |stage: &Stage| concerned.iter().any(|test| !run(test, stage).mismatches.is_empty());
            if changed.is_some_and(|changed| fails(&self.stage.with_policy(changed))) {
                mutation.noticed = mutation.noticed.saturating_add(1);
            } else {
                mutation.survivors.push(Survivor {
                    rule: mutant.rule.to_string(),
                    written_at: mutant.rule.written_at().to_owned(),
                    change: mutant.change.clone(),
                });
            }
        }
        progress(mutants.len(), mutants.len());
        mutation
    }

    /// The tests that a mutant can change, those first that it changes most likely.
    fn concerned(&self, mutant: &Mutant, decided_by: &[Option<Arc<str>>]) -> Vec<&Prepared> {
        let tests = || self.tests.iter().zip(decided_by);
        let is_its = |rule: &Option<Arc<str>>| rule.as_ref().is_some_and(|rule| **rule == *mutant.rule.as_str());
        let own = tests().filter(|(_, rule)| is_its(rule));
        let others = tests().filter(|(_, rule)| !is_its(rule) && (rule.is_none() || mutant.moves_requests()));
        own.chain(others).map(|(prepared, _)| prepared).collect()
    }
}

/// Runs the tests of these files against a configuration that is about to be used. Red if one fails, if a file can't be
/// read, and if there are no tests at all.
#[must_use]
pub fn run_for(config: &str, subject: Subject, files: &[PathBuf], now: UnixTime) -> Report {
    let (mut opened, mut errors) = (Vec::new(), Vec::new());
    for path in files {
        match TestFile::open(path, now) {
            Ok(file) => opened.push(file),
            Err(problems) => errors.push(problems),
        }
    }
    if errors.is_empty() && opened.is_empty() {
        errors.push(no_tests(config));
    }
    if errors.is_empty() {
        match Session::new(config, subject, opened, None) {
            Ok(session) => return session.run(),
            Err(broken) => errors = broken,
        }
    }
    Report { config: config.to_owned(), errors, ..Report::default() }
}

fn no_tests(config: &str) -> ConfigErrors {
    ConfigErrors::single(config, Problem::error(&Place::Nowhere, "there are no test files"))
}

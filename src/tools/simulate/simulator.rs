//! A whole engine, offline: the one of `serve`, with keys made here and a clock that each request sets.

mod credentials;
mod keyring;

use std::{
    collections::HashMap,
    future::Future,
    hash::RandomState,
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio_util::task::TaskTracker;

use self::keyring::Keyring;
use super::{
    mint::MintError,
    request::{Ask, Message, Recipe},
    response::{Answered, JudgedCondition, RuleHit, RuleRef},
};
use crate::{
    clock::Clock,
    ext_authz::{
        envoy_view::{self, Read},
        response::{Answer, Replies},
        service::{Decided, Engine, Observer},
    },
    keystore::store::KeyStore,
};
use portcullis_engine::{
    answer::identity::IdentityHeaders,
    authorizer::{Authorizer, RequestAttributes},
    jwt::{evidence::Evidence, issuer_rules::IssuerRules, verified_token::VerifiedToken},
    keys::{key_set::KeySet, lookup::KeyLookup as _},
    oauth::{access_token::AccessToken, credentials::Credentials as Shown},
    policy::{
        Policy,
        condition::Condition,
        rule::{Access, Rule},
    },
    reason::{DenyReason, RequestFault},
    request::target::RequestTarget,
    time::UnixTime,
    token_cache::cached_verifier::CachedVerifier,
};
use tokio::time::Instant;

/// Why a request could not be tried: never its own fault, nor the policy's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StageError {
    /// No token could be made.
    #[error(transparent)]
    Mint(#[from] MintError),
    /// The engine waited, with nothing to wait for, or gave no answer: a bug.
    #[error("the engine gave no answer: this is a bug, please report it")]
    NoAnswer,
    /// The answer names another rule than the policy: a bug.
    #[error("the answer and the policy name different rules: this is a bug, please report it")]
    Disagree,
}

/// The engine, and what it stands on.
pub struct Stage {
    engine: Engine,
    keyring: Arc<Keyring>,
    clock: Arc<ChosenClock>,
    rules: HashMap<String, RuleRef>,
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage").field("engine", &self.engine).finish_non_exhaustive()
    }
}

/// The time that a request chooses, and whose turn it is: two requests have two times.
#[derive(Debug, Default)]
struct ChosenClock {
    millis: AtomicI64,
    turn: Mutex<()>,
}

impl Clock for ChosenClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_millis(self.millis.load(Ordering::SeqCst))
    }
}

struct NoObserver;

impl Observer for NoObserver {
    fn decided(&self, _: &Decided<'_>) {}

    fn accept_failed(&self, _: &io::Error) {}
}

impl Stage {
    /// The engine that `serve` would run with this policy, these issuers and these identity headers, with other keys.
    #[must_use]
    pub fn new(policy: Policy, issuers: impl IntoIterator<Item = IssuerRules>, identity: &IdentityHeaders) -> Self {
        let keyring = Arc::new(Keyring::new(issuers));
        Self::over(
            policy,
            CachedVerifier::new(keyring.rules().cloned(), RandomState::new()),
            Replies::new(identity),
            keyring,
        )
    }

    /// An engine with real keys, which somebody else fetches into that store: for [`Self::ask_live`].
    #[must_use]
    pub fn live(
        policy: Policy,
        issuers: impl IntoIterator<Item = IssuerRules>,
        identity: &IdentityHeaders,
        keys: Arc<KeyStore>,
    ) -> Self {
        let keyring = Arc::new(Keyring::over(issuers, keys));
        Self::over(
            policy,
            CachedVerifier::new(keyring.rules().cloned(), RandomState::new()),
            Replies::new(identity),
            keyring,
        )
    }

    /// The same with another policy: the keys, the issuers and the tokens already verified stay.
    #[must_use]
    pub fn with_policy(&self, policy: Policy) -> Self {
        let verifier = self.engine.authorizer.verifier().clone();
        Self::over(policy, verifier, self.engine.replies.clone(), Arc::clone(&self.keyring))
    }

    fn over(policy: Policy, verifier: CachedVerifier, replies: Replies, keyring: Arc<Keyring>) -> Self {
        let rules = policy.rules().enumerate().map(|(at, rule)| (rule.id.to_string(), RuleRef::Route(at)));
        let default = policy.default_rule().map(|rule| (rule.id.to_string(), RuleRef::Default));
        let named = policy.named().map(|(name, rule)| (rule.id.to_string(), RuleRef::Named(name.to_owned())));
        let rules = rules.chain(named).chain(default).collect();
        let clock = Arc::new(ChosenClock::default());
        let engine = Engine {
            revision: "rehearsal".into(),
            authorizer: Authorizer::new(policy, verifier),
            keys: keyring.store(),
            replies,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            observer: Arc::new(NoObserver),
            in_flight: TaskTracker::new(),
        };
        Self { engine, keyring, clock, rules }
    }

    /// The keys of an issuer that are here now, if any may be used.
    #[must_use]
    pub fn published_keys(&self, issuer: &str) -> Option<Arc<KeySet>> {
        self.keyring.store().at(Instant::now()).current(issuer).map(|snapshot| snapshot.set)
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        self.engine.authorizer.policy()
    }

    /// The issuers, in the order of the configuration.
    pub fn issuers(&self) -> impl Iterator<Item = &IssuerRules> {
        self.keyring.rules()
    }

    /// The rules of one issuer.
    #[must_use]
    pub fn rules_of(&self, issuer: &str) -> Option<&IssuerRules> {
        self.keyring.rules_of(issuer)
    }

    /// The configured issuer that the token of an ask names, if it is there and can be read.
    #[must_use]
    pub fn issuer_of(&self, ask: &Ask) -> Option<String> {
        self.keyring.issuer_of(&ask.message)
    }

    /// The rule that decides about a request, as the engine finds it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn select(&self, request: &RequestAttributes<'_>) -> Result<&Rule, DenyReason> {
        self.engine.authorizer.select(request)
    }

    /// The token of a recipe.
    ///
    /// # Errors
    /// [`MintError`].
    pub fn mint(&self, recipe: &Recipe) -> Result<String, MintError> {
        self.keyring.mint(recipe)
    }

    /// Returns what the log says about a token that was denied for that reason.
    #[must_use]
    pub fn evidence(&self, token: AccessToken<'_>, reason: DenyReason) -> Evidence {
        self.engine.authorizer.verifier().evidence(token, reason)
    }

    /// The answer to a request, and what it was found on.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn ask(&self, ask: &Ask) -> Result<Answered, StageError> {
        let message = self.keyring.shown(ask)?;
        // One request at a time: the clock is all that requests share.
        let _turn = self.clock.turn.lock();
        self.clock.millis.store(ask.at.as_millis(), Ordering::SeqCst);
        let answer = self.check(message.encode()).ok_or(StageError::NoAnswer)?;
        let read = envoy_view::read(answer).ok_or(StageError::NoAnswer)?;
        self.found_on(read, &message, ask.at)
    }

    /// The answer to a request with real keys, which may be waited for. Its credentials are those of the message.
    ///
    /// # Errors
    /// [`StageError`].
    pub async fn ask_live(&self, ask: &Ask, wait: Duration) -> Result<Answered, StageError> {
        self.clock.millis.store(ask.at.as_millis(), Ordering::SeqCst);
        let answer = self.engine.check(ask.message.encode(), wait).await;
        let read = envoy_view::read(answer).ok_or(StageError::NoAnswer)?;
        self.found_on(read, &ask.message, ask.at)
    }

    /// The engine's answer. Keys that came with the engine are never waited for, so it comes at once.
    fn check(&self, message: Bytes) -> Option<Answer> {
        let checked = pin!(self.engine.check(message, Duration::ZERO));
        match checked.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }

    /// What an answer was found on, by asking the engine's parts what they told it.
    fn found_on(&self, read: Read, message: &Message, at: UnixTime) -> Result<Answered, StageError> {
        let reason = read.metadata.get("reason").and_then(|reason| reason.as_str()).unwrap_or_default().to_owned();
        let heard = message.heard();
        // The engine never reads a message that is too large, so no rule decides about it.
        let is_too_large = DenyReason::from_code(&reason) == Some(RequestFault::TooLarge.into());
        let request = heard.judged().ok().filter(|_| !is_too_large);
        let rule = request.as_ref().and_then(|request| self.select(request).ok());
        let named = read.metadata.get("rule").and_then(|rule| rule.as_str());
        if rule.map(|rule| rule.id.as_str()) != named {
            return Err(StageError::Disagree);
        }
        let token = match (rule, &request) {
            (Some(rule), Some(request)) if !rule.ignores_credentials() => self.verified(request, at),
            _ => None,
        };
        let conditions = match (rule, &token, &request) {
            (Some(rule), Some(token), Some(request)) => conditions(rule, token, &request.target),
            _ => Vec::new(),
        };
        Ok(Answered {
            allowed: read.allowed,
            status: read.status,
            headers: read.headers,
            body: read.body,
            deny: if read.allowed { None } else { Some(DenyReason::from_code(&reason).ok_or(StageError::NoAnswer)?) },
            reason,
            rule: rule.map(|rule| self.hit(rule, request.as_ref())),
            set: read.set,
            removed: read.removed,
            metadata: read.metadata,
            conditions,
            token,
        })
    }

    fn verified(&self, request: &RequestAttributes<'_>, at: UnixTime) -> Option<Arc<VerifiedToken>> {
        let Ok(Shown::Bearer(token)) = Shown::parse(request.authorization.iter().copied()) else { return None };
        let keys: &KeyStore = &self.engine.keys;
        self.engine.authorizer.verifier().verify(token, &keys.at(Instant::now()), at).ok()
    }

    fn hit(&self, rule: &Rule, request: Option<&RequestAttributes<'_>>) -> RuleHit {
        let is = self.rules.get(rule.id.as_str()).cloned().unwrap_or(RuleRef::Default);
        let pattern = match &is {
            RuleRef::Route(_) => request.and_then(|request| self.policy().deciding_pattern(&request.target).ok()?),
            RuleRef::Named(_) | RuleRef::Default => None,
        };
        RuleHit {
            id: rule.id.to_string(),
            written_at: rule.id.written_at().to_owned(),
            is,
            host: pattern.map(|(host, _)| host.to_string()),
            path: pattern.map(|(_, path)| path.to_string()),
        }
    }
}

/// What a rule asks, each with whether the token meets it.
fn conditions(rule: &Rule, token: &VerifiedToken, target: &RequestTarget) -> Vec<JudgedCondition> {
    let Access::Token(requirement) = &rule.access else { return Vec::new() };
    let judged = |(index, condition): (usize, Condition<'_>)| JudgedCondition {
        index,
        text: condition.to_string(),
        reason: condition.reason(),
        met: condition.is_met_by(token, target),
    };
    requirement.conditions().enumerate().map(judged).collect()
}

#[cfg(test)]
mod tests;

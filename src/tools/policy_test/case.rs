//! A policy test as it is written: one request, its credentials, and what must come of it.

use std::{path::PathBuf, sync::Arc};

use serde_json::{Map, Value};

use super::fault::Fault;
use crate::document::tree::Place;
use portcullis_engine::{keys::algorithm::Algorithm, reason::DenyReason, time::UnixTime};

/// A file of tests.
#[derive(Debug)]
pub(crate) struct Suite {
    /// The configuration that it names, as it is written there, and where that stands.
    pub(crate) config: Option<(PathBuf, Place)>,
    /// Its tests, tables written out.
    pub(crate) cases: Vec<Case>,
}

/// One test.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// What it is called, its table's name in front.
    pub(crate) name: String,
    /// The file it stands in.
    pub(crate) file: Arc<str>,
    /// Its line there, from 1.
    pub(crate) line: usize,
    /// What is sent.
    pub(crate) request: Arc<Request>,
    /// With which credentials.
    pub(crate) token: Arc<Token>,
    /// When.
    pub(crate) time: UnixTime,
    /// What must come of it.
    pub(crate) expect: Arc<Expectation>,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Its method.
    pub(crate) method: String,
    /// Its host.
    pub(crate) host: String,
    /// Its path, with the query.
    pub(crate) path: String,
    /// Its headers.
    pub(crate) headers: Vec<(String, String)>,
    /// The named policy that Envoy's route chooses, and where that stands.
    pub(crate) policy: Option<(String, Place)>,
}

/// The credentials of a request.
#[derive(Clone, Debug)]
pub(crate) enum Token {
    /// None.
    None,
    /// A whole `authorization` header.
    Raw(String),
    /// A token that is made for the test, and where that stands.
    Made(Box<Recipe>, Place),
}

/// How a token is made: what is not said is what the issuer's rules ask for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recipe {
    /// What is wrong with it.
    pub(crate) fault: Option<Fault>,
    /// Whose token it is, and where that stands. The first issuer's, if nothing is said.
    pub(crate) issuer: Option<(String, Place)>,
    /// For whom, in place of the issuer's first audience.
    pub(crate) audience: Option<Vec<String>>,
    /// Its scopes.
    pub(crate) scopes: Option<Vec<String>>,
    /// Its `sub`.
    pub(crate) subject: Option<String>,
    /// Its client.
    pub(crate) client_id: Option<String>,
    /// Seconds from the test's time to `exp`.
    pub(crate) expires_in: Option<i64>,
    /// Seconds from `iat` to the test's time.
    pub(crate) age: Option<i64>,
    /// Claims, over all the above; `null` takes one away.
    pub(crate) claims: Map<String, Value>,
    /// Header parameters; `null` takes one away.
    pub(crate) header: Map<String, Value>,
    /// The algorithm it is signed with.
    pub(crate) alg: Option<Algorithm>,
}

/// What must come of a request.
#[derive(Clone, Debug)]
pub(crate) struct Expectation {
    /// Whether it may pass.
    pub(crate) allowed: bool,
    /// The HTTP status of the denial.
    pub(crate) status: Option<u16>,
    /// Its reason.
    pub(crate) reason: Option<DenyReason>,
    /// The rule that decides, by its id, and where that stands.
    pub(crate) rule: Option<(String, Place)>,
    /// Headers of the denial.
    pub(crate) headers: Vec<(String, TextTest)>,
    /// Headers that go to the upstream.
    pub(crate) upstream: Vec<(String, TextTest)>,
    /// The denial's body.
    pub(crate) body: Option<TextTest>,
}

/// What a text must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TextTest {
    /// This.
    Equals(String),
    /// Something with each of these in it.
    Contains(Vec<String>),
    /// Not there.
    Absent,
}

impl TextTest {
    /// Whether that is what was found.
    pub(crate) fn is_met_by(&self, found: Option<&str>) -> bool {
        match (self, found) {
            (Self::Equals(wanted), Some(found)) => wanted == found,
            (Self::Contains(parts), Some(found)) => parts.iter().all(|part| found.contains(part.as_str())),
            (Self::Absent, found) => found.is_none(),
            (Self::Equals(_) | Self::Contains(_), None) => false,
        }
    }
}

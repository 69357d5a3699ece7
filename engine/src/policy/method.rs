//! Methods of requests and of rules.

use std::{borrow::Cow, fmt};

use crate::{limits, reason::RequestFault};

/// The methods that servers know: those of IANA's HTTP Method Registry, and others that Node.js has in `http.METHODS`, by which
/// Express dispatches. `PRI` and `*` of the registry are no methods of requests.
const COMMON: [&str; 44] = [
    // RFC 9110 and RFC 5789.
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "CONNECT",
    "TRACE",
    // WebDAV: RFC 4918.
    "COPY",
    "MOVE",
    "MKCOL",
    "PROPFIND",
    "PROPPATCH",
    "LOCK",
    "UNLOCK",
    // Bindings, redirects, order, rights, searches and calendars: RFC 5842, 4437, 3648, 3744, 5323 and 4791.
    "BIND",
    "REBIND",
    "UNBIND",
    "MKREDIRECTREF",
    "UPDATEREDIRECTREF",
    "ORDERPATCH",
    "ACL",
    "SEARCH",
    "MKCALENDAR",
    // Versions: RFC 3253.
    "BASELINE-CONTROL",
    "CHECKIN",
    "CHECKOUT",
    "LABEL",
    "MERGE",
    "MKACTIVITY",
    "MKWORKSPACE",
    "REPORT",
    "UNCHECKOUT",
    "UPDATE",
    "VERSION-CONTROL",
    // RFC 2068.
    "LINK",
    "UNLINK",
    // Node.js, not registered: caches, UPnP.
    "PURGE",
    "M-SEARCH",
    "NOTIFY",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "SOURCE",
];

/// The methods that no rule admits but one that names it: they ask for a tunnel, or they act on a second resource, which the
/// request names elsewhere than in its path. COPY and MOVE have it in a header (RFC 4918), those of RFC 5842 (BIND, REBIND,
/// UNBIND) and of RFC 3253 in the body.
const NAMED: [&str; 10] =
    ["CONNECT", "COPY", "MOVE", "BIND", "REBIND", "UNBIND", "MERGE", "UPDATE", "VERSION-CONTROL", "BASELINE-CONTROL"];

/// A method: a token of RFC 9110 section 9.1, case-sensitive.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Method(Cow<'static, str>);

impl Method {
    /// `GET`.
    pub const GET: Self = Self(Cow::Borrowed("GET"));
    /// `HEAD`.
    pub const HEAD: Self = Self(Cow::Borrowed("HEAD"));

    /// The method of that text.
    ///
    /// # Errors
    /// [`RequestFault::Method`] if it is not a token, or longer than [`limits::METHOD_CHARS`].
    pub fn parse(text: &str) -> Result<Self, RequestFault> {
        // A match compares lengths, and then words: no call of a comparison for each.
        let common = match text {
            "GET" => "GET",
            "POST" => "POST",
            "PUT" => "PUT",
            "PATCH" => "PATCH",
            "DELETE" => "DELETE",
            "HEAD" => "HEAD",
            "OPTIONS" => "OPTIONS",
            _ => return Self::parse_rare(text),
        };
        Ok(Self(Cow::Borrowed(common)))
    }

    fn parse_rare(text: &str) -> Result<Self, RequestFault> {
        let is_token = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
        if text.is_empty() || text.len() > limits::METHOD_CHARS || !is_token {
            return Err(RequestFault::Method);
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }

    /// Says whether the text is one of the methods that servers know, in any case.
    #[must_use]
    pub fn is_common(text: &str) -> bool {
        COMMON.iter().any(|common| common.eq_ignore_ascii_case(text))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Says whether no rule admits the method but one that names it: CONNECT, and those that act on a second resource. In any
    /// case.
    #[must_use]
    pub fn must_be_named(&self) -> bool {
        match &self.0 {
            // One of those that `parse` knows.
            Cow::Borrowed(_) => false,
            Cow::Owned(text) => NAMED.iter().any(|name| name.eq_ignore_ascii_case(text)),
        }
    }

    /// Whether it asks for a tunnel. In any case: a backend may not be as strict about it as RFC 9110 is.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.0.eq_ignore_ascii_case("CONNECT")
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The methods of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Methods {
    /// Every method but those that have to be named, such as CONNECT.
    Any,
    /// These, and HEAD with GET (RFC 9110 section 9.3.2) unless another rule of the same pattern names it.
    Only(MethodSet),
}

/// Methods without order and duplicates; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodSet(Vec<Method>);

impl Methods {
    /// These methods, or `None` if there are none.
    pub fn only(methods: impl IntoIterator<Item = Method>) -> Option<Self> {
        let mut methods: Vec<Method> = methods.into_iter().collect();
        methods.sort_unstable();
        methods.dedup();
        (!methods.is_empty()).then_some(Self::Only(MethodSet(methods)))
    }

    /// The names of methods that are listed; none if every method is meant.
    pub(super) fn names(&self) -> Vec<String> {
        match self {
            Self::Any => Vec::new(),
            Self::Only(set) => set.as_slice().iter().map(|method| method.as_str().to_owned()).collect(),
        }
    }
}

impl MethodSet {
    /// The methods in byte order.
    #[must_use]
    pub fn as_slice(&self) -> &[Method] {
        &self.0
    }
}

/// Which rule of one pattern admits which method. A rule is known here by its place in the policy's list.
#[derive(Clone, Debug, Default)]
pub(super) struct MethodTable {
    pub(super) named: Vec<(Method, usize)>,
    pub(super) any: Option<usize>,
}

/// A method that two rules of one pattern both claim.
#[derive(Debug)]
pub(super) struct Overlap {
    pub(super) first: usize,
    /// The method, or `None` for all that are not named.
    pub(super) method: Option<Method>,
}

impl MethodTable {
    /// Adds a rule, unless another one claims one of its methods.
    pub(super) fn add(&mut self, methods: &Methods, rule: usize) -> Result<(), Overlap> {
        match methods {
            Methods::Any => {
                if let Some(first) = self.any {
                    return Err(Overlap { first, method: None });
                }
                // Any does not admit methods that have to be named, so a rule for those alone stands beside it.
                if let Some((method, first)) = self.named.iter().find(|(method, _)| !method.must_be_named()) {
                    return Err(Overlap { first: *first, method: Some(method.clone()) });
                }
                self.any = Some(rule);
            }
            Methods::Only(set) => {
                for method in set.as_slice() {
                    let by_any = self.any.filter(|_| !method.must_be_named());
                    if let Some(first) = self.naming(method).or(by_any) {
                        return Err(Overlap { first, method: Some(method.clone()) });
                    }
                }
                self.named.extend(set.as_slice().iter().map(|method| (method.clone(), rule)));
            }
        }
        Ok(())
    }

    /// The rule that admits the method.
    pub(super) fn admitting(&self, method: &Method) -> Option<usize> {
        let by_get = || (*method == Method::HEAD).then(|| self.naming(&Method::GET)).flatten();
        self.naming(method).or_else(by_get).or_else(|| self.any.filter(|_| !method.must_be_named()))
    }

    /// The rule that admits methods which no rule names.
    pub(super) fn admitting_others(&self) -> Option<usize> {
        self.any
    }

    /// The methods that rules name.
    pub(super) fn names(&self) -> impl Iterator<Item = &Method> {
        self.named.iter().map(|(method, _)| method)
    }

    fn naming(&self, method: &Method) -> Option<usize> {
        self.named.iter().find(|(named, _)| named == method).map(|(_, rule)| *rule)
    }
}

#[cfg(test)]
mod tests;

//! The methods of rules.

use crate::request::method::Method;

/// The methods of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Methods {
    /// Every method but those that have to be named, such as CONNECT.
    Any,
    /// The listed methods, and HEAD with GET (RFC 9110 section 9.3.2) unless another rule of the same pattern names it.
    Only(MethodSet),
}

/// Methods without order and duplicates; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodSet(Vec<Method>);

impl Methods {
    /// Makes the methods of a list, or `None` of an empty one.
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

/// The rules of one pattern by the methods that they admit. A rule is known here by its place in the policy's list.
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

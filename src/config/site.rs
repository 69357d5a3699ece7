//! The parts of an Envoy configuration that a problem is about: a listener, one of its filter chains, one of its routes, and
//! the Kubernetes resource that they belong to.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::{
    document::{kind::Part, suggest::quoted},
    printable,
};

/// A Kubernetes resource, an extension provider of Istio's or a file, by its kind and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Resource {
    kind: String,
    name: Option<String>,
}

impl Resource {
    pub(crate) fn new(kind: &str, name: Option<&str>) -> Self {
        let printed = |text: &str| printable::one_line(text).into_owned();
        Self { kind: printed(kind), name: name.map(printed) }
    }

    /// Returns the kind: `SecurityPolicy`, `pod`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns the name: that of a pod has its namespace before it.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        self.name.as_ref().map_or(Ok(()), |name| write!(f, " {}", quoted(name)))
    }
}

/// A place in the structure of an Envoy configuration, by names. A part without a name has its number, from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Site {
    /// The Kubernetes resource or file, where the parts of several are looked at.
    resource: Option<Resource>,
    /// The listener, by its name, or by its address where it has none.
    listener: Option<String>,
    /// The filter chain, if the listener has several.
    chain: Option<String>,
    /// The number of the filter chain: control planes give several the same name.
    number: Option<usize>,
    /// The virtual host, the route or the weighted cluster.
    route: Option<String>,
}

impl Site {
    /// A listener, and one of its filter chains if it has several.
    pub(crate) fn of_listener(listener: &str, chain: Option<(usize, &str)>) -> Self {
        let printed = |text: &str| printable::one_line(text).into_owned();
        let (number, chain) = chain.unzip();
        Self { resource: None, listener: Some(printed(listener)), chain: chain.map(printed), number, route: None }
    }

    /// A Kubernetes resource as a whole.
    pub(crate) fn of_resource(resource: &Resource) -> Self {
        Self { resource: Some(resource.clone()), ..Self::default() }
    }

    /// Returns this part as one of a resource.
    pub(crate) fn within(&self, resource: &Resource) -> Self {
        Self { resource: Some(resource.clone()), ..self.clone() }
    }

    /// A route of this listener.
    pub(crate) fn with_route(&self, route: &str) -> Self {
        Self { route: Some(printable::one_line(route).into_owned()), ..self.clone() }
    }

    /// Returns this part of any filter chain.
    pub(crate) fn without_chain(&self) -> Self {
        Self { chain: None, number: None, ..self.clone() }
    }

    /// Says whether both are of one listener, and of different filter chains.
    pub(crate) fn is_other_chain(&self, other: &Self) -> bool {
        self.listener == other.listener && self.number != other.number
    }

    /// Returns the Kubernetes resource or file that it belongs to, where that is named.
    #[must_use]
    pub const fn resource(&self) -> Option<&Resource> {
        self.resource.as_ref()
    }

    /// Returns the name of the listener.
    #[must_use]
    pub fn listener(&self) -> Option<&str> {
        self.listener.as_deref()
    }

    /// Returns the filter chain, if the listener has several.
    #[must_use]
    pub fn chain(&self) -> Option<&str> {
        self.chain.as_deref()
    }

    /// Returns the virtual host, the route or the weighted cluster.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        self.route.as_deref()
    }

    /// Returns the names that it has.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let resource = self.resource().and_then(Resource::name);
        [resource, self.listener(), self.chain(), self.route()].into_iter().flatten()
    }

    /// Says whether nothing is known of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.resource.is_none() && self.names().next().is_none()
    }
}

impl Part for Site {
    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn word_for(&self, others: &[Self]) -> &'static str {
        if others.iter().all(|other| other.is_other_chain(self)) { "chain" } else { "place" }
    }
}

/// A site in JSON.
#[derive(Serialize)]
struct SiteMembers<'s> {
    /// The kind of the Kubernetes resource: `SecurityPolicy`, `pod`.
    resource_kind: Option<&'s str>,
    /// The name of the Kubernetes resource.
    resource: Option<&'s str>,
    /// The name of the listener, or its address where it has none.
    listener: Option<&'s str>,
    /// The name or number of the filter chain, if the listener has several.
    chain: Option<&'s str>,
    /// The virtual host, the route or the weighted cluster.
    route: Option<&'s str>,
}

impl Serialize for Site {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let resource = self.resource();
        let members = SiteMembers {
            resource_kind: resource.map(Resource::kind),
            resource: resource.and_then(Resource::name),
            listener: self.listener(),
            chain: self.chain(),
            route: self.route(),
        };
        members.serialize(serializer)
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "";
        if let Some(resource) = &self.resource {
            write!(f, "{resource}")?;
            before = ", ";
        }
        for (word, name) in [("listener", &self.listener), ("chain", &self.chain), ("route", &self.route)] {
            let Some(name) = name else { continue };
            let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
            let name = if is_number { name.clone() } else { quoted(name) };
            write!(f, "{before}{word} {name}")?;
            before = ", ";
        }
        Ok(())
    }
}

//! The names of all lints. A name is stable: it is in the documentation, in the output for editors, and in `--allow`.

use std::fmt;

use crate::document::kind::Code;

macro_rules! lints {
    ($($(#[doc = $about:literal])+ $lint:ident = $name:literal,)*) => {
        /// A kind of problem with a name of its own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Lint { $($(#[doc = $about])+ $lint,)* }

        impl Lint {
            /// All of them, in alphabetical order.
            pub const ALL: &[Self] = &[$(Self::$lint,)*];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$lint => $name,)* }
            }

            /// The lint of that name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|lint| lint.name() == name)
            }

            /// What it finds.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Self::$lint => concat!($($about,)+).trim_start(),)* }
            }
        }
    };
}

lints! {
    /// A claim that providers fill with an array is compared as a single value.
    ArrayClaim = "array-claim",
    /// Two lists of audiences differ in a trailing slash or in case only.
    AudienceSpelling = "audience-spelling",
    /// A claim with a dot in its name: it leads into no other claim.
    ClaimPath = "claim-path",
    /// Expired tokens stay valid for more than a minute.
    ClockTolerance = "clock-tolerance",
    /// Access tokens of Amazon Cognito have no `aud`.
    CognitoAudience = "cognito-audience",
    /// Two patterns match a common request, and neither is the more specific one: an error.
    CrossingPatterns = "crossing-patterns",
    /// Two patterns differ in case or needless escapes only: an error.
    DiffersInCase = "differs-in-case",
    /// A route takes `%2F` as data; an error where it opens everything below a path, or has no place for data.
    EncodedSlashes = "encoded-slashes",
    /// No token of Microsoft Entra that the API gets can have this audience.
    EntraAudience = "entra-audience",
    /// A scope is written as clients of Microsoft Entra ask for it, not as its tokens have it.
    EntraScope = "entra-scope",
    /// Envoy asks, or checks health, with an `:authority` that no server accepts: an error.
    EnvoyAuthority = "envoy-authority",
    /// Envoy refuses requests without asking while many others are under way.
    EnvoyCircuitBreakers = "envoy-circuit-breakers",
    /// Envoy's filter names a cluster that does not exist, or none: an error.
    EnvoyCluster = "envoy-cluster",
    /// Envoy lets requests pass whenever Portcullis does not answer: an error.
    EnvoyFailOpen = "envoy-fail-open",
    /// Envoy's ext_authz filter is off unless a route switches it on; an error if none does.
    EnvoyFilterDisabled = "envoy-filter-disabled",
    /// A filter of Envoy's stands on the wrong side of ext_authz.
    EnvoyFilterOrder = "envoy-filter-order",
    /// Envoy sets a header that carries an identity after the decision.
    EnvoyForgedIdentity = "envoy-forged-identity",
    /// Envoy's limit of headers leaves no room for those that Portcullis adds.
    EnvoyHeaderCount = "envoy-header-count",
    /// Envoy does not see that an instance of Portcullis hangs or is about to stop.
    EnvoyHealthChecks = "envoy-health-checks",
    /// Envoy keeps headers from Portcullis that it must judge or remove; an error for the token's.
    EnvoyHiddenHeaders = "envoy-hidden-headers",
    /// Envoy may route hosts with a port or a trailing dot elsewhere; an error if the policy says that it strips them.
    EnvoyHosts = "envoy-hosts",
    /// Envoy asks by HTTP in place of gRPC; an error where it asks Portcullis.
    EnvoyHttpService = "envoy-http-service",
    /// Envoy ignores the headers that Portcullis sets and removes.
    EnvoyMutationRules = "envoy-mutation-rules",
    /// Nothing in the file could be looked at, or not the settings of a filter.
    EnvoyNothingChecked = "envoy-nothing-checked",
    /// Envoy asks about some requests only.
    EnvoyPartlyEnabled = "envoy-partly-enabled",
    /// Envoy does not normalise paths, or refuses some that the policy takes.
    EnvoyPaths = "envoy-paths",
    /// Envoy reaches Portcullis on another machine in the clear.
    EnvoyPlaintext = "envoy-plaintext",
    /// The cluster of Portcullis does not speak HTTP/2: an error.
    EnvoyProtocol = "envoy-protocol",
    /// Envoy joins repeated headers before Portcullis sees them.
    EnvoyRawHeaders = "envoy-raw-headers",
    /// Envoy sends request bodies, which Portcullis does not read.
    EnvoyRequestBody = "envoy-request-body",
    /// Envoy does not send a Check again whose connection breaks, or too late.
    EnvoyRetries = "envoy-retries",
    /// Envoy chooses the route again after the decision.
    EnvoyRouteCache = "envoy-route-cache",
    /// A route or virtual host of Envoy's switches the check off.
    EnvoyRouteDisabled = "envoy-route-disabled",
    /// Anyone who reaches Envoy's admin page can change its runtime, and with it which requests are checked.
    EnvoyRuntime = "envoy-runtime",
    /// Envoy asks, and lets denied requests pass all the same: an error.
    EnvoyShadowMode = "envoy-shadow-mode",
    /// Envoy knows one instance of Portcullis.
    EnvoySingleEndpoint = "envoy-single-endpoint",
    /// A matcher of Envoy's, or a composite filter, has the filter run for some requests only.
    EnvoySkipped = "envoy-skipped",
    /// Clients of Envoy are blamed when Portcullis does not answer.
    EnvoyStatusOnError = "envoy-status-on-error",
    /// TCP connections reach an API that checked routes lead to, without any check.
    EnvoyTcpProxy = "envoy-tcp-proxy",
    /// Envoy waits too short a time for an answer, or too long.
    EnvoyTimeout = "envoy-timeout",
    /// Envoy reaches Portcullis by TLS, and takes any certificate for its own.
    EnvoyTlsUnverified = "envoy-tls-unverified",
    /// Envoy takes tokens out of requests before Portcullis sees them.
    EnvoyTokenTaken = "envoy-token-taken",
    /// Envoy does not ask Portcullis where requests come in; an error if it does so nowhere.
    EnvoyUnchecked = "envoy-unchecked",
    /// Envoy lets header names with `_` pass, which many backends take for others.
    EnvoyUnderscores = "envoy-underscores",
    /// A route of Envoy's chooses a policy that does not exist: an error.
    EnvoyUnknownPolicy = "envoy-unknown-policy",
    /// Upgraded requests pass filters of Envoy's without ext_authz.
    EnvoyUpgrade = "envoy-upgrade",
    /// The keys of an issuer are fetched from a host that a route names.
    IssuerBehindGate = "issuer-behind-gate",
    /// The issuer is not the one that this provider's tokens and metadata name.
    IssuerMismatch = "issuer-mismatch",
    /// A key file can't be read yet.
    KeyFile = "key-file",
    /// The default takes a token, and a pattern for every path leaves nothing to it.
    NeverDefault = "never-default",
    /// A rule that no token, or no request, can meet.
    NeverMet = "never-met",
    /// The org authorization server of Okta signs with keys that it does not publish.
    OktaOrgServer = "okta-org-server",
    /// A path that matches as it is spelt only.
    OneSpelling = "one-spelling",
    /// Every path that no other route covers is open.
    OpenToAll = "open-to-all",
    /// A pattern with `/**` is open, and below it named paths need a token.
    OpenWildcard = "open-wildcard",
    /// A value is still to be filled in; an error where it can't be used at all.
    Placeholder = "placeholder",
    /// Keys come over plain http from another machine.
    PlainHttp = "plain-http",
    /// A listener can be reached from other machines.
    ReachableListener = "reachable-listener",
    /// Two routes are for the same requests: an error.
    SameRequests = "same-requests",
    /// A scope is a word away from another one by a single typing error, or by case.
    ScopeSpelling = "scope-spelling",
    /// A scope with a comma or a star in it, which are compared as they are.
    ScopeSyntax = "scope-syntax",
    /// A rule takes requests from one for more hosts that asks for something else; an error if it asks for less.
    Shadowing = "shadowing",
    /// An audience that tokens for other APIs have as well.
    SharedAudience = "shared-audience",
    /// A method that clients do not send.
    UnusualMethod = "unusual-method",
    /// A shared secret can be guessed: a pattern, too few different bytes, or a placeholder.
    WeakSecret = "weak-secret",
    /// Every user of the machine may write or replace a file with keys or a secret.
    WritableKeyFile = "writable-key-file",
}

impl Lint {
    /// Says whether it finds ways on which requests pass without a decision, changed after one, or by that of another
    /// service.
    #[must_use]
    pub const fn lets_pass(self) -> bool {
        matches!(
            self,
            Self::EnvoyFailOpen
                | Self::EnvoyFilterDisabled
                | Self::EnvoyFilterOrder
                | Self::EnvoyForgedIdentity
                | Self::EnvoyHiddenHeaders
                | Self::EnvoyHttpService
                | Self::EnvoyMutationRules
                | Self::EnvoyPartlyEnabled
                | Self::EnvoyPlaintext
                | Self::EnvoyRouteCache
                | Self::EnvoyRouteDisabled
                | Self::EnvoyRuntime
                | Self::EnvoyShadowMode
                | Self::EnvoySkipped
                | Self::EnvoyTcpProxy
                | Self::EnvoyTlsUnverified
                | Self::EnvoyUnchecked
                | Self::EnvoyUpgrade
        )
    }
}

impl Code for Lint {
    fn name(self) -> &'static str {
        self.name()
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case_in_order_and_said_in_a_sentence() {
        assert!(Lint::ALL.is_sorted_by_key(|lint| lint.name()));
        for lint in Lint::ALL {
            let name = lint.name();
            assert!(
                name.split('-').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase())),
                "{name}"
            );
            assert!(lint.about().ends_with('.') && !lint.about().starts_with(' '), "{name}");
        }
    }
}

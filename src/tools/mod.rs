//! The tools that people use on a configuration without a running service. Nothing here decides anything: [`simulate`] asks
//! the very engine that serves, [`explain`] says why it answered so, [`policy_test`] runs the tests of a policy, and
//! [`envoy_lint`] reads the configuration of the proxy in front.

pub mod envoy_lint;
pub mod explain;
pub mod policy_test;
pub mod simulate;

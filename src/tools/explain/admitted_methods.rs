//! The methods that the policy has a rule for on a path.

use crate::tools::simulate::simulator::Stage;
use portcullis_engine::request::{method::Method, target::RequestTarget};

/// The usual methods that the policy has a rule for, by asking it.
pub(super) fn admitted_methods(stage: &Stage, target: &RequestTarget) -> Vec<&'static str> {
    const USUAL: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let admits = |name: &&str| {
        let Ok(method) = Method::parse(name) else { return false };
        stage.policy().select(&RequestTarget { method, ..target.clone() }).is_ok()
    };
    USUAL.into_iter().filter(admits).collect()
}

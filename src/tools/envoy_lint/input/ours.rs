//! The configuration of Portcullis, given in place of Envoy's.

use crate::{
    config::{error::Problem, schema::FILE},
    document::tree::{Node, Place},
    tools::envoy_lint::read,
};

/// Says whether a file is a configuration of Portcullis: it has one of its fields. `tests` is one of policy tests as well.
pub(crate) fn is_ours(root: &Node) -> bool {
    FILE.iter().any(|field| field.name != "tests" && read::field(root, field.name).is_some())
}

/// The problem of a configuration of Portcullis where one of Envoy is expected.
pub(crate) fn problem(root: &Node) -> Problem {
    let place = read::entries(root).first().map_or(&Place::Nowhere, |entry| &entry.place);
    Problem::error(place, "this is a configuration of Portcullis, not of Envoy").help(
        "to check it write `portcullis check portcullis.yaml`; `--envoy` takes the file of Envoy, and the one of Portcullis goes \
         behind it: `portcullis check --envoy ENVOY_FILE portcullis.yaml`",
    )
}

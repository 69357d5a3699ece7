//! The `binaryData` of a ConfigMap, in base64: files of Envoy's can be there as well, and are not read.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::unread_words::unseen_words;
use crate::{
    document::tree::{Entry, Node},
    tools::envoy_lint::read,
};

/// Gives words for each entry in which one of these signs stands. `map` are words for the ConfigMap.
pub(super) fn unseen(root: &Node, signs: &[&str], map: &str) -> Vec<String> {
    let entries = read::value(root, "binaryData").map_or(&[][..], read::entries);
    let may_hold =
        |entry: &&Entry| decoded(&entry.node).is_some_and(|bytes| signs.iter().any(|sign| has(&bytes, sign)));
    entries.iter().filter(may_hold).map(|entry| unseen_words(&entry.key, map)).collect()
}

/// Decodes the text of an entry, which may be on several lines.
fn decoded(node: &Node) -> Option<Vec<u8>> {
    let text: String = read::as_text(node)?.split_ascii_whitespace().collect();
    BASE64_STANDARD.decode(text).ok()
}

fn has(bytes: &[u8], sign: &str) -> bool {
    bytes.windows(sign.len()).any(|window| window == sign.as_bytes())
}

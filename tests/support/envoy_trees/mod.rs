//! Small Envoy configurations made of bytes: listeners, filters, routes and runtime layers of the shapes that decide whether a
//! request is checked. The fuzz target and the comparison with a real Envoy share them.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::expect_used,
    reason = "each user takes its part"
)]

mod checks;
mod clusters;
mod listeners;
mod others;
pub mod removal;
mod routes;

use std::{collections::VecDeque, net::SocketAddr};

use serde_json::{Value, json};

/// The number of bytes that a seed gives: more than a configuration takes.
const SEED_BYTES: usize = 512;

/// Choices that bytes make, one each. Without bytes the first of all possibilities is taken.
#[derive(Debug)]
pub struct Choices(VecDeque<u8>);

impl Choices {
    /// Returns choices that these bytes make.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.iter().copied().collect())
    }

    /// Returns choices that the seed alone makes, by way of SplitMix64.
    pub fn from_seed(seed: u64) -> Self {
        let mut state = seed;
        let next = std::iter::repeat_with(|| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            (mixed ^ (mixed >> 31)).to_le_bytes()
        });
        Self(next.flatten().take(SEED_BYTES).collect())
    }

    /// Chooses a number below that one.
    pub fn below(&mut self, count: usize) -> usize {
        self.0.pop_front().map_or(0, usize::from) % count.max(1)
    }

    /// Chooses yes once in so many times.
    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }

    /// Chooses one of them.
    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// The surroundings of a configuration: its addresses, and the names that only it has.
#[derive(Clone, Debug)]
pub struct Site {
    /// The end of each name, so that several configurations can be put together.
    pub suffix: String,
    /// The address of the first listener; each further one has the next port.
    pub first: SocketAddr,
    pub api: SocketAddr,
    pub authorizer: SocketAddr,
    pub admin: SocketAddr,
    /// Takes also shapes that an Envoy could only serve with a control plane, or would refuse.
    pub is_wide: bool,
}

impl Site {
    fn name(&self, base: &str) -> String {
        format!("{base}{}", self.suffix)
    }
}

/// The most listeners that a configuration has.
pub const MAX_LISTENERS: usize = 3;

/// Makes a bootstrap file.
pub fn bootstrap(choices: &mut Choices, site: &Site) -> Value {
    let count = choices.pick(&[1, 1, 1, 2, 2, MAX_LISTENERS]);
    let listeners: Vec<Value> = (0..count).map(|index| listeners::listener(choices, site, index)).collect();
    let mut tree = json!({
        "static_resources": { "listeners": listeners, "clusters": clusters::clusters(choices, site) },
        "layered_runtime": { "layers": layers(choices, site) },
    });
    if site.is_wide {
        let host = choices.pick(&["127.0.0.1", "0.0.0.0"]);
        tree["admin"] = json!({ "address": socket(host, site.admin.port()) });
        if choices.one_in(6) {
            let layers = tree["layered_runtime"]["layers"].as_array_mut();
            layers.expect("a list").push(json!({ "name": "admin", "admin_layer": {} }));
        }
    }
    tree
}

/// Up to two layers that may switch checks off or on.
fn layers(choices: &mut Choices, site: &Site) -> Vec<Value> {
    let count = choices.pick(&[0, 0, 1, 2]);
    let layer = |choices: &mut Choices, index: usize| {
        let (share, deny) = (site.name("share"), site.name("deny"));
        let values = match choices.below(6) {
            0 => json!({ format!("{share}.percent"): 0 }),
            1 => json!({ format!("{share}.percent"): 100 }),
            2 => json!({ &share: { "percent": 0 } }),
            3 => json!({ format!("{share}.percent"): { "numerator": 0, "denominator": "HUNDRED" } }),
            4 => json!({ format!("{deny}.on"): false, format!("{share}.percent"): 0 }),
            _ => json!({ &deny: { "on": choices.one_in(2) } }),
        };
        json!({ "name": format!("layer-{index}"), "static_layer": values })
    };
    (0..count).map(|index| layer(choices, index)).collect()
}

fn socket(host: &str, port: u16) -> Value {
    json!({ "socket_address": { "address": host, "port_value": port } })
}

fn address(address: SocketAddr) -> Value {
    socket(&address.ip().to_string(), address.port())
}

/// A message of that type, with its fields.
fn message(kind: &str, fields: Value) -> Value {
    let mut message = json!({ "@type": format!("type.googleapis.com/{kind}") });
    if let (Some(message), Value::Object(fields)) = (message.as_object_mut(), fields) {
        message.extend(fields);
    }
    message
}

/// An HTTP filter of that type.
fn filter(name: &str, kind: &str, fields: Value) -> Value {
    json!({ "name": name, "typed_config": message(&format!("envoy.extensions.filters.http.{kind}"), fields) })
}

//! "Good" is a promise: `check --envoy` does not say it where a real Envoy lets a request pass without having asked.
//!
//! Portcullis does not listen here, so that a request which Envoy asks about gets an error, and one that reaches the API has passed
//! unchecked. All configurations run in one Envoy, with ports and names of their own.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    envoy_trees::{self, Choices, MAX_LISTENERS, Site},
    envoy_verdict::{Judged, Verdict, judge},
    support::{
        envoy::Envoy,
        process::{free_port, nobody, own_address},
    },
    upstream,
};

const CONFIGURATIONS: u16 = 400;
/// The most configurations of which it is said that requests may pass, while none of the probes does.
const MAX_FALSE_ALARMS: usize = 15;
/// The least number of configurations of each kind, so that the comparison says something.
const LEAST_OF_A_KIND: usize = 100;
/// A header that the upstream repeats in its answer.
const MARK: &str = "x-probe";

#[tokio::test]
async fn a_configuration_that_lets_a_request_pass_unchecked_is_never_called_good() {
    let upstream = upstream().await;
    let first = own_address();
    let admin = SocketAddr::new(first.ip(), free_port());
    let tree = |index: u16| {
        let port = first.port() + index * u16::try_from(MAX_LISTENERS).unwrap();
        let site = Site {
            suffix: format!("-{index}"),
            first: SocketAddr::new(first.ip(), port),
            api: upstream.addr(),
            authorizer: nobody(),
            admin,
            is_wide: false,
        };
        envoy_trees::bootstrap(&mut Choices::from_seed(index.into()), &site)
    };
    let trees: Vec<Value> = (0..CONFIGURATIONS).map(tree).collect();
    let last = address(trees.iter().flat_map(listeners).last().unwrap());
    let _envoy = Envoy::start_whole(&combined(&trees, admin).to_string(), last, admin).await;
    let (mut good, mut passing) = (0, 0);
    let (mut broken, mut false_alarms) = (String::new(), Vec::new());
    for (index, tree) in trees.iter().enumerate() {
        let passed = passing_probes(&guarded_listeners(tree)).await;
        let judged = judge(&[(&tree.to_string(), "envoy.json")]);
        good += usize::from(is_called_good(&judged));
        passing += usize::from(!passed.is_empty());
        match (is_called_good(&judged), passed.is_empty()) {
            (true, false) => broken.push_str(&format!("{index}: {passed:?} passed, {judged:?}\n{tree:#}\n")),
            (false, true) => false_alarms.push(format!("{index}: {:?}", judged.findings)),
            _ => {}
        }
    }
    assert!(broken.is_empty(), "wrongly called good:\n{broken}");
    assert!(good.min(passing) >= LEAST_OF_A_KIND, "{good} are good, {passing} let requests pass");
    assert!(false_alarms.len() <= MAX_FALSE_ALARMS, "{} false alarms: {false_alarms:#?}", false_alarms.len());
}

fn is_called_good(judged: &Judged) -> bool {
    judged.verdict == Verdict::Good || (judged.verdict == Verdict::Unseen && judged.unseen.is_empty())
}

/// The listeners of a configuration.
fn listeners(tree: &Value) -> &[Value] {
    tree["static_resources"]["listeners"].as_array().unwrap()
}

fn address(listener: &Value) -> SocketAddr {
    let socket = &listener["address"]["socket_address"];
    format!("{}:{}", socket["address"].as_str().unwrap(), socket["port_value"]).parse().unwrap()
}

/// The addresses of the listeners for HTTP, and of those that pass TCP to where checked requests go as well: other servers may be
/// reached by TCP.
fn guarded_listeners(tree: &Value) -> Vec<SocketAddr> {
    let is_guarded = |cluster: &Value| {
        let name = format!("\"cluster\":{cluster}");
        let texts = listeners(tree).iter().map(Value::to_string);
        texts.filter(|text| text.contains("ext_authz.v3.ExtAuthz")).any(|text| text.contains(&name))
    };
    let is_meant = |listener: &&Value| {
        let network = &listener["filter_chains"][0]["filters"][0]["typed_config"];
        network.get("cluster").is_none_or(is_guarded)
    };
    listeners(tree).iter().filter(is_meant).map(address).collect()
}

/// One bootstrap file of all. The layers of each have keys of their own, so the first layers of all can be one, and the second ones.
fn combined(trees: &[Value], admin: SocketAddr) -> Value {
    let all = |name: &str| -> Vec<Value> {
        trees.iter().flat_map(|tree| tree["static_resources"][name].as_array().unwrap().clone()).collect()
    };
    let layer = |at: usize| {
        let layers = trees.iter().filter_map(|tree| tree["layered_runtime"]["layers"][at]["static_layer"].as_object());
        let merged: Map<String, Value> = layers.flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
        json!({ "name": format!("layer-{at}"), "static_layer": merged })
    };
    json!({
        "admin": { "address": { "socket_address": { "address": admin.ip().to_string(), "port_value": admin.port() } } },
        "static_resources": { "listeners": all("listeners"), "clusters": all("clusters") },
        "layered_runtime": { "layers": [layer(0), layer(1)] },
    })
}

/// Sends requests of each kind that a configuration may tell apart, and returns those that reached the API.
async fn passing_probes(listeners: &[SocketAddr]) -> Vec<String> {
    const CONNECTIONS: [&str; 3] =
        ["connection: close", "connection: close\r\nx-plan: free", "connection: upgrade\r\nupgrade: websocket"];
    let mut probes = Vec::new();
    for listener in listeners {
        for host in ["one.test", "two.test"] {
            for path in ["/a", "/b", "/c"] {
                for more in CONNECTIONS {
                    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{MARK}: 1\r\n{more}\r\n\r\n");
                    probes.push(async move { reaches_api(*listener, &request).await.then_some(request) });
                }
            }
        }
    }
    join_all(probes).await.into_iter().flatten().collect()
}

/// Tells whether the upstream has answered a request.
async fn reaches_api(listener: SocketAddr, request: &str) -> bool {
    let mut answer = Vec::new();
    let exchange = async {
        let mut stream = TcpStream::connect(listener).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        loop {
            let text = String::from_utf8_lossy(&answer);
            // Envoy may leave the connection open for a second after an answer of its own, which has no body.
            let has_no_body = text.starts_with("HTTP/1.1 204") || text.contains("content-length: 0\r\n");
            if has_no_body && text.contains("\r\n\r\n")
                || text.contains(MARK)
                || stream.read_buf(&mut answer).await.unwrap_or_default() == 0
            {
                break;
            }
        }
    };
    let is_over = tokio::time::timeout(Duration::from_secs(20), exchange).await.is_ok();
    let text = String::from_utf8_lossy(&answer);
    assert!(is_over, "{listener} does not answer {request:?} to its end: {text:?}");
    text.contains(MARK)
}

//! A name server for Envoy: every name has the same IPv4 addresses, which can change.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::{net::UdpSocket, task::JoinSet};

const A: [u8; 2] = [0, 1];

pub(crate) struct NameServer {
    address: SocketAddr,
    known: Arc<Mutex<Vec<Ipv4Addr>>>,
    _task: JoinSet<()>,
}

impl NameServer {
    pub(crate) async fn start(instances: &[SocketAddr]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let known = Arc::new(Mutex::new(Vec::new()));
        let mut task = JoinSet::new();
        let answers = Arc::clone(&known);
        task.spawn(async move {
            let mut query = [0; 512];
            while let Ok((length, asker)) = socket.recv_from(&mut query).await {
                let answer = answer(&query[..length], &answers.lock());
                socket.send_to(&answer, asker).await.unwrap();
            }
        });
        let server = Self { address, known, _task: task };
        server.set(instances);
        server
    }

    /// From now on these are what names stand for.
    pub(crate) fn set(&self, instances: &[SocketAddr]) {
        let ips = instances.iter().map(|instance| match instance.ip() {
            IpAddr::V4(ip) => ip,
            IpAddr::V6(ip) => panic!("{ip} is not IPv4"),
        });
        *self.known.lock() = ips.collect();
    }

    /// The field of a cluster with which Envoy asks this server.
    pub(crate) fn resolver(&self) -> String {
        format!(
            "      typed_dns_resolver_config:
        name: envoy.network.dns_resolver.cares
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig
          resolvers: [{{ socket_address: {{ address: {}, port_value: {} }} }}]
",
            self.address.ip(),
            self.address.port()
        )
    }
}

/// The answer to a query with one question, RFC 1035 section 4.
fn answer(query: &[u8], known: &[Ipv4Addr]) -> Vec<u8> {
    let name = query[12..].iter().position(|byte| *byte == 0).unwrap();
    let question = &query[12..12 + name + 5];
    let ips = if question[name + 1..name + 3] == A { known } else { &[] };
    let mut answer = query[..2].to_vec();
    answer.extend([0x81, 0x80, 0, 1, 0, u8::try_from(ips.len()).unwrap(), 0, 0, 0, 0]);
    answer.extend(question);
    for ip in ips {
        // The name of the question, type A, class IN, good for a second, four bytes.
        answer.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]);
        answer.extend(ip.octets());
    }
    answer
}

//! A real Envoy with the sample configuration, its ports replaced.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::{Child, Command},
};

use super::process::{free_port, own_address, tool};

const SAMPLE: &str = include_str!("../../envoy/envoy.yaml");

/// An Envoy that `make tools` brings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// The oldest one that the README calls supported.
    Oldest,
    /// The newest one, with which everything is tested.
    #[default]
    Newest,
}

impl Version {
    /// The path of the program.
    pub fn program(self) -> PathBuf {
        tool(match self {
            Self::Oldest => "bin/envoy-oldest",
            Self::Newest => "bin/envoy",
        })
    }
}

pub struct Envoy {
    pub address: SocketAddr,
    /// The address of its admin page.
    admin: SocketAddr,
    child: Child,
    dir: tempfile::TempDir,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case, repeated ones in order.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// What the sample upstream saw of a header.
    pub fn seen_upstream(&self, name: &str) -> Option<String> {
        let echo: serde_json::Value = serde_json::from_str(&self.body).ok()?;
        echo["headers"][name].as_str().map(str::to_owned)
    }
}

impl Envoy {
    /// Starts the sample in front of these two, with further textual changes, and waits until it listens.
    pub async fn start(portcullis: SocketAddr, upstream: SocketAddr, changes: &[(&str, &str)]) -> Self {
        Self::start_version(Version::default(), portcullis, upstream, changes).await
    }

    /// Starts an Envoy of that version.
    pub async fn start_version(
        version: Version,
        portcullis: SocketAddr,
        upstream: SocketAddr,
        changes: &[(&str, &str)],
    ) -> Self {
        let mut config = with_ports(SAMPLE, &[("9191", portcullis.port())]);
        for (from, to) in changes {
            assert!(config.contains(from), "the sample has no {from}");
            config = config.replace(from, to);
        }
        Self::run(version, &config, upstream).await
    }

    /// Starts a configuration whose listener, upstream and admin page have the ports of the sample.
    pub async fn start_text(config: &str, upstream: SocketAddr) -> Self {
        Self::run(Version::default(), config, upstream).await
    }

    async fn run(version: Version, config: &str, upstream: SocketAddr) -> Self {
        let address = own_address();
        let admin = SocketAddr::new(address.ip(), free_port());
        let listener = config.replace("0.0.0.0", &address.ip().to_string());
        let page = "      address: 127.0.0.1\n      port_value: 9901\n";
        assert!(listener.contains(page), "the sample has no admin page");
        let own = format!("      address: {}\n      port_value: 9901\n", admin.ip());
        let ports = [("10000", address.port()), ("8080", upstream.port()), ("9901", admin.port())];
        let config = with_ports(&listener.replace(page, &own), &ports);
        Self::run_at(version, &config, address, admin).await
    }

    /// Starts the newest Envoy with a configuration as it is, whose last listener and admin page have these addresses.
    pub async fn start_whole(config: &str, address: SocketAddr, admin: SocketAddr) -> Self {
        Self::run_at(Version::default(), config, address, admin).await
    }

    async fn run_at(version: Version, config: &str, address: SocketAddr, admin: SocketAddr) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("envoy.yaml");
        std::fs::write(&file, config).unwrap();
        let log = |name: &str| Stdio::from(std::fs::File::create(dir.path().join(name)).unwrap());
        let mut command = Command::new(version.program());
        command.arg("-c").arg(&file).args(["--concurrency", "1", "--disable-hot-restart", "-l", "warning"]);
        let child = command.stdin(Stdio::null()).stdout(log("access.log")).stderr(log("envoy.log"));
        let child = child.kill_on_drop(true).spawn().unwrap();
        let mut envoy = Self { address, admin, child, dir };
        envoy.until_listening().await;
        envoy
    }

    async fn until_listening(&mut self) {
        for _ in 0..600 {
            if TcpStream::connect(self.address).await.is_ok() {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("Envoy ended with {status}:\n{}", self.log("envoy.log"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("Envoy does not listen after thirty seconds:\n{}", self.log("envoy.log"));
    }

    /// A counter or gauge of its statistics; 0 where it does not have it yet.
    pub async fn stat(&self, name: &str) -> u64 {
        let page = reqwest::get(format!("http://{}/stats?filter=^{name}$", self.admin)).await.unwrap();
        let text = page.text().await.unwrap();
        text.trim().rsplit_once(": ").map_or(0, |(_, value)| value.parse().unwrap())
    }

    /// Returns all of its statistics, as Prometheus gets them.
    pub async fn metrics(&self) -> String {
        reqwest::get(format!("http://{}/stats/prometheus", self.admin)).await.unwrap().text().await.unwrap()
    }

    /// What it wrote.
    pub fn log(&self, name: &str) -> String {
        read(self.dir.path(), name)
    }

    /// The entry of the access log with that path, once it is written.
    pub async fn access_log(&self, path: &str) -> serde_json::Value {
        for _ in 0..300 {
            let log = self.log("access.log");
            let entries = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            if let Some(entry) = entries.into_iter().find(|entry| entry["path"] == path) {
                return entry;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no entry for {path} in:\n{}", self.log("access.log"));
    }

    /// Sends a request byte by byte as given: no client library tidies it up.
    pub async fn raw(&self, request: impl AsRef<[u8]>) -> Answer {
        let exchange = async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(request.as_ref()).await.unwrap();
            let mut bytes = Vec::new();
            // A reset after the answer is an answer too.
            let _ = stream.read_to_end(&mut bytes).await;
            bytes
        };
        let bytes = tokio::time::timeout(Duration::from_secs(20), exchange).await.unwrap();
        parse(&String::from_utf8_lossy(&bytes))
    }

    /// A request with these headers.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: api.example.com\r\nconnection: close\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        self.raw(request).await
    }

    /// A GET, with a token if there is one.
    pub async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<(&str, &str)> = bearer.iter().map(|value| ("authorization", value.as_str())).collect();
        self.send("GET", path, &headers).await
    }
}

/// The text with other ports, by way of names, so that no new port is taken for an old one.
fn with_ports(text: &str, ports: &[(&str, u16)]) -> String {
    let mut text = text.to_owned();
    for (old, _) in ports {
        let (from, to) = (format!("port_value: {old}\n"), format!("port_value: <{old}>\n"));
        assert!(text.contains(&from), "the sample has no port {old}");
        text = text.replace(&from, &to);
    }
    for (old, new) in ports {
        text = text.replace(&format!("<{old}>"), &new.to_string());
    }
    text
}

fn read(dir: &Path, name: &str) -> String {
    std::fs::read_to_string(dir.join(name)).unwrap_or_default()
}

fn parse(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = if chunked { unchunk(body) } else { body.to_owned() };
    Answer { status: status.unwrap_or_else(|| panic!("no answer in {text:?}")), headers, body }
}

fn unchunk(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole.push_str(rest.get(..size).unwrap());
        body = rest.get(size..).unwrap().trim_start_matches("\r\n");
        if size == 0 {
            break;
        }
    }
    whole
}

//! A real Envoy with a configuration of `envoy/`, its ports and timeout replaced.

use std::{
    collections::HashMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::process::Command;

use super::{Failure, http1, process::Program};

/// The time Envoy waits for Portcullis: long enough for a busy machine.
pub(crate) const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// The file of `envoy/` that the configuration is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sample {
    /// `envoy/envoy.yaml`, with one instance of Portcullis.
    One,
    /// `envoy/ha.yaml`, with two instances of Portcullis.
    Two,
}

/// A change of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Health checks every 2 s, and no retries.
    SlowHealthChecksOnly,
    /// No health checks: retries alone.
    RetriesOnly,
    /// A client may take back as many streams as it likes.
    NoResetLimit,
}

/// An entry of the access log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Logged {
    /// The value of `%RESPONSE_CODE_DETAILS%`.
    pub(crate) details: String,
    /// The value of `%RESPONSE_FLAGS%`.
    pub(crate) flags: String,
    /// The value of `%DURATION%`.
    pub(crate) took: Duration,
}

/// An Envoy that can be started again.
#[derive(Debug)]
pub(crate) struct Envoy {
    /// The address for clients.
    pub(crate) address: SocketAddr,
    admin: SocketAddr,
    binary: PathBuf,
    directory: PathBuf,
    starts: u32,
    program: Option<Program>,
}

impl Envoy {
    /// Writes the configuration. `addresses` are its own, its admin page's, and the upstream's.
    pub(crate) fn new(
        binary: &Path,
        directory: &Path,
        sample: Sample,
        changes: &[Change],
        addresses: [SocketAddr; 3],
        instances: &[SocketAddr],
    ) -> Result<Self, Failure> {
        let [address, admin, upstream] = addresses;
        let text = match sample {
            Sample::One => include_str!("../../envoy/envoy.yaml"),
            Sample::Two => include_str!("../../envoy/ha.yaml"),
        };
        let mut config: Value = serde_saphyr::from_str(text)?;
        place(&mut config, "/static_resources/listeners/0/address", address)?;
        place(&mut config, "/admin/address", admin)?;
        for (cluster, members) in [("portcullis", instances), ("upstream", &[upstream])] {
            let endpoints: Vec<Value> =
                members.iter().map(|member| json!({ "endpoint": { "address": socket(*member) } })).collect();
            let at = member(&mut config, "/static_resources/clusters", cluster)?;
            let place =
                at.pointer_mut("/load_assignment/endpoints/0/lb_endpoints").ok_or("a cluster without endpoints")?;
            *place = Value::Array(endpoints);
        }
        let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
        let log = at(&mut config, &format!("{manager}/access_log/0/typed_config/log_format/json_format"))?;
        *at(log, "")?.as_object_mut().ok_or("no access log")?.entry("chaos").or_insert(Value::Null) =
            json!("%REQ(X-CHAOS)%");
        let filter = member(&mut config, &format!("{manager}/http_filters"), "envoy.filters.http.ext_authz")?;
        let service = at(filter, "/typed_config/grpc_service")?;
        *at(service, "/timeout")? = json!("2s");
        // Envoy takes it for the time limit of each try, too.
        if let Some(interval) = service.pointer_mut("/retry_policy/retry_back_off/max_interval") {
            *interval = json!("2s");
        }
        for change in changes {
            apply(*change, manager, &mut config)?;
        }
        fs::write(directory.join("envoy.json"), serde_json::to_string_pretty(&config)?)?;
        Ok(Self { address, admin, binary: binary.into(), directory: directory.into(), starts: 0, program: None })
    }

    /// Starts it and waits until it listens.
    pub(crate) async fn start(&mut self) -> Result<(), Failure> {
        self.starts += 1;
        let file = |name: &str| fs::File::create(self.directory.join(name));
        let mut command = Command::new(&self.binary);
        command.arg("-c").arg(self.directory.join("envoy.json"));
        command.args(["--concurrency", "1", "--disable-hot-restart", "-l", "warning"]);
        command.stdout(file(&format!("access.{}.log", self.starts))?).stderr(file("envoy.log")?);
        let mut program = Program::start("Envoy", &mut command)?;
        for _ in 0..600 {
            if tokio::net::TcpStream::connect(self.address).await.is_ok() {
                self.program = Some(program);
                return Ok(());
            }
            if let Some(code) = program.ended()? {
                let log = fs::read_to_string(self.directory.join("envoy.log")).unwrap_or_default();
                return Err(format!("Envoy ended with {code}:\n{log}").into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("Envoy does not listen after thirty seconds".into())
    }

    /// Stops it, at once or after its connections; its access log is whole then.
    pub(crate) async fn stop(&mut self) -> Result<(), Failure> {
        if let Some(program) = self.program.take() {
            program.stop(Duration::from_secs(10)).await?;
        }
        Ok(())
    }

    /// Returns its process id while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.program.as_ref().map(Program::pid)
    }

    /// Returns its counters whose names contain one of these words, those of zero left out.
    pub(crate) async fn stats(&self, words: &[&str]) -> Vec<String> {
        let reply = http1::get(self.admin, "/stats?usedonly", Duration::from_secs(5)).await;
        let text = reply.map(|reply| String::from_utf8_lossy(&reply.body).into_owned()).unwrap_or_default();
        let lines = text.lines().filter(|line| words.iter().any(|word| line.contains(word)) && !line.ends_with(": 0"));
        lines.map(str::to_owned).collect()
    }

    /// Returns what the access logs say of every request that was not answered well, by its number.
    pub(crate) fn logged(&self) -> HashMap<u64, Logged> {
        let mut logged = HashMap::new();
        for start in 1..=self.starts {
            let text = fs::read(self.directory.join(format!("access.{start}.log"))).unwrap_or_default();
            for line in String::from_utf8_lossy(&text).lines() {
                let Ok(entry) = serde_json::from_str::<Value>(line) else { continue };
                let field = |name: &str| {
                    entry
                        .get(name)
                        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                        .unwrap_or_default()
                };
                if let Ok(number) = field("chaos").parse() {
                    let took = Duration::from_millis(field("duration_ms").parse().unwrap_or_default());
                    logged.insert(number, Logged { details: field("details"), flags: field("flags"), took });
                }
            }
        }
        logged
    }
}

fn apply(change: Change, manager: &str, config: &mut Value) -> Result<(), Failure> {
    match change {
        Change::SlowHealthChecksOnly => {
            let filter = member(config, &format!("{manager}/http_filters"), "envoy.filters.http.ext_authz")?;
            let service = at(filter, "/typed_config/grpc_service")?.as_object_mut().ok_or("no grpc_service")?;
            service.remove("retry_policy").ok_or("the sample has no retry_policy")?;
            let cluster = member(config, "/static_resources/clusters", "portcullis")?;
            for interval in ["interval", "no_traffic_interval"] {
                *at(cluster, &format!("/health_checks/0/{interval}"))? = json!("2s");
            }
        }
        Change::RetriesOnly => {
            let cluster = member(config, "/static_resources/clusters", "portcullis")?;
            let cluster = cluster.as_object_mut().ok_or("no cluster")?;
            cluster.remove("health_checks").ok_or("the sample has no health_checks")?;
        }
        Change::NoResetLimit => {
            let layer = json!({ "overload.premature_reset_total_stream_count": u32::MAX });
            let runtime = json!({ "layers": [{ "name": "static", "static_layer": layer }] });
            config.as_object_mut().ok_or("no configuration")?.insert("layered_runtime".to_owned(), runtime);
        }
    }
    Ok(())
}

fn socket(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}

fn at<'v>(value: &'v mut Value, pointer: &str) -> Result<&'v mut Value, Failure> {
    value.pointer_mut(pointer).ok_or_else(|| format!("the sample has no {pointer}").into())
}

fn place(config: &mut Value, pointer: &str, address: SocketAddr) -> Result<(), Failure> {
    *at(config, pointer)? = socket(address);
    Ok(())
}

/// Returns the item of a list that has that name.
fn member<'v>(config: &'v mut Value, list: &str, name: &str) -> Result<&'v mut Value, Failure> {
    let items = at(config, list)?.as_array_mut().ok_or_else(|| format!("{list} is no list"))?;
    let found = items.iter_mut().find(|item| item.get("name").and_then(Value::as_str) == Some(name));
    found.ok_or_else(|| format!("the sample has no {name} in {list}").into())
}

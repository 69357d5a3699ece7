//! `/metrics` as scrapers read it, and the page and the alerts that say what is in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::Arc,
    time::Duration,
};

use tokio::{io::AsyncWriteExt as _, process::Command};

use crate::{
    issuer_metrics::issuer_with_clock,
    support::{
        check::get,
        config, issuer,
        process::{fetched, nobody},
        scoped,
        service::TestService,
    },
};

const PAGE: &str = include_str!("../../docs/metrics.md");
const ALERTS: &str = include_str!("../../envoy/alerts.yaml");
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A service that has something to show in each metric: Checks of all kinds, an issuer that is well, one that is down, one whose
/// key has a name that must be escaped, and one whose key comes with the configuration.
async fn busy_service(dir: &Path) -> TestService {
    let secret = dir.join("secret");
    std::fs::write(&secret, "0123456789abcdef0123456789abcdef").unwrap();
    let issuer = issuer().await;
    let others = format!(
        "  - {{ issuer: 'http://{}/', audiences: [a] }}
  - {{ issuer: '{}', audiences: [a] }}
  - {{ issuer: 'https://secret.test/', audiences: [a], algorithms: [HS256], secret_file: '{}' }}
routes:
  - {{ path: /odd, access: public, id: 'a, {{b}} id' }}",
        nobody(),
        issuer_with_clock(Arc::default()).await,
        secret.display()
    );
    let keys_dir = format!("keys_dir: '{}'\n", dir.join("keys").display());
    let service = TestService::start(&(keys_dir + &config(issuer.issuer()).replace("routes:", &others))).await;
    while !scrape(&service, "text/plain").await.1.contains("\nportcullis_jwks_keys_saved{") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let client = service.client().await;
    let token = scoped(&issuer, "read:messages");
    for path in ["/odd", "/api/public", "/api/private", "/api/private-scoped", "/nowhere"] {
        client.send(&get(path)).await;
        client.send(&get(path).bearer(&token)).await;
        client.send(&get(path).bearer("opaque")).await;
    }
    issuer.shutdown().await;
    service
}

/// The metrics as a client gets them that accepts this.
async fn scrape(service: &TestService, accept: &str) -> (String, String) {
    let request = reqwest::Client::new().get(format!("http://{}/metrics", service.admin)).header("accept", accept);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["vary"], "accept");
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (kind, answer.text().await.unwrap())
}

/// Runs a program with that input.
async fn run(command: &mut Command, input: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that ends before it has read everything says why.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    child.wait_with_output().await.unwrap()
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)).join("")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_formats_are_read_by_real_parsers_and_say_the_same() {
    let (promtool, parsers) = (fetched("promtool", "bin/promtool"), fetched("prometheus-client", "prometheus-client"));
    let dir = tempfile::tempdir().unwrap();
    let service = busy_service(dir.path()).await;
    let mut texts: Vec<PathBuf> = Vec::new();
    for (accept, kind) in [(OPEN_METRICS, OPEN_METRICS), ("*/*", CLASSIC), (OPEN_METRICS, OPEN_METRICS)] {
        let (got, text) = scrape(&service, accept).await;
        assert_eq!(got, kind, "{accept}");
        let path = dir.path().join(texts.len().to_string());
        std::fs::write(&path, text).unwrap();
        texts.push(path);
    }
    let mut python = Command::new("python3");
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/metrics.py")).args(&texts);
    let output = run(python.env("PYTHONPATH", parsers).env("PYTHONDONTWRITEBYTECODE", "1"), "").await;
    assert!(output.status.success(), "{}", said(&output));
    let classic = std::fs::read_to_string(&texts[1]).unwrap();
    let output = run(Command::new(promtool).args(["check", "metrics"]), &classic).await;
    assert!(output.status.success() && said(&output).is_empty(), "{}\n{classic}", said(&output));
}

/// A metric as the page or the text describes it: its type, and its labels.
type Described = (String, BTreeSet<String>);

/// The rows of the tables of the page under "All metrics".
fn listed() -> BTreeMap<String, Described> {
    let (_, tables) = PAGE.split_once("\n## All metrics\n").unwrap();
    let code = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let mut all = BTreeMap::new();
    for line in tables.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [name] = &code(cells[1])[..] else { panic!("{line}") };
        let described = (cells[2].to_owned(), code(cells[3]).into_iter().collect());
        assert!(all.insert(name.clone(), described).is_none(), "{name} is listed twice");
        assert!(cells[4].len() > 1, "{name} has no meaning");
    }
    all
}

/// The type and the labels of a metric. Labels of one without any series are not known.
type Shown = (String, Option<BTreeSet<String>>);

/// The metrics of a classic text.
fn shown(text: &str) -> BTreeMap<String, Shown> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let mut all: BTreeMap<String, Shown> =
        types.map(|(name, kind)| (name.to_owned(), (kind.to_owned(), None))).collect();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let metric = base.filter(|base| all.contains_key(*base)).unwrap_or(name);
        // A value has no `="` in it: quotes are escaped.
        let names = labels.split("=\"").map(|part| part.rsplit(['{', ',']).next().unwrap().to_owned());
        let mut names: BTreeSet<String> = names.collect();
        names.retain(|name| !name.is_empty() && !name.ends_with('}') && name != "le");
        all.get_mut(metric).unwrap_or_else(|| panic!("{line} has no type")).1.get_or_insert_default().extend(names);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_lists_each_metric_that_there_is_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let service = busy_service(dir.path()).await;
    let (listed, shown) = (listed(), shown(&scrape(&service, "text/plain").await.1));
    let (on_page, there): (BTreeSet<_>, BTreeSet<_>) = (listed.keys().collect(), shown.keys().collect());
    let missing: Vec<_> = there.difference(&on_page).collect();
    assert!(missing.is_empty(), "not in docs/metrics.md: {missing:?}");
    let gone: Vec<_> = on_page.difference(&there).collect();
    assert!(gone.is_empty(), "in docs/metrics.md, but not in /metrics: {gone:?}");
    for (name, (kind, labels)) in shown {
        assert_eq!(listed[&name].0, kind, "type of {name}");
        // A build that was given no revision has no label for it.
        if let Some(labels) = labels.filter(|_| name != "portcullis_build_info") {
            assert_eq!(listed[&name].1, labels, "labels of {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn series_exist_from_the_start() {
    let service = TestService::start(&config(&format!("http://{}/", nobody()))).await;
    let (_, text) = scrape(&service, "text/plain").await;
    for (series, value) in [
        (format!(r#"portcullis_jwks_refresh_total{{issuer="http://{}/",outcome="success"}}"#, nobody()), "0"),
        (format!(r#"portcullis_jwks_refresh_total{{issuer="http://{}/",outcome="timeout"}}"#, nobody()), "0"),
        (format!(r#"portcullis_jwks_last_success_timestamp_seconds{{issuer="http://{}/"}}"#, nobody()), "0"),
        (format!(r#"portcullis_jwks_keys{{issuer="http://{}/"}}"#, nobody()), "0"),
        (r#"portcullis_config_reloads_total{outcome="success"}"#.to_owned(), "0"),
        (r#"portcullis_config_reloads_total{outcome="invalid"}"#.to_owned(), "0"),
        (r#"portcullis_keys_dir_failures_total{operation="write"}"#.to_owned(), "0"),
        (r#"portcullis_config_info{revision="environment"}"#.to_owned(), "1"),
    ] {
        assert!(text.contains(&format!("\n{series} {value}\n")), "{series} {value} not in:\n{text}");
    }
    let build = format!("\nportcullis_build_info{{version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&build), "{build} not in:\n{text}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_has_the_figures_that_every_dashboard_asks_for() {
    let service = TestService::start(&config(&format!("http://{}/", nobody()))).await;
    let (_, text) = scrape(&service, "text/plain").await;
    let value = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in:\n{text}")).parse().unwrap()
    };
    let resident = value("process_resident_memory_bytes");
    assert!(resident > 1e6 && resident < value("process_virtual_memory_bytes"), "{resident}");
    assert!(value("process_cpu_seconds_total") > 0.0 && value("process_threads") >= 2.0);
    assert!(value("process_open_fds") > 3.0 && value("process_open_fds") < value("process_max_fds"));
    let loaded = value("portcullis_config_loaded_timestamp_seconds");
    assert!(value("process_start_time_seconds") <= loaded + 2.0, "{loaded}");
}

/// The names of metrics in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| ["portcullis_", "process_"].iter().any(|prefix| word.starts_with(prefix))).collect()
}

#[test]
fn alerts_and_the_page_name_metrics_that_exist() {
    let listed = listed();
    let parts = ["", "_bucket", "_sum", "_count"];
    for name in names(ALERTS).into_iter().chain(names(PAGE)) {
        let is_listed = parts.iter().any(|part| listed.contains_key(name.strip_suffix(part).unwrap_or_default()));
        assert!(is_listed, "there is no {name}");
    }
    let alerts: BTreeSet<&str> = ALERTS.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let (_, table) = PAGE.split_once("\n## What to alert on\n").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `Portcullis")?.split_once('`'));
    let on_page: BTreeSet<String> = rows.map(|(name, _)| format!("Portcullis{name}")).collect();
    assert_eq!(alerts, on_page.iter().map(String::as_str).collect(), "the alerts of the page");
}

#[tokio::test]
async fn alert_rules_are_valid_and_fire_when_they_should() {
    let (promtool, root) = (fetched("promtool", "bin/promtool"), Path::new(env!("CARGO_MANIFEST_DIR")));
    for arguments in [["check", "rules", "envoy/alerts.yaml"], ["test", "rules", "tests/fixtures/alerts_test.yaml"]] {
        let output = run(Command::new(&promtool).args(arguments).current_dir(root), "").await;
        assert!(output.status.success(), "{}", said(&output));
    }
}

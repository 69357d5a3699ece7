//! The samples for Kubernetes: valid by its own schemas, and with parts that fit together.

use std::{path::PathBuf, process::Command};

use serde_json::{Value, json};

use crate::{envoy_faults::ha_by_name, lints::validate, support::process::tool};

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("envoy").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(sample(name)).unwrap()
}

fn objects(name: &str) -> Vec<Value> {
    text(name).split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap()).collect()
}

fn object(kind: &str, name: &str) -> Value {
    let found = objects("kubernetes.yaml").into_iter();
    let mut found = found.filter(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    found.next().unwrap_or_else(|| panic!("there is no {kind} {name}"))
}

/// Holds files against the schemas of those versions, which know no other fields: whether all are valid, and a line for each
/// object and version.
fn validated(files: &[PathBuf], versions: &[&str]) -> (bool, Vec<String>) {
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", tool("kubernetes-validate")).args(["-m", "kubernetes_validate", "--strict"]);
    for version in versions {
        command.args(["--kubernetes-version", version]);
    }
    let output = command.args(files).output().unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    (output.status.success(), said.lines().map(str::to_owned).collect())
}

#[test]
fn the_sample_is_valid_by_the_schemas_of_kubernetes() {
    let count = objects("kubernetes.yaml").len();
    // The oldest one that it is for, and the newest one there are schemas of.
    let (is_valid, said) = validated(&[sample("kubernetes.yaml")], &["1.30", "1.37"]);
    assert!(is_valid, "{said:#?}");
    assert_eq!(said.iter().filter(|line| line.starts_with("INFO")).count(), 2 * count, "each has a schema: {said:#?}");
    // Otherwise it would hold for nothing.
    let dir = tempfile::tempdir().unwrap();
    let faults = [
        ("failureThreshold: 3", "failureTreshold: 3"),
        ("minReadySeconds: 10", "minReadySeconds: soon"),
        ("unhealthyPodEvictionPolicy", "unhealthyPods"),
    ];
    let broken = faults.map(|(from, to)| {
        let file = dir.path().join(format!("{}.yaml", to.split(':').next().unwrap()));
        std::fs::write(&file, text("kubernetes.yaml").replacen(from, to, 1)).unwrap();
        file
    });
    let (is_valid, said) = validated(&broken, &["1.37"]);
    assert!(!is_valid);
    for file in broken {
        let error = format!("ERROR {} did not validate", file.display());
        assert!(said.iter().any(|line| line.starts_with(&error)), "{said:#?}");
    }
}

#[test]
fn the_deployment_survives_restarts_rollouts_and_drained_nodes() {
    let deployment = object("Deployment", "portcullis");
    let spec = &deployment["spec"];
    assert_eq!((&spec["minReadySeconds"], &spec["replicas"]), (&json!(10), &Value::Null));
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["terminationGracePeriodSeconds"], 40);
    assert_eq!(object("PriorityClass", pod["priorityClassName"].as_str().unwrap())["globalDefault"], Value::Null);
    for (constraint, key) in pod["topologySpreadConstraints"]
        .as_array()
        .unwrap()
        .iter()
        .zip(["kubernetes.io/hostname", "topology.kubernetes.io/zone"])
    {
        assert_eq!(constraint["topologyKey"], key);
        assert_eq!(constraint["matchLabelKeys"], json!(["pod-template-hash"]));
    }
    let [container] = pod["containers"].as_array().unwrap().as_slice() else { panic!("{pod}") };
    assert_eq!(container["readinessProbe"]["httpGet"], json!({ "path": "/readyz", "port": "admin" }));
    assert_eq!(container["livenessProbe"]["httpGet"], json!({ "path": "/healthz", "port": "admin" }));
    assert_eq!(container["livenessProbe"]["failureThreshold"], 3);
    let variable = |name: &str| {
        let all = container["env"].as_array().unwrap();
        all.iter().find(|variable| variable["name"] == name).unwrap()["value"].as_str().unwrap()
    };
    // Below the volume, which anybody may write to.
    let keys = pod["volumes"].as_array().unwrap().iter().find(|volume| !volume["emptyDir"].is_null()).unwrap();
    let mounts = container["volumeMounts"].as_array().unwrap();
    let mount = mounts.iter().find(|mount| mount["name"] == keys["name"]).unwrap();
    assert_ne!(mount["readOnly"], true);
    let below = variable("PORTCULLIS_KEYS_DIR").strip_prefix(mount["mountPath"].as_str().unwrap()).unwrap();
    assert_eq!(below, "/keys");
    let autoscaler = object("HorizontalPodAutoscaler", "portcullis");
    assert_eq!(autoscaler["spec"]["minReplicas"], 2);
    assert_eq!(autoscaler["spec"]["scaleTargetRef"]["name"], "portcullis");
    assert_eq!(object("PodDisruptionBudget", "portcullis")["spec"]["unhealthyPodEvictionPolicy"], "AlwaysAllow");
}

#[test]
fn what_selects_the_pods_finds_them() {
    let deployment = object("Deployment", "portcullis");
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    let ports = deployment["spec"]["template"]["spec"]["containers"][0]["ports"].as_array().unwrap().clone();
    let port = |name: &Value| ports.iter().find(|port| port["name"] == *name).unwrap_or_else(|| panic!("{name}"));
    let mut count = 0;
    for object in objects("kubernetes.yaml") {
        let spec = &object["spec"];
        let selectors = [&spec["selector"]["matchLabels"], &spec["podSelector"]["matchLabels"]];
        let of_service = (object["kind"] == "Service").then_some(&spec["selector"]);
        for selector in selectors.into_iter().chain(of_service).filter(|selector| !selector.is_null()) {
            assert_eq!(selector, labels, "{object}");
            count += 1;
        }
        for service_port in spec["ports"].as_array().into_iter().flatten() {
            // A headless one translates no ports.
            assert_eq!(port(&service_port["targetPort"])["containerPort"], service_port["port"]);
        }
        for rule in spec["ingress"].as_array().into_iter().flatten() {
            for admitted in rule["ports"].as_array().unwrap() {
                assert!(port(&admitted["port"]).is_object());
            }
        }
    }
    assert_eq!(count, 5, "a deployment, two services, a budget and a network policy");
    assert_eq!(object("Service", "portcullis-headless")["spec"]["clusterIP"], "None");
    let egress = object("NetworkPolicy", "portcullis")["spec"]["egress"].clone();
    let admitted: Vec<u64> = egress
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|rule| rule["ports"].as_array().unwrap().clone())
        .map(|port| port["port"].as_u64().unwrap())
        .collect();
    assert_eq!(admitted, [53, 53, 443]);
}

/// The operator's kinds have no schemas at hand: their shape is what its documentation says.
#[test]
fn prometheus_finds_the_pods() {
    let all = objects("kubernetes-monitoring.yaml");
    let monitor = all.iter().find(|object| object["kind"] == "ServiceMonitor").unwrap();
    assert_eq!(monitor["apiVersion"], "monitoring.coreos.com/v1");
    let headless = object("Service", "portcullis-headless");
    for (label, value) in monitor["spec"]["selector"]["matchLabels"].as_object().unwrap() {
        assert_eq!(headless["metadata"]["labels"][label], *value);
    }
    let label = monitor["spec"]["jobLabel"].as_str().unwrap();
    assert_eq!(headless["metadata"]["labels"][label], "portcullis", "the job that alerts are about");
    let [endpoint] = monitor["spec"]["endpoints"].as_array().unwrap().as_slice() else { panic!("{monitor}") };
    let ports = headless["spec"]["ports"].as_array().unwrap();
    assert!(ports.iter().any(|port| port["name"] == endpoint["port"]));
    assert_eq!(endpoint["path"], "/metrics");
}

/// The command that the sample prints makes the alerts an object of the operator's.
#[test]
fn the_operator_gets_the_alerts() {
    let sample = text("kubernetes-monitoring.yaml");
    let (_, command) = sample.split_once("#   (printf").unwrap();
    let (command, _) = command.split_once("| kubectl apply -f -").unwrap();
    let command = format!("(printf{}", command.replace("\n#", "\n"));
    let mut shell = Command::new("sh");
    let output = shell.args(["-c", &command]).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rule: Value = serde_saphyr::from_str(&String::from_utf8(output.stdout).unwrap()).unwrap();
    assert_eq!(rule["apiVersion"], "monitoring.coreos.com/v1");
    assert_eq!((&rule["kind"], &rule["metadata"]["name"]), (&json!("PrometheusRule"), &json!("portcullis")));
    let alerts: Value = serde_saphyr::from_str(&text("alerts.yaml")).unwrap();
    assert!(alerts["groups"].as_array().is_some_and(|groups| !groups.is_empty()));
    assert_eq!(rule["spec"], alerts);
}

#[test]
fn resources_of_other_controllers_have_their_shape() {
    for (name, kinds) in [
        ("istio.yaml", &["security.istio.io/v1 AuthorizationPolicy"][..]),
        ("envoy-gateway.yaml", &["gateway.envoyproxy.io/v1alpha1 SecurityPolicy"]),
        (
            "kubernetes-monitoring.yaml",
            &["monitoring.coreos.com/v1 ServiceMonitor", "monitoring.coreos.com/v1 PodMonitor"],
        ),
    ] {
        let all = objects(name);
        let found: Vec<String> = all
            .iter()
            .map(|object| format!("{} {}", object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap()))
            .collect();
        for kind in kinds {
            assert!(found.iter().any(|found| found == kind), "{name}: {found:?}");
        }
        for object in all {
            assert!(object["metadata"]["name"].is_string() && object["spec"].is_object(), "{name}: {object}");
        }
    }
}

#[test]
fn the_plain_envoy_asks_each_pod_and_is_the_one_for_two_instances_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let envoy = text("kubernetes-envoy.yaml");
    validate(dir.path(), "kubernetes-envoy", &envoy).unwrap();
    let mut expected: Value = serde_saphyr::from_str(&ha_by_name()).unwrap();
    let mut found: Value = serde_saphyr::from_str(&envoy).unwrap();
    let host = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address/address";
    for (index, name) in [(0, "portcullis-headless"), (1, "api")] {
        let place = format!("/static_resources/clusters/{index}");
        let address = found.pointer_mut(&format!("{place}{host}")).unwrap();
        assert_eq!(*address, format!("{name}.default.svc.cluster.local"));
        *address = Value::Null;
        *expected.pointer_mut(&format!("{place}{host}")).unwrap() = Value::Null;
        assert_eq!(found.pointer(&place).unwrap()["type"], "STRICT_DNS");
    }
    expected["static_resources"]["clusters"][1]["type"] = json!("STRICT_DNS");
    // Prometheus reaches the metrics of the admin port through a listener of their own.
    let listener = found["static_resources"]["listeners"].as_array_mut().unwrap().pop().unwrap();
    let cluster = found["static_resources"]["clusters"].as_array_mut().unwrap().pop().unwrap();
    let admin = &found["admin"]["address"];
    assert_eq!(&cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"], admin);
    assert_eq!(admin["socket_address"]["address"], "127.0.0.1");
    let manager = &listener["filter_chains"][0]["filters"][0]["typed_config"];
    let [route] = manager["route_config"]["virtual_hosts"][0]["routes"].as_array().unwrap().as_slice() else {
        panic!()
    };
    assert_eq!(
        (&route["match"], &route["route"]["cluster"]),
        (&json!({ "path": "/stats/prometheus" }), &cluster["name"])
    );
    let monitors = objects("kubernetes-monitoring.yaml");
    let monitor = monitors.iter().find(|object| object["kind"] == "PodMonitor").unwrap();
    let [endpoint] = monitor["spec"]["podMetricsEndpoints"].as_array().unwrap().as_slice() else { panic!("{monitor}") };
    assert_eq!(endpoint["path"], route["match"]["path"]);
    assert_eq!(endpoint["portNumber"], listener["address"]["socket_address"]["port_value"]);
    assert_eq!(found, expected);
    // Checks that cross the network in the clear: that is said, and nothing else. The listener for metrics reaches no API.
    let problems = portcullis::tools::envoy_lint::lint(&envoy, "kubernetes-envoy.yaml", None);
    let said: Vec<String> = problems.problems().map(ToString::to_string).collect();
    assert!(said.len() == 1 && said.iter().all(|said| said.contains("[envoy-plaintext]")), "{said:?}");
}

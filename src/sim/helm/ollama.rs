//! The charts `ollama` (a Deployment), `ollama-statefulset`, and `ollama-claims` (a Deployment with one claim for all pods, or
//! with a claim template in an old form).

use serde_json::{Value, json};

use super::chart::{ChartInstance, set_nonempty};
use super::claims;
use crate::sim::objects::devices::AMD_RESOURCE;
use crate::sim::objects::haproxy;

/// What of the values the simulator does not support. The scheduler knows no required affinity but to keep pods apart.
pub(super) fn find_unsupported(chart: &ChartInstance<'_>) -> Vec<String> {
    let mut lacks = chart.find_set_values(
        &["autoscaling.enabled", "ingress.enabled", "knative.enabled", "ollama.gpu.mig.enabled"],
        &[
            "extraEnvFrom",
            "lifecycle",
            "topologySpreadConstraints",
            "volumes",
            "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution",
            "affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution",
        ],
    );
    let containers = chart.value("initContainers").as_array().into_iter().flatten();
    let others = containers.filter(|container| !haproxy::is_sidecar(container));
    lacks.extend(others.map(|other| {
        let image = other["image"].as_str().unwrap_or_default();
        format!("an init container of image {image} (the value initContainers of chart {}): the simulator knows the rig's haproxy as a sidecar", chart.name)
    }));
    lacks.extend(claims::find_unsupported(chart));
    lacks
}

/// Where a model may be that the servers of a release do not pull or create when they start: a volume or an image of which the
/// simulator does not know the content.
pub(super) fn unknown_model_place(chart: &ChartInstance<'_>, model: &str) -> Option<String> {
    let lists = ["pull", "create", "run"].map(|list| chart.value(&format!("ollama.models.{list}")));
    let mut models = lists.into_iter().filter_map(Value::as_array).flatten();
    let without_latest = |name: &str| name.strip_suffix(":latest").unwrap_or(name).to_owned();
    let is_named = |one: &str| without_latest(one) == without_latest(model);
    if !chart.name.starts_with("ollama")
        || models.any(|entry| entry.as_str().or(entry["name"].as_str()).is_some_and(is_named))
    {
        return None;
    }
    let (claim, image) = (chart.string_value("persistentVolume.existingClaim"), chart.string_value("image.repository"));
    match (claim, image.ends_with("ollama/ollama")) {
        ("", true) => None,
        ("", false) => Some(format!("image {image}")),
        (claim, _) => Some(format!("volume claim {claim}")),
    }
}

pub(super) fn render(chart: &ChartInstance<'_>) -> Result<Vec<Value>, String> {
    Ok(match chart.name {
        "ollama" => deployment(chart),
        "ollama-claims" => claims_deployment(chart),
        _ => stateful_set(chart),
    })
}

fn claims_deployment(chart: &ChartInstance<'_>) -> Vec<Value> {
    let spec = json!({
        "replicas": chart.value("replicaCount"),
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": chart.selector_labels()},
        "template": pod_template(chart, "default"),
    });
    let mut all: Vec<Value> = claims::object(chart).into_iter().collect();
    all.push(chart.build_object("apps/v1", "Deployment", &chart.release.name, json!({"spec": spec})));
    all
}

fn deployment(chart: &ChartInstance<'_>) -> Vec<Value> {
    let name = chart.full_name();
    let (account, account_object) = chart.service_account();
    let mut template = pod_template(chart, &account);
    let pod = &mut template["spec"];
    let claim = match chart.string_value("persistentVolume.existingClaim") {
        "" => name.as_str(),
        claim => claim,
    };
    let volume = match chart.is_enabled("persistentVolume.enabled") {
        true => json!({"name": "ollama-data", "persistentVolumeClaim": {"claimName": claim}}),
        false => json!({"name": "ollama-data", "emptyDir": {}}),
    };
    pod["volumes"] = json!([volume]);
    let spec = json!({
        "replicas": chart.value("replicaCount"),
        "strategy": chart.value("updateStrategy"),
        "selector": {"matchLabels": chart.selector_labels()},
        "template": template,
    });
    let mut all: Vec<Value> = account_object.into_iter().chain(claims::object(chart)).collect();
    if chart.is_enabled("persistentVolume.enabled") && claim == name {
        all.push(volume_claim(chart, &name));
    }
    all.push(service(chart, &name));
    all.push(chart.build_object("apps/v1", "Deployment", &name, json!({"spec": spec})));
    all
}

fn stateful_set(chart: &ChartInstance<'_>) -> Vec<Value> {
    let name = &chart.release.name;
    let mut claim = json!({"metadata": {"name": "models"}, "spec": {
        "accessModes": chart.value("persistentVolume.accessModes"),
        "resources": {"requests": {"storage": chart.value("persistentVolume.size")}},
    }});
    set_nonempty(&mut claim["spec"], "storageClassName", chart.value("persistentVolume.storageClass"));
    let spec = json!({
        "replicas": chart.value("replicaCount"),
        "serviceName": name,
        "podManagementPolicy": chart.value("podManagementPolicy"),
        "selector": {"matchLabels": chart.selector_labels()},
        "template": pod_template(chart, "default"),
        "volumeClaimTemplates": [claim],
    });
    let headless = json!({"spec": {"clusterIP": "None", "selector": chart.selector_labels(),
        "ports": [{"name": "http", "port": chart.value("ollama.port"), "targetPort": "http"}]}});
    vec![
        chart.build_object("v1", "Service", name, headless),
        chart.build_object("apps/v1", "StatefulSet", name, json!({"spec": spec})),
    ]
}

/// The pod template of the workload.
fn pod_template(chart: &ChartInstance<'_>, account: &str) -> Value {
    let gpu = gpu_resource(chart);
    let mut container = json!({
        "name": "ollama",
        "image": chart.image_ref(&default_tag(chart)),
        "imagePullPolicy": chart.value("image.pullPolicy"),
        "ports": [{"name": "http", "containerPort": chart.value("ollama.port"), "protocol": "TCP"}],
        "env": [{"name": "OLLAMA_HOST", "value": format!("0.0.0.0:{}", chart.value("ollama.port"))}],
    });
    if let (Some(env), Some(extra)) = (container["env"].as_array_mut(), chart.value("extraEnv").as_array()) {
        env.extend(extra.iter().cloned());
    }
    // `resources: null` removes the resources, and with them the accelerator.
    if chart.value("resources").is_object() {
        let mut resources = chart.value("resources").clone();
        if let Some(gpu) = gpu {
            resources["limits"][gpu] = chart.value("ollama.gpu.number").clone();
        }
        container["resources"] = resources;
    }
    for (probe, is_enabled) in
        [("readinessProbe", has_probe(chart, "readinessProbe")), ("livenessProbe", has_probe(chart, "livenessProbe"))]
    {
        if is_enabled {
            let values = chart.value(probe);
            let mut probe_spec = json!({"httpGet": {"path": "/", "port": "http"}});
            for field in ["initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold"] {
                set_nonempty(&mut probe_spec, field, &values[field]);
            }
            container[probe] = probe_spec;
        }
    }
    let script = post_start_script(chart);
    if !script.is_empty() {
        container["lifecycle"] = json!({"postStart": {"exec": {"command": ["/bin/sh", "-c", script]}}});
    }
    let mut pod = json!({
        "serviceAccountName": account,
        "terminationGracePeriodSeconds": chart.value("terminationGracePeriodSeconds"),
        "containers": [container],
    });
    claims::add_to_pod(chart, &mut pod);
    for field in
        ["initContainers", "imagePullSecrets", "runtimeClassName", "priorityClassName", "nodeSelector", "affinity"]
    {
        set_nonempty(&mut pod, field, chart.value(field));
    }
    let mut tolerations: Vec<Value> =
        gpu.iter().map(|gpu| json!({"key": gpu, "operator": "Exists", "effect": "NoSchedule"})).collect();
    tolerations.extend(chart.value("tolerations").as_array().into_iter().flatten().cloned());
    set_nonempty(&mut pod, "tolerations", &Value::Array(tolerations));
    let mut labels = chart.labels();
    for (key, value) in chart.value("podLabels").as_object().into_iter().flatten() {
        labels[key] = value.clone();
    }
    let mut metadata = json!({"labels": labels});
    set_nonempty(&mut metadata, "annotations", chart.value("podAnnotations"));
    json!({"metadata": metadata, "spec": pod})
}

/// The postStart script: pulls and creates models, and loads some of them.
fn post_start_script(chart: &ChartInstance<'_>) -> String {
    let commands = |list: &str, command: fn(&str) -> String| -> String {
        let models = chart.value(&format!("ollama.models.{list}")).as_array().into_iter().flatten();
        models.filter_map(|model| model.as_str().or(model["name"].as_str())).map(command).collect()
    };
    commands("pull", |name| format!("/bin/ollama pull {name}\n"))
        + &commands("create", |name| format!("/bin/ollama create {name} -f /tmp/Modelfile\n"))
        + &commands("run", |name| format!("/bin/ollama run {name} </dev/null\n"))
}

fn has_probe(chart: &ChartInstance<'_>, probe: &str) -> bool {
    chart.value(probe)["enabled"].as_bool().unwrap_or(true)
}

/// The extended resource that requests an accelerator; `None` if the values disable it, or a claim requests it.
pub(super) fn gpu_resource<'a>(chart: &'a ChartInstance<'_>) -> Option<&'a str> {
    let is_requested = chart.name != "ollama" || chart.is_enabled("ollama.gpu.enabled");
    let is_requested = is_requested && claims::pod_entry(chart).is_none();
    is_requested.then(|| if is_amd(chart) { AMD_RESOURCE } else { chart.string_value("ollama.gpu.nvidiaResource") })
}

fn is_amd(chart: &ChartInstance<'_>) -> bool {
    chart.string_value("ollama.gpu.type") == "amd"
}

/// The tag of the image where the values state none.
fn default_tag(chart: &ChartInstance<'_>) -> String {
    let has_rocm = chart.is_enabled("ollama.gpu.enabled") && is_amd(chart);
    format!("{}{}", chart.app_version, if has_rocm { "-rocm" } else { "" })
}

fn volume_claim(chart: &ChartInstance<'_>, name: &str) -> Value {
    let mut spec = json!({
        "accessModes": chart.value("persistentVolume.accessModes"),
        "resources": {"requests": {"storage": chart.value("persistentVolume.size")}},
    });
    match chart.string_value("persistentVolume.storageClass") {
        "-" => spec["storageClassName"] = json!(""),
        class => set_nonempty(&mut spec, "storageClassName", &json!(class)),
    }
    chart.build_object("v1", "PersistentVolumeClaim", name, json!({"spec": spec}))
}

fn service(chart: &ChartInstance<'_>, name: &str) -> Value {
    let mut port =
        json!({"name": "http", "port": chart.value("service.port"), "targetPort": "http", "protocol": "TCP"});
    if chart.string_value("service.type") == "NodePort" {
        port["nodePort"] = chart.value("service.nodePort").clone();
    }
    let spec = json!({"type": chart.value("service.type"), "selector": chart.selector_labels(), "ports": [port]});
    chart.build_object("v1", "Service", name, json!({"spec": spec}))
}

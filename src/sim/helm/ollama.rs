//! The charts `ollama` (a Deployment) and `ollama-statefulset`.

use serde_json::{Value, json};

use super::chart::{Chart, set};

pub(super) fn render(chart: &Chart<'_>) -> Result<Vec<Value>, String> {
    chart.refuse(
        &["autoscaling.enabled", "ingress.enabled"],
        &["extraEnvFrom", "initContainers", "lifecycle", "topologySpreadConstraints", "volumes"],
    )?;
    Ok(if chart.name == "ollama" { deployment(chart) } else { stateful_set(chart) })
}

fn deployment(chart: &Chart<'_>) -> Vec<Value> {
    let name = chart.full_name();
    let (account, made) = chart.account();
    let mut template = template(chart, &account);
    let pod = &mut template["spec"];
    let claim = match chart.text("persistentVolume.existingClaim") {
        "" => name.as_str(),
        claim => claim,
    };
    let volume = match chart.is("persistentVolume.enabled") {
        true => json!({"name": "ollama-data", "persistentVolumeClaim": {"claimName": claim}}),
        false => json!({"name": "ollama-data", "emptyDir": {}}),
    };
    pod["volumes"] = json!([volume]);
    let spec = json!({
        "replicas": chart.value("replicaCount"),
        "strategy": chart.value("updateStrategy"),
        "selector": {"matchLabels": chart.selector()},
        "template": template,
    });
    let mut all: Vec<Value> = made.into_iter().collect();
    if chart.is("persistentVolume.enabled") && claim == name {
        all.push(volume_claim(chart, &name));
    }
    all.push(service(chart, &name));
    all.push(chart.object("apps/v1", "Deployment", &name, json!({"spec": spec})));
    all
}

fn stateful_set(chart: &Chart<'_>) -> Vec<Value> {
    let name = &chart.release.name;
    let mut claim = json!({"metadata": {"name": "models"}, "spec": {
        "accessModes": chart.value("persistentVolume.accessModes"),
        "resources": {"requests": {"storage": chart.value("persistentVolume.size")}},
    }});
    set(&mut claim["spec"], "storageClassName", chart.value("persistentVolume.storageClass"));
    let spec = json!({
        "replicas": chart.value("replicaCount"),
        "serviceName": name,
        "podManagementPolicy": chart.value("podManagementPolicy"),
        "selector": {"matchLabels": chart.selector()},
        "template": template(chart, "default"),
        "volumeClaimTemplates": [claim],
    });
    let headless = json!({"spec": {"clusterIP": "None", "selector": chart.selector(),
        "ports": [{"name": "http", "port": chart.value("ollama.port"), "targetPort": "http"}]}});
    vec![
        chart.object("v1", "Service", name, headless),
        chart.object("apps/v1", "StatefulSet", name, json!({"spec": spec})),
    ]
}

/// The pods.
fn template(chart: &Chart<'_>, account: &str) -> Value {
    let gpu = gpu(chart);
    let mut container = json!({
        "name": "ollama",
        "image": chart.image(chart.app_version),
        "imagePullPolicy": chart.value("image.pullPolicy"),
        "ports": [{"name": "http", "containerPort": chart.value("ollama.port"), "protocol": "TCP"}],
        "env": [{"name": "OLLAMA_HOST", "value": format!("0.0.0.0:{}", chart.value("ollama.port"))}],
    });
    if let (Some(own), Some(more)) = (container["env"].as_array_mut(), chart.value("extraEnv").as_array()) {
        own.extend(more.iter().cloned());
    }
    // null takes the resources away, and the accelerator with them.
    if chart.value("resources").is_object() {
        let mut resources = chart.value("resources").clone();
        if let Some(gpu) = gpu {
            resources["limits"][gpu] = chart.value("ollama.gpu.number").clone();
        }
        container["resources"] = resources;
    }
    for (probe, is_on) in
        [("readinessProbe", is_probed(chart, "readinessProbe")), ("livenessProbe", is_probed(chart, "livenessProbe"))]
    {
        if is_on {
            let given = chart.value(probe);
            let mut set_up = json!({"httpGet": {"path": "/", "port": "http"}});
            for field in ["initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold"] {
                set(&mut set_up, field, &given[field]);
            }
            container[probe] = set_up;
        }
    }
    let start = start(chart);
    if !start.is_empty() {
        container["lifecycle"] = json!({"postStart": {"exec": {"command": ["/bin/sh", "-c", start]}}});
    }
    let mut pod = json!({
        "serviceAccountName": account,
        "terminationGracePeriodSeconds": chart.value("terminationGracePeriodSeconds"),
        "containers": [container],
    });
    for field in ["imagePullSecrets", "runtimeClassName", "priorityClassName", "nodeSelector", "affinity"] {
        set(&mut pod, field, chart.value(field));
    }
    let mut tolerations: Vec<Value> =
        gpu.iter().map(|gpu| json!({"key": gpu, "operator": "Exists", "effect": "NoSchedule"})).collect();
    tolerations.extend(chart.value("tolerations").as_array().into_iter().flatten().cloned());
    set(&mut pod, "tolerations", &Value::Array(tolerations));
    let mut labels = chart.labels();
    for (key, value) in chart.value("podLabels").as_object().into_iter().flatten() {
        labels[key] = value.clone();
    }
    let mut metadata = json!({"labels": labels});
    set(&mut metadata, "annotations", chart.value("podAnnotations"));
    json!({"metadata": metadata, "spec": pod})
}

/// What is run once the server answers: models are pulled and made, and some of them loaded.
fn start(chart: &Chart<'_>) -> String {
    let each = |what: &str, line: fn(&str) -> String| -> String {
        let models = chart.value(&format!("ollama.models.{what}")).as_array().into_iter().flatten();
        models.filter_map(|model| model.as_str().or(model["name"].as_str())).map(line).collect()
    };
    each("pull", |name| format!("/bin/ollama pull {name}\n"))
        + &each("create", |name| format!("/bin/ollama create {name} -f /tmp/Modelfile\n"))
        + &each("run", |name| format!("/bin/ollama run {name} </dev/null\n"))
}

fn is_probed(chart: &Chart<'_>, probe: &str) -> bool {
    chart.value(probe)["enabled"].as_bool().unwrap_or(true)
}

/// The resource by which an accelerator is asked for.
fn gpu<'a>(chart: &'a Chart<'_>) -> Option<&'a str> {
    let is_asked = chart.name != "ollama" || chart.is("ollama.gpu.enabled");
    let amd = chart.text("ollama.gpu.type") == "amd";
    is_asked.then(|| if amd { "amd.com/gpu" } else { chart.text("ollama.gpu.nvidiaResource") })
}

fn volume_claim(chart: &Chart<'_>, name: &str) -> Value {
    let mut spec = json!({
        "accessModes": chart.value("persistentVolume.accessModes"),
        "resources": {"requests": {"storage": chart.value("persistentVolume.size")}},
    });
    match chart.text("persistentVolume.storageClass") {
        "-" => spec["storageClassName"] = json!(""),
        class => set(&mut spec, "storageClassName", &json!(class)),
    }
    chart.object("v1", "PersistentVolumeClaim", name, json!({"spec": spec}))
}

fn service(chart: &Chart<'_>, name: &str) -> Value {
    let mut port =
        json!({"name": "http", "port": chart.value("service.port"), "targetPort": "http", "protocol": "TCP"});
    if chart.text("service.type") == "NodePort" {
        port["nodePort"] = chart.value("service.nodePort").clone();
    }
    let spec = json!({"type": chart.value("service.type"), "selector": chart.selector(), "ports": [port]});
    chart.object("v1", "Service", name, json!({"spec": spec}))
}

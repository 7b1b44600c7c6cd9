//! The chart `prometheus-adapter`.

use serde_json::{Value, json};

use super::chart::{ChartInstance, set_nonempty};
use crate::hpa::{CUSTOM_METRICS_GROUP, EXTERNAL_METRICS_GROUP};
use crate::sim::pipeline;

/// The HPA controller's service account.
const HPA_CONTROLLER: &str = "horizontal-pod-autoscaler";

/// What of the values and rules the simulator does not support.
pub(super) fn find_unsupported(chart: &ChartInstance<'_>) -> Vec<String> {
    // The default rules serve nearly every series under a name of its own. The simulator has none: they matter only to a metric
    // without a rule of its own.
    let mut lacks = chart.find_set_values(
        &["hostNetwork.enabled"],
        &["rules.existing", "rules.resource", "namespaceOverride", "extraVolumes"],
    );
    lacks.extend(pipeline::find_unsupported_rules(&rules_config(chart)));
    lacks
}

/// The adapter's configuration by the chart's values.
pub(super) fn rules_config(chart: &ChartInstance<'_>) -> Value {
    let mut config = json!({"rules": chart.value("rules.custom")});
    set_nonempty(&mut config, "externalRules", chart.value("rules.external"));
    config
}

pub(super) fn render(chart: &ChartInstance<'_>) -> Result<Vec<Value>, String> {
    let config = rules_config(chart);
    let groups = served_groups(&config);
    let name = chart.full_name();
    let (account, account_object) = chart.service_account();
    let mut all: Vec<Value> = account_object.into_iter().collect();
    let config = serde_saphyr::to_string(&config).map_err(|e| e.to_string())?;
    all.push(chart.build_object("v1", "ConfigMap", &name, json!({"data": {"config.yaml": config}})));
    if chart.is_enabled("rbac.create") {
        all.extend(rbac_objects(chart, &account, &groups));
    }
    let port = json!({"port": chart.value("service.port"), "protocol": "TCP", "targetPort": "https"});
    let service = json!({"type": chart.value("service.type"), "selector": chart.selector_labels(), "ports": [port]});
    all.push(chart.build_object("v1", "Service", &name, json!({"spec": service})));
    all.push(deployment(chart, &name, &account));
    all.extend(groups.iter().map(|group| api_service(chart, &name, group)));
    Ok(all)
}

/// The API groups that have a rule.
fn served_groups(config: &Value) -> Vec<&'static str> {
    let has_rules = |key: &str| config[key].as_array().is_some_and(|rules| !rules.is_empty());
    let groups = [("rules", CUSTOM_METRICS_GROUP), ("externalRules", EXTERNAL_METRICS_GROUP)];
    groups.into_iter().filter(|(key, _)| has_rules(key)).map(|(_, group)| group).collect()
}

fn deployment(chart: &ChartInstance<'_>, name: &str, account: &str) -> Value {
    let port = chart.value("prometheus.port");
    let url = format!("{}:{port}{}", chart.string_value("prometheus.url"), chart.string_value("prometheus.path"));
    let mut args = vec![
        json!(format!("--prometheus-url={url}")),
        json!(format!("--metrics-relist-interval={}", chart.string_value("metricsRelistInterval"))),
        json!("--config=/etc/adapter/config.yaml"),
    ];
    args.extend(chart.value("extraArguments").as_array().into_iter().flatten().cloned());
    let mut container = json!({
        "name": chart.name,
        "image": chart.image_ref(chart.app_version),
        "imagePullPolicy": chart.value("image.pullPolicy"),
        "args": args,
        "ports": [{"name": "https", "containerPort": chart.value("listenPort")}],
        "volumeMounts": [{"name": "config", "mountPath": "/etc/adapter", "readOnly": true}],
    });
    for field in ["livenessProbe", "readinessProbe", "resources"] {
        set_nonempty(&mut container, field, chart.value(field));
    }
    let mut pod = json!({
        "serviceAccountName": account,
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": name}}],
    });
    for field in ["priorityClassName", "nodeSelector", "affinity", "tolerations"] {
        set_nonempty(&mut pod, field, chart.value(field));
    }
    let spec = json!({
        "replicas": chart.value("replicas"),
        "strategy": chart.value("strategy"),
        "selector": {"matchLabels": chart.selector_labels()},
        "template": {"metadata": {"labels": chart.labels()}, "spec": pod},
    });
    chart.build_object("apps/v1", "Deployment", name, json!({"spec": spec}))
}

fn api_service(chart: &ChartInstance<'_>, name: &str, group: &str) -> Value {
    let mut object = chart.build_object(
        "apiregistration.k8s.io/v1",
        "APIService",
        &format!("v1beta1.{group}"),
        json!({"spec": {
            "service": {"name": name, "namespace": chart.release.namespace, "port": chart.value("service.port")},
            "group": group, "version": "v1beta1", "insecureSkipTLSVerify": true,
            "groupPriorityMinimum": 100, "versionPriority": 100,
        }}),
    );
    remove_namespace(&mut object);
    object
}

/// Roles and bindings. The chart names them after itself, not after the release.
fn rbac_objects(chart: &ChartInstance<'_>, account: &str, groups: &[&str]) -> Vec<Value> {
    const GROUP: &str = "rbac.authorization.k8s.io/v1";
    let subjects = json!([{"kind": "ServiceAccount", "name": account, "namespace": chart.release.namespace}]);
    let role = |name: &str, rules: Value| {
        let mut role =
            chart.build_object(GROUP, "ClusterRole", &format!("{}-{name}", chart.name), json!({"rules": rules}));
        remove_namespace(&mut role);
        role
    };
    let binding_fields = |name: &str, kind: &str, role: &str, subjects: &Value| {
        json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}, "subjects": subjects,
            "metadata": {"name": format!("{}-{name}", chart.name)}})
    };
    let binding_of = |name: &str, role: &str, subjects: &Value| {
        let fields = binding_fields(name, "ClusterRole", role, subjects);
        let mut object = chart.build_object(GROUP, "ClusterRoleBinding", "", fields);
        remove_namespace(&mut object);
        object
    };
    let binding = |name: &str, role: &str| binding_of(name, role, &subjects);
    let reader = format!("{}-resource-reader", chart.name);
    let server = format!("{}-server-resources", chart.name);
    let mut auth = chart.build_object(
        GROUP,
        "RoleBinding",
        "",
        binding_fields("auth-reader", "Role", "extension-apiserver-authentication-reader", &subjects),
    );
    auth["metadata"]["namespace"] = json!("kube-system");
    let mut all = vec![
        binding("system-auth-delegator", "system:auth-delegator"),
        auth,
        role(
            "resource-reader",
            json!([{"apiGroups": [""], "resources": ["namespaces", "pods", "services", "configmaps"], "verbs": ["get", "list", "watch"]}]),
        ),
        binding("resource-reader", &reader),
    ];
    if groups.contains(&CUSTOM_METRICS_GROUP) {
        let resources = chart.value("rbac.customMetrics.resources");
        let rule = json!([{"apiGroups": [CUSTOM_METRICS_GROUP], "resources": resources, "verbs": ["*"]}]);
        all.extend([role("server-resources", rule), binding("hpa-controller", &server)]);
    }
    if groups.contains(&EXTERNAL_METRICS_GROUP) {
        let (resources, verbs) = (chart.value("rbac.externalMetrics.resources"), ["get", "list", "watch"]);
        let rule = json!([{"apiGroups": [EXTERNAL_METRICS_GROUP], "resources": resources, "verbs": verbs}]);
        let controller = json!([{"kind": "ServiceAccount", "name": HPA_CONTROLLER, "namespace": "kube-system"}]);
        let reader = format!("{}-external-metrics", chart.name);
        all.push(role("external-metrics", rule));
        all.push(binding_of("hpa-controller-external-metrics", &reader, &controller));
    }
    all
}

/// Makes an object cluster-scoped.
fn remove_namespace(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.shift_remove("namespace");
    }
}

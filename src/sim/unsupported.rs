//! What of a scenario the simulator does not have, by name. A rehearsal without it would end in a verdict about a cluster that the
//! scenario does not describe: a PASS without the device that it wants, or an exporter that is blamed for a missing series.

use std::collections::BTreeMap;

use super::{helm, pages, pipeline};
use crate::env::ReleaseArgs;
use crate::hpa;
use crate::model::metric_profile::selected_metric;
use crate::model::metric_under_test::MetricUnderTest;
use crate::model::scenario::Scenario;
use crate::sim::objects::haproxy;

/// What the simulator does not support, each with its place in the scenario.
#[derive(Debug, Default)]
pub(crate) struct UnsupportedParts {
    /// Of the releases: without it nothing can be installed.
    pub(crate) releases: Vec<String>,
    /// Of the ScaledObject, or of an adopted HPA that one controls.
    pub(crate) scaled_object: Vec<String>,
    /// Series of the metric.
    pub(crate) series: Option<String>,
}

impl UnsupportedParts {
    /// All of it as one message; `None` where the simulator supports the scenario.
    pub(crate) fn message(&self) -> Option<String> {
        let all = self.releases.iter().chain(&self.scaled_object).chain(&self.series);
        let all: Vec<&str> = all.map(String::as_str).collect();
        (!all.is_empty()).then(|| format!("the simulator does not have what this scenario needs: {}", all.join("; ")))
    }
}

/// Finds what the simulator does not support of a scenario.
#[must_use]
pub(crate) fn find_unsupported(scenario: &Scenario) -> UnsupportedParts {
    let mut lacks = Vec::new();
    for (name, release) in &scenario.releases {
        let args = ReleaseArgs::from_scenario(name, release, scenario, Vec::new());
        lacks.extend(helm::find_unsupported(&args).into_iter().map(|lack| format!("release {name}: {lack}")));
        lacks.extend(find_foreign_devices(name, &args, scenario));
        let place = helm::unknown_model_place(&args, &scenario.load.model);
        lacks.extend(place.map(|place| {
            format!(
                "release {name}: {place} with unknown content (load.model {} is not in ollama.models.pull or create)",
                scenario.load.model
            )
        }));
    }
    let series = describe_unserved_series(scenario);
    lacks.extend(find_default_rules(scenario, !lacks.is_empty() || series.is_some()));
    UnsupportedParts { releases: lacks, scaled_object: find_unsupported_scaled_object(scenario), series }
}

/// Devices of one vendor where the scenario names a series of another vendor's exporter.
fn find_foreign_devices(name: &str, args: &ReleaseArgs, scenario: &Scenario) -> Option<String> {
    let resource = helm::requested_resource(args)?;
    let profile = pages::find_foreign_exporter(scenario, &resource)?;
    Some(format!(
        "release {name}: devices of {resource} with the exporter of the profile {profile}, which measures others"
    ))
}

/// Of KEDA: parts of the ScaledObject, another store than the simulated one, and the ScaledObject of an adopted HPA.
fn find_unsupported_scaled_object(scenario: &Scenario) -> Vec<String> {
    let Some(scaled_object) = &scenario.scaled_object else {
        return scenario.adopt.as_ref().and_then(|_| adopted_scaled_object(scenario)).into_iter().collect();
    };
    let spec = &scaled_object.spec;
    let lacks = pipeline::find_unsupported_scaled_object(spec).into_iter();
    let mut lacks: Vec<String> = lacks.map(|lack| format!("the simulated KEDA: scaledObject.spec.{lack}")).collect();
    let address = spec.get("triggers").and_then(|all| all[0]["metadata"]["serverAddress"].as_str()).unwrap_or_default();
    let store = scenario.metric.store.as_ref();
    let service = store.and_then(|store| store.service.as_ref());
    let url = store.and_then(|store| store.url.as_deref()).unwrap_or_default();
    if let Some(service) = service
        && !pipeline::is_store_address(Some(service), url, address)
    {
        let of_store = format!("the simulated store is Service {}/{} (metric.store)", service.namespace, service.name);
        lacks.push(format!("a store at {address} (scaledObject.spec.triggers.0.metadata.serverAddress): {of_store}"));
    }
    lacks
}

/// The ScaledObject that an adopted HPA's metric names: the scenario does not state its query.
fn adopted_scaled_object(scenario: &Scenario) -> Option<String> {
    let metric = scenario.hpa.spec.metrics.iter().flatten().find_map(|metric| metric.external.as_ref())?;
    let labels = metric.metric.selector.as_ref()?.match_labels.as_ref()?;
    let name = labels.get(hpa::SCALED_OBJECT_LABEL)?;
    Some(format!("ScaledObject {name}, which makes the adopted HPA: state it as scaledObject in place of adopt"))
}

/// The default rules of adapters where the scenario states them, where the metric needs them, or where the scenario is not simulated
/// anyway. Those that a chart has by default and the metric does not need serve other metrics, which a rehearsal can do without.
fn find_default_rules(scenario: &Scenario, is_refused: bool) -> Vec<String> {
    let metric = MetricUnderTest::from_scenario(scenario);
    let mut lacks = Vec::new();
    for (name, release) in &scenario.releases {
        let args = ReleaseArgs::from_scenario(name, release, scenario, Vec::new());
        let Some((config, true)) = helm::adapter_config(&args) else { continue };
        let is_stated = release.values.get("rules").is_some_and(|rules| rules["default"] == true);
        let is_needed = metric.as_ref().is_some_and(|metric| !pipeline::has_rule_of(&config, &metric.name));
        if is_stated || is_needed || is_refused {
            lacks.push(format!("release {name}: the adapter's default rules (rules.default: true)"));
        }
    }
    lacks
}

/// The series of the metric that no page of the simulated platform has, with the places that name them. A series that is known to
/// be absent from a page is not missed: a rehearsal shows what its absence leads to.
fn describe_unserved_series(scenario: &Scenario) -> Option<String> {
    let (exporter, server) = (pages::find_exporter(scenario), pages::find_server_page(scenario));
    let of_server: Vec<&str> = server.iter().flat_map(|served| served.page.known_names()).collect();
    let has_proxy = scenario.releases.values().any(|release| {
        let containers = release.values.get("initContainers").and_then(serde_json::Value::as_array);
        containers.into_iter().flatten().any(haproxy::is_sidecar)
    });
    let of_proxy = pipeline::PROXY_PAGE_SERIES.into_iter().filter(|_| has_proxy);
    let names: Vec<&str> = exporter.fields.iter().map(|field| field.name).chain(of_proxy).chain(of_server).collect();
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut add = |series: &str, place: String| places.entry(series.to_owned()).or_default().push(place);
    let sources = &scenario.metric;
    if let Some(exporter) = sources.exporter.as_ref().filter(|exporter| !is_served(&exporter.metric_name, &names)) {
        add(&exporter.metric_name, "metric.exporter.metricName".to_owned());
    }
    let of_store = sources.store.as_ref().map(|store| selected_metric(&store.series));
    if let Some(name) = of_store.filter(|name| !is_served(name, &names)) {
        add(name, "metric.store.series".to_owned());
    }
    let queried = scenario.scaled_object.as_ref().map(|it| pipeline::queried_series(&it.spec)).unwrap_or_default();
    for series in queried.iter().filter(|name| !is_served(name, &names)) {
        add(series, "scaledObject.spec.triggers.0.metadata.query".to_owned());
    }
    let metric = MetricUnderTest::from_scenario(scenario);
    for (name, release) in &scenario.releases {
        let args = ReleaseArgs::from_scenario(name, release, scenario, Vec::new());
        let (Some(metric), Some((config, _))) = (&metric, helm::adapter_config(&args)) else { continue };
        for series in pipeline::find_unserved_series(&config, &metric.name, &names) {
            let selected = selected_metric(&series);
            let series = if selected.is_empty() { &series } else { selected };
            add(series, format!("the rule of {} in release {name}", metric.name));
        }
    }
    let all: Vec<String> = places.iter().map(|(series, places)| format!("{series} ({})", places.join(", "))).collect();
    (!all.is_empty()).then(|| {
        let (mut profiles, mut who) = (vec![exporter.profile], format!("exporter (profile {}) has", exporter.profile));
        if let Some(served) = server {
            profiles.push(served.page.profile);
            who = format!("exporter (profile {}) and servers (profile {}) have", exporter.profile, served.page.profile);
        }
        format!(
            "the series {}: the simulated {who} {}; a scenario with series of {} has theirs",
            all.join(" and "),
            names.join(", "),
            pages::other_profiles(&profiles).join(", "),
        )
    })
}

/// True for a series of the simulated pages, and where no name is stated.
fn is_served(name: &str, names: &[&str]) -> bool {
    name.is_empty() || names.contains(&name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What the built-in scenario lacks after an edit of its document.
    fn lacks(edit: impl FnOnce(&mut Value)) -> Vec<String> {
        let text = include_str!("../../scenarios/ollama-gpu-utilization.yaml");
        let mut document: Value = serde_saphyr::from_str(text).unwrap();
        edit(&mut document);
        let found = find_unsupported(&serde_json::from_value(document).unwrap());
        found.releases.into_iter().chain(found.scaled_object).chain(found.series).collect()
    }

    fn gpu(document: &mut Value) -> &mut Value {
        &mut document["releases"]["ollama"]["values"]["ollama"]["gpu"]
    }

    fn rules(document: &mut Value) -> &mut Value {
        &mut document["releases"]["prometheus-adapter"]["values"]["rules"]
    }

    #[test]
    fn the_built_in_scenario_is_supported() {
        assert_eq!(lacks(|_| ()), Vec::<String>::new());
    }

    #[test]
    fn a_series_that_the_exporter_lacks_is_named_with_every_place() {
        let found = lacks(|document| {
            document["metric"]["exporter"]["metricName"] = json!("sglang:num_running_reqs");
            document["metric"]["store"]["series"] = json!("sglang:num_running_reqs{namespace=\"gpuhpa\"}");
            rules(document)["custom"][0]["seriesQuery"] = json!("{__name__=~\"^sglang:.*\"}");
            rules(document)["custom"][0]["name"] = json!({"matches": "", "as": "gpu_utilization"});
            rules(document)["custom"][0]["metricsQuery"] =
                json!("sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)");
        });
        assert_eq!(
            found,
            ["the series sglang:num_running_reqs (metric.exporter.metricName, metric.store.series) and \
              {__name__=~\"^sglang:.*\"} (the rule of gpu_utilization in release prometheus-adapter): the simulated exporter \
              (profile dcgm) has DCGM_FI_DEV_FB_FREE, DCGM_FI_DEV_FB_USED, DCGM_FI_DEV_GPU_UTIL, DCGM_FI_PROF_GR_ENGINE_ACTIVE; \
              a scenario with series of amd, hami, intel, vllm, llama-cpp, tgi, triton has theirs"]
        );
    }

    /// A platform has one exporter, and servers of one kind; a series that newer servers leave out is known to be absent.
    #[test]
    fn the_series_of_the_scenarios_profiles_are_supported() {
        let with_series = |series: &str, others: &str| {
            lacks(|document| {
                if series.starts_with("gpu_") {
                    gpu(document)["type"] = json!("amd");
                }
                document["metric"]["exporter"]["metricName"] = json!(series);
                document["metric"]["store"]["series"] = json!(others);
                rules(document)["custom"][0]["seriesQuery"] = json!(others);
                rules(document)["custom"][0]["name"] = json!({"as": "gpu_utilization"});
            })
        };
        for (series, others) in [
            ("gpu_gfx_activity", "gpu_gfx_activity"),
            ("hami_container_device_utilization_ratio", "hami_vgpu_memory_used_bytes"),
            ("DCGM_FI_DEV_GPU_UTIL", "vllm:num_requests_running"),
            ("gpu_gfx_activity", "tgi_queue_size"),
            ("llamacpp:kv_cache_usage_ratio", "llamacpp:kv_cache_usage_ratio"),
        ] {
            assert_eq!(with_series(series, others), Vec::<String>::new(), "{series} {others}");
        }
        for (series, others) in [
            ("gpu_gfx_activity", "DCGM_FI_DEV_GPU_UTIL"),
            ("vllm:num_requests_running", "tgi_queue_size"),
            ("vllm:kv_cache_usage_perc", "vllm:num_requests_running"),
        ] {
            let found = with_series(series, others);
            assert!(found.len() == 1 && found[0].starts_with("the series "), "{found:?}");
        }
    }

    #[test]
    fn devices_of_another_vendor_than_the_exporters_are_named() {
        let amd = "release ollama: devices of amd.com/gpu with the exporter of the profile dcgm, which measures others";
        assert_eq!(lacks(|document| gpu(document)["type"] = json!("amd")), [amd]);
        let nvidia =
            "release ollama: devices of nvidia.com/gpu with the exporter of the profile amd, which measures others";
        let found = lacks(|document| document["metric"]["exporter"]["metricName"] = json!("gpu_gfx_activity"));
        assert!(found.contains(&nvidia.to_owned()), "{found:?}");
        // The metric of the servers themselves concerns no vendor.
        let found = lacks(|document| {
            gpu(document)["type"] = json!("amd");
            document["metric"]["exporter"]["metricName"] = json!("tgi_queue_size");
            document["metric"]["store"]["series"] = json!("tgi_queue_size");
            rules(document)["custom"][0]["seriesQuery"] = json!("tgi_queue_size");
            rules(document)["custom"][0]["name"] = json!({"as": "gpu_utilization"});
        });
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn claim_templates_functions_and_default_rules_are_named_together() {
        let found = lacks(|document| {
            gpu(document)["draExistingClaimTemplate"] = json!("mine");
            rules(document)["default"] = json!(true);
            rules(document)["custom"][0]["metricsQuery"] =
                json!("avg(deriv(<<.Series>>{<<.LabelMatchers>>}[2m])) by (pod)");
        });
        assert_eq!(
            found,
            [
                "release ollama: resource claims (DRA): the value ollama.gpu.draExistingClaimTemplate of chart ollama",
                "release prometheus-adapter: in rule 1 (gpu_utilization): `deriv`",
                "release prometheus-adapter: the adapter's default rules (rules.default: true)",
            ]
        );
    }

    /// Without them the other metrics are missing, which a scenario needs that states them, or whose metric has no rule of its own.
    #[test]
    fn default_rules_are_missed_where_the_scenario_states_or_needs_them() {
        let with_rule = |default: Value, rule: &str| {
            lacks(|document| {
                rules(document)["default"] = default;
                rules(document)["custom"][0]["name"]["as"] = json!(rule);
                let all = rules(document).as_object_mut().unwrap();
                all.retain(|_, value| !value.is_null());
            })
        };
        assert_eq!(with_rule(json!(null), "gpu_utilization"), Vec::<String>::new());
        for (default, rule) in [(json!(true), "gpu_utilization"), (json!(true), "another"), (json!(null), "another")] {
            let found = with_rule(default, rule);
            assert_eq!(found, ["release prometheus-adapter: the adapter's default rules (rules.default: true)"]);
        }
    }

    #[test]
    fn what_of_keda_is_not_simulated_is_named() {
        let keda = |edit: fn(&mut Value)| {
            lacks(|document| {
                let query = "sum(DCGM_FI_DEV_GPU_UTIL{namespace=\"gpuhpa\"})";
                let metadata =
                    json!({"serverAddress": "http://prometheus-operated.monitoring.svc:9090", "query": query});
                document["scaledObject"] =
                    json!({"spec": {"triggers": [{"type": "prometheus", "metadata": metadata}]}});
                document["releases"]["prometheus-adapter"] = json!(null);
                document["releases"].as_object_mut().unwrap().shift_remove("prometheus-adapter");
                edit(&mut document["scaledObject"]["spec"]["triggers"][0]);
            })
        };
        assert_eq!(keda(|_| ()), Vec::<String>::new());
        let found = keda(|trigger| {
            trigger["authenticationRef"] = json!({"name": "x"});
            trigger["metadata"]["serverAddress"] = json!("http://thanos.monitoring.svc:9090");
            trigger["metadata"]["query"] = json!("sum(vllm:kv_cache_usage_perc)");
        });
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0], "the simulated KEDA: scaledObject.spec.triggers.0.authenticationRef");
        assert!(
            found[1].starts_with("a store at http://thanos.monitoring.svc:9090") && found[1].contains("metric.store")
        );
        assert!(found[2].contains("vllm:kv_cache_usage_perc (scaledObject.spec.triggers.0.metadata.query)"));
        let adopted = lacks(|document| {
            document["adopt"] = json!({"hpa": "keda-hpa-llm"});
            document["hpa"]["spec"]["metrics"] = json!([{"type": "External", "external": {
                "metric": {"name": "s0-prometheus", "selector": {"matchLabels": {"scaledobject.keda.sh/name": "llm"}}},
                "target": {"type": "AverageValue", "averageValue": "60"}}}]);
        });
        assert!(
            adopted.iter().any(|lack| lack.starts_with("ScaledObject llm, which makes the adopted HPA")),
            "{adopted:?}"
        );
    }

    #[test]
    fn a_sidecar_is_known_by_its_image() {
        let with = |image: &str| {
            let container = json!([{"name": "proxy", "image": image, "restartPolicy": "Always"}]);
            lacks(|document| document["releases"]["ollama"]["values"]["initContainers"] = container)
        };
        assert_eq!(with("rig.local/haproxy:2.6.12"), Vec::<String>::new());
        let found = with("docker.io/library/haproxy:3.0");
        assert!(found.len() == 1 && found[0].contains("image docker.io/library/haproxy:3.0"), "{found:?}");
    }

    #[test]
    fn a_model_in_a_volume_or_image_of_unknown_content_is_named() {
        let values = |edit: fn(&mut Value)| {
            lacks(|document| {
                let values = &mut document["releases"]["ollama"]["values"];
                values["ollama"]["models"] = json!({"pull": [], "run": []});
                edit(values);
            })
        };
        // An empty volume has no model: the servers answer that they do not find it.
        assert_eq!(values(|_| ()), Vec::<String>::new());
        let found = values(|values| values["persistentVolume"] = json!({"enabled": true, "existingClaim": "models"}));
        assert!(found.len() == 1 && found[0].contains("volume claim models with unknown content"), "{found:?}");
        let found = values(|values| values["image"] = json!({"repository": "registry.example/llama"}));
        assert!(found.len() == 1 && found[0].contains("image registry.example/llama"), "{found:?}");
    }
}

//! Valid and invalid scenario files.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::built_in::BUILT_IN_URL;
use super::layers::{ScenarioLayer, merge_layers};
use super::*;

/// The built-in scenario with this file over it.
fn overlay_built_in(text: &str) -> Result<Scenario, ScenarioError> {
    let base = ScenarioLayer::parse(BUILT_IN_NAME, Path::new(""), BUILT_IN.to_owned())?;
    resolve(&[base, ScenarioLayer::parse("mine.yaml", Path::new("dir"), text.to_owned())?], None)
}

fn problem_text(text: &str) -> String {
    overlay_built_in(text).expect_err("the scenario must be refused").to_string()
}

#[test]
fn the_built_in_scenario_is_valid() {
    let scenario = load(&[], None).unwrap();
    assert_eq!((scenario.name.as_str(), scenario.hpa.spec.max_replicas), ("ollama-gpu-utilization", 3));
}

#[test]
fn every_complete_scenario_of_the_repository_is_sound() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["scenarios", "ci/rig/scenarios"].map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let paths = folders.into_iter().flatten().map(|entry| entry.unwrap().path());
    // A file without a name is an overlay.
    let is_complete =
        |path: &Path| std::fs::read_to_string(path).unwrap().lines().any(|line| line.starts_with("name:"));
    let files: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "yaml") && is_complete(path)).collect();
    assert!(files.len() >= 9, "{files:?}");
    for file in files {
        let scenario = load(std::slice::from_ref(&file), None).unwrap();
        assert!(!scenario.description.is_empty(), "{}", file.display());
    }
}

/// An overlay is parsed by itself, so that a key that was renamed is found before a run needs the file.
#[test]
fn every_overlay_of_the_repository_has_keys_of_today() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["ci/rig/scenarios", "ci/bench"].map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let paths = folders.into_iter().flatten().map(|entry| entry.unwrap().path());
    let files: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    assert!(files.len() >= 30, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let parsed = ScenarioLayer::parse(&file.display().to_string(), file.parent().unwrap(), text);
        assert!(parsed.is_ok(), "{}", parsed.err().unwrap());
    }
}

#[test]
fn an_overlay_changes_what_it_names_and_keeps_the_rest() {
    let scenario = overlay_built_in(
        "hpa: {spec: {behavior: {scaleDown: {stabilizationWindowSeconds: 30}}}}\nload: {concurrency: 4}\n",
    )
    .unwrap();
    let behavior = scenario.hpa.spec.behavior.unwrap();
    let scale_down = behavior.scale_down.unwrap();
    assert_eq!(scale_down.stabilization_window_seconds, Some(30));
    assert_eq!(scale_down.policies.unwrap()[0].value, 100);
    assert_eq!((scenario.load.concurrency, scenario.load.model.as_str()), (4, "llama3.2:1b"));
}

#[test]
fn null_removes_an_entry_of_each_map_of_names() {
    let over = "metric: {exporter: {podLabels: {app: null, name: x}}, profile: {series: {DCGM_FI_DEV_FB_FREE: null}}}\nendpoint: {selector: {a: null, b: c}}";
    let base = "metric: {profile: {name: x, series: {DCGM_FI_DEV_FB_FREE: {unit: MiB}, DCGM_FI_DEV_GPU_UTIL: {unit: percent}}}}\nendpoint: {selector: {a: b}}";
    let layers: Vec<_> = [BUILT_IN, base, over]
        .map(|text| ScenarioLayer::parse("x.yaml", Path::new(""), text.to_owned()).unwrap())
        .into_iter()
        .collect();
    let scenario = merge_layers(&layers).unwrap();
    let keys = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&scenario.metric.exporter.unwrap().pod_labels), ["name"]);
    assert_eq!(keys(&scenario.endpoint.selector), ["b"]);
    assert!(scenario.metric.profile.unwrap().series.keys().eq(["DCGM_FI_DEV_GPU_UTIL"]));
}

#[test]
fn null_removes_a_release_of_the_lower_layer() {
    let scenario = overlay_built_in("releases: {prometheus-adapter: null}").unwrap();
    assert_eq!(scenario.releases.keys().collect::<Vec<_>>(), ["ollama"]);
}

/// Each key of a file and of its maps, with the keys that it is in.
fn key_paths(value: &serde_json::Value, path: &[String]) -> Vec<Vec<String>> {
    let below = value.as_object().into_iter().flatten();
    below
        .flat_map(|(key, value)| {
            let path = [path, std::slice::from_ref(key)].concat();
            let inside = key_paths(value, &path);
            [vec![path], inside].concat()
        })
        .collect()
}

#[test]
fn null_removes_every_key_or_what_is_missing_is_named_at_its_place() {
    let built_in: serde_json::Value = serde_saphyr::from_str(BUILT_IN).unwrap();
    let printed = serde_json::to_value(load(&[], None).unwrap()).unwrap();
    let paths = [key_paths(&built_in, &[]), key_paths(&printed, &[])].concat();
    assert!(paths.len() > 100 && paths.contains(&vec!["hpa".to_owned()]), "{paths:?}");
    for path in paths {
        let null = path.iter().rev().fold(serde_json::Value::Null, |value, key| json!({key: value}));
        let Err(error) = overlay_built_in(&null.to_string()) else { continue };
        let text = error.to_string();
        let is_problem = matches!(error, ScenarioError::Invalid(_)) && text.starts_with("mine.yaml:1:");
        assert!(is_problem, "{null}: {text}");
    }
}

#[test]
fn null_takes_the_hpa_of_the_base_away() {
    for key in [SCALED_OBJECT, "adopt: {hpa: theirs}"] {
        let file = format!("{key}\nhpa: null\nreleases: {{prometheus-adapter: {{version: 5.10}}}}\n");
        let scenario = overlay_built_in(&file).unwrap();
        assert_ne!(scenario.hpa_source(), crate::model::hpa_source::HpaSource::Applied);
        assert_ne!(scenario.hpa.spec.max_replicas, 3);
        assert_eq!(scenario.releases["prometheus-adapter"].version.as_deref(), Some("5.10"));
    }
    let text = problem_text("hpa: null\n");
    assert!(text.starts_with("mine.yaml:1:6: hpa.spec.scaleTargetRef: "), "{text}");
}

#[test]
fn a_file_with_null_keys_has_its_errors_at_their_places() {
    for (text, told) in [
        ("hpa: null\nload:\n  concurency: 3\n", "mine.yaml:3:15: load.concurency: unknown field `concurency`"),
        ("load:\n  seed: ~\n  concurrency: abc\n", "mine.yaml:3:16: load.concurrency: not a whole number"),
        ("name:\nphases: {installTimeout: soon}\n", "mine.yaml:2:26: "),
    ] {
        let problem = problem_text(text);
        assert!(problem.starts_with(told), "{text}: {problem}");
    }
}

/// A null that meets no map below removes nothing, and does not stay; in the values of a chart it is helm's.
#[test]
fn null_below_a_new_map_is_gone_except_in_the_values_of_a_chart() {
    let file = "phases: {installTimeout: null}\nreleases: {b: {chart: ./b, repo: null, values: {a: null}}}\n";
    let layer = ScenarioLayer::parse("x.yaml", Path::new(""), file.to_owned()).unwrap();
    let scenario = merge_layers(&[layer]).unwrap();
    assert_eq!(scenario.phases.install_timeout, crate::units::HumanDuration::from_secs(900));
    assert_eq!(json!(scenario.releases["b"].values), json!({"a": null}));
}

#[test]
fn null_removes_and_a_relative_chart_is_resolved_from_its_file() {
    let scenario =
        overlay_built_in("releases: {ollama: {repo: null, version: null, chart: ../charts/ollama}}").unwrap();
    let release = &scenario.releases["ollama"];
    assert_eq!((release.chart.as_str(), &release.repo, &release.version), ("./charts/ollama", &None, &None));
}

#[test]
fn an_unknown_field_is_named_with_its_line() {
    let text = problem_text("load:\n  model: a\n  concurency: 3\n");
    assert!(text.starts_with("mine.yaml:3:") && text.contains("concurency") && text.contains("concurrency"), "{text}");
}

#[test]
fn a_field_that_autoscaling_v2_would_drop_is_refused() {
    // From a published submission: `type: Pod` with `pod:` makes an HPA without a metric.
    let text =
        problem_text("hpa:\n  spec:\n    metrics:\n      - type: Pods\n        pod:\n          metric: {name: x}\n");
    assert!(text.starts_with("mine.yaml:6:") && text.contains("hpa.spec.metrics.0.pod"), "{text}");
}

#[test]
fn a_wrong_duration_says_how_to_write_one() {
    let text = problem_text("phases:\n  installTimeout: soon\n");
    assert!(text.starts_with("mine.yaml:2:") && text.contains("90s"), "{text}");
}

#[test]
fn broken_yaml_is_named_with_its_line() {
    let text = problem_text("load:\n  model: [a\n");
    assert!(text.starts_with("mine.yaml:"), "{text}");
}

#[test]
fn cpu_as_the_metric_is_refused_with_the_requirements_text() {
    let text = problem_text(
        "hpa: {spec: {metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]}}",
    );
    assert!(text.contains("custom metrics relevant to AI/ML workloads") && text.contains("mine.yaml:1:"), "{text}");
}

#[test]
fn an_hpa_that_cannot_scale_is_refused() {
    for (text, expected) in [
        ("hpa: {spec: {maxReplicas: 1}}", "cannot scale"),
        ("hpa: {spec: {minReplicas: 0}}", "without a pod"),
        ("hpa: {spec: {behavior: {scaleDown: {selectPolicy: Disabled}}}}", "Disabled"),
        ("expect: {replicas: 4}", "outside 2..=3"),
        ("hpa: {spec: {metrics: []}}", "0 metrics"),
        ("hpa: {spec: {scaleTargetRef: {kind: Service}}}", "Deployment or StatefulSet"),
        ("load: {maxTokens: 0}", "nothing else bounds"),
        ("endpoint: {port: 0}", "endpoint.port: is 0"),
        ("releases: {ollama: {version: null}}", "unpinned"),
        ("metric: {range: [100, 0]}", "not a range"),
        ("endpoint: {type: URL}", "is missing"),
        ("accelerator: gpu", "not an accelerator"),
    ] {
        let problem = problem_text(text);
        assert!(problem.contains(expected), "{text}: {problem}");
    }
}

#[test]
fn a_shipped_profile_is_written_out() {
    let scenario = load(&[], None).unwrap();
    let profile = scenario.metric.profile.as_ref().unwrap();
    assert_eq!((scenario.metric.range, scenario.metric.value_range()), (None, Some([0.0, 100.0])));
    assert_eq!((profile.name.as_str(), scenario.metric.value_unit()), ("dcgm", "percent"));
    let printed = serde_json::to_value(&scenario).unwrap();
    assert_eq!(printed["metric"]["profile"]["labels"]["device"], serde_json::json!(["UUID", "uuid"]));
    let without = overlay_built_in("metric: {profile: null}").unwrap();
    assert_eq!(serde_json::to_value(&without).unwrap()["metric"].get("profile"), None);
}

#[test]
fn an_unknown_profile_is_named_with_its_line_and_the_shipped_ones() {
    let text = problem_text("metric:\n  profile: dgcm\n");
    assert!(text.starts_with("mine.yaml:2:12: metric.profile: unknown profile `dgcm`"), "{text}");
    assert!(crate::model::shipped_profiles::names().all(|name| text.contains(name)), "{text}");
    for wrong in ["5", "[dcgm]", "true"] {
        let text = problem_text(&format!("metric:\n  profile: {wrong}\n"));
        assert!(text.starts_with("mine.yaml:2:") && text.contains("the name of a shipped profile"), "{text}");
    }
}

#[test]
fn a_profile_is_written_out_in_place_or_changed_by_an_overlay() {
    let base = "{name: own, series: {busy: {range: [0, 1]}, free: {unit: MiB}}, labels: {pod: [workload]}}";
    let base = ScenarioLayer::parse("base.yaml", Path::new(""), format!("metric: {{profile: {base}}}")).unwrap();
    let built_in = || ScenarioLayer::parse(BUILT_IN_NAME, Path::new(""), BUILT_IN.to_owned()).unwrap();
    let over = "metric: {exporter: {metricName: busy}, profile: {series: {busy: {unit: ratio}}}}";
    let over = ScenarioLayer::parse("over.yaml", Path::new(""), over.to_owned()).unwrap();
    let metric = resolve(&[built_in(), base, over], None).unwrap().metric;
    let profile = metric.profile.as_ref().unwrap();
    assert_eq!((metric.value_range(), metric.value_unit(), profile.series.len()), (Some([0.0, 1.0]), "ratio", 2));
    assert_eq!(
        (&profile.labels.pod[..], &profile.labels.namespace[..]),
        (&["workload".to_owned()][..], &["namespace".to_owned()][..])
    );
}

#[test]
fn a_profile_that_is_not_valid_is_refused_with_its_line() {
    for (profile, expected) in [
        ("{series: {x: {unit: ratio}}}", "metric.profile.name: is missing"),
        ("{name: a, series: {x: {range: [1, 0]}}}", "metric.profile.series.x.range: is not a range"),
        ("{name: a, labels: {pod: []}}", "no series could belong to a pod"),
        (&format!("{{name: a, labels: {{pod: [{}]}}}}", "x, ".repeat(101)), "shorten it to 100 entries"),
        ("{name: a, acceleratorResources: [gpu]}", "has `gpu`, which is not an extended resource"),
        ("{name: a, acceleratorResources: [\"a.com/*-x\"]}", "`*` at most at the end"),
        ("{name: a, label: {}}", "unknown field `label`"),
        ("{name: a, series: {x: {ranges: [0, 1]}}}", "unknown field `ranges`"),
    ] {
        let text = problem_text(&format!("metric:\n  profile: {profile}\n"));
        assert!(text.starts_with("mine.yaml:2:") && text.contains(expected), "{profile}: {text}");
    }
}

#[test]
fn what_depends_on_the_protocol_is_filled_in() {
    let empty = ScenarioLayer::parse("mine.yaml", Path::new(""), String::new()).unwrap();
    let scenario = merge_layers(&[empty]).unwrap();
    assert_eq!((scenario.endpoint.port, scenario.load.model.as_str()), (11434, "llama3.2:1b"));
    let parameters = |text: &str| serde_json::to_value(overlay_built_in(text).unwrap().load.parameters).unwrap();
    let options = json!({"num_ctx": 2048, "temperature": 0});
    assert_eq!(parameters("load: {maxTokens: 16}"), json!({"options": options, "keep_alive": "30m"}));
    // Each field has a default of its own, as a whole.
    assert_eq!(parameters("load: {parameters: {keep_alive: 3s}}"), json!({"keep_alive": "3s", "options": options}));
    assert_eq!(parameters("load: {parameters: {options: {}}}"), json!({"options": {}, "keep_alive": "30m"}));
}

#[test]
fn a_parameter_that_gpuhpa_sets_is_refused_with_its_place_and_a_hint() {
    let text =
        problem_text("load:\n  parameters:\n    options:\n      seed: 4\n      num_predict: 4\n    stream: false\n");
    for told in [
        "mine.yaml:4:13: load.parameters.options.seed: is set by gpuhpa in each request\n  hint: set load.seed",
        "mine.yaml:5:20: load.parameters.options.num_predict: is set by gpuhpa in each request\n  hint: set load.maxTokens",
        "mine.yaml:6:13: load.parameters.stream: is set by gpuhpa in each request\n  hint: remove it",
    ] {
        assert!(text.contains(told), "`{told}` is not in {text}");
    }
}

#[test]
fn the_openai_protocol_has_defaults_of_its_own_and_refuses_what_is_ollamas() {
    let empty = ScenarioLayer::parse("mine.yaml", Path::new(""), "load: {protocol: openai}".to_owned()).unwrap();
    let scenario = merge_layers(&[empty]).unwrap();
    assert_eq!((scenario.endpoint.port, scenario.load.model.as_str()), (8000, ""));
    assert_eq!(serde_json::to_value(&scenario.load.parameters).unwrap(), json!({"temperature": 0}));
    let text = problem_text(
        "load:\n  protocol: openai\n  model: ''\n  parameters:\n    options: {num_ctx: 512}\n    seed: 4\nendpoint: {type: URL, url: http://gateway/v1/}\n",
    );
    for told in [
        "load.model: is empty\n  hint: name the model",
        "mine.yaml:5:14: load.parameters.options: is a field of Ollama's own protocol",
        "mine.yaml:6:11: load.parameters.seed: is set by gpuhpa in each request\n  hint: set load.seed",
        "endpoint.url: ends with /v1, which is part of the request's path already\n  hint: remove /v1",
    ] {
        assert!(text.contains(told), "`{told}` is not in {text}");
    }
}

#[test]
fn a_bearer_token_has_one_source_and_its_name_alone_is_stored() {
    let scenario = |token: &str| overlay_built_in(&format!("load: {{bearerToken: {token}}}"));
    for (token, stored) in [
        ("{env: GATEWAY_TOKEN}", "  bearerToken:\n    env: GATEWAY_TOKEN\n"),
        ("{file: /run/secrets/token}", "  bearerToken:\n    file: /run/secrets/token\n"),
    ] {
        let yaml = serde_saphyr::to_string(&scenario(token).unwrap()).unwrap();
        assert!(yaml.contains(stored), "{yaml}");
        assert_eq!(crate::env::Redactor::default().redact_text(&yaml), yaml, "the name is no secret");
    }
    for (token, told) in
        [("{}", "has neither file nor env"), ("{env: ''}", "neither"), ("{env: A, file: b}", "has both")]
    {
        let error = scenario(token).unwrap_err().to_string();
        assert!(error.contains("load.bearerToken: ") && error.contains(told), "{token}: {error}");
    }
    let error = scenario("sk-s3cret-value").unwrap_err().to_string();
    assert!(!error.contains("s3cret"), "a token in the scenario itself is not quoted: {error}");
}

#[test]
fn a_former_key_is_refused_with_the_key_of_today() {
    let text = problem_text("load:\n  options: {num_predict: 4}\n  keepAlive: 3s\n");
    for told in [
        "mine.yaml:2:12: load.options: is an unknown key\n  hint: write load.maxTokens instead of num_predict",
        "mine.yaml:3:14: load.keepAlive: is an unknown key\n  hint: write load.parameters.keep_alive",
    ] {
        assert!(text.contains(told), "`{told}` is not in {text}");
    }
}

#[test]
fn an_unknown_protocol_is_refused_with_those_that_are_known() {
    let text = problem_text("load:\n  protocol: gopher\n");
    assert!(text.starts_with("mine.yaml:2:") && text.contains("gopher") && text.contains("ollama"), "{text}");
}

#[test]
fn a_problem_is_located_in_the_last_file_with_its_field() {
    let text = problem_text("\n\nhpa:\n  spec:\n    maxReplicas: 1\n");
    assert!(text.starts_with("mine.yaml:5:18"), "{text}");
}

#[test]
fn a_printed_scenario_parses_to_the_same_scenario() {
    let scenario = load(&[], None).unwrap();
    let printed = serde_saphyr::to_string(&scenario).unwrap();
    let again = ScenarioLayer::parse("printed.yaml", Path::new(""), printed).unwrap();
    let again = merge_layers(&[again]).unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), serde_json::to_value(&scenario).unwrap());
}

#[test]
fn a_file_that_extends_itself_ends_in_an_error() {
    let dir = std::env::temp_dir().join(format!("gpuhpa-endless-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("a.yaml");
    std::fs::write(&file, "extends: a.yaml\n").unwrap();
    let error = load(&[file], None).unwrap_err();
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(matches!(error, ScenarioError::ExtendsTooDeep { .. }), "{error}");
}

#[test]
fn a_number_out_of_range_is_refused_with_its_place_and_whose_limit_it_is() {
    let text = problem_text("hpa:\n  spec:\n    maxReplicas: 2147483647\n");
    assert!(text.starts_with("mine.yaml:3:18: hpa.spec.maxReplicas: is 2147483647, outside 1..=1000: "), "{text}");
    assert!(text.contains("gpuhpa's") && text.contains("hint: choose 1 to 1000"), "{text}");
    let text = problem_text("hpa:\n  spec:\n    behavior:\n      scaleUp: {stabilizationWindowSeconds: 3601}\n");
    assert!(text.starts_with("mine.yaml:4:45: ") && text.contains("API server"), "{text}");
}

#[test]
fn a_word_that_the_api_server_refuses_is_refused() {
    let behavior = |rules: &str| problem_text(&format!("hpa:\n  spec:\n    behavior:\n      scaleUp: {{{rules}}}\n"));
    let text = behavior("policies: [{type: Bar, value: 1, periodSeconds: 15}]");
    assert!(text.contains("mine.yaml:4:") && text.contains("policies.0.type: `Bar`"), "{text}");
    let text = behavior("selectPolicy: Foo");
    assert!(text.contains("mine.yaml:4:") && text.contains("scaleUp.selectPolicy: `Foo`"), "{text}");
}

#[test]
fn a_name_that_kubernetes_does_not_take_is_refused_with_its_place() {
    for (text, field) in [
        ("namespace: A/../b", "namespace: `A/../b` is no RFC 1123 label"),
        ("releases: {ollama: {namespace: a.b}}", "releases.ollama.namespace: `a.b` is no"),
        ("releases: {--debug: {chart: ./x}}", "releases.--debug: `--debug` is no RFC 1123 subdomain"),
        ("hpa: {spec: {scaleTargetRef: {name: a/b}}}", "hpa.spec.scaleTargetRef.name: `a/b` is no"),
        ("metric: {store: {service: {namespace: ..}}}", "metric.store.service.namespace: `..` is no"),
        ("metric: {store: {service: {name: a/b}}}", "metric.store.service.name: `a/b` is no"),
        ("metric: {store: {service: {port: a/b}}}", "metric.store.service.port: `a/b` is neither"),
        ("metric: {exporter: {namespace: a/b}}", "metric.exporter.namespace: `a/b` is no"),
    ] {
        let problem = problem_text(text);
        assert!(problem.starts_with("mine.yaml:1:") && problem.contains(field), "{text}: {problem}");
    }
    let error = load(&[], Some("A/../b")).unwrap_err().to_string();
    assert!(error.starts_with("--namespace: namespace: `A/../b` is no") && error.contains("hint: "), "{error}");
}

#[test]
fn errors_of_yaml_are_in_the_words_of_its_user() {
    let many = format!("declares: [{}]", "a, ".repeat(300_000));
    let deep = format!("declares: {}", "[".repeat(10_000));
    for (text, told) in [
        ("name: a\nname: b\n", "mine.yaml:2:1: the key `name` is there twice; remove one"),
        ("name: a\n---\nname: b\n", "more than one YAML document"),
        ("load: [1]\n", "mine.yaml:1:7: load: not a map"),
        ("load: {concurrency: abc}\n", "mine.yaml:1:21: load.concurrency: not a whole number from 0 to 4294967295"),
        (
            "hpa: {spec: {maxReplicas: 2147483648}}\n",
            "hpa.spec.maxReplicas: not a whole number from -2147483648 to 2147483647",
        ),
        ("load:\n  seed: -1\n", "mine.yaml:2:9: load.seed: not a whole number from 0 to"),
        ("assumptions: {tolerance: high}\n", "mine.yaml:1:26: assumptions.tolerance: not a number"),
        ("metric: {range: [0, x]}\n", "mine.yaml:1:21: metric.range.1: not a number"),
        ("releases: {a: {plainHttp: maybe}}\n", "mine.yaml:1:27: releases.a.plainHttp: not true or false"),
        ("- a\n", "mine.yaml:1:1: not a map"),
        (&many, "too many values"),
        (&deep, "too deeply nested"),
        ("name: *none\n", "mine.yaml:1:"),
    ] {
        let problem = problem_text(text);
        let inside = ["Policy", "Options", "budget", "Nodes {", "from_str", "mapping start", "at line"];
        assert!(problem.contains(told) && problem.len() < 600, "{problem}");
        assert!(!inside.iter().any(|word| problem.contains(word)), "{problem}");
    }
}

#[test]
fn a_file_extends_the_built_in_scenario_by_its_url_alone() {
    let dir = std::env::temp_dir().join(format!("gpuhpa-builtin-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("mine.yaml");
    std::fs::write(&file, format!("extends: {BUILT_IN_URL}\nload: {{concurrency: 4}}\n")).unwrap();
    let mine = load(std::slice::from_ref(&file), None);
    std::fs::write(&file, "extends: builtin://other.yaml\n").unwrap();
    let other = load(std::slice::from_ref(&file), None);
    std::fs::remove_dir_all(&dir).unwrap();
    let built_in = load(&[], None).unwrap();
    let mine = mine.unwrap();
    assert_eq!((mine.load.concurrency, &mine.hpa.spec, mine.extends), (4, &built_in.hpa.spec, None));
    let other = other.unwrap_err().to_string();
    assert!(
        other.contains("mine.yaml:1:10: extends: names no built-in scenario") && other.contains(BUILT_IN_URL),
        "{other}"
    );
}

#[test]
fn a_file_that_cannot_be_read_whole_is_an_error() {
    let error = |file: &str| load(&[PathBuf::from(file)], None).unwrap_err().to_string();
    assert!(error("/dev/zero").contains("more than 1048576 bytes"), "{}", error("/dev/zero"));
    assert!(error("/").starts_with("/: could not be read: "), "{}", error("/"));
    let dir = std::env::temp_dir().join(format!("gpuhpa-unreadable-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("a.yaml");
    std::fs::write(&file, "name: a\nextends: https://example.com/x.yaml\n").unwrap();
    let url = error(&file.display().to_string());
    // Each error of a base names the file that extends it.
    for (base, why) in
        [(".", "it is a folder"), ("none.yaml", "No such file"), ("/dev/zero", "it is no regular file"), ("", "folder")]
    {
        std::fs::write(&file, format!("name: a\nextends: \"{base}\"\n")).unwrap();
        let text = error(&file.display().to_string());
        assert!(text.contains(why) && text.ends_with("a.yaml:2:10 extends it"), "{base}: {text}");
    }
    std::fs::write(&file, "").unwrap();
    let empty = error(&file.display().to_string());
    std::fs::write(&file, "hpa: {spec: {scaleTargetRef: {kind: Deployment}}}\n").unwrap();
    let half = error(&file.display().to_string());
    assert!(empty.contains("Deployment or StatefulSet, and is missing\n"), "{empty}");
    assert!(half.contains("and has no apiVersion and no name\n"), "{half}");
    std::fs::write(&file, b"name: \xff\n").unwrap();
    let latin = error(&file.display().to_string());
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(url.contains("a.yaml:2:10: extends: is a URL"), "{url}");
    assert!(latin.contains("is not UTF-8"), "{latin}");
}

/// As people type it: the API server takes a number as a quantity.
#[test]
fn a_bare_number_is_a_text_where_the_scenario_has_one_and_a_typo_is_still_found() {
    let hpa = "hpa:\n  spec:\n    maxReplicas: 4\n    metrics:\n      - type: Pods\n        pods:\n          metric: {name: gpu_utilization}\n          target: {type: Utilization, averageValue: 10}\n";
    let scenario = overlay_built_in(hpa).unwrap();
    let metric = scenario.hpa.spec.metrics.unwrap().remove(0).pods.unwrap();
    assert_eq!(metric.target.average_value.unwrap().0, "10");
    let text = problem_text(&format!("{hpa}    behavior:\n      scaleDown:\n        stabilizationWindowSecond: 60\n"));
    assert!(text.starts_with("mine.yaml:11:") && text.contains("stabilizationWindowSecond"), "{text}");
    let numbers = "hpa: {spec: {behavior: {scaleUp: {tolerance: 0.05}}}}\nmetric: {store: {service: {port: 9090}}}\n\
                   releases: {prometheus-adapter: {version: 5.10}}\n";
    let scenario = overlay_built_in(numbers).unwrap();
    let behavior = scenario.hpa.spec.behavior.unwrap();
    assert_eq!(behavior.scale_up.unwrap().tolerance.unwrap().0, "0.05");
    assert_eq!(scenario.metric.store.unwrap().service.unwrap().port, "9090");
    assert_eq!(scenario.releases["prometheus-adapter"].version.as_deref(), Some("5.10"));
    assert!(scenario.releases["prometheus-adapter"].values["prometheus"]["port"].is_number());
}

#[test]
fn a_target_that_gpuhpa_does_not_test_is_named_with_what_to_write() {
    let target = |target: &str| problem_text(&format!("hpa:\n  spec:\n    scaleTargetRef: {target}\n"));
    let old = target("{apiVersion: apps/v1beta1}");
    assert!(old.starts_with("mine.yaml:3:") && old.contains("is apps/v1beta1 Deployment ollama"), "{old}");
    assert!(old.contains("hint: write {apiVersion: apps/v1, kind: Deployment"), "{old}");
    let rollout = target("{apiVersion: argoproj.io/v1alpha1, kind: Rollout}");
    assert!(rollout.contains("hint: gpuhpa does not test a Rollout"), "{rollout}");
}

#[test]
fn an_object_metric_of_type_utilization_is_refused_with_the_controllers_words() {
    let text = problem_text(
        "hpa:\n  spec:\n    metrics:\n      - type: Object\n        object:\n          describedObject: {apiVersion: v1, kind: Namespace, name: a}\n          metric: {name: b}\n          target: {type: Utilization, averageValue: 10}\n",
    );
    assert!(text.starts_with("mine.yaml:8:") && text.contains("hpa.spec.metrics.0.object.target.type"), "{text}");
    assert!(text.contains("neither a value target nor an average value target was set"), "{text}");
}

#[test]
fn an_hpa_that_exists_or_a_scaled_object_takes_the_place_of_hpa() {
    let adopted = overlay_built_in("adopt: {hpa: theirs}").unwrap();
    assert_eq!(adopted.hpa_source(), crate::model::hpa_source::HpaSource::Adopted("theirs"));
    let scaled = |min: u32| {
        format!(
            "scaledObject: {{spec: {{scaleTargetRef: {{name: x}}, minReplicaCount: {min}, maxReplicaCount: 4, triggers: [{{type: prometheus, \
             metadata: {{serverAddress: http://p, query: up, threshold: '5'}}}}]}}}}"
        )
    };
    let scenario = overlay_built_in(&scaled(2)).unwrap();
    let spec = &scenario.hpa.spec;
    assert_eq!((spec.min_replicas, spec.max_replicas, spec.scale_target_ref.name.as_str()), (Some(2), 4, "x"));
    let text = problem_text(&scaled(0));
    assert!(
        text.contains("scaledObject.spec.minReplicaCount: is 0") && text.contains("no part of the claim"),
        "{text}"
    );
    let text = problem_text(&format!("adopt: {{hpa: theirs}}\n{}", scaled(1)));
    assert!(text.contains("scaledObject: is not valid beside adopt"), "{text}");
    assert!(problem_text("adopt: {hpa: ''}").contains("adopt.hpa: is missing"));
    assert!(problem_text("adopt: {hpa: a/b}").contains("adopt.hpa: `a/b` is no RFC 1123"));
}

const SCALED_OBJECT: &str = "scaledObject: {spec: {scaleTargetRef: {name: x}, minReplicaCount: 1, maxReplicaCount: 4, \
    triggers: [{type: prometheus, metadata: {serverAddress: http://p, query: up, threshold: '5'}}]}}";

#[test]
fn an_hpa_beside_a_scaled_object_is_one_error_and_that_of_a_file_below_is_replaced() {
    let text = problem_text(&format!("{SCALED_OBJECT}\nhpa: {{spec: {{maxReplicas: 3}}}}\n"));
    assert!(text.starts_with("mine.yaml:2:") && text.contains("hpa: is stated beside scaledObject"), "{text}");
    assert_eq!(text.matches("hint: ").count(), 1, "{text}");
    assert!(overlay_built_in(SCALED_OBJECT).is_ok(), "the built-in scenario below has an hpa");
    // What KEDA makes of it, as `plan -o yaml` and the scenario.yaml of a bundle have it, under any name.
    let mut made = overlay_built_in(SCALED_OBJECT).unwrap();
    let external = |scenario: &mut crate::model::scenario::Scenario| {
        scenario.hpa.spec.metrics.as_mut().unwrap()[0]
            .external
            .as_mut()
            .unwrap()
            .metric
            .selector
            .as_mut()
            .unwrap()
            .match_labels
            .as_mut()
            .unwrap()
            .insert("scaledobject.keda.sh/name".to_owned(), "gpuhpa-1".to_owned())
    };
    assert!(overlay_built_in(&serde_saphyr::to_string(&made).unwrap()).is_ok());
    external(&mut made);
    assert!(overlay_built_in(&serde_saphyr::to_string(&made).unwrap()).is_ok());
    made.hpa.spec.max_replicas = 5;
    assert!(problem_text(&serde_saphyr::to_string(&made).unwrap()).contains("hpa: is stated beside scaledObject"));
}

#[test]
fn an_hpa_beside_adopt_is_known_by_its_place_and_that_of_a_file_below_is_not() {
    let dir = std::env::temp_dir().join(format!("gpuhpa-beside-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("mine.yaml");
    let place = |text: &str| {
        std::fs::write(&file, format!("extends: {BUILT_IN_URL}\n{text}")).unwrap();
        let place = load_with_places(std::slice::from_ref(&file), None).unwrap().hpa_beside_adopt;
        place.map(|place| place.rsplit('/').next().unwrap_or_default().to_owned())
    };
    let found =
        [place("adopt: {hpa: x}\n"), place("adopt: {hpa: x}\nhpa: {spec: {maxReplicas: 4}}\n"), place("name: a\n")];
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(found, [None, Some("mine.yaml:3:6".to_owned()), None]);
}

/// Every typo in a ScaledObject has its place, and a problem of the HPA that KEDA makes is at the key of which it is made.
#[test]
fn the_problems_of_a_scaled_object_have_their_places() {
    let scaled = |edit: &str| {
        let lines = "scaledObject:\n  spec:\n    scaleTargetRef: {name: x}\n    minReplicaCount: 1\n    maxReplicaCount: 4\n    \
             triggers:\n      - type: prometheus\n        metadata:\n          serverAddress: http://p\n          query: sum(up)\n          \
             threshold: '5'\n";
        let (from, to) = edit.split_once(" => ").unwrap();
        assert!(lines.contains(from), "{from}");
        problem_text(&lines.replace(from, to))
    };
    for (edit, expected) in [
        ("maxReplicaCount => maxReplicas", "mine.yaml:5:18: scaledObject.spec.maxReplicas: is an unknown key"),
        (
            "threshold: '5' => treshold: '5'",
            "mine.yaml:11:21: scaledObject.spec.triggers.0.metadata.treshold: is an unknown key",
        ),
        ("threshold: '5' => threshold: 5", "hint: write it in quotes: \"5\""),
        (
            "query: sum(up) => query: sum(up",
            "mine.yaml:10:18: scaledObject.spec.triggers.0.metadata.query: has a `(` that is not closed",
        ),
        (
            "maxReplicaCount: 4 => maxReplicaCount: 1",
            "mine.yaml:5:22: scaledObject.spec.maxReplicaCount: is 1 with minReplicas 1",
        ),
        ("{name: x} => {name: x, kind: Rollout}", "mine.yaml:3:21: scaledObject.spec.scaleTargetRef: must name"),
    ] {
        let text = scaled(edit);
        assert!(text.contains(expected), "{edit}: {text}");
    }
    let both = problem_text(&format!("{}\nload: {{model: ''}}\n", SCALED_OBJECT.replace("query", "qeury")));
    assert!(both.contains("did you mean query?") && both.contains("load.model: is empty"), "{both}");
}

#[test]
fn an_unknown_key_of_the_scenario_has_a_suggestion() {
    assert!(problem_text("lod: {}\n").contains("did you mean load?"), "{}", problem_text("lod: {}\n"));
    assert!(problem_text("load: {concurency: 3}\n").contains("did you mean concurrency?"));
}

#[test]
fn the_spec_of_an_adopted_hpa_is_no_problem_of_the_file_and_one_of_the_run() {
    let mut scenario =
        overlay_built_in("{adopt: {hpa: theirs}, hpa: {spec: {minReplicas: 3, maxReplicas: 3}}}").unwrap();
    assert!(find_hpa_problems(&scenario)[0].message.contains("the HPA cannot scale"));
    scenario.hpa.spec.max_replicas = 4;
    assert_eq!(find_hpa_problems(&scenario), []);
}

/// The folder above one that was reached by a link is the one above its target, as for every other program.
#[test]
fn extends_follows_a_link_to_a_folder() {
    let root = std::env::temp_dir().join(format!("gpuhpa-linked-{}", std::process::id()));
    let put = |path: &str, text: &str| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put("repository/base.yaml", "extends: builtin://ollama-gpu-utilization.yaml\nname: base\n");
    put("repository/rig/rig.yaml", "extends: ../base.yaml\n");
    put("mine/mine.yaml", "extends: linked/rig.yaml\n");
    std::os::unix::fs::symlink(root.join("repository/rig"), root.join("mine/linked")).unwrap();
    let loaded = load(&[root.join("mine/mine.yaml")], None);
    std::fs::remove_dir_all(&root).unwrap();
    assert_eq!(loaded.unwrap().name, "base");
}

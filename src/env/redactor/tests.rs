use serde_json::json;

use super::*;

#[test]
fn the_redacted_value_and_its_json_are_equal() {
    let redactor = Redactor::new(Some("/home/an\"na".to_owned()));
    let error = "open /home/an\"na/.kube/config: no such file".to_owned();
    let mut redacted = error.clone();
    let line = redactor.redact_value(&mut redacted).unwrap();
    assert_eq!(
        (redacted.as_str(), line),
        ("open ~/.kube/config: no such file", "\"open ~/.kube/config: no such file\"".to_owned())
    );
    assert_eq!(redactor.redact_text(&error), redacted);
    for home in [None, Some("/".to_owned()), Some(String::new())] {
        let mut redacted = error.clone();
        Redactor::new(home).redact_value(&mut redacted).unwrap();
        assert_eq!(redacted, error);
    }
}

#[test]
fn a_known_secret_is_redacted_in_every_string_of_a_value() {
    let redactor = Redactor::default();
    redactor.add_secret("s3cr3t-of-mine");
    redactor.add_secret("admin");
    let mut value = json!({"a": ["x s3cr3t-of-mine y", 1], "b": {"c": "s3cr3t-of-mine"}, "d": "admin"});
    let line = redactor.redact_value(&mut value).unwrap();
    assert_eq!(line, r#"{"a":["x REDACTED y",1],"b":{"c":"REDACTED"},"d":"admin"}"#);
    assert_eq!(value, serde_json::from_str::<Value>(&line).unwrap());
}

#[test]
fn a_secret_by_its_name_is_redacted_there_and_in_any_text_after() {
    let redactor = Redactor::default();
    let mut object = json!({
        "annotations": {"last-applied": "{\"value\":\"second-s3cret\"}"}, "hf_token": "first-s3cret", "tokenizer": "bert", "db": {"adminPassword": "e", "port": 5},
        "extraEnv": [{"name": "HF_TOKEN", "value": "second-s3cret"}, {"name": "HOST", "value": "d"}],
    });
    redactor.redact_object(&mut object);
    let hidden = json!({
        "annotations": {"last-applied": "{\"value\":\"REDACTED\"}"}, "hf_token": "REDACTED", "tokenizer": "bert", "db": {"adminPassword": "REDACTED", "port": 5},
        "extraEnv": [{"name": "HF_TOKEN", "value": "REDACTED"}, {"name": "HOST", "value": "d"}],
    });
    assert_eq!(object, hidden);
    assert_eq!(redactor.redact_text("helm: first-s3cret and second-s3cret"), "helm: REDACTED and REDACTED");
}

#[test]
fn hosts_are_redacted_on_request_and_stay_apart() {
    let redactor = Redactor::default();
    redactor.add_host("NODE", "gpu-7.corp");
    assert_eq!(redactor.redact_text("pod on gpu-7.corp"), "pod on gpu-7.corp");
    redactor.redact_hosts();
    // One name equals a lower-case placeholder.
    for name in ["gpu-7", "gpu-7.corp", "gpu-7", "node-1"] {
        redactor.add_host("NODE", name);
    }
    redactor.add_host("ADDRESS", "10.0.0.7");
    let expected = "NODE-1 NODE-2 NODE-3 ADDRESS-1:80 10.0.0.77";
    assert_eq!(redactor.redact_text("gpu-7 gpu-7.corp node-1 10.0.0.7:80 10.0.0.77"), expected);
    let mut again = redactor.redact_text("gpu-7");
    redactor.redact_value(&mut again).unwrap();
    assert_eq!(again, "NODE-1");
}

#[test]
fn a_host_named_by_a_plain_word_is_not_redacted() {
    let redactor = Redactor::default();
    redactor.redact_hosts();
    redactor.add_host("NODE", "gpu");
    redactor.add_host("NODE", "");
    assert_eq!(redactor.redact_text("nvidia.com/gpu on gpu"), "nvidia.com/gpu on gpu");
}

#[test]
fn foreign_text_is_cut_at_a_character() {
    let cut = sanitize_text(&"ä".repeat(10_000), 200);
    assert_eq!(cut, format!("{}...", "ä".repeat(200)));
    assert_eq!(sanitize_text(&"x".repeat(200), 200), "x".repeat(200));
}

use serde_json::json;

use super::*;

#[test]
fn what_is_kept_and_what_is_judged_say_the_same() {
    let cover = Redactor::new(Some("/home/an\"na".to_owned()));
    let why = "open /home/an\"na/.kube/config: no such file".to_owned();
    let mut kept = why.clone();
    let line = cover.redact_value(&mut kept).unwrap();
    assert_eq!(
        (kept.as_str(), line),
        ("open ~/.kube/config: no such file", "\"open ~/.kube/config: no such file\"".to_owned())
    );
    assert_eq!(cover.redact_text(&why), kept);
    for home in [None, Some("/".to_owned()), Some(String::new())] {
        let mut kept = why.clone();
        Redactor::new(home).redact_value(&mut kept).unwrap();
        assert_eq!(kept, why);
    }
}

#[test]
fn a_secret_that_was_told_is_found_in_every_string_of_a_value() {
    let cover = Redactor::default();
    cover.add_secret("s3cr3t-of-mine");
    cover.add_secret("admin");
    let mut value = json!({"a": ["x s3cr3t-of-mine y", 1], "b": {"c": "s3cr3t-of-mine"}, "d": "admin"});
    let line = cover.redact_value(&mut value).unwrap();
    assert_eq!(line, r#"{"a":["x REDACTED y",1],"b":{"c":"REDACTED"},"d":"admin"}"#);
    assert_eq!(value, serde_json::from_str::<Value>(&line).unwrap());
}

#[test]
fn what_is_a_secret_by_its_name_is_hidden_there_and_everywhere_after() {
    let cover = Redactor::default();
    let mut object = json!({
        "annotations": {"last-applied": "{\"value\":\"second-s3cret\"}"}, "hf_token": "first-s3cret", "tokenizer": "bert", "db": {"adminPassword": "e", "port": 5},
        "extraEnv": [{"name": "HF_TOKEN", "value": "second-s3cret"}, {"name": "HOST", "value": "d"}],
    });
    cover.redact_object(&mut object);
    let hidden = json!({
        "annotations": {"last-applied": "{\"value\":\"REDACTED\"}"}, "hf_token": "REDACTED", "tokenizer": "bert", "db": {"adminPassword": "REDACTED", "port": 5},
        "extraEnv": [{"name": "HF_TOKEN", "value": "REDACTED"}, {"name": "HOST", "value": "d"}],
    });
    assert_eq!(object, hidden);
    assert_eq!(cover.redact_text("helm: first-s3cret and second-s3cret"), "helm: REDACTED and REDACTED");
}

#[test]
fn hosts_are_redacted_on_request_and_stay_apart() {
    let cover = Redactor::default();
    cover.add_host("NODE", "gpu-7.corp");
    assert_eq!(cover.redact_text("pod on gpu-7.corp"), "pod on gpu-7.corp");
    cover.redact_hosts();
    // One is named as another could have been numbered.
    for name in ["gpu-7", "gpu-7.corp", "gpu-7", "node-1"] {
        cover.add_host("NODE", name);
    }
    cover.add_host("ADDRESS", "10.0.0.7");
    let covered = "NODE-1 NODE-2 NODE-3 ADDRESS-1:80 10.0.0.77";
    assert_eq!(cover.redact_text("gpu-7 gpu-7.corp node-1 10.0.0.7:80 10.0.0.77"), covered);
    let mut twice = cover.redact_text("gpu-7");
    cover.redact_value(&mut twice).unwrap();
    assert_eq!(twice, "NODE-1");
}

#[test]
fn a_host_named_by_a_plain_word_does_not_take_other_things_with_it() {
    let cover = Redactor::default();
    cover.redact_hosts();
    cover.add_host("NODE", "gpu");
    cover.add_host("NODE", "");
    assert_eq!(cover.redact_text("nvidia.com/gpu on gpu"), "nvidia.com/gpu on gpu");
}

//! Parses `/api/ps` (the loaded models and their placement).

use super::super::ModelPlacement;
use super::super::json_fields::JsonFields;
use super::remote_model::remote_model;

/// Finds a model in the response of `/api/ps` by the name that a request uses for it (ollama: api/types.go,
/// ProcessModelResponse). Every entry is read on its own: one that is no loaded model hides no other one.
pub(in crate::protocol) fn parse_placement(body: &[u8], model: &str) -> Option<ModelPlacement> {
    // Go writes an empty list as null in some versions.
    let models = JsonFields::parse(body).ok()?.list("models")?;
    let wanted = canonical_name(model);
    let is_wanted = |name: String| !name.is_empty() && canonical_name(&name) == wanted;
    let mut found = None;
    for loaded in models.into_iter().filter_map(|entry| JsonFields::parse(entry.get().as_bytes()).ok()) {
        // Newer versions prefer the field `model`.
        if !["name", "model"].iter().any(|field| loaded.text(field).is_some_and(is_wanted)) {
            continue;
        }
        let placement = ModelPlacement {
            bytes: loaded.count("size"),
            // All of `size` when fully offloaded, 0 on the CPU.
            accelerator_bytes: loaded.count("size_vram"),
            // Of the model's manifest.
            digest: loaded.text("digest"),
            remote_model: remote_model(&loaded),
        };
        if placement.accelerator_bytes.is_some() {
            return Some(placement);
        }
        found = found.or(Some(placement));
    }
    found
}

/// The name in lower case, with its tag and without Ollama's default registry and namespace: the form in which Ollama
/// compares names (ollama: types/model/name.go; the default tag is `latest`).
fn canonical_name(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("registry.ollama.ai/").unwrap_or(&name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    // A colon before the last slash separates a host and its port.
    let has_tag = name.rsplit('/').next().is_some_and(|last| last.contains(':'));
    if has_tag { name.to_owned() } else { format!("{name}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PS: &str = r#"{"models":[
        {"name":"llama3.2:1b","model":"llama3.2:1b","size":100,"digest":"abc","details":{},"size_vram":60},
        {"name":"mistral:latest","model":"mistral:latest","size":5,"digest":"def","expires_at":"x","size_vram":0},
        {"name":"localhost:5000/team/own:latest","size":7}]}"#;

    #[test]
    fn a_loaded_model_is_found_by_the_name_in_the_request() {
        let find = |name: &str| parse_placement(PS.as_bytes(), name);
        let bytes = |name: &str| find(name).map(|found| (found.bytes, found.accelerator_bytes));
        assert_eq!(bytes("llama3.2:1b"), Some((Some(100), Some(60))));
        assert_eq!(bytes("llama3.2"), None);
        assert_eq!(bytes("mistral"), Some((Some(5), Some(0))));
        assert_eq!(bytes("registry.ollama.ai/library/Mistral"), Some((Some(5), Some(0))));
        assert_eq!(bytes("localhost:5000/team/own"), Some((Some(7), None)));
        assert_eq!(find("llama3.2:1b").unwrap().digest.as_deref(), Some("abc"));
    }

    #[test]
    fn an_odd_entry_or_field_hides_no_model() {
        let find = |models: &str| parse_placement(format!("{{\"models\":{models}}}").as_bytes(), "m");
        let half = ModelPlacement { bytes: Some(100), accelerator_bytes: Some(52), ..ModelPlacement::default() };
        for models in [
            r#"[7,null,"m",[],{"name":{},"size":"2 GB"},{"name":"m:latest","size":100,"size_vram":52}]"#,
            r#"[{"name":7,"model":"m","size":1e2,"size_vram":52.0,"digest":5,"details":"none"}]"#,
            r#"[{"name":"m","size":100},{"name":"m","size":100,"size_vram":52}]"#,
            r#"[{"name":"other","size":-1},{"name":"m","size":100,"size_vram":52,"expires_at":-1}]"#,
        ] {
            assert_eq!(find(models), Some(half.clone()), "{models}");
        }
        let unknown = find(r#"[{"name":"m","size":-1,"size_vram":-1}]"#).unwrap();
        assert_eq!(unknown, ModelPlacement::default(), "a negative size is unknown, not 0");
        let remote = find(r#"[{"name":"m","remote_model":"m:120b","remote_host":"https://remote.example"}]"#);
        assert_eq!(remote.unwrap().remote_model.as_deref(), Some("m:120b at https://remote.example"));
    }

    #[test]
    fn a_response_without_the_model_does_not_say_where_it_is() {
        for body in ["{\"models\":null}", "{\"models\":[]}", "{\"models\":{}}", "[]", "<html>"] {
            assert_eq!(parse_placement(body.as_bytes(), ""), None, "{body}");
        }
    }
}

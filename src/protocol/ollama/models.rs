//! Parses `/api/ps` (the loaded models and their placement).

use serde::Deserialize;

use super::super::ModelPlacement;

/// A loaded model (ollama: api/types.go, ProcessModelResponse).
#[derive(Debug, Deserialize)]
struct LoadedModel {
    /// Name with its tag.
    #[serde(default)]
    name: String,
    /// The same, in the field that newer versions prefer.
    #[serde(default)]
    model: String,
    /// Digest of the model's manifest.
    digest: Option<String>,
    /// Bytes of the loaded model.
    size: Option<u64>,
    /// Bytes of it in the accelerator's memory: all of `size` when fully offloaded, 0 on the CPU.
    size_vram: Option<u64>,
}

/// Finds a model in the response of `/api/ps` by the name that a request uses for it.
pub(super) fn parse_placement(body: &[u8], model: &str) -> Option<ModelPlacement> {
    #[derive(Deserialize)]
    struct ModelList {
        // Go writes an empty list as null in some versions.
        models: Option<Vec<LoadedModel>>,
    }
    let models = serde_json::from_slice::<ModelList>(body).ok()?.models?;
    let wanted = canonical_name(model);
    let is_wanted = |name: &String| !name.is_empty() && canonical_name(name) == wanted;
    let found = models.into_iter().find(|loaded| [&loaded.name, &loaded.model].into_iter().any(is_wanted))?;
    Some(ModelPlacement { bytes: found.size, accelerator_bytes: found.size_vram, digest: found.digest })
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
    fn a_response_without_the_model_does_not_say_where_it_is() {
        for body in ["{\"models\":null}", "{\"models\":[]}", "<html>"] {
            assert_eq!(parse_placement(body.as_bytes(), ""), None, "{body}");
        }
    }
}

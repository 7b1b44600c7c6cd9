//! Parses `/api/ps` (the loaded models and their placement) and `/api/version`.

use serde::Deserialize;

use super::error_response::MAX_ERROR_CHARS;
use crate::env::sanitize_text;

/// A loaded model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LoadedModel {
    /// Name with its tag.
    #[serde(default)]
    pub name: String,
    /// The same, in the field that newer versions prefer.
    #[serde(default)]
    pub model: String,
    /// Digest of the model's manifest.
    pub digest: Option<String>,
    /// Bytes of the loaded model.
    pub size: Option<u64>,
    /// Bytes of it in the accelerator's memory: all of `size` when fully offloaded, 0 on the CPU. `None` if the
    /// response has no such field, which is not the same as 0.
    pub size_vram: Option<u64>,
}

/// A response that is not valid at its path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not parse the response of {path}: {reason}")]
pub struct OllamaApiError {
    /// Path of the request.
    pub path: &'static str,
    /// What is wrong with the response.
    pub reason: String,
}

/// Parses the response of `/api/ps`.
pub fn parse_loaded_models(body: &[u8]) -> Result<Vec<LoadedModel>, OllamaApiError> {
    #[derive(Deserialize)]
    struct ModelList {
        models: Option<Vec<LoadedModel>>,
    }
    // Go writes an empty list as null in some versions.
    parse_json::<ModelList>("/api/ps", body).map(|list| list.models.unwrap_or_default())
}

/// Finds a model by the name that a request uses for it.
#[must_use]
pub fn find_model<'a>(models: &'a [LoadedModel], name: &str) -> Option<&'a LoadedModel> {
    let wanted = canonical_name(name);
    models.iter().find(|m| [&m.name, &m.model].into_iter().any(|n| !n.is_empty() && canonical_name(n) == wanted))
}

/// Parses the response of `/api/version`.
pub fn parse_version(body: &[u8]) -> Result<String, OllamaApiError> {
    #[derive(Deserialize)]
    struct VersionBody {
        version: String,
    }
    parse_json::<VersionBody>("/api/version", body).map(|v| sanitize_text(&v.version, MAX_ERROR_CHARS))
}

fn parse_json<'a, T: Deserialize<'a>>(path: &'static str, body: &'a [u8]) -> Result<T, OllamaApiError> {
    serde_json::from_slice(body).map_err(|e| OllamaApiError { path, reason: e.to_string() })
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
        let models = parse_loaded_models(PS.as_bytes()).unwrap();
        let size = |name: &str| find_model(&models, name).map(|m| (m.size, m.size_vram));
        assert_eq!(size("llama3.2:1b"), Some((Some(100), Some(60))));
        assert_eq!(size("llama3.2"), None);
        assert_eq!(size("mistral"), Some((Some(5), Some(0))));
        assert_eq!(size("registry.ollama.ai/library/Mistral"), Some((Some(5), Some(0))));
        assert_eq!(size("localhost:5000/team/own"), Some((Some(7), None)));
        assert_eq!(models[0].digest.as_deref(), Some("abc"));
    }

    #[test]
    fn an_invalid_list_is_an_error_and_not_empty() {
        assert_eq!(parse_loaded_models(b"{\"models\":null}"), Ok(Vec::new()));
        assert_eq!(parse_loaded_models(b"{\"models\":[]}"), Ok(Vec::new()));
        assert_eq!(parse_loaded_models(b"<html>").unwrap_err().path, "/api/ps");
    }

    #[test]
    fn a_version_is_parsed() {
        assert_eq!(parse_version(br#"{"version":"0.32.15"}"#).unwrap(), "0.32.15");
        assert!(parse_version(b"{}").is_err());
    }
}

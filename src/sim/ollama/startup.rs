//! The postStart hook and environment of a server: which models it pulls or creates, and which one it loads.

use serde_json::Value;

use crate::units::HumanDuration;

/// Start options of a server.
#[derive(Default)]
pub(super) struct ServerStartup {
    /// Words of the postStart command; `None` without a hook.
    post_start_words: Option<Vec<String>>,
    /// `OLLAMA_KEEP_ALIVE`: how long an unused model stays in memory, microseconds; `None`: no limit.
    pub(super) keep_alive_us: Option<u64>,
}

impl ServerStartup {
    pub(super) fn from_pod(pod: &Value) -> Self {
        let container = &pod["spec"]["containers"][0];
        let command = container["lifecycle"]["postStart"]["exec"]["command"].as_array();
        let words = command.map(|command| {
            let texts = command.iter().filter_map(Value::as_str);
            texts.flat_map(str::split_whitespace).map(str::to_owned).collect()
        });
        let env = container["env"].as_array().into_iter().flatten();
        let keep_alive = env.filter(|env| env["name"] == "OLLAMA_KEEP_ALIVE").find_map(|env| env["value"].as_str());
        let keep_alive = keep_alive.unwrap_or("5m");
        // A negative value means no limit.
        let keep_alive_us = (!keep_alive.starts_with('-'))
            .then(|| keep_alive.parse().unwrap_or(HumanDuration::from_secs(300)).ms() * 1000);
        Self { post_start_words: words, keep_alive_us }
    }

    /// The model that the hook loads (`ollama run`).
    pub(super) fn preloaded_model(&self) -> Option<&str> {
        let words = self.post_start_words.as_deref().unwrap_or_default();
        let run = words.windows(3).rfind(|three| three[0].ends_with("ollama") && three[1] == "run");
        run.map(|three| three[2].as_str())
    }

    /// Whether the server has a model: one that the hook pulls or creates. Its volume is empty at first.
    pub(super) fn has_model(&self, model: &str) -> bool {
        let without_latest = |name: &str| name.strip_suffix(":latest").unwrap_or(name).to_owned();
        let words = self.post_start_words.iter().flatten();
        words.into_iter().any(|word| without_latest(word) == without_latest(model))
    }
}

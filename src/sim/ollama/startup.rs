//! What the pod's own start does: it pulls or makes models, and may load one.

use serde_json::Value;

use crate::units::HumanDuration;

/// How a server is started.
#[derive(Default)]
pub(super) struct ServerStartup {
    /// Words of what is run after the start; `None` where nothing is.
    post_start_words: Option<Vec<String>>,
    /// How long a model stays that no chat has loaded, microseconds; `None`: for ever.
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
        let keep = env.filter(|env| env["name"] == "OLLAMA_KEEP_ALIVE").find_map(|env| env["value"].as_str());
        let keep = keep.unwrap_or("5m");
        // Without an end where it is negative.
        let keep_us =
            (!keep.starts_with('-')).then(|| keep.parse().unwrap_or(HumanDuration::from_secs(300)).ms() * 1000);
        Self { post_start_words: words, keep_alive_us: keep_us }
    }

    /// The model that is loaded at the start.
    pub(super) fn preloaded_model(&self) -> Option<&str> {
        let words = self.post_start_words.as_deref().unwrap_or_default();
        let run = words.windows(3).rfind(|three| three[0].ends_with("ollama") && three[1] == "run");
        run.map(|three| three[2].as_str())
    }

    /// Whether this model is there. A pod that says nothing about models has every one.
    pub(super) fn has_model(&self, model: &str) -> bool {
        let plain = |name: &str| name.strip_suffix(":latest").unwrap_or(name).to_owned();
        self.post_start_words.as_ref().is_none_or(|words| words.iter().any(|word| plain(word) == plain(model)))
    }
}

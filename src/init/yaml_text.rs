//! Writes YAML with comments, line by line.

use crate::env::sanitize_text;

/// Characters of a line.
const WIDTH: usize = 110;
/// Most characters of a comment.
const MAX_COMMENT_CHARS: usize = 600;

/// A YAML text in the making.
#[derive(Debug, Default)]
pub(super) struct YamlText(String);

impl YamlText {
    /// Adds a comment, wrapped, at this depth. Texts of the cluster in it lose line ends and hidden characters.
    pub(super) fn comment(&mut self, depth: usize, text: &str) {
        let prefix = format!("{}#", "  ".repeat(depth));
        let mut line = prefix.clone();
        for word in sanitize_text(text, MAX_COMMENT_CHARS).split(' ') {
            if line.len() > prefix.len() && line.len() + 1 + word.len() > WIDTH {
                self.push_line(&line);
                line.clone_from(&prefix);
            }
            line.push(' ');
            line.push_str(word);
        }
        self.push_line(&line);
    }

    /// Adds a key without a value of its own: a map follows.
    pub(super) fn map(&mut self, depth: usize, key: &str) {
        self.push_line(&format!("{}{}:", "  ".repeat(depth), plain_key(key)));
    }

    /// Adds a key with a value that is YAML already.
    pub(super) fn value(&mut self, depth: usize, key: &str, yaml: &str) {
        self.push_line(&format!("{}{}: {yaml}", "  ".repeat(depth), plain_key(key)));
    }

    /// Adds a key with a text, quoted.
    pub(super) fn text(&mut self, depth: usize, key: &str, text: &str) {
        self.value(depth, key, &quoted(text));
    }

    /// Adds an empty line.
    pub(super) fn blank(&mut self) {
        self.0.push('\n');
    }

    /// Adds a comment as it is: a command of gpuhpa itself, which is to be copied.
    pub(super) fn verbatim_comment(&mut self, text: &str) {
        self.push_line(&format!("#   {text}"));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn append(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    fn push_line(&mut self, line: &str) {
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// A text as YAML reads it back, whatever it has: JSON is YAML.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn plain_key(key: &str) -> String {
    let is_plain = key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let is_word =
        matches!(key.to_lowercase().as_str(), "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null");
    if is_plain && !is_word { key.to_owned() } else { quoted(key) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_a_cluster_stay_texts() {
        let mut yaml = YamlText::default();
        yaml.comment(0, &format!("a\nb: c {}", "long ".repeat(40)));
        yaml.map(0, "map");
        yaml.text(1, "app.kubernetes.io/name", "a: \"b\"\n#c");
        yaml.value(1, "n", "1");
        let text = yaml.into_text();
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        let read: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(read, serde_json::json!({"map": {"app.kubernetes.io/name": "a: \"b\"\n#c", "n": 1}}));
    }
}

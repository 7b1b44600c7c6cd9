//! Decides by names: keys that mark a value as a secret, and names that are whole words in a text.

/// Whether the name of a key or an environment variable marks its value as a secret.
pub(super) fn is_secret_key(name: &str) -> bool {
    let name = name.to_lowercase().replace(['-', '_'], "");
    ["password", "passwd", "token", "secret", "apikey", "credential", "credentials", "privatekey", "keydata"]
        .iter()
        .any(|suffix| name.ends_with(suffix))
}

/// Whether a secret can be redacted in any text. A short secret, or a plain word such as `prometheus`, is redacted only
/// under its key: in any text it would also match the names of objects.
pub(super) fn is_distinctive(secret: &str) -> bool {
    let is_plain = secret.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    secret.len() >= 6 && (secret.len() >= 20 || !is_plain)
}

/// Whether a host's name is a plain word, or empty.
pub(super) fn is_plain_word(name: &str) -> bool {
    name.chars().all(char::is_alphabetic)
}

/// The text with every whole `word` replaced; `None` if there is none: `node-1` does not match in `node-10` or
/// `my-node-1`.
pub(super) fn replace_whole_words(text: &str, word: &str, replacement: &str) -> Option<String> {
    let is_word_char = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let (mut result, mut rest, mut found) = (String::new(), text, false);
    let mut before: Option<char> = None;
    while let Some(at) = rest.find(word) {
        let (head, tail) = (&rest[..at], &rest[at + word.len()..]);
        let left = head.chars().next_back().or(before);
        let is_whole = !left.is_some_and(is_word_char) && !tail.chars().next().is_some_and(is_word_char);
        result += head;
        result += if is_whole { replacement } else { word };
        found |= is_whole;
        before = word.chars().next_back();
        rest = tail;
    }
    found.then(|| result + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_are_replaced() {
        let with = |text| replace_whole_words(text, "node-1", "host");
        assert_eq!(with("on node-1, node-1."), Some("on host, host.".to_owned()));
        assert_eq!(with("https://node-1:6443"), Some("https://host:6443".to_owned()));
        for text in ["node-10", "my-node-1", "node-1-2", "none", "node-1node-1"] {
            assert_eq!(with(text), None, "{text}");
        }
    }

    #[test]
    fn a_plain_word_is_not_distinctive() {
        assert!(["s3cr3t-of-mine", "hunter2", "averylongsecretofletters"].iter().all(|secret| is_distinctive(secret)));
        assert!(["admin", "12345", "prometheus", "change-me"].iter().all(|secret| !is_distinctive(secret)));
    }

    #[test]
    fn secrets_are_recognized_by_the_end_of_their_names() {
        assert!(["HF_TOKEN", "db-password", "apiKey", "clientSecret"].iter().all(|name| is_secret_key(name)));
        assert!(["tokenizer", "secretName", "host"].iter().all(|name| !is_secret_key(name)));
    }
}

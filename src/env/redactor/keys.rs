//! What is told by a name: keys that name a secret, and names that stand in a text as whole words.

/// Whether a key, or an environment variable, holds a secret by its name.
pub(super) fn is_secret_key(name: &str) -> bool {
    let name = name.to_lowercase().replace(['-', '_'], "");
    ["password", "passwd", "token", "secret", "apikey", "credential", "credentials", "privatekey", "keydata"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// Whether a secret can be told from other words wherever it stands. One that is short, or a plain word as `prometheus`, is
/// hidden where its name tells alone: looked for everywhere it would take the names of objects with it.
pub(super) fn is_distinctive(secret: &str) -> bool {
    let plain = secret.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    secret.len() >= 6 && (secret.len() >= 20 || !plain)
}

/// Whether a host's name is a word as any other, or none at all.
pub(super) fn is_plain_word(name: &str) -> bool {
    name.chars().all(char::is_alphabetic)
}

/// The text with another word in this one's place; `None` where it does not stand as a whole: `node-1` is no part of
/// `node-10` or `my-node-1`.
pub(super) fn replace_whole_words(text: &str, word: &str, other: &str) -> Option<String> {
    let joins = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let (mut kept, mut rest, mut found) = (String::new(), text, false);
    let mut before: Option<char> = None;
    while let Some(at) = rest.find(word) {
        let (head, tail) = (&rest[..at], &rest[at + word.len()..]);
        let left = head.chars().next_back().or(before);
        let whole = !left.is_some_and(joins) && !tail.chars().next().is_some_and(joins);
        kept += head;
        kept += if whole { other } else { word };
        found |= whole;
        before = word.chars().next_back();
        rest = tail;
    }
    found.then(|| kept + rest)
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
    fn a_plain_word_is_not_looked_for() {
        assert!(["s3cr3t-of-mine", "hunter2", "averylongsecretofletters"].iter().all(|secret| is_distinctive(secret)));
        assert!(["admin", "12345", "prometheus", "change-me"].iter().all(|secret| !is_distinctive(secret)));
    }

    #[test]
    fn secrets_are_told_by_the_end_of_their_names() {
        assert!(["HF_TOKEN", "db-password", "apiKey", "clientSecret"].iter().all(|name| is_secret_key(name)));
        assert!(["tokenizer", "secretName", "host"].iter().all(|name| !is_secret_key(name)));
    }
}

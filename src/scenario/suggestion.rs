//! The known word that an unknown one was most likely meant to be.

/// The closest of the known words: at most a third of its characters differ, and upper and lower case do not count.
pub(super) fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A word of a stranger's file may have any length, and no known word has more than some dozens of characters.
    const MAX_LENGTH: usize = 60;
    if word.chars().count() > MAX_LENGTH {
        return None;
    }
    let candidates = known.into_iter().map(|other| (edit_distance(word, other), other));
    let (distance, best) = candidates.min_by_key(|(distance, _)| *distance)?;
    (distance <= (best.chars().count() / 3).max(1)).then_some(best)
}

/// A message about an unknown key, with the key that was most likely meant: the message lists the known ones.
pub(super) fn suggest_key(message: String) -> String {
    let Some((_, rest)) = message.split_once("unknown field `") else { return message };
    let Some((key, known)) = rest.split_once("`, expected ") else { return message };
    let known = known.split(|c: char| !c.is_alphanumeric()).filter(|word| !matches!(*word, "" | "one" | "of" | "or"));
    match closest(key, known) {
        Some(suggestion) => format!("{message}; did you mean {suggestion}?"),
        None => message,
    }
}

/// How many insertions, deletions, replacements and swaps of neighbours make one word of the other.
fn edit_distance(a: &str, b: &str) -> usize {
    let [a, b] = [a, b].map(|word| word.to_lowercase().chars().collect::<Vec<char>>());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_has_a_suggestion_and_another_word_has_none() {
        let known = ["minReplicaCount", "maxReplicaCount", "triggers", "query"];
        for (word, expected) in [
            ("minReplicas", Some("minReplicaCount")),
            ("maxreplicacount", Some("maxReplicaCount")),
            ("trigger", Some("triggers")),
            ("qeury", Some("query")),
            ("quantity", None),
            ("cooldown", None),
            ("", None),
        ] {
            assert_eq!(closest(word, known), expected, "{word}");
        }
        assert_eq!(closest(&"x".repeat(100_000), known), None);
    }

    #[test]
    fn a_message_about_an_unknown_key_gets_the_key_that_was_meant() {
        for (message, suggestion) in [
            ("unknown field `lod`, expected one of name, load, hpa", "; did you mean load?"),
            ("unknown field `fil`, expected `file` or `env`", "; did you mean file?"),
            ("unknown field `audience`, expected one of name, load, hpa", ""),
            ("not a map", ""),
        ] {
            assert_eq!(suggest_key(message.to_owned()), format!("{message}{suggestion}"));
        }
    }
}

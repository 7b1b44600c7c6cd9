//! Texts that fit: wrapped at words, and cut at the end of a clause.

/// Ends of clauses, at which a text is cut.
const CLAUSE_ENDS: [&str; 4] = ["; ", ": ", ", ", " ("];

/// A text as one line: a record must not look like lines of the program's own.
pub(super) fn single_line(text: &str) -> String {
    text.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The words of a text in lines of at most `width` characters; a longer word has its own line.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A line, wrapped: the lines after the first one are indented by two more characters than the first.
pub(super) fn wrap_indented(line: &str, width: usize) -> String {
    let indentation = line.len() - line.trim_start().len();
    let lines = wrap(line, width.saturating_sub(indentation + 2));
    format!("{:indentation$}{}", "", lines.join(&format!("\n{:1$}", "", indentation + 2)))
}

/// A text that fits into `max` lines: cut at the end of a clause if half of it remains, else at a word.
pub(super) fn shorten(text: &str, width: usize, max: usize) -> String {
    const CUT: &str = " …";
    let lines = wrap(text, width);
    if lines.len() <= max {
        return lines.join(" ");
    }
    // Without a last word that was wrapped, the mark fits into the last line.
    let kept = lines[..max].join(" ");
    let limit = kept.char_indices().rev().nth(CUT.chars().count() - 1).map_or(0, |(at, _)| at);
    let kept = &kept[..limit];
    let clause = CLAUSE_ENDS.iter().filter_map(|end| kept.rfind(end)).max().filter(|at| *at * 2 >= kept.len());
    let end = clause.or_else(|| kept.rfind(' ')).unwrap_or(kept.len());
    format!("{}{CUT}", &kept[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_and_a_long_one_has_its_own_line() {
        assert_eq!(wrap("one two\nthree  four", 9), ["one two", "three", "four"]);
        assert_eq!(wrap("a bbbbbbbbbbbb c", 5), ["a", "bbbbbbbbbbbb", "c"]);
        assert_eq!(wrap("", 5), Vec::<String>::new());
    }

    #[test]
    fn a_wrapped_line_keeps_its_indentation() {
        assert_eq!(wrap_indented("  1. create a thing", 14), "  1. create\n    a thing");
        assert_eq!(wrap_indented("warning: x", 40), "warning: x");
    }

    #[test]
    fn a_text_of_several_lines_becomes_one() {
        assert_eq!(single_line("Back-off\n\nPASS: every case passed\n"), "Back-off PASS: every case passed");
    }

    #[test]
    fn a_text_that_fits_stays() {
        assert_eq!(shorten("two pods; one node", 10, 2), "two pods; one node");
    }

    #[test]
    fn a_long_text_is_cut_at_the_end_of_a_clause_else_at_a_word() {
        assert_eq!(shorten("replicas rose; the metric recommends them for 6m", 15, 2), "replicas rose …");
        assert_eq!(shorten("all of the many pods of the target", 10, 2), "all of the many …");
        assert_eq!(shorten("äöü äöü äöü äöü äöü", 7, 2), "äöü äöü äöü …");
    }

    #[test]
    fn a_shortened_text_always_fits() {
        let text = "ScalingActive=True/ValidMetricFound 11653 ms after the HPA's creation, pods metric gpu = 0";
        for (width, max) in (20..100).flat_map(|width| [(width, 1), (width, 2)]) {
            let lines = wrap(&shorten(text, width, max), width);
            let longest = text.split(' ').map(str::len).max().unwrap();
            assert!(lines.len() <= max || width < longest, "{width}: {lines:?}");
        }
    }
}

//! What the text of a PromQL query shows without a store: whether its brackets close, which series it selects, and what its
//! result is an aggregation of. Queries are a user's text: what is not understood is left out, never refused.

use super::adapter_rule::{is_word, skip_braces, skip_quoted, split_word};

/// The aggregation operators of PromQL, and those of `MetricsQL` with the same form.
const AGGREGATIONS: [&str; 17] = [
    "sum",
    "min",
    "max",
    "avg",
    "group",
    "stddev",
    "stdvar",
    "count",
    "count_values",
    "bottomk",
    "topk",
    "quantile",
    "limitk",
    "limit_ratio",
    "any",
    "distinct",
    "median",
];
/// Words with a list of labels in parentheses.
const LABEL_LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
/// Words that name no series.
const KEYWORDS: [&str; 14] = [
    "and",
    "or",
    "unless",
    "atan2",
    "bool",
    "offset",
    "inf",
    "nan",
    "default",
    "if",
    "ifnot",
    "limit",
    "with",
    "keep_metric_names",
];

/// One selector of series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct QuerySelector<'a> {
    /// Metric name; empty where a matcher has it.
    pub(crate) name: &'a str,
    /// The matchers in braces.
    pub(crate) matchers: Vec<Matcher<'a>>,
}

/// One matcher of a selector: `label="value"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Matcher<'a> {
    /// Label.
    pub(crate) label: &'a str,
    /// `=`, `!=`, `=~` or `!~`.
    pub(crate) operator: &'a str,
    /// Value, without its quotes and with its escapes.
    pub(crate) value: &'a str,
}

/// A query that is one aggregation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Aggregation<'a> {
    /// Operator, for example `sum`.
    pub(crate) operator: &'a str,
    /// The labels of `by`; `None` without it. For `without` they are unknown, and it is empty.
    pub(crate) by: Option<Vec<&'a str>>,
}

/// The first bracket or quote of a query that has no partner, in words.
pub(crate) fn find_unclosed(query: &str) -> Option<String> {
    let mut open: Vec<char> = Vec::new();
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' | '\'' | '`' => match ends_quoted(rest) {
                true => skip_quoted(rest),
                false => return Some(format!("has a {first} that is not closed")),
            },
            '#' => rest.split_once('\n').map_or("", |(_, after)| after),
            '(' | '[' | '{' => {
                open.push(first);
                &rest[1..]
            }
            ')' | ']' | '}' => {
                let partner = partner_of(first);
                match open.pop() {
                    Some(last) if last == partner => {}
                    Some(last) => return Some(format!("has a `{last}` that `{first}` does not close")),
                    None => return Some(format!("has a `{first}` without a `{partner}` before it")),
                }
                &rest[1..]
            }
            _ => &rest[first.len_utf8()..],
        };
    }
    open.pop().map(|last| format!("has a `{last}` that is not closed"))
}

fn partner_of(closing: char) -> char {
    match closing {
        ')' => '(',
        ']' => '[',
        _ => '{',
    }
}

/// Whether the quoted text at the beginning has an end.
fn ends_quoted(text: &str) -> bool {
    let after = skip_quoted(text);
    let quoted = &text[..text.len() - after.len()];
    // Without an end, all of the rest was skipped; the end may be the last character as well.
    !after.is_empty() || skip_quoted(&format!("{quoted} ")) == " "
}

/// The selectors of a query, in its order; none for a query with templates of its own (`WITH`).
pub(crate) fn find_selectors(query: &str) -> Vec<QuerySelector<'_>> {
    let mut all = Vec::new();
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' | '\'' | '`' => skip_quoted(rest),
            '#' => rest.split_once('\n').map_or("", |(_, after)| after),
            '{' => {
                all.push(QuerySelector { name: "", matchers: parse_matchers(rest) });
                skip_braces(rest)
            }
            '[' => rest.split_once(']').map_or("", |(_, after)| after),
            _ if is_word(first) => {
                let (word, after) = split_word(rest);
                if word.eq_ignore_ascii_case("with") {
                    return Vec::new();
                }
                after_word(word, after, &mut all)
            }
            _ => &rest[first.len_utf8()..],
        };
    }
    all
}

/// Takes the selector that begins with this word, if it is one; returns what follows.
fn after_word<'a>(word: &'a str, after: &'a str, all: &mut Vec<QuerySelector<'a>>) -> &'a str {
    let is_in = |list: &[&str]| list.iter().any(|known| known.eq_ignore_ascii_case(word));
    let next = after.trim_start();
    if is_in(&LABEL_LISTS) {
        return if next.starts_with('(') { next.split_once(')').map_or("", |(_, rest)| rest) } else { after };
    }
    let is_number = word.starts_with(|c: char| c.is_ascii_digit());
    let is_grouped =
        is_in(&AGGREGATIONS) && matches!(split_word(next).0.to_ascii_lowercase().as_str(), "by" | "without");
    if is_number || is_grouped || is_in(&KEYWORDS) || next.starts_with('(') {
        return after;
    }
    if next.starts_with('{') {
        all.push(QuerySelector { name: word, matchers: parse_matchers(next) });
        return skip_braces(next);
    }
    all.push(QuerySelector { name: word, matchers: Vec::new() });
    after
}

/// The matchers in the braces at the beginning of a text. A name in quotes alone is the metric's.
fn parse_matchers(text: &str) -> Vec<Matcher<'_>> {
    let mut all = Vec::new();
    let mut rest = text.get(1..).unwrap_or_default();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        let (label, after) = match rest.chars().next() {
            Some('"' | '\'' | '`') => {
                let after = skip_quoted(rest);
                (unquote(&rest[..rest.len() - after.len()]), after)
            }
            Some(c) if is_word(c) => split_word(rest),
            _ => return all,
        };
        let after = after.trim_start();
        let Some(operator) = ["=~", "!~", "!=", "="].into_iter().find(|one| after.starts_with(one)) else {
            rest = after;
            continue;
        };
        let value = after[operator.len()..].trim_start();
        if !value.starts_with(['"', '\'', '`']) {
            return all;
        }
        rest = skip_quoted(value);
        all.push(Matcher { label, operator, value: unquote(&value[..value.len() - rest.len()]) });
    }
}

/// A quoted text without its quotes.
fn unquote(quoted: &str) -> &str {
    let mut inside = quoted.chars();
    inside.next();
    inside.next_back();
    inside.as_str()
}

/// The aggregation that a whole query is; `None` for any other query.
pub(crate) fn outer_aggregation(query: &str) -> Option<Aggregation<'_>> {
    let mut query = query.trim();
    while let Some(inside) = query.strip_prefix('(').filter(|_| after_group(query).is_some_and(str::is_empty)) {
        query = inside.strip_suffix(')')?.trim();
    }
    let (operator, after) = split_word(query);
    if !AGGREGATIONS.iter().any(|known| known.eq_ignore_ascii_case(operator)) {
        return None;
    }
    let (before, after) = take_grouping(after.trim_start())?;
    let after = after_group(after.trim_start())?;
    let (behind, after) = take_grouping(after.trim_start())?;
    after.trim().is_empty().then_some(Aggregation { operator, by: before.or(behind) })
}

/// The labels of a `by` or `without` at the beginning, and what follows; `None` where its list has no end.
fn take_grouping(text: &str) -> Option<(Option<Vec<&str>>, &str)> {
    let (word, after) = split_word(text);
    let is_by = word.eq_ignore_ascii_case("by");
    if !is_by && !word.eq_ignore_ascii_case("without") {
        return Some((None, text));
    }
    let (labels, rest) = after.trim_start().strip_prefix('(')?.split_once(')')?;
    let labels = labels.split(',').map(str::trim).filter(|label| is_by && !label.is_empty());
    Some((Some(labels.collect()), rest))
}

/// What follows the parenthesis that a text begins with.
fn after_group(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' | '\'' | '`' => skip_quoted(rest),
            '(' => {
                depth += 1;
                &rest[1..]
            }
            ')' => {
                depth = depth.checked_sub(1)?;
                &rest[1..]
            }
            _ => &rest[first.len_utf8()..],
        };
        if depth == 0 {
            return text.starts_with('(').then_some(rest);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bracket_without_a_partner_is_named() {
        for (query, told) in [
            ("sum(x{a=\"b\"}[5m])", None),
            ("x{a=\"(\", b='\\'[', c=`{`} # ((\n + y", None),
            ("\"a\"", None),
            ("sum(x", Some("has a `(` that is not closed")),
            ("sum(x{a=\"b\")", Some("has a `{` that `)` does not close")),
            ("sum x)", Some("has a `)` without a `(` before it")),
            ("x{a=\"b}", Some("has a \" that is not closed")),
            ("x[5m", Some("has a `[` that is not closed")),
        ] {
            assert_eq!(find_unclosed(query).as_deref(), told, "{query}");
        }
    }

    #[test]
    fn the_selectors_of_a_query_are_its_series() {
        let texts = |query| -> Vec<String> {
            let of = |matcher: &Matcher<'_>| format!("{}{}{}", matcher.label, matcher.operator, matcher.value);
            let text = |one: &QuerySelector<'_>| {
                format!("{}({})", one.name, one.matchers.iter().map(of).collect::<Vec<_>>().join(" "))
            };
            find_selectors(query).iter().map(text).collect()
        };
        for (query, expected) in [
            ("sum(x{a=\"b\",c!~\"d.*\"}) by (pod)", &["x(a=b c!~d.*)"][..]),
            ("sum by (pod) (rate(x[5m] offset 1m)) / on (node) group_left y", &["x()", "y()"]),
            ("avg without(gpu) (x) > bool 1e3 and {__name__=\"z\"}", &["x()", "(__name__=z)"]),
            ("avg_over_time(x:y[5m:30s]) * 0.01", &["x:y()"]),
            ("{\"my.metric\", \"my.label\"=\"v\"}", &["(my.label=v)"]),
            ("WITH (a = b) a", &[]),
            ("topk(2, x { a = 'b' })", &["x(a=b)"]),
            ("time() - 5", &[]),
        ] {
            assert_eq!(texts(query), expected, "{query}");
        }
    }

    #[test]
    fn an_aggregation_is_the_whole_query_or_none() {
        let found =
            |query| outer_aggregation(query).map(|one| (one.operator.to_owned(), one.by.map(|by| by.join(" "))));
        let with = |operator: &str, by: Option<&str>| Some((operator.to_owned(), by.map(ToOwned::to_owned)));
        for (query, expected) in [
            ("sum(x{a=\")\"})", with("sum", None)),
            ("sum(max by (pod) (x))", with("sum", None)),
            ("avg by (namespace, pod) (x)", with("avg", Some("namespace pod"))),
            (" ( avg (x) by (pod) ) ", with("avg", Some("pod"))),
            ("sum(x) / 3", None),
            ("(sum(x)) + (sum(y))", None),
            ("sum_over_time(x[5m])", None),
            ("x", None),
            ("sum(x", None),
            ("sum(x) by (", None),
        ] {
            assert_eq!(found(query), expected, "{query}");
        }
    }

    #[test]
    fn no_text_is_too_strange() {
        for query in
            ["", ")", "(((", "{", "\"", "x{", "x{a", "x{a=", "x{a=\"", "é{é=\"é\"}é", "by", "sum by", "sum(", "'\\"]
        {
            find_unclosed(query);
            find_selectors(query);
            outer_aggregation(query);
        }
    }
}

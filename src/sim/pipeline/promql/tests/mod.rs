use std::sync::Arc;

use super::super::store::SimStore;
use super::*;

mod ranges;

/// A series as Prometheus writes it, `name{label="value"}`, with its samples: seconds and values; a stale marker has none.
type TestSeries<'a> = (&'a str, &'a [(u64, Option<f64>)]);

fn store_with(all: &[TestSeries<'_>]) -> SimStore {
    let mut store = SimStore::default();
    for (series, samples) in all {
        let PromqlExpr::Instant { selector, .. } = parse(series).unwrap() else { panic!("{series}") };
        let labels = Arc::new(selector.matchers.iter().map(|one| (one.label.clone(), text_of(one))).collect());
        for (at_s, value) in *samples {
            match value {
                Some(value) => store.append_sample(&selector.name, &labels, at_s * 1000, *value),
                None => store.mark_stale(at_s * 1000),
            }
        }
    }
    store
}

fn text_of(matcher: &selector::PromqlMatcher) -> String {
    match &matcher.test {
        selector::MatchTest::Equal(value) => value.clone(),
        _ => panic!("a label"),
    }
}

/// `{labels} value` of each sample, values with four digits; or the error.
fn evaluate_to_text(store: &SimStore, query: &str, at_ms: u64) -> String {
    let format = |value: f64| format!("{}", (value * 10_000.0).round() / 10_000.0);
    match store.evaluate(&parse(query).unwrap(), at_ms) {
        Err(error) => error,
        Ok(QueryValue::Scalar(number)) => format(number),
        Ok(QueryValue::Samples(samples)) => {
            let one = |sample: &StoreSample| {
                let labels: Vec<_> = sample.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
                format!("{{{}}} {}", labels.join(","), format(sample.value))
            };
            samples.iter().map(one).collect::<Vec<_>>().join("; ")
        }
    }
}

/// Utilizations of two pods and queues of three, all at 10 s.
fn evaluate_at_once(query: &str) -> String {
    let at = |value| [(10, Some(value))];
    let store = store_with(&[
        (r#"u{namespace="ai",pod="a"}"#, &at(20.0)),
        (r#"u{namespace="ai",pod="b"}"#, &at(60.0)),
        (r#"q{namespace="ai",pod="a"}"#, &at(4.0)),
        (r#"q{namespace="ai",pod="b"}"#, &at(0.0)),
        (r#"q{namespace="ai",pod="c"}"#, &at(-7.5)),
    ]);
    evaluate_to_text(&store, query, 10_000)
}

fn assert_all(cases: &[(&str, &str)]) {
    for (query, expected) in cases {
        assert_eq!(evaluate_at_once(query), *expected, "{query}");
    }
}

#[test]
fn selectors_and_aggregations() {
    assert_all(&[
        (r#"avg(u{namespace="ai",pod=~"a|b"}) by (pod)"#, "{pod=a} 20; {pod=b} 60"),
        (r#"avg(u{namespace='ai'}) by (namespace)"#, "{namespace=ai} 40"),
        (r#"sum by (namespace,) (u{namespace="ai",pod!="a"})"#, "{namespace=ai} 60"),
        ("sum(u) without (pod)", "{namespace=ai} 80"),
        ("count without (namespace, pod) (q)", "{} 3"),
        ("count(u)", "{} 2"),
        ("group(u) by (namespace)", "{namespace=ai} 1"),
        (r#"min(u{namespace="other"})"#, ""),
        (r#"sum(u{pod=~"ollama-.*|b"}) by (pod) / 100"#, "{pod=b} 0.6"),
        (r#"sum({__name__=~"u|q",pod="a"})"#, "{} 24"),
        ("max by(pod)(u) # the highest", "{pod=a} 20; {pod=b} 60"),
    ]);
}

#[test]
fn numbers_and_operators() {
    assert_all(&[
        ("(2 + 3) * 4", "20"),
        ("2 + 3 * 4 ^ 2", "50"),
        ("2 ^ 3 ^ 2", "512"),
        ("-2 ^ 2", "-4"),
        ("7 % 4 - -1.5e1", "18"),
        ("1 < bool 2", "1"),
        (r#"100 - max(u{pod!~"b.*"}) by (namespace)"#, "{namespace=ai} 80"),
        (r#"avg(u * 0 + 60) by (pod)"#, "{pod=a} 60; {pod=b} 60"),
        // A comparison selects series and keeps their name; `bool` and arithmetic drop it.
        ("u > 20", "{__name__=u,namespace=ai,pod=b} 60"),
        ("20 >= u", "{__name__=u,namespace=ai,pod=a} 20"),
        ("u == bool 20", "{namespace=ai,pod=a} 1; {namespace=ai,pod=b} 0"),
        ("-u", "{namespace=ai,pod=a} -20; {namespace=ai,pod=b} -60"),
        ("sum(u) / count(u)", "{} 40"),
        ("u / q", "{namespace=ai,pod=a} 5; {namespace=ai,pod=b} inf"),
        ("u - ignoring (namespace) q", "{pod=a} 16; {pod=b} 60"),
        ("u + on (pod) q", "{pod=a} 24; {pod=b} 60"),
        ("q and u", "{__name__=q,namespace=ai,pod=a} 4; {__name__=q,namespace=ai,pod=b} 0"),
        ("q unless on (pod) u", "{__name__=q,namespace=ai,pod=c} -7.5"),
        (r#"u{pod="x"} or vector(0)"#, "{} 0"),
        ("sum(u) or vector(0)", "{} 80"),
        ("u > 30 and q == 0 or q < 0", "{__name__=u,namespace=ai,pod=b} 60; {__name__=q,namespace=ai,pod=c} -7.5"),
        ("u - on (namespace) q", "many-to-many matching not allowed: matching labels must be unique on one side"),
        (
            "u - on (namespace) sum(q) by (namespace)",
            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
        ),
    ]);
}

#[test]
fn functions_of_values_and_labels() {
    assert_all(&[
        (r#"abs(q{pod="c"})"#, "{namespace=ai,pod=c} 7.5"),
        (r#"round(q{pod="c"})"#, "{namespace=ai,pod=c} -7"),
        (r#"round(q{pod="c"}, 5)"#, "{namespace=ai,pod=c} -5"),
        (r#"ceil(q{pod="c"}) - floor(q{pod="c"})"#, "{namespace=ai,pod=c} 1"),
        ("clamp_max(u, 50)", "{namespace=ai,pod=a} 20; {namespace=ai,pod=b} 50"),
        ("clamp_min(u, 2 * 15)", "{namespace=ai,pod=a} 30; {namespace=ai,pod=b} 60"),
        ("clamp(u, 30, 50)", "{namespace=ai,pod=a} 30; {namespace=ai,pod=b} 50"),
        ("clamp(u, 50, 30)", ""),
        ("scalar(sum(u)) + 1", "81"),
        ("scalar(u)", "NaN"),
        (
            r#"label_replace(u{pod="a"}, "model", "llama-$1", "pod", "(.*)")"#,
            "{__name__=u,model=llama-a,namespace=ai,pod=a} 20",
        ),
        // It replaces only where the whole value matches; an empty result removes the label.
        (r#"sum(label_replace(u, "pod", "", "pod", "a")) by (pod)"#, "{} 20; {pod=b} 60"),
        (r#"label_replace(u, "pod", "x", "pod", ".*")"#, "vector cannot contain metrics with the same labelset"),
        (r#"label_join(u{pod="a"}, "id", "/", "namespace", "pod")"#, "{__name__=u,id=ai/a,namespace=ai,pod=a} 20"),
        (r#"abs({__name__=~"u|q",pod="a"})"#, "vector cannot contain metrics with the same labelset"),
    ]);
}

#[test]
fn everything_that_a_query_lacks_is_named() {
    let cases = [
        ("avg(quantile_over_time(0.9, u{a=~\"x>y\"}[2m])) by (pod)", vec!["`quantile_over_time`"]),
        ("topk by (pod) (1, sum(u) by (pod)) * on (pod) group_left (model) v", vec!["`topk`", "`group_left`"]),
        ("max_over_time(rate(u[5m])[30m:1m])", vec!["the subquery `[30m:1m]`"]),
        ("sum_over_time(u[5m:]) + time()", vec!["the subquery `[5m:]`", "`time`"]),
        ("max_over_time((u > 1)[30m:1m])", vec!["the subquery `[30m:1m]`"]),
        ("u @ 1609746000 - absent(u)", vec!["`@`", "`absent`"]),
        ("avg_over_time(u[20m] offset 11m)", vec!["a range with its offset of more than 30m"]),
        ("u{pod=~\"[\"}", vec!["the regular expression ["]),
        ("sum(u", vec!["a query that ends early"]),
        ("u{pod=a}", vec!["`a}` in a query"]),
        ("u{pod=\"a}", vec!["a query that ends early"]),
        ("u and", vec!["a query that ends early"]),
        ("avg(u) by (pod) / 2 3", vec!["`3` in a query"]),
        ("avg(<<.Series>>)", vec!["`<<.Series>>)` in a query"]),
        ("sum(5)", vec!["sum of a number"]),
        ("rate(u)", vec!["rate of series"]),
        ("u[2m]", vec!["a query of a range"]),
        ("u[2m] * 2", vec!["an operator of a range"]),
        ("1 or u", vec!["an operator of a number"]),
        ("1 > 2", vec!["a comparison of numbers without `bool`"]),
        ("u + bool 1", vec!["`bool` of an operator that does not compare"]),
        ("clamp_max(u)", vec!["clamp_max of 1 arguments"]),
        ("rate(u[1m]) by (pod)", vec!["`by` or `without` of rate"]),
        ("", vec!["a query that ends early"]),
    ];
    for (query, expected) in cases {
        assert_eq!(find_unsupported(query), expected, "{query}");
    }
    assert_eq!(find_unsupported("avg(avg_over_time(u{a=\"x\"}[2m] offset 1m)) by (pod)"), Vec::<String>::new());
}

#[test]
fn a_selector_with_a_range_is_read_raw() {
    let (selector, window_ms) = parse_range_selector(r#"u{pod="a"}[2m30s] "#).unwrap().unwrap();
    assert_eq!((selector.name.as_str(), window_ms), ("u", 150_000));
    assert!(parse_range_selector("sum(u)").is_none());
    assert!(parse_range_selector("rate(u[1m])[2m:1s]").unwrap().unwrap_err().contains("subquery"));
}

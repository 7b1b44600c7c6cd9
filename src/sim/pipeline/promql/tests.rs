use super::*;

fn sample_of_pod(pod: &str, value: f64) -> StoreSample {
    let labels = [("__name__", "u"), ("namespace", "ai"), ("pod", pod)];
    StoreSample { labels: labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into(), value }
}

fn evaluate_to_text(query: &str) -> String {
    let all = [sample_of_pod("a", 20.0), sample_of_pod("b", 60.0)];
    let vector = parse(query).unwrap().evaluate(&|selector| {
        all.iter().filter(|s| selector.is_match(&s.labels["__name__"], &s.labels)).cloned().collect()
    });
    match vector {
        QueryValue::Scalar(number) => number.to_string(),
        QueryValue::Samples(samples) => {
            let one = |s: &StoreSample| format!("{}={}", s.labels.get("pod").map_or("", String::as_str), s.value);
            samples.iter().map(one).collect::<Vec<_>>().join(" ")
        }
    }
}

#[test]
fn the_rules_of_the_scenarios_have_their_values() {
    let cases = [
        (r#"avg(u{namespace="ai",pod=~"a|b"}) by (pod)"#, "a=20 b=60"),
        (r#"avg(u{namespace="ai"}) by (namespace)"#, "=40"),
        (r#"sum by (namespace) (u{namespace="ai",pod!="a"})"#, "=60"),
        (r#"avg(u{namespace="ai"} * 0 + 60) by (pod)"#, "a=60 b=60"),
        (r#"avg(u{pod=~"ollama-.*|b"}) by (pod) / 100"#, "b=0.6"),
        (r#"100 - max(u{namespace!="",pod!~"b.*"}) by (namespace)"#, "=80"),
        (r#"min(u{namespace="other"})"#, ""),
        ("(2 + 3) * 4", "20"),
    ];
    for (query, expected) in cases {
        assert_eq!(evaluate_to_text(query), expected, "{query}");
    }
}

#[test]
fn unsupported_queries_are_named() {
    let cases = [
        ("sum(rate(u[5m])) by (pod)", "`rate(u[5m])) by (pod)` in a query"),
        ("avg(u) by (pod) / avg(v) by (pod)", "arithmetic between series: `/ avg(v) by (pod)` in a query"),
        ("sum(u) without (pod)", "`without (pod)` in a query"),
        ("u[2m]", "`[2m]` in a query"),
        ("sum(u", "a query that ends early"),
        ("u{pod=a}", "`a}` in a query"),
        ("sum(5)", "`sum` of a number in a query"),
        (r#"u{pod=~"["}"#, "the regular expression ["),
    ];
    for (query, unsupported) in cases {
        assert_eq!(parse(query).unwrap_err(), unsupported, "{query}");
    }
}

#[test]
fn everything_that_a_query_lacks_is_named() {
    let cases = [
        ("avg(avg_over_time(u{a=~\"x>y\"}[2m])) by (pod)", vec!["`avg_over_time`", "the range `[2m]`"]),
        ("sum(u offset 1m) without (pod)", vec!["`offset 1m`", "`without`"]),
        ("count by (pod) (u) > 5", vec!["`count`", "`>`"]),
        ("sum(u", vec!["a query that ends early"]),
        ("avg(u) by (pod)", vec![]),
    ];
    for (query, expected) in cases {
        assert_eq!(find_unsupported(query), expected, "{query}");
    }
}

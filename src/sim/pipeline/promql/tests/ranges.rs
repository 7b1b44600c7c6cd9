//! Functions of ranges, against results worked out by hand from promql/functions.go of prometheus/prometheus.

use super::*;

/// Samples each 15 s: a counter, one that starts again after 30 s, a series that begins late, and one that ends.
fn evaluate_at(query: &str, at_s: u64) -> String {
    let store = store_with(&[
        ("ends", &[(15, Some(1.0)), (30, Some(2.0))]),
        ("marked", &[(45, None)]),
        ("counter", &[(15, Some(10.0)), (30, Some(20.0)), (45, Some(40.0)), (60, Some(50.0))]),
        ("reset", &[(15, Some(100.0)), (30, Some(110.0)), (45, Some(5.0)), (60, Some(15.0))]),
        ("late", &[(45, Some(7.0)), (60, Some(10.0))]),
        ("falls", &[(15, Some(8.0)), (30, Some(6.0)), (45, Some(6.0)), (60, Some(2.0))]),
        ("blank", &[(15, Some(3.0)), (30, Some(f64::NAN)), (45, Some(1.0))]),
    ]);
    evaluate_to_text(&store, query, at_s * 1000)
}

fn assert_all_at_60_s(cases: &[(&str, &str)]) {
    for (query, expected) in cases {
        let expected = if expected.is_empty() { String::new() } else { format!("{{}} {expected}") };
        assert_eq!(evaluate_at(query, 60), expected, "{query}");
    }
}

#[test]
fn over_time() {
    assert_all_at_60_s(&[
        ("avg_over_time(counter[1m])", "30"),
        ("sum_over_time(counter[1m])", "120"),
        ("max_over_time(falls[1m])", "8"),
        ("min_over_time(falls[1m])", "2"),
        ("count_over_time(counter[1m])", "4"),
        ("changes(falls[1m])", "2"),
        ("resets(reset[1m])", "1"),
        ("present_over_time(late[1m])", "1"),
        // The range is open on the left: the sample at 45 s is not in the last 15 s.
        ("count_over_time(counter[15s])", "1"),
        ("count_over_time(counter[15s1ms])", "2"),
        ("avg_over_time(counter[30s] offset 15s)", "30"),
        // NaN is a value to an average, and to max and min only where nothing else is.
        ("avg_over_time(blank[1m])", "NaN"),
        ("max_over_time(blank[1m])", "3"),
        ("max_over_time(blank[15s] offset 30s)", "NaN"),
        ("avg_over_time(none[1m])", ""),
    ]);
    assert_eq!(evaluate_at("last_over_time(counter[1m])", 50), "{__name__=counter} 40");
}

#[test]
fn rates() {
    assert_all_at_60_s(&[
        // 40 in 45 s. The first sample is 15 s after the start, but at its slope the counter was 0 only 11.25 s before it.
        ("increase(counter[1m])", "50"),
        ("rate(counter[1m])", "0.8333"),
        // No counter: up to both ends, 40 * 60 / 45.
        ("delta(counter[1m])", "53.3333"),
        // 15 - 100 + 110 = 25 in 45 s; its zero is far: 25 * 60 / 45.
        ("increase(reset[1m])", "33.3333"),
        ("rate(reset[1m])", "0.5556"),
        ("delta(reset[1m])", "-113.3333"),
        // 3 in 15 s. It begins 45 s after the start, more than 1.1 distances: 7.5 s are added, 3 * 22.5 / 15.
        ("increase(late[1m])", "4.5"),
        ("rate(late[1m])", "0.075"),
        ("irate(counter[1m])", "0.6667"),
        ("idelta(falls[1m])", "-4"),
        // After the reset the counter itself is the increase.
        ("irate(reset[30s] offset 15s)", "0.3333"),
        // One sample is no rate.
        ("rate(counter[15s])", ""),
        ("irate(counter[15s])", ""),
        ("delta(falls[15s])", ""),
    ]);
    // At 75 s, 15 s after the last sample: within 1.1 distances, so up to the end. (15, 75] has 30, 45 and 60 s.
    assert_eq!(evaluate_at("delta(counter[1m])", 75), "{} 60");
    // At 90 s no longer: half a distance more. (30, 90] has 45 and 60 s, 10 in 15 s: 10 * (15 + 15 + 7.5) / 15.
    assert_eq!(evaluate_at("delta(counter[1m])", 90), "{} 25");
}

#[test]
fn a_series_ends_with_a_stale_marker_or_after_five_minutes() {
    assert_eq!(evaluate_at("ends", 44), "{__name__=ends} 2");
    assert_eq!(evaluate_at("ends", 45), "");
    assert_eq!(evaluate_at("ends", 14), "", "it has not begun");
    assert_eq!(evaluate_at("ends offset 20s", 60), "{__name__=ends} 2");
    // The marker is no sample of a range.
    assert_eq!(evaluate_at("count_over_time(ends[1m])", 60), "{} 2");
    assert_eq!(evaluate_at("last_over_time(ends[1m])", 60), "{__name__=ends} 2");
    // The lookback is open on the left too.
    assert_eq!(evaluate_at("late", 359), "{__name__=late} 10");
    assert_eq!(evaluate_at("late", 360), "");
    assert_eq!(evaluate_at("late offset -1m", 299), "{__name__=late} 10");
    assert_eq!(evaluate_at("late offset 5m", 60), "", "before the start of the run");
}

//! The rules by which a Prometheus adapter serves metrics, as the values of a release state them (`rules` of the chart
//! prometheus-adapter), and how much older than its samples the result of their queries is. Source: prometheus-adapter,
//! docs/config.md.

use serde_json::Value;

use super::hpa_source::TriggerUnderTest;
use super::inventory::Inventory;
use super::metric_under_test::{MetricKind, MetricUnderTest};
use super::scenario::Scenario;

/// The rules of one release.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdapterRules<'a> {
    /// Name of the release.
    pub(crate) release: &'a str,
    rules: &'a Value,
}

impl<'a> AdapterRules<'a> {
    /// The rules of each release that states some.
    pub(crate) fn from_scenario(scenario: &'a Scenario) -> impl Iterator<Item = Self> {
        scenario.releases.iter().filter_map(|(release, spec)| {
            let rules = spec.values.get("rules").filter(|rules| rules.is_object())?;
            Some(Self { release, rules })
        })
    }

    /// Whether the default rules of the chart are on.
    pub(crate) fn has_default(&self) -> bool {
        self.rules["default"] == true
    }

    /// Whether the chart takes its rules from a ConfigMap that exists.
    pub(crate) fn has_other_sources(&self) -> bool {
        self.rules["existing"].is_string()
    }

    /// The rules of the API that serves metrics of this kind.
    pub(crate) fn of_kind(&self, kind: MetricKind) -> impl Iterator<Item = &'a Value> {
        let key = if kind == MetricKind::External { "external" } else { "custom" };
        self.rules[key].as_array().into_iter().flatten()
    }

    /// The rule that serves the metric. The adapter takes the first one of a name.
    pub(crate) fn serving(&self, metric: &MetricUnderTest) -> Option<&'a Value> {
        self.of_kind(metric.kind).find(|rule| serves(rule, &metric.name))
    }
}

/// Whether a rule names the metric: by `name.as`, or by its series where it gives no other name.
fn serves(rule: &Value, metric: &str) -> bool {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match text(&rule["name"]["as"]).as_str() {
        "" => text(&rule["seriesQuery"]).split('{').next() == Some(metric),
        name => name == metric,
    }
}

/// Longest delay that counts, milliseconds: the sums of bounds must not overflow, whatever a rule says.
const MAX_DELAY_MS: u64 = 366 * 86_400_000;

/// How much older the metric under test is than its samples because of ranges and offsets in its rule, or in the query of its
/// ScaledObject, milliseconds; 0 where neither is known.
pub(crate) fn rule_delay_ms(scenario: &Scenario, inventory: &Inventory, metric: &MetricUnderTest) -> u64 {
    let rules = AdapterRules::from_scenario(scenario).filter_map(|rules| rules.serving(metric));
    let of_rules = rules.filter_map(|rule| rule["metricsQuery"].as_str()).map(query_delay_ms);
    let trigger = TriggerUnderTest::new(scenario, inventory.adopted_hpa.as_ref());
    let of_trigger = trigger.map(|found| query_delay_ms(&found.trigger.query));
    of_rules.chain(of_trigger).max().unwrap_or(0).min(MAX_DELAY_MS)
}

/// The time after which the result of a PromQL query no longer depends on older samples, milliseconds: its ranges and offsets,
/// added up where one lies within the other, and the longest of those side by side.
pub(crate) fn query_delay_ms(query: &str) -> u64 {
    let mut operands = OperandDelays::default();
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' | '\'' | '`' => skip_quoted(rest),
            '{' => skip_braces(rest),
            '[' => {
                let (range, after) = rest[1..].split_once(']').unwrap_or((&rest[1..], ""));
                operands.add(duration_ms(range.split(':').next().unwrap_or_default()).unwrap_or(0));
                after
            }
            '(' => operands.open(&rest[1..]),
            ')' => operands.close(&rest[1..]),
            _ if is_word(first) => {
                let (word, after) = split_word(rest);
                match offset_after(word, after) {
                    Some((ms, after)) => {
                        operands.add(ms);
                        after
                    }
                    None => {
                        operands.start();
                        after
                    }
                }
            }
            _ => &rest[first.len_utf8()..],
        };
    }
    operands.longest()
}

/// The delays of the operands of a query that is read from left to right: of each open parenthesis the longest one so far, and
/// the one of the last operand, to which a range or an offset belongs.
struct OperandDelays(Vec<(u64, u64)>);

impl Default for OperandDelays {
    fn default() -> Self {
        Self(vec![(0, 0)])
    }
}

impl OperandDelays {
    fn start(&mut self) {
        if let Some((longest, last)) = self.0.last_mut() {
            (*longest, *last) = ((*longest).max(*last), 0);
        }
    }

    fn add(&mut self, ms: u64) {
        if let Some((_, last)) = self.0.last_mut() {
            *last = last.saturating_add(ms);
        }
    }

    fn open<'a>(&mut self, rest: &'a str) -> &'a str {
        self.start();
        self.0.push((0, 0));
        rest
    }

    fn close<'a>(&mut self, rest: &'a str) -> &'a str {
        if let Some((longest, last)) = self.0.pop_if(|_| true)
            && let Some((_, outer)) = self.0.last_mut()
        {
            *outer = longest.max(last);
        }
        if self.0.is_empty() {
            self.0.push((0, 0));
        }
        rest
    }

    fn longest(&self) -> u64 {
        self.0.iter().map(|(longest, last)| *longest.max(last)).max().unwrap_or(0)
    }
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | ':')
}

/// A word, and what follows it.
pub(super) fn split_word(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c| !is_word(c)).unwrap_or(text.len()))
}

/// The duration of an offset, and what follows it; `None` where the word is no `offset` with a duration. A negative one looks
/// into the future and delays nothing.
fn offset_after<'a>(word: &str, after: &'a str) -> Option<(u64, &'a str)> {
    if !word.eq_ignore_ascii_case("offset") {
        return None;
    }
    let after = after.trim_start();
    let (unsigned, is_negative) = after.strip_prefix('-').map_or((after, false), |rest| (rest.trim_start(), true));
    let (text, rest) = split_word(unsigned);
    let ms = duration_ms(text)?;
    Some((if is_negative { 0 } else { ms }, rest))
}

/// A duration as PromQL writes it, in milliseconds: 5m, 1h30m, 90 (seconds).
pub(crate) fn duration_ms(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    if let Ok(seconds) = rest.parse::<u64>() {
        return seconds.checked_mul(1000);
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (digits, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let ms: u64 = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            "y" => 365 * 86_400_000,
            _ => return None,
        };
        total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(ms)?)?;
        rest = after;
    }
    (!text.trim().is_empty()).then_some(total)
}

/// What follows a quoted text; nothing where it has no end.
pub(super) fn skip_quoted(text: &str) -> &str {
    let quote = text.chars().next().unwrap_or('"');
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if c == '\\' && quote != '`' {
            is_escaped = true;
        } else if c == quote {
            return &text[at + c.len_utf8()..];
        }
    }
    ""
}

/// What follows the matchers of a selector; nothing where they have no end.
pub(super) fn skip_braces(text: &str) -> &str {
    let mut rest = &text[1..];
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '}' => return &rest[1..],
            '"' | '\'' | '`' => skip_quoted(rest),
            _ => &rest[first.len_utf8()..],
        };
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_offsets_add_up_within_each_other_and_not_side_by_side() {
        for (query, seconds) in [
            ("avg(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)", 0),
            ("avg(avg_over_time(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)", 120),
            ("sum(rate(x{a=\"[9m]\"}[1m30s])) by (pod)", 90),
            ("avg(x offset 1m) by (pod)", 60),
            ("avg(x{a=\"}\"}[5m] offset 1m)", 360),
            ("sum by (pod) (rate(x[2m])) / sum by (pod) (rate(y[5m]))", 300),
            ("max_over_time(rate(x[2m])[10m:30s])", 720),
            ("max_over_time((rate(x[2m]) + y)[10m:30s] offset 1m) + offset_metric", 780),
            ("x offset -5m", 0),
            ("x[300]", 300),
            ("avg_over_time(x[2h]) > 5 and y", 7200),
            ("label_replace(x, \"offset 5m\", \"$1\", 'a', `(.*)[5m]`)", 0),
        ] {
            assert_eq!(query_delay_ms(query), seconds * 1000, "{query}");
        }
    }

    #[test]
    fn the_query_of_a_scaled_object_counts_as_a_rule_does() {
        let with = |query: &str| {
            let text = format!(
                "hpa: {{spec: {{maxReplicas: 3, scaleTargetRef: {{kind: Deployment, name: x}}, metrics: [{{type: External, external: \
                 {{metric: {{name: s0}}, target: {{type: AverageValue, averageValue: \"60\"}}}}}}]}}}}\n\
                 scaledObject: {{spec: {{triggers: [{{type: prometheus, metadata: {{query: \"{query}\"}}}}]}}}}"
            );
            let scenario: Scenario = serde_saphyr::from_str(&text).unwrap();
            rule_delay_ms(&scenario, &Inventory::default(), &MetricUnderTest::from_scenario(&scenario).unwrap())
        };
        assert_eq!([with("sum(x)"), with("sum(avg_over_time(x[2m]))")], [0, 120_000]);
    }

    #[test]
    fn the_query_of_an_adopted_scaled_object_counts_as_the_scenarios_own() {
        let text = "{adopt: {hpa: x}, hpa: {spec: {maxReplicas: 3, scaleTargetRef: {kind: Deployment, name: x}, metrics: [{type: External, \
             external: {metric: {name: s0}, target: {type: AverageValue, averageValue: \"60\"}}}]}}}";
        let scenario: Scenario = serde_saphyr::from_str(text).unwrap();
        let adopted_hpa = serde_json::from_str(
            r#"{"uid":"u","spec":{"maxReplicas":3,"scaleTargetRef":{"kind":"Deployment","name":"x"}},
                "scaledObject":{"name":"x","minReplicaCount":1,"trigger":{"query":"sum(rate(x[2m] offset 1m))"}}}"#,
        );
        let inventory = Inventory { adopted_hpa: Some(adopted_hpa.unwrap()), ..Inventory::default() };
        let metric = MetricUnderTest::from_scenario(&scenario).unwrap();
        assert_eq!(rule_delay_ms(&scenario, &inventory, &metric), 180_000);
        let own = Scenario { adopt: None, ..scenario };
        assert_eq!(rule_delay_ms(&own, &inventory, &metric), 0);
    }

    #[test]
    fn no_text_is_too_strange() {
        for query in [
            "",
            ")",
            "(((",
            "{",
            "\"",
            "x[",
            "x[5m",
            "x offset",
            "x offset offset 5m",
            "[é]é",
            ")[5m]",
            "x[99999999999y]",
        ] {
            query_delay_ms(query);
        }
        assert_eq!(duration_ms("1h30m"), Some(5_400_000));
        assert_eq!(duration_ms("5x"), None);
        assert_eq!(duration_ms(""), None);
    }
}

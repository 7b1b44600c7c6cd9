//! Types with units: durations as scenarios write them, and metric values in thousandths.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A duration in whole milliseconds, written `90s`, `10m`, `1h30m` or `250ms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct HumanDuration(u64);

impl HumanDuration {
    /// A duration of `ms` milliseconds.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// A duration of `seconds` seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds * 1000)
    }

    /// The duration in milliseconds.
    #[must_use]
    pub(crate) const fn ms(self) -> u64 {
        self.0
    }

    /// The duration as [`std::time::Duration`].
    #[must_use]
    pub(crate) const fn to_std(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (minutes, rest) = (self.0 / 60_000, self.0 % 60_000);
        match (minutes, rest) {
            (0, ms) if ms % 1000 == 0 => write!(f, "{}s", ms / 1000),
            (0, ms) if ms < 1000 => write!(f, "{ms}ms"),
            (0, ms) => write!(f, "{}.{:03}s", ms / 1000, ms % 1000),
            (m, 0) => write!(f, "{m}m"),
            (m, ms) if ms % 1000 == 0 => write!(f, "{m}m{}s", ms / 1000),
            (m, ms) => write!(f, "{m}m{}.{:03}s", ms / 1000, ms % 1000),
        }
    }
}

/// A text is not a duration.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a duration; write for example 90s, 10m or 1h30m")]
pub struct ParseDurationError(String);

impl FromStr for HumanDuration {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseDurationError(text.to_owned());
        let parsed = jiff::SignedDuration::from_str(text).map_err(|_| error())?;
        u64::try_from(parsed.as_millis()).map(Self).map_err(|_| error())
    }
}

impl Serialize for HumanDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for HumanDuration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HumanDuration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "description": "A duration of hours, minutes, seconds and milliseconds.",
            "examples": ["90s", "10m", "1h30m", "250ms"]})
    }
}

/// A metric value or target in thousandths, the unit of the HPA controller's arithmetic: 70 is `Milli(70_000)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Milli(pub i64);

impl Milli {
    /// The mean of values, cut to thousandths; `None` without one.
    pub(crate) fn mean(values: impl Iterator<Item = Self>) -> Option<Self> {
        let (count, sum) = values.fold((0, 0_i64), |(count, sum), value| (count + 1, sum.saturating_add(value.0)));
        sum.checked_div(count).map(Self)
    }
}

impl fmt::Display for Milli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, value) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        match value % 1000 {
            0 => write!(f, "{sign}{}", value / 1000),
            milli => {
                let text = format!("{sign}{}.{milli:03}", value / 1000);
                f.write_str(text.trim_end_matches('0'))
            }
        }
    }
}

/// A text that gives no value in thousandths.
#[derive(Debug, thiserror::Error)]
pub enum ParseQuantityError {
    /// The text is no quantity.
    #[error("`{0}` is not a Kubernetes quantity such as 70, 500m, 1.5k or 2Gi")]
    NotAQuantity(String),
    /// A quantity with more digits, or of another size, than the arithmetic takes.
    #[error("`{0}` is outside -9.2e15..=9.2e15 or has more than 38 digits: the limits of gpuhpa")]
    OutOfRange(String),
}

impl FromStr for Milli {
    type Err = ParseQuantityError;

    /// Parses a Kubernetes quantity and rounds it **up** to the next thousandth, as `Quantity.MilliValue` does
    /// (k8s.io/apimachinery v0.37.2, pkg/api/resource/quantity.go).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let not_a_quantity = || ParseQuantityError::NotAQuantity(text.to_owned());
        let out_of_range = || ParseQuantityError::OutOfRange(text.to_owned());
        let (digits, power) = split_suffix(text).ok_or_else(not_a_quantity)?;
        let (negative, digits) = match digits.as_bytes().first() {
            Some(b'-') => (true, &digits[1..]),
            Some(b'+') => (false, &digits[1..]),
            _ => (false, digits),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
            return Err(not_a_quantity());
        }
        let number: i128 = all.parse().map_err(|_| out_of_range())?;
        let (power_of_ten, factor) = match power {
            SuffixPower::Ten(exponent) => (exponent.saturating_add(3), 1),
            SuffixPower::Two(exponent) => (3, 1_i128 << exponent),
        };
        let scale = power_of_ten.saturating_sub(i32::try_from(fraction.len()).map_err(|_| out_of_range())?);
        let number = number.checked_mul(factor).ok_or_else(out_of_range)?;
        let milli = multiply_pow10(number, scale, negative).ok_or_else(out_of_range)?;
        i64::try_from(if negative { -milli } else { milli }).map(Milli).map_err(|_| out_of_range())
    }
}

enum SuffixPower {
    Ten(i32),
    Two(u32),
}

fn split_suffix(text: &str) -> Option<(&str, SuffixPower)> {
    const SUFFIXES: [(&str, SuffixPower); 16] = [
        ("Ki", SuffixPower::Two(10)),
        ("Mi", SuffixPower::Two(20)),
        ("Gi", SuffixPower::Two(30)),
        ("Ti", SuffixPower::Two(40)),
        ("Pi", SuffixPower::Two(50)),
        ("Ei", SuffixPower::Two(60)),
        ("n", SuffixPower::Ten(-9)),
        ("u", SuffixPower::Ten(-6)),
        ("m", SuffixPower::Ten(-3)),
        ("k", SuffixPower::Ten(3)),
        ("M", SuffixPower::Ten(6)),
        ("G", SuffixPower::Ten(9)),
        ("T", SuffixPower::Ten(12)),
        ("P", SuffixPower::Ten(15)),
        ("E", SuffixPower::Ten(18)),
        ("", SuffixPower::Ten(0)),
    ];
    if let Some((digits, exponent)) = text.split_once(['e', 'E'])
        && let Ok(exponent) = exponent.parse::<i32>()
    {
        return Some((digits, SuffixPower::Ten(exponent)));
    }
    SUFFIXES.into_iter().find_map(|(suffix, power)| text.strip_suffix(suffix).map(|digits| (digits, power)))
}

/// `number * 10^scale`: rounded up for positive numbers, and the magnitude rounded down for negative ones.
fn multiply_pow10(number: i128, scale: i32, negative: bool) -> Option<i128> {
    const MAX_POWER: u32 = 38;
    if scale < 0 && scale.unsigned_abs() > MAX_POWER {
        return Some(i128::from(number != 0 && !negative));
    }
    let factor = 10_i128.checked_pow(scale.unsigned_abs().min(MAX_POWER))?;
    if scale >= 0 {
        return number.checked_mul(factor);
    }
    let (quotient, rest) = (number / factor, number % factor);
    Some(quotient + i128::from(rest != 0 && !negative))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milli(text: &str) -> Option<i64> {
        text.parse::<Milli>().ok().map(|m| m.0)
    }

    #[test]
    fn quantities_round_up_to_the_next_thousandth() {
        let cases = [
            ("70", Some(70_000)),
            ("42500m", Some(42_500)),
            ("0.0001", Some(1)),
            ("1u", Some(1)),
            ("-0.0001", Some(0)),
            ("-1500m", Some(-1500)),
            ("2Ki", Some(2_048_000)),
            ("1.5k", Some(1_500_000)),
            ("1e3", Some(1_000_000)),
            ("0e30", Some(0)),
            ("150000000000000000000000000000000000000e-60", Some(1)),
            ("9e-2147483648", Some(1)),
            ("2E", None),
            ("9e30", None),
            ("9e2147483647", None),
            ("", None),
            ("GPU", None),
            ("1.2.3", None),
        ];
        for (text, expected) in cases {
            assert_eq!(milli(text), expected, "{text}");
        }
    }

    #[test]
    fn a_quantity_that_is_too_large_is_told_from_a_text_that_is_none() {
        let error = |text: &str| text.parse::<Milli>().unwrap_err().to_string();
        for text in ["2E", "9e30", "-9e30", "9e2147483647", "99999999999999999999", &"9".repeat(60)] {
            assert!(error(text).contains("the limits of gpuhpa"), "{text}");
        }
        for text in ["", "GPU", "1.2.3", "9e", "e3", "9e2147483648"] {
            assert!(error(text).contains("is not a Kubernetes quantity"), "{text}");
        }
    }

    #[test]
    fn thousandths_print_without_trailing_zeros() {
        assert_eq!([Milli(70_000), Milli(66_500), Milli(-1)].map(|m| m.to_string()), ["70", "66.5", "-0.001"]);
    }

    #[test]
    fn a_duration_parses_what_it_prints() {
        for ms in [0, 250, 1000, 1250, 60_000, 90_000, 61_001, 3_600_000] {
            let duration = HumanDuration::from_ms(ms);
            assert_eq!(duration.to_string().parse::<HumanDuration>().unwrap(), duration);
        }
        assert!("ninety".parse::<HumanDuration>().is_err() && "-5s".parse::<HumanDuration>().is_err());
    }
}

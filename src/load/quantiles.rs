//! Histograms of microseconds: bounded memory at any length of a run, because the buckets are fixed at the start.

use super::LoadError;
use crate::record::load::Quantiles;

/// A histogram of microseconds.
pub(super) type Histogram = hdrhistogram::Histogram<u64>;

/// Longest time that is told apart from longer ones: one hour, four times the longest default timeout.
const LONGEST_US: u64 = 3_600_000_000;

/// How exactly a histogram keeps its values.
#[derive(Clone, Copy)]
pub(super) enum Precision {
    /// Within 0.1 %; about 180 KB. For the few histograms of a whole run.
    Fine,
    /// Within 1 %; about 26 KB. For the one that each worker has.
    Coarse,
}

/// An empty histogram.
pub(super) fn histogram(precision: Precision) -> Result<Histogram, LoadError> {
    let digits = match precision {
        Precision::Fine => 3,
        Precision::Coarse => 2,
    };
    Histogram::new_with_bounds(1, LONGEST_US, digits).map_err(|e| LoadError::Histogram(e.to_string()))
}

/// Its quantiles.
pub(super) fn of(histogram: &Histogram) -> Quantiles {
    Quantiles {
        count: histogram.len(),
        min: histogram.min(),
        p50: histogram.value_at_quantile(0.5),
        p90: histogram.value_at_quantile(0.9),
        p99: histogram.value_at_quantile(0.99),
        max: histogram.max(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_thousandth_and_stay_bounded() {
        let mut h = histogram(Precision::Fine).unwrap();
        let empty = of(&h);
        assert_eq!(empty, Quantiles::default());
        for us in (1..=1000).map(|ms| ms * 1000) {
            h.saturating_record(us);
        }
        let q = of(&h);
        assert_eq!(q.count, 1000);
        for (value, exact) in [(q.min, 1000), (q.p50, 500_000), (q.p90, 900_000), (q.p99, 990_000), (q.max, 1_000_000)]
        {
            assert!(value.abs_diff(exact) * 1000 <= exact, "{value} for {exact}");
        }
        h.saturating_record(u64::MAX);
        assert!(of(&h).max.abs_diff(LONGEST_US) * 500 < LONGEST_US);
    }
}

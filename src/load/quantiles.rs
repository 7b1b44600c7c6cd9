//! Histograms of microseconds. Their memory is bounded at any length of a run, because the buckets are fixed.

use super::LoadError;
use crate::model::load::Quantiles;

/// A histogram of microseconds.
pub(super) type MicrosHistogram = hdrhistogram::Histogram<u64>;

/// Highest distinguishable value, in microseconds: 1 h, four times the longest default timeout.
const MAX_US: u64 = 3_600_000_000;

/// Precision of a histogram.
#[derive(Clone, Copy)]
pub(super) enum HistogramPrecision {
    /// 0.1 %; about 180 KB. For the few histograms of a whole run.
    Fine,
    /// 1 %; about 26 KB. For the histogram of each worker.
    Coarse,
}

/// An empty histogram.
pub(super) fn new_histogram(precision: HistogramPrecision) -> Result<MicrosHistogram, LoadError> {
    let digits = match precision {
        HistogramPrecision::Fine => 3,
        HistogramPrecision::Coarse => 2,
    };
    MicrosHistogram::new_with_bounds(1, MAX_US, digits).map_err(|e| LoadError::Histogram(e.to_string()))
}

/// The quantiles of a histogram.
pub(super) fn compute_quantiles(histogram: &MicrosHistogram) -> Quantiles {
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
        let mut h = new_histogram(HistogramPrecision::Fine).unwrap();
        let empty = compute_quantiles(&h);
        assert_eq!(empty, Quantiles::default());
        for us in (1..=1000).map(|ms| ms * 1000) {
            h.saturating_record(us);
        }
        let q = compute_quantiles(&h);
        assert_eq!(q.count, 1000);
        for (value, exact) in [(q.min, 1000), (q.p50, 500_000), (q.p90, 900_000), (q.p99, 990_000), (q.max, 1_000_000)]
        {
            assert!(value.abs_diff(exact) * 1000 <= exact, "{value} for {exact}");
        }
        h.saturating_record(u64::MAX);
        assert!(compute_quantiles(&h).max.abs_diff(MAX_US) * 500 < MAX_US);
    }
}

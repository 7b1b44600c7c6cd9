//! Reduces a series to the points that the chart can show: per column of one unit the first, the smallest, the largest and
//! the last. So no peak is lost, and the report of a long run stays small.

/// x and y in the chart.
pub(super) type ChartPoint = (f64, f64);

/// At most four points per column, in their order.
pub(super) fn downsample(points: &[ChartPoint]) -> Vec<ChartPoint> {
    let mut points_kept: Vec<ChartPoint> = Vec::new();
    for column in points.chunk_by(|a, b| a.0.floor() == b.0.floor()) {
        let by_y = |a: &(usize, &ChartPoint), b: &(usize, &ChartPoint)| a.1.1.total_cmp(&b.1.1);
        let index = |point: Option<(usize, &ChartPoint)>| point.map_or(0, |(n, _)| n);
        let mut indices = [
            0,
            index(column.iter().enumerate().min_by(by_y)),
            index(column.iter().enumerate().max_by(by_y)),
            column.len() - 1,
        ];
        indices.sort_unstable();
        let mut last = None;
        for n in indices {
            if last != Some(n) {
                points_kept.extend(column.get(n));
            }
            last = Some(n);
        }
    }
    points_kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_keeps_its_ends_and_its_peaks_in_their_order() {
        let column = [(3.0, 5.0), (3.1, 9.0), (3.2, 4.0), (3.3, 1.0), (3.4, 6.0), (3.5, 7.0), (4.0, 7.0)];
        assert_eq!(downsample(&column), [(3.0, 5.0), (3.1, 9.0), (3.3, 1.0), (3.5, 7.0), (4.0, 7.0)]);
    }

    #[test]
    fn an_hour_of_readings_is_no_more_than_four_points_a_column() {
        let all: Vec<ChartPoint> = (0..36_000).map(|n| (f64::from(n) / 36.0, f64::from(n * 7919 % 100))).collect();
        assert!(downsample(&all).len() <= 4 * 1001);
        assert_eq!(downsample(&[]), []);
    }
}

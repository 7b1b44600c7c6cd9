//! Items by a time of the cluster. The first and the last of those in a span of times are found without a look at each of
//! them: records may have very many of one time.

use jiff::Timestamp;

/// Indices of items, in the order of the items' times.
#[derive(Debug, Default)]
pub(in crate::judge) struct ByTime {
    times: Vec<Timestamp>,
    /// A binary tree of the smallest and the largest index. The items are its second half, and below node n are the nodes
    /// 2n and 2n + 1; node 0 is not used.
    extremes: Vec<(usize, usize)>,
}

impl ByTime {
    pub(in crate::judge) fn new(mut items: Vec<(Timestamp, usize)>) -> Self {
        items.sort_unstable();
        let count = items.len();
        let mut extremes = vec![(usize::MAX, 0); count];
        extremes.extend(items.iter().map(|(_, index)| (*index, *index)));
        for node in (1..count).rev() {
            extremes[node] = join(extremes[2 * node], extremes[2 * node + 1]);
        }
        Self { times: items.into_iter().map(|(at, _)| at).collect(), extremes }
    }

    /// The smallest and the largest index of the items whose time is neither too early nor too late. No time is too early
    /// after one that is not, and none is too late before one that is not.
    pub(super) fn find_extremes(
        &self,
        is_too_early: impl Fn(Timestamp) -> bool,
        is_too_late: impl Fn(Timestamp) -> bool,
    ) -> Option<(usize, usize)> {
        let count = self.times.len();
        let mut from = count + self.times.partition_point(|at| is_too_early(*at));
        let mut to = count + self.times.partition_point(|at| !is_too_late(*at));
        let mut found = None::<(usize, usize)>;
        let mut add =
            |node: usize| found = Some(found.map_or(self.extremes[node], |known| join(known, self.extremes[node])));
        while from < to {
            if from % 2 == 1 {
                add(from);
                from += 1;
            }
            if to % 2 == 1 {
                to -= 1;
                add(to);
            }
            (from, to) = (from / 2, to / 2);
        }
        found
    }
}

fn join(one: (usize, usize), other: (usize, usize)) -> (usize, usize) {
    (one.0.min(other.0), one.1.max(other.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::SplitMix64;

    #[test]
    fn the_extremes_of_a_span_are_those_of_its_items() {
        let mut random = SplitMix64::new(7);
        let at = |second: u64| Timestamp::from_second(i64::try_from(second).unwrap()).unwrap();
        for count in 0..40_u64 {
            let seconds: Vec<u64> = (0..count).map(|_| random.next_u64() % 12).collect();
            let items = ByTime::new(seconds.iter().map(|second| at(*second)).zip(0..).collect());
            for (from, to) in (0..13).flat_map(|from| (0..13).map(move |to| (from, to))) {
                let within = |(_, second): &(usize, &u64)| (from..=to).contains(*second);
                let inside: Vec<usize> = seconds.iter().enumerate().filter(within).map(|(index, _)| index).collect();
                let expected = inside.first().copied().zip(inside.last().copied());
                let found = items.find_extremes(|time| time < at(from), |time| time > at(to));
                assert_eq!(found, expected, "{seconds:?} from {from} to {to}");
            }
        }
    }
}

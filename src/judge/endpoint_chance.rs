//! What chance does to connections that each go to one of a Service's ready endpoints at random, as kube-proxy in its
//! iptables and nftables modes sends them.

/// Accepted probability that chance alone explains what a FAIL, or a named cause, rests on.
pub(super) const MAX_FALSE_FAIL_ODDS: f64 = 1e-6;

/// The probability that a certain one of N endpoints has none of n connections: (1 - 1/N)^n.
pub(super) fn odds_of_none(endpoints: i32, connections: u64) -> f64 {
    (1.0 - 1.0 / f64::from(endpoints.max(1))).powf(to_double(connections))
}

/// The probability that one of N endpoints has all of n connections: N * (1/N)^n.
pub(super) fn odds_of_all(endpoints: i32, connections: u64) -> f64 {
    let endpoints = f64::from(endpoints.max(1));
    endpoints * (1.0 / endpoints).powf(to_double(connections))
}

fn to_double(connections: u64) -> f64 {
    f64::from(u32::try_from(connections).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probabilities_of_two_and_three_endpoints() {
        let equal = |one: f64, other: f64| (one - other).abs() < 1e-12;
        assert!(equal(odds_of_none(2, 3), 0.125) && equal(odds_of_none(3, 2), 4.0 / 9.0));
        assert!(equal(odds_of_all(2, 3), 0.25) && equal(odds_of_all(3, 2), 1.0 / 3.0));
        assert!(equal(odds_of_none(1, 5), 0.0) && equal(odds_of_all(1, 5), 1.0), "a single endpoint has them all");
        assert!(equal(odds_of_none(0, 0), 1.0), "no endpoint counts as one");
    }
}

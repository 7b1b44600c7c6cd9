//! Go's conversion of a double to an integer, as compiled for amd64.
//!
//! Rust's `as` saturates and converts NaN to 0; the instructions CVTTSD2SL and CVTTSD2SQ give the integer's minimum for
//! NaN and for everything out of range. The controller's decisions depend on that: a huge value scales down (SCHEMA.md,
//! Conventions).

/// 2^31 as a double.
const TWO_31: f64 = 2_147_483_648.0;
/// 2^63 as a double.
pub(super) const TWO_63: f64 = 9_223_372_036_854_775_808.0;

/// Truncates toward zero; NaN, infinities and anything outside 32 bits give `i32::MIN`.
pub(super) fn to_i32(x: f64) -> i32 {
    let truncated = x.trunc();
    if (-TWO_31..TWO_31).contains(&truncated) { truncated as i32 } else { i32::MIN }
}

/// Truncates toward zero; NaN, infinities and anything outside 64 bits give `i64::MIN`.
pub(super) fn to_i64(x: f64) -> i64 {
    let truncated = x.trunc();
    if (-TWO_63..TWO_63).contains(&truncated) { truncated as i64 } else { i64::MIN }
}

/// A 64-bit integer as the nearest double: above 2^53 it loses precision, as in Go.
pub(super) fn double(x: i64) -> f64 {
    x as f64
}

/// A number of pods or samples as a double.
pub(super) fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_of_range_gives_the_minimum_and_never_saturates() {
        for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 2_147_483_648.0, -2_147_483_649.0, 1e300] {
            assert_eq!(to_i32(x), i32::MIN, "{x}");
        }
        for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, TWO_63, -1e300] {
            assert_eq!(to_i64(x), i64::MIN, "{x}");
        }
    }

    #[test]
    fn in_range_is_truncated_toward_zero() {
        assert_eq!((to_i32(2.9), to_i32(-2.9)), (2, -2));
        assert_eq!((to_i32(2_147_483_647.9), to_i32(-2_147_483_648.9)), (i32::MAX, i32::MIN));
        assert_eq!(to_i64(-0.5), 0);
    }
}

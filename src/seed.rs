//! Chance that can be repeated: every random number of a run comes from one seed, printed in its evidence.

/// A stream of numbers that the same seed always repeats (SplitMix64, Steele et al., OOPSLA 2014).
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The stream of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number of the stream, over the whole range of 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_splitmix64() {
        // First outputs for seed 1234567, from the reference implementation's published test values.
        let mut seed = SplitMix64::new(1_234_567);
        assert_eq!([seed.next_u64(), seed.next_u64()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }
}

//! Builds the body of a chat request.

use serde_json::{Value, json};

use crate::model::load::LoadSpec;
use crate::seed::SplitMix64;

/// The JSON body of one streaming `/api/chat` request. `seed` replaces a seed in the load's options, so that the
/// evidence is enough to repeat every request exactly.
#[must_use]
pub fn request_body(load: &LoadSpec, seed: u32) -> Vec<u8> {
    let mut options = load.options.clone();
    options.insert("seed".to_owned(), seed.into());
    // Ollama parses a number as seconds (-1: forever), but a string only with a unit.
    let keep_alive = load.keep_alive.parse::<i64>().map_or_else(|_| Value::from(load.keep_alive.as_str()), Value::from);
    json!({
        "model": load.model,
        "messages": [{"role": "user", "content": load.prompt}],
        "stream": true,
        "options": options,
        "keep_alive": keep_alive,
    })
    .to_string()
    .into_bytes()
}

/// The seed of request `id`: the `id`-th number of the load's random sequence, cut to 31 bits because Ollama's runner
/// keeps the seed in a 32-bit integer.
#[must_use]
pub fn request_seed(load_seed: u64, id: u64) -> u32 {
    // SplitMix64 adds this constant for each number, so that a sequence can start at any index.
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let number = SplitMix64::new(load_seed.wrapping_add(id.wrapping_mul(STEP))).next_u64();
    u32::try_from(number >> 33).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_contains_all_fields_of_the_load() {
        let load = LoadSpec { model: "m".to_owned(), prompt: "say \"hi\"".to_owned(), ..LoadSpec::default() };
        let body: Value = serde_json::from_slice(&request_body(&load, 7)).unwrap();
        assert_eq!(
            body,
            json!({
                "model": "m",
                "messages": [{"role": "user", "content": "say \"hi\""}],
                "stream": true,
                "options": {"num_predict": 256, "num_ctx": 2048, "temperature": 0, "seed": 7},
                "keep_alive": "30m",
            })
        );
    }

    #[test]
    fn a_keep_alive_without_a_unit_is_sent_as_a_number() {
        let load = LoadSpec { keep_alive: "-1".to_owned(), ..LoadSpec::default() };
        let body: Value = serde_json::from_slice(&request_body(&load, 0)).unwrap();
        assert_eq!(body["keep_alive"], json!(-1));
    }

    #[test]
    fn request_seeds_are_the_sequence_of_the_loads_seed() {
        let mut sequence = SplitMix64::new(1_234_567);
        for id in 0..5 {
            assert_eq!(u64::from(request_seed(1_234_567, id)), sequence.next_u64() >> 33);
        }
    }
}

//! What can be set of a simulated platform by name (`rehearse --set NAME=VALUE`).

use std::str::FromStr;

use super::SimConfig;
use crate::units::HumanDuration;

/// Something that can be set.
pub struct SimParam {
    /// Its name.
    pub name: &'static str,
    /// What it is, with its unit and its healthy value.
    pub description: &'static str,
    apply: fn(&mut SimConfig, &str) -> Result<(), String>,
}

/// All of them.
pub const PARAMS: &[SimParam] = &[
    SimParam {
        name: "gpus",
        description: "accelerators in all (one for each replica that the HPA may come to)",
        apply: |s, v| parse_number(v, 1..=1000).map(|n| s.set_accelerators(n)),
    },
    SimParam {
        name: "nodes",
        description: "nodes with accelerators",
        apply: |s, v| parse_number(v, 1..=1000).map(|n| s.controllers.accelerator_nodes = n),
    },
    SimParam {
        name: "gpusPerNode",
        description: "accelerators of each of them",
        apply: |s, v| parse_number(v, 1..=64).map(|n| s.controllers.accelerators_per_node = n),
    },
    SimParam {
        name: "slots",
        description: "chats that a server answers at once, OLLAMA_NUM_PARALLEL (1)",
        apply: |s, v| parse_number(v, 1..=512).map(|n| s.ollama.slots = n),
    },
    SimParam {
        name: "tokensPerSecond",
        description: "tokens a second of each answer (100)",
        apply: |s, v| parse_fraction(v, 0.1, 100_000.0).map(|n| s.ollama.tokens_per_second = n),
    },
    SimParam {
        name: "busy",
        description: "utilization of a device while it answers, percent (98)",
        apply: |s, v| parse_fraction(v, 0.0, 100.0).map(|n| s.ollama.busy_percent = n),
    },
    SimParam {
        name: "sharePerSlot",
        description: "utilization that each chat adds, percent, `busy` at most; without it one chat alone makes a device busy",
        apply: |s, v| parse_fraction(v, 0.0, 100.0).map(|n| s.ollama.percent_per_slot = Some(n)),
    },
    SimParam {
        name: "modelLoad",
        description: "time to bring the model into memory (2s)",
        apply: |s, v| parse_duration(v, &mut s.ollama.model_load),
    },
    SimParam {
        name: "imagePull",
        description: "time to pull an image (2s)",
        apply: |s, v| parse_duration(v, &mut s.controllers.image_pull),
    },
    SimParam {
        name: "exporterInterval",
        description: "the exporter samples so often (the scenario's assumption)",
        apply: |s, v| parse_duration(v, &mut s.pipeline.exporter_interval),
    },
    SimParam {
        name: "scrapeInterval",
        description: "the store scrapes so often (the scenario's assumption)",
        apply: |s, v| parse_duration(v, &mut s.pipeline.scrape_interval),
    },
    SimParam {
        name: "storeOffset",
        description: "so far behind now the store answers (the scenario's assumption)",
        apply: |s, v| parse_duration(v, &mut s.pipeline.store_offset),
    },
    SimParam {
        name: "relistInterval",
        description: "the adapter lists series so often, unless its arguments say (the scenario's assumption)",
        apply: |s, v| parse_duration(v, &mut s.pipeline.relist_interval),
    },
    SimParam {
        name: "syncPeriod",
        description: "--horizontal-pod-autoscaler-sync-period (the scenario's assumption)",
        apply: |s, v| parse_duration(v, &mut s.controllers.hpa_controller.sync_period),
    },
    SimParam {
        name: "tolerance",
        description: "--horizontal-pod-autoscaler-tolerance, a fraction (the scenario's assumption)",
        apply: |s, v| parse_fraction(v, 0.0, 10.0).map(|n| s.controllers.hpa_controller.tolerance = n),
    },
];

/// Sets what `text` says: `NAME=VALUE`.
///
/// # Errors
/// There is no such name, or the value is none for it; the text says what would be.
pub fn set_param(setting: &mut SimConfig, text: &str) -> Result<(), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not NAME=VALUE"))?;
    let knob = PARAMS.iter().find(|knob| knob.name == name);
    let knob = knob.ok_or_else(|| format!("{name}: there is no such thing to set; --set list shows what there is"))?;
    (knob.apply)(setting, value).map_err(|why| format!("{name}: {why}"))
}

fn parse_number(text: &str, range: std::ops::RangeInclusive<usize>) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("`{text}` is no whole number from {} to {}", range.start(), range.end()))
}

fn parse_fraction(text: &str, low: f64, high: f64) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (low..=high).contains(number));
    number.ok_or_else(|| format!("`{text}` is no number from {low} to {high}"))
}

fn parse_duration(text: &str, place: &mut HumanDuration) -> Result<(), String> {
    let span = HumanDuration::from_str(text).map_err(|e| e.to_string())?;
    if span.ms() == 0 {
        return Err("it has to be longer than nothing".to_owned());
    }
    *place = span;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_named_with_its_unit_and_its_bounds() {
        let mut setting = SimConfig::default();
        for text in ["slots=4", "exporterInterval=2s", "sharePerSlot=12.5"] {
            set_param(&mut setting, text).unwrap();
        }
        assert_eq!((setting.ollama.slots, setting.ollama.percent_per_slot), (4, Some(12.5)));
        assert_eq!(setting.pipeline.exporter_interval, HumanDuration::from_secs(2));
        let wrong = [
            ("slots", "NAME=VALUE"),
            ("slot=1", "--set list"),
            ("slots=0", "from 1 to 512"),
            ("syncPeriod=0s", "longer than nothing"),
            ("tolerance=NaN", "from 0 to 10"),
            ("imagePull=soon", "is not a duration"),
        ];
        for (text, words) in wrong {
            let said = set_param(&mut setting, text).unwrap_err();
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}

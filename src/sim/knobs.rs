//! What can be set of a simulated platform by name (`rehearse --set NAME=VALUE`).

use std::str::FromStr;

use super::Setting;
use crate::units::Span;

/// Something that can be set.
pub struct Knob {
    /// Its name.
    pub name: &'static str,
    /// What it is, with its unit and its healthy value.
    pub what: &'static str,
    turn: fn(&mut Setting, &str) -> Result<(), String>,
}

/// All of them.
pub const KNOBS: &[Knob] = &[
    Knob {
        name: "gpus",
        what: "accelerators in all (one for each replica that the HPA may come to)",
        turn: |s, v| number(v, 1..=1000).map(|n| s.set_accelerators(n)),
    },
    Knob {
        name: "nodes",
        what: "nodes with accelerators",
        turn: |s, v| number(v, 1..=1000).map(|n| s.controllers.nodes = n),
    },
    Knob {
        name: "gpusPerNode",
        what: "accelerators of each of them",
        turn: |s, v| number(v, 1..=64).map(|n| s.controllers.accelerators = n),
    },
    Knob {
        name: "slots",
        what: "chats that a server answers at once, OLLAMA_NUM_PARALLEL (1)",
        turn: |s, v| number(v, 1..=512).map(|n| s.servers.slots = n),
    },
    Knob {
        name: "tokensPerSecond",
        what: "tokens a second of each answer (100)",
        turn: |s, v| fraction(v, 0.1, 100_000.0).map(|n| s.servers.rate = n),
    },
    Knob {
        name: "busy",
        what: "utilization of a device while it answers, percent (98)",
        turn: |s, v| fraction(v, 0.0, 100.0).map(|n| s.servers.busy = n),
    },
    Knob {
        name: "sharePerSlot",
        what: "utilization that each chat adds, percent, `busy` at most; without it one chat alone makes a device busy",
        turn: |s, v| fraction(v, 0.0, 100.0).map(|n| s.servers.share_per_slot = Some(n)),
    },
    Knob {
        name: "modelLoad",
        what: "time to bring the model into memory (2s)",
        turn: |s, v| span(v, &mut s.servers.load),
    },
    Knob { name: "imagePull", what: "time to pull an image (2s)", turn: |s, v| span(v, &mut s.controllers.pull) },
    Knob {
        name: "exporterInterval",
        what: "the exporter samples so often (the scenario's assumption)",
        turn: |s, v| span(v, &mut s.pipeline.exporter_interval),
    },
    Knob {
        name: "scrapeInterval",
        what: "the store scrapes so often (the scenario's assumption)",
        turn: |s, v| span(v, &mut s.pipeline.scrape_interval),
    },
    Knob {
        name: "storeOffset",
        what: "so far behind now the store answers (the scenario's assumption)",
        turn: |s, v| span(v, &mut s.pipeline.store_offset),
    },
    Knob {
        name: "relistInterval",
        what: "the adapter lists series so often, unless its arguments say (the scenario's assumption)",
        turn: |s, v| span(v, &mut s.pipeline.relist_interval),
    },
    Knob {
        name: "syncPeriod",
        what: "--horizontal-pod-autoscaler-sync-period (the scenario's assumption)",
        turn: |s, v| span(v, &mut s.controllers.autoscaler.sync_period),
    },
    Knob {
        name: "tolerance",
        what: "--horizontal-pod-autoscaler-tolerance, a fraction (the scenario's assumption)",
        turn: |s, v| fraction(v, 0.0, 10.0).map(|n| s.controllers.autoscaler.tolerance = n),
    },
];

/// Sets what `text` says: `NAME=VALUE`.
///
/// # Errors
/// There is no such name, or the value is none for it; the text says what would be.
pub fn set(setting: &mut Setting, text: &str) -> Result<(), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not NAME=VALUE"))?;
    let knob = KNOBS.iter().find(|knob| knob.name == name);
    let knob = knob.ok_or_else(|| format!("{name}: there is no such thing to set; --set list shows what there is"))?;
    (knob.turn)(setting, value).map_err(|why| format!("{name}: {why}"))
}

fn number(text: &str, range: std::ops::RangeInclusive<usize>) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("`{text}` is no whole number from {} to {}", range.start(), range.end()))
}

fn fraction(text: &str, low: f64, high: f64) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (low..=high).contains(number));
    number.ok_or_else(|| format!("`{text}` is no number from {low} to {high}"))
}

fn span(text: &str, place: &mut Span) -> Result<(), String> {
    let span = Span::from_str(text).map_err(|e| e.to_string())?;
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
        let mut setting = Setting::default();
        for text in ["slots=4", "exporterInterval=2s", "sharePerSlot=12.5"] {
            set(&mut setting, text).unwrap();
        }
        assert_eq!((setting.servers.slots, setting.servers.share_per_slot), (4, Some(12.5)));
        assert_eq!(setting.pipeline.exporter_interval, Span::from_secs(2));
        let wrong = [
            ("slots", "NAME=VALUE"),
            ("slot=1", "--set list"),
            ("slots=0", "from 1 to 512"),
            ("syncPeriod=0s", "longer than nothing"),
            ("tolerance=NaN", "from 0 to 10"),
            ("imagePull=soon", "is not a duration"),
        ];
        for (text, words) in wrong {
            let said = set(&mut setting, text).unwrap_err();
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}

//! The parameters of a simulated platform (`rehearse --set NAME=VALUE`).

use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::sim::config::{AcceleratorOffer, MigStrategy, SharedValues, SimConfig};
use crate::units::HumanDuration;

/// A parameter.
pub(crate) struct SimParam {
    /// Name, as `--set` takes it.
    pub(crate) name: &'static str,
    /// Meaning, unit and default.
    pub(crate) description: &'static str,
    apply: fn(&mut SimConfig, &str) -> Result<(), String>,
}

/// All parameters.
pub(crate) const PARAMS: &[SimParam] = &[
    SimParam {
        name: "gpus",
        description: "accelerators in total (default: one for each replica up to maxReplicas, at least 2)",
        apply: |s, v| parse_number(v, 1..=1000).map(|n| s.set_accelerators(n)),
    },
    SimParam {
        name: "nodes",
        description: "nodes with accelerators",
        apply: |s, v| parse_number(v, 1..=1000).map(|n| s.controllers.accelerator_nodes = n),
    },
    SimParam {
        name: "gpusPerNode",
        description: "accelerators per node",
        apply: |s, v| parse_number(v, 1..=64).map(|n| s.controllers.accelerators_per_node = n),
    },
    SimParam {
        name: "allocation",
        description: "how accelerators are offered: plugin, each as a device; dra, each by resource claims of a DRA driver and as no extended resource; mig, MIG instances of one node as nvidia.com/gpu (strategy single); mig-mixed, these as nvidia.com/mig-1g.10gb; time-sliced, one accelerator as as many devices as there are accelerators otherwise (default: dra where a chart of the scenario makes resource claims, else plugin)",
        apply: |s, v| {
            match v {
                "plugin" => s.controllers.offer = AcceleratorOffer::DevicePlugin,
                "dra" => s.controllers.offer = AcceleratorOffer::DraDriver,
                "mig" => s.divide_into_instances(MigStrategy::Single),
                "mig-mixed" => s.divide_into_instances(MigStrategy::Mixed),
                "time-sliced" => {
                    s.share_one_accelerator(s.controllers.accelerator_nodes * s.controllers.accelerators_per_node);
                }
                _ => return Err(format!("`{v}` is none of plugin, dra, mig, mig-mixed and time-sliced")),
            }
            Ok(())
        },
    },
    SimParam {
        name: "devicesPerGpu",
        description: "devices that each accelerator is offered as, by time-slicing (default: 1); the pods of one accelerator share it",
        apply: |s, v| parse_number(v, 1..=64).map(|n| s.controllers.devices_per_accelerator = n),
    },
    SimParam {
        name: "sharedGpuValue",
        description: "what the exporter reports for the pods that share an accelerator: own, of each its share; whole, of each the value of the accelerator; rotating, of one of them that value, of another one at another time; none, no pod (default: own)",
        apply: |s, v| {
            s.pipeline.shared_values = match v {
                "own" => SharedValues::Own,
                "whole" => SharedValues::Whole,
                "rotating" => SharedValues::Rotating,
                "none" => SharedValues::Unattributed,
                _ => return Err(format!("`{v}` is none of own, whole, rotating and none")),
            };
            Ok(())
        },
    },
    SimParam {
        name: "claimsInExporter",
        description: "whether the exporter names the pods of resource claims, as dcgm-exporter does with KUBERNETES_ENABLE_DRA=true: true or false (default: true)",
        apply: |s, v| {
            s.pipeline.resolves_claims = v.parse().map_err(|_| format!("`{v}` is neither true nor false"))?;
            Ok(())
        },
    },
    SimParam {
        name: "slots",
        description: "concurrent chats per server, OLLAMA_NUM_PARALLEL (default: 1)",
        apply: |s, v| parse_number(v, 1..=512).map(|n| s.ollama.slots = n),
    },
    SimParam {
        name: "tokensPerSecond",
        description: "tokens per second of each chat (default: 100)",
        apply: |s, v| parse_fraction(v, 0.1, 100_000.0).map(|n| s.ollama.tokens_per_second = n),
    },
    SimParam {
        name: "busyPercent",
        description: "utilization of a device while its server answers a chat, percent (default: 98)",
        apply: |s, v| parse_fraction(v, 0.0, 100.0).map(|n| s.ollama.busy_percent = n),
    },
    SimParam {
        name: "percentPerSlot",
        description: "utilization that each chat adds, percent, up to busyPercent (default: one chat reaches busyPercent)",
        apply: |s, v| parse_fraction(v, 0.0, 100.0).map(|n| s.ollama.percent_per_slot = Some(n)),
    },
    SimParam {
        name: "idlePercent",
        description: "utilization that the exporter shows of a device without a chat, percent (default: 0)",
        apply: |s, v| parse_fraction(v, 0.0, 100.0).map(|n| s.ollama.idle_percent = n),
    },
    SimParam {
        name: "residentPercent",
        description: "utilization that the exporter shows of a device with a model in its memory, percent, with a chat the higher one of it and busyPercent (default: idlePercent without a chat, busyPercent with one)",
        apply: |s, v| parse_fraction(v, 0.0, 100.0).map(|n| s.ollama.resident_percent = Some(n)),
    },
    SimParam {
        name: "modelLoadTime",
        description: "time to load the model into memory (default: 2s)",
        apply: |s, v| parse_duration(v, &mut s.ollama.model_load),
    },
    SimParam {
        name: "imagePullTime",
        description: "time to pull an image (default: 2s)",
        apply: |s, v| parse_duration(v, &mut s.controllers.image_pull),
    },
    SimParam {
        name: "exporterInterval",
        description: "sampling interval of the exporter (default: the scenario's assumption)",
        apply: |s, v| parse_duration(v, &mut s.pipeline.exporter_interval),
    },
    SimParam {
        name: "scrapeInterval",
        description: "scrape interval of the store (default: the scenario's assumption)",
        apply: |s, v| parse_duration(v, &mut s.pipeline.scrape_interval),
    },
    SimParam {
        name: "storeOffset",
        description: "delay of the store's instant queries (default: the scenario's assumption)",
        apply: |s, v| parse_duration(v, &mut s.pipeline.store_offset),
    },
    SimParam {
        name: "relistInterval",
        description: "--metrics-relist-interval of the adapter, unless its arguments set it (default: the scenario's assumption)",
        apply: |s, v| parse_duration(v, &mut s.pipeline.relist_interval),
    },
    SimParam {
        name: "syncPeriod",
        description: "--horizontal-pod-autoscaler-sync-period (default: the scenario's assumption)",
        apply: |s, v| parse_duration(v, &mut s.controllers.hpa_controller.sync_period),
    },
    SimParam {
        name: "downscaleStabilization",
        description: "--horizontal-pod-autoscaler-downscale-stabilization, for an HPA without a window of its own (default: the scenario's assumption)",
        apply: |s, v| parse_duration(v, &mut s.controllers.hpa_controller.downscale_stabilization),
    },
    SimParam {
        name: "tolerance",
        description: "--horizontal-pod-autoscaler-tolerance, a fraction (default: the scenario's assumption)",
        apply: |s, v| parse_fraction(v, 0.0, 10.0).map(|n| s.controllers.hpa_controller.tolerance = n),
    },
];

/// Sets a parameter from `NAME=VALUE`.
///
/// # Errors
/// If the parameter is unknown or the value is not valid for it; the message says which values are.
pub(crate) fn set_param(config: &mut SimConfig, text: &str) -> Result<(), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not NAME=VALUE"))?;
    let param = PARAMS.iter().find(|param| param.name == name);
    let param = param.ok_or_else(|| format!("{name}: unknown parameter; --set list shows all"))?;
    (param.apply)(config, value).map_err(|error| format!("{name}: {error}"))
}

fn parse_number(text: &str, range: RangeInclusive<usize>) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("`{text}` is not an integer from {} to {}", range.start(), range.end()))
}

fn parse_fraction(text: &str, low: f64, high: f64) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (low..=high).contains(number));
    number.ok_or_else(|| format!("`{text}` is not a number from {low} to {high}"))
}

/// Shorter intervals make a simulation endless, and a longer one outlasts every run.
const DURATIONS: RangeInclusive<HumanDuration> = HumanDuration::from_ms(100)..=HumanDuration::from_secs(24 * 3600);

fn parse_duration(text: &str, target: &mut HumanDuration) -> Result<(), String> {
    let duration = HumanDuration::from_str(text).map_err(|e| e.to_string())?;
    if !DURATIONS.contains(&duration) {
        return Err(format!("{duration} is not from {} to {}", DURATIONS.start(), DURATIONS.end()));
    }
    *target = duration;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_set_by_name_and_errors_state_the_valid_values() {
        let mut config = SimConfig::default();
        for text in
            ["slots=4", "exporterInterval=2s", "percentPerSlot=12.5", "allocation=dra", "claimsInExporter=false"]
        {
            set_param(&mut config, text).unwrap();
        }
        assert_eq!((config.ollama.slots, config.ollama.percent_per_slot), (4, Some(12.5)));
        assert!(config.controllers.offer == AcceleratorOffer::DraDriver && !config.pipeline.resolves_claims);
        assert_eq!(config.pipeline.exporter_interval, HumanDuration::from_secs(2));
        let cases = [
            ("slots", "NAME=VALUE"),
            ("slot=1", "--set list"),
            ("slots=0", "from 1 to 512"),
            ("syncPeriod=0s", "0s is not from 100ms to 1440m"),
            ("imagePullTime=100000h", "is not from 100ms to 1440m"),
            ("claimsInExporter=1", "neither true nor false"),
            ("sharedGpuValue=half", "none of own, whole, rotating and none"),
            ("allocation=mps", "none of plugin, dra, mig, mig-mixed and time-sliced"),
            ("tolerance=NaN", "from 0 to 10"),
            ("imagePullTime=soon", "is not a duration"),
        ];
        for (text, expected) in cases {
            let error = set_param(&mut config, text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}

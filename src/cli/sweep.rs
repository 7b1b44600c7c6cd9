//! `gpuhpa rehearse --sweep`: the same scenario under one load after the other, and what its HPA makes of each.

use super::console::new_table;
use super::{CliExit, Console};
use crate::env::Bundle;
use crate::model::scenario::Scenario;
use crate::run::{self, ScalingSimulation};
use crate::sim::SimConfig;
use crate::units::HumanDuration;

/// Loads to be tried: numbers of chats in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SweepRange {
    from: u32,
    to: u32,
}

impl std::str::FromStr for SweepRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not concurrency=FROM..TO, for example concurrency=1..64");
        let (from, to) =
            text.strip_prefix("concurrency=").and_then(|range| range.split_once("..")).ok_or_else(wrong)?;
        let (from, to) = from.parse().ok().zip(to.parse().ok()).ok_or_else(wrong)?;
        if from == 0 || to < from || to - from >= 1000 {
            return Err(format!("{text}: FROM is at least 1, TO no less, and both no more than 999 apart"));
        }
        Ok(Self { from, to })
    }
}

/// Tries each load for so long. Neighbours with the same outcome share a row.
pub(super) async fn sweep(
    sweep: SweepRange,
    length: HumanDuration,
    setting: &SimConfig,
    scenario: &Scenario,
) -> CliExit {
    let mut rows: Vec<(u32, u32, String, ScalingSimulation)> = Vec::new();
    for concurrency in sweep.from..=sweep.to {
        let mut scenario = scenario.clone();
        scenario.load.concurrency = concurrency;
        let tried = run::simulate_scaling(setting.clone(), &scenario, length, &Bundle::discarding()).await;
        let tried = match tried {
            Ok(tried) => tried,
            Err(error) => {
                return Console::print_error(
                    &format!("with concurrency {concurrency}: {error}"),
                    None,
                    CliExit::Inconclusive,
                );
            }
        };
        let outcome = describe_outcome(&tried);
        match rows.last_mut() {
            Some((_, last, of, _)) if *of == outcome => *last = concurrency,
            _ => rows.push((concurrency, concurrency, outcome, tried)),
        }
    }
    let mut table = new_table(&["concurrency", "outcome", "sizes, the first of these loads", "succeeded", "failed"]);
    for (from, to, outcome, tried) in &rows {
        let loads = if from == to { from.to_string() } else { format!("{from} to {to}") };
        table.add_row([loads, outcome.clone(), format_sizes(tried), tried.good.to_string(), tried.failed.to_string()]);
    }
    let max = scenario.hpa.spec.max_replicas;
    Console::print_data(&format!("{table}\nREHEARSAL: each load for {length}, at most {max} replicas\n"));
    let most = rows.iter().map(|(_, _, _, tried)| tried.max_replicas()).max().unwrap_or(0);
    if most < max {
        Console::print_message(&format!("no load of these leads to more than {most} of {max} replicas"));
    }
    CliExit::Ok
}

fn describe_outcome(tried: &ScalingSimulation) -> String {
    match tried.direction_changes() {
        0 | 1 if tried.max_replicas() == tried.replicas.first().map_or(0, |(_, size)| *size) => {
            "never scales".to_owned()
        }
        0 => format!("rises to {} and holds", tried.final_replicas()),
        1 => format!("rises to {}, then falls to {} and holds", tried.max_replicas(), tried.final_replicas()),
        _ => format!("flaps between {} and {}", lowest_after_scale_up(tried), tried.max_replicas()),
    }
}

fn lowest_after_scale_up(tried: &ScalingSimulation) -> i32 {
    tried.replicas.iter().skip(1).map(|(_, size)| *size).min().unwrap_or(0)
}

/// The sizes with their times; the first few of many.
fn format_sizes(tried: &ScalingSimulation) -> String {
    const SHOWN: usize = 6;
    let moment = |ms: u64| format!("{}:{:02}", ms / 60_000, ms / 1000 % 60);
    let shown = tried.replicas.iter().take(SHOWN).map(|(at, size)| format!("{size} at {}", moment(*at)));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match tried.replicas.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}, and {more} changes more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_is_read_with_its_bounds() {
        assert_eq!("concurrency=1..64".parse(), Ok(SweepRange { from: 1, to: 64 }));
        for text in ["1..64", "concurrency=1-64", "concurrency=0..3", "concurrency=5..4", "concurrency=1..9999"] {
            assert!(text.parse::<SweepRange>().unwrap_err().contains(text), "{text}");
        }
    }

    #[test]
    fn what_the_sizes_did_has_a_name() {
        let tried = |sizes: &[i32]| ScalingSimulation {
            replicas: sizes.iter().enumerate().map(|(n, size)| (n as u64, *size)).collect(),
            ..ScalingSimulation::default()
        };
        let named = [
            (&[1][..], "never scales"),
            (&[1, 2, 3], "rises to 3 and holds"),
            (&[1, 3, 2], "rises to 3, then falls to 2 and holds"),
            (&[1, 2, 1, 2], "flaps between 1 and 2"),
        ];
        for (sizes, name) in named {
            assert_eq!(describe_outcome(&tried(sizes)), name);
        }
    }
}

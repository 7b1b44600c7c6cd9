//! `gpuhpa rehearse --sweep`: the same scenario under a range of loads, and the replicas that its HPA sets for each.

use super::console::new_table;
use super::{CliExit, Console};
use crate::env::Bundle;
use crate::model::scenario::Scenario;
use crate::run::{self, ScalingSimulation};
use crate::sim::config::SimConfig;
use crate::units::HumanDuration;

/// A range of loads, in concurrent chats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SweepRange {
    from: u32,
    to: u32,
}

impl std::str::FromStr for SweepRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("`{text}` is not concurrency=FROM..TO, for example concurrency=1..64");
        let (from, to) =
            text.strip_prefix("concurrency=").and_then(|range| range.split_once("..")).ok_or_else(invalid)?;
        let (from, to) = from.parse().ok().zip(to.parse().ok()).ok_or_else(invalid)?;
        if from == 0 || to < from || to - from >= 1000 || to > 10_000 {
            return Err(format!("{text}: FROM must be at least 1, and TO from FROM to FROM + 999 and at most 10000"));
        }
        Ok(Self { from, to })
    }
}

/// Longest simulated time of all loads of a sweep: a thousand loads with the default time.
const MAX_TOTAL: HumanDuration = HumanDuration::from_secs(1000 * 1800);

/// Simulates each load for `length`. Adjacent loads with the same outcome share a row.
pub(super) async fn sweep(
    range: SweepRange,
    length: HumanDuration,
    config: &SimConfig,
    scenario: &Scenario,
) -> CliExit {
    let total = u64::from(range.to - range.from + 1) * length.ms();
    if total > MAX_TOTAL.ms() {
        let text = format!(
            "{} loads for {length} each are more than {MAX_TOTAL}, the limit of gpuhpa",
            range.to - range.from + 1
        );
        return Console::print_error(&text, Some("choose fewer loads, or a shorter time with --for"), CliExit::Usage);
    }
    let mut rows: Vec<(u32, u32, String, ScalingSimulation)> = Vec::new();
    for concurrency in range.from..=range.to {
        let mut scenario = scenario.clone();
        scenario.load.concurrency = concurrency;
        let result = run::simulate_scaling(config.clone(), &scenario, length, &Bundle::discarding()).await;
        let simulation = match result {
            Ok(simulation) => simulation,
            Err(error) => {
                return Console::print_error(
                    &format!("with concurrency {concurrency}: {error}"),
                    None,
                    CliExit::Inconclusive,
                );
            }
        };
        let outcome = describe_outcome(&simulation);
        match rows.last_mut() {
            Some((_, last, previous, _)) if *previous == outcome => *last = concurrency,
            _ => rows.push((concurrency, concurrency, outcome, simulation)),
        }
    }
    let mut table =
        new_table(&["concurrency", "outcome", "replicas at the first of these loads", "succeeded", "failed"]);
    for (from, to, outcome, simulation) in &rows {
        let loads = if from == to { from.to_string() } else { format!("{from} to {to}") };
        let (succeeded, failed) = (simulation.good.to_string(), simulation.failed.to_string());
        table.add_row([loads, outcome.clone(), format_replicas(simulation), succeeded, failed]);
    }
    let max = scenario.hpa.spec.max_replicas;
    Console::print_data(&format!("{table}\nREHEARSAL: each load for {length}, at most {max} replicas\n"));
    let most = rows.iter().map(|(_, _, _, simulation)| simulation.max_replicas()).max().unwrap_or(0);
    if most < max {
        Console::print_message(&format!("no load in the range scales beyond {most} of {max} replicas"));
    }
    CliExit::Ok
}

fn describe_outcome(simulation: &ScalingSimulation) -> String {
    match simulation.direction_changes() {
        0 | 1 if simulation.max_replicas() == simulation.replicas.first().map_or(0, |(_, replicas)| *replicas) => {
            "never scales".to_owned()
        }
        0 => format!("scales up to {} and is stable", simulation.final_replicas()),
        1 => format!(
            "scales up to {}, then down to {} and is stable",
            simulation.max_replicas(),
            simulation.final_replicas()
        ),
        _ => format!("oscillates between {} and {}", lowest_after_scale_up(simulation), simulation.max_replicas()),
    }
}

fn lowest_after_scale_up(simulation: &ScalingSimulation) -> i32 {
    simulation.replicas.iter().skip(1).map(|(_, replicas)| *replicas).min().unwrap_or(0)
}

/// The replicas with their times; only the first few of many.
fn format_replicas(simulation: &ScalingSimulation) -> String {
    const SHOWN: usize = 6;
    let time = |ms: u64| format!("{}:{:02}", ms / 60_000, ms / 1000 % 60);
    let shown = simulation.replicas.iter().take(SHOWN).map(|(at, replicas)| format!("{replicas} at {}", time(*at)));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match simulation.replicas.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}, and {more} more changes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_range_is_parsed_with_its_limits() {
        assert_eq!("concurrency=1..64".parse(), Ok(SweepRange { from: 1, to: 64 }));
        for text in ["1..64", "concurrency=1-64", "concurrency=0..3", "concurrency=5..4", "concurrency=1..9999"] {
            assert!(text.parse::<SweepRange>().unwrap_err().contains(text), "{text}");
        }
    }

    #[test]
    fn each_history_of_replicas_has_a_description() {
        let simulation = |replicas: &[i32]| ScalingSimulation {
            replicas: replicas.iter().enumerate().map(|(n, replicas)| (n as u64, *replicas)).collect(),
            ..ScalingSimulation::default()
        };
        let outcomes = [
            (&[1][..], "never scales"),
            (&[1, 2, 3], "scales up to 3 and is stable"),
            (&[1, 3, 2], "scales up to 3, then down to 2 and is stable"),
            (&[1, 2, 1, 2], "oscillates between 1 and 2"),
        ];
        for (replicas, outcome) in outcomes {
            assert_eq!(describe_outcome(&simulation(replicas)), outcome);
        }
    }
}

//! `gpuhpa rehearse --sweep`: the same scenario under one load after the other, and what its HPA makes of each.

use super::console::table;
use super::{Console, Exit};
use crate::record::scenario::Scenario;
use crate::run::{self, UnderLoad};
use crate::sim::Setting;
use crate::units::Span;
use crate::world::Bundle;

/// Loads to be tried: numbers of chats in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sweep {
    from: u32,
    to: u32,
}

impl std::str::FromStr for Sweep {
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
pub(super) async fn sweep(sweep: Sweep, length: Span, setting: &Setting, scenario: &Scenario) -> Exit {
    let mut rows: Vec<(u32, u32, String, UnderLoad)> = Vec::new();
    for concurrency in sweep.from..=sweep.to {
        let mut scenario = scenario.clone();
        scenario.load.concurrency = concurrency;
        let tried = run::under_load(setting.clone(), &scenario, length, &Bundle::nowhere()).await;
        let tried = match tried {
            Ok(tried) => tried,
            Err(error) => {
                return Console::error(&format!("with concurrency {concurrency}: {error}"), None, Exit::Inconclusive);
            }
        };
        let outcome = outcome(&tried);
        match rows.last_mut() {
            Some((_, last, of, _)) if *of == outcome => *last = concurrency,
            _ => rows.push((concurrency, concurrency, outcome, tried)),
        }
    }
    let mut table = table(&["concurrency", "outcome", "sizes, the first of these loads", "good", "failed"]);
    for (from, to, outcome, tried) in &rows {
        let loads = if from == to { from.to_string() } else { format!("{from} to {to}") };
        table.add_row([loads, outcome.clone(), course(tried), tried.good.to_string(), tried.failed.to_string()]);
    }
    let max = scenario.hpa.spec.max_replicas;
    Console::data(&format!("{table}\nREHEARSAL: each load for {length}, at most {max} replicas\n"));
    let most = rows.iter().map(|(_, _, _, tried)| tried.most()).max().unwrap_or(0);
    if most < max {
        Console::say(&format!("no load of these leads to more than {most} of {max} replicas"));
    }
    Exit::Ok
}

fn outcome(tried: &UnderLoad) -> String {
    match tried.turns() {
        0 | 1 if tried.most() == tried.sizes.first().map_or(0, |(_, size)| *size) => "never scales".to_owned(),
        0 => format!("rises to {} and holds", tried.last()),
        1 => format!("rises to {}, then falls to {} and holds", tried.most(), tried.last()),
        _ => format!("flaps between {} and {}", lowest_after_rise(tried), tried.most()),
    }
}

fn lowest_after_rise(tried: &UnderLoad) -> i32 {
    tried.sizes.iter().skip(1).map(|(_, size)| *size).min().unwrap_or(0)
}

/// The sizes with their times; the first few of many.
fn course(tried: &UnderLoad) -> String {
    const SHOWN: usize = 6;
    let moment = |ms: u64| format!("{}:{:02}", ms / 60_000, ms / 1000 % 60);
    let shown = tried.sizes.iter().take(SHOWN).map(|(at, size)| format!("{size} at {}", moment(*at)));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match tried.sizes.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}, and {more} changes more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_is_read_with_its_bounds() {
        assert_eq!("concurrency=1..64".parse(), Ok(Sweep { from: 1, to: 64 }));
        for text in ["1..64", "concurrency=1-64", "concurrency=0..3", "concurrency=5..4", "concurrency=1..9999"] {
            assert!(text.parse::<Sweep>().unwrap_err().contains(text), "{text}");
        }
    }

    #[test]
    fn what_the_sizes_did_has_a_name() {
        let tried = |sizes: &[i32]| UnderLoad {
            sizes: sizes.iter().enumerate().map(|(n, size)| (n as u64, *size)).collect(),
            ..UnderLoad::default()
        };
        let named = [
            (&[1][..], "never scales"),
            (&[1, 2, 3], "rises to 3 and holds"),
            (&[1, 3, 2], "rises to 3, then falls to 2 and holds"),
            (&[1, 2, 1, 2], "flaps between 1 and 2"),
        ];
        for (sizes, name) in named {
            assert_eq!(outcome(&tried(sizes)), name);
        }
    }
}

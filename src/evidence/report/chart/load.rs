//! The panels of the load: requests in flight, tokens a second, time to first token.

use super::panel::{Panel, Series, Shape, Told};
use super::scale::{seconds, short};
use crate::evidence::report::course::Course;
use crate::evidence::report::moment::micros;
use crate::record::observation::LoadSeen;

/// Over how long a rate is taken: answers of several seconds come in lumps.
const RATE_MS: u64 = 5_000;

pub(super) fn panels(course: &Course<'_>) -> Vec<Panel> {
    if course.loads.is_empty() {
        return Vec::new();
    }
    vec![in_flight(course), tokens(course), first_token(course)]
}

fn in_flight(course: &Course<'_>) -> Panel {
    let series = all(course, |load| Some(load.in_flight as f64));
    let mut shapes = vec![Shape::Steps("flight", "requests in flight".to_owned(), series.clone())];
    let failed: Vec<(u64, f64, String)> = course
        .loads
        .iter()
        .zip(course.loads.iter().skip(1))
        .filter(|((_, before), (_, now))| now.failed > before.failed)
        .map(|((_, before), (at, now))| (*at, now.in_flight as f64, format!("{} failed", now.failed - before.failed)))
        .collect();
    if !failed.is_empty() {
        shapes.push(Shape::Dots("failed", "requests failed here".to_owned(), failed));
    }
    let told = vec![
        told("in flight", &series, short),
        Told {
            name: "good, failed".to_owned(),
            texts: course.loads.iter().map(|(at, load)| (*at, format!("{}, {}", load.good, load.failed))).collect(),
        },
    ];
    panel("Requests in flight", 1.0, shapes, told)
}

/// Tokens are counted when their answer has ended.
fn tokens(course: &Course<'_>) -> Panel {
    let mut since = 0;
    let rate = |(n, (at, load)): (usize, &(u64, &LoadSeen))| {
        while course.loads.get(since + 1).is_some_and(|(next, _)| next.saturating_add(RATE_MS) <= *at) {
            since += 1;
        }
        let (then, before) = course.loads.get(since.min(n))?;
        let over = seconds(at.saturating_sub(*then));
        let count = load.tokens.saturating_sub(before.tokens) as f64;
        (over > 0.0).then(|| count / over)
    };
    let moments = course.loads.iter().map(|(at, _)| *at);
    let series: Series = moments.zip(course.loads.iter().enumerate().map(rate)).collect();
    let name = format!("tokens of good answers a second, over {} s", RATE_MS / 1000);
    let told = vec![told("tokens/s", &series, short)];
    panel("Tokens a second", 0.0, vec![Shape::Line("tokens", name, series)], told)
}

fn first_token(course: &Course<'_>) -> Panel {
    let of = |load: &LoadSeen| (load.good > 0).then(|| load.ttft_p50_us as f64 / 1e6);
    let series = all(course, of);
    let told = vec![told("median TTFT", &series, |value| micros((value * 1e6) as u64))];
    let name = "median of all good answers so far".to_owned();
    panel("Time to first token, seconds", 0.0, vec![Shape::Line("ttft", name, series)], told)
}

fn all(course: &Course<'_>, value: impl Fn(&LoadSeen) -> Option<f64>) -> Series {
    course.loads.iter().map(|(at, load)| (*at, value(load))).collect()
}

fn told(name: &str, series: &Series, text: impl Fn(f64) -> String) -> Told {
    // What is not measured any more is not told any more.
    let texts = series.iter().map(|(at, value)| (*at, value.map_or("none".to_owned(), &text)));
    Told { name: name.to_owned(), texts: texts.collect() }
}

fn panel(title: &str, least_step: f64, shapes: Vec<Shape>, told: Vec<Told>) -> Panel {
    let empty = "nothing was answered well".to_owned();
    Panel { title: title.to_owned(), height: 60.0, least_step, shapes, empty, told }
}

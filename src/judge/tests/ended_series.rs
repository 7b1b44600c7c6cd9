//! Series that have ended: a store returns their last samples for minutes, and they show nothing about the time of the
//! reading.

use std::sync::Arc;

use jiff::SignedDuration;

use super::run_fixture::{RunFixture, SECOND, THIRD, edit_samples, healthy, recorded};
use crate::judge::Check::{IdleHolds, NewPodsRunOnAccelerators, NewPodsServe};
use crate::judge::CheckStatus;
use crate::model::observation::ObservationKind;
use crate::model::reading::{MetricHop, MetricReading, MetricSample, ReadingResult};
use crate::units::Milli;

/// Each reading of the store has one more series for each of its own that `make` makes another of, with this age.
fn with_series(run: RunFixture, age_s: i64, make: impl Fn(&MetricSample) -> Option<MetricSample>) -> RunFixture {
    run.each(|o| {
        if let ObservationKind::Metric(MetricReading { hop: MetricHop::Store, result, .. }) = &mut o.kind
            && let ReadingResult::Samples(samples) = result
        {
            let mut more: Vec<_> = samples.iter().filter_map(&make).collect();
            for sample in &mut more {
                sample.timestamp = sample.timestamp.map(|at| at - SignedDuration::from_secs(age_s));
            }
            samples.extend(more);
        }
    })
}

fn without_exporter(run: RunFixture) -> RunFixture {
    run.without(|o| matches!(&o.kind, ObservationKind::Metric(MetricReading { hop: MetricHop::Exporter, .. })))
}

#[test]
fn a_workload_that_has_ended_contaminates_nothing() {
    let with_age = |age_s: i64| {
        without_exporter(recorded("contaminated")).each(|o| {
            if let ObservationKind::Metric(MetricReading { hop: MetricHop::Store, result, .. }) = &mut o.kind {
                edit_samples(result, |sample| {
                    if sample.object.as_deref().is_some_and(|name| name.starts_with("neighbour")) {
                        sample.timestamp = sample.timestamp.map(|at| at - SignedDuration::from_secs(age_s));
                    }
                });
            }
        })
    };
    let reason = |age_s: i64| with_age(age_s).evaluate(IdleHolds).reason;
    assert!(reason(2).contains("contamination: the metric also includes neighbour"), "{}", reason(2));
    assert!(!reason(60).contains("neighbour"), "{}", reason(60));
}

#[test]
fn a_device_that_an_earlier_pod_of_a_name_had_is_not_shared() {
    let with_age = |age_s: i64| {
        let run = without_exporter(healthy()).each(|o| {
            if let ObservationKind::Pod(pod) = &mut o.kind {
                pod.allocated_devices.clear();
            }
        });
        // The third pod's series with the device of the second one.
        let run = with_series(run, age_s, |sample| {
            let is_second = sample.object.as_deref() == Some(SECOND);
            is_second.then(|| MetricSample { object: Some(THIRD.to_owned()), ..sample.clone() })
        });
        run.evaluate(NewPodsRunOnAccelerators).findings
    };
    let is_shared = |findings: &[String]| findings.iter().any(|finding| finding.contains("share GPU-"));
    let (current, ended) = (with_age(0), with_age(60));
    assert!(is_shared(&current), "{current:?}");
    assert!(!is_shared(&ended), "{ended:?}");
}

#[test]
fn the_last_sample_of_an_earlier_pod_of_a_name_is_no_traffic() {
    let idle = healthy().each(|o| {
        if let ObservationKind::Metric(reading) = &mut o.kind {
            edit_samples(&mut reading.result, |sample| {
                if sample.object.as_deref() == Some(SECOND) {
                    sample.value = Some(Milli(0));
                }
            });
        }
    });
    let with_age = |age_s: i64| {
        let run = with_series(idle.clone(), age_s, |sample| {
            let mut labels = sample.labels.as_ref().clone();
            labels.insert("UUID".to_owned(), "GPU-earlier".to_owned());
            let is_second = sample.object.as_deref() == Some(SECOND);
            is_second.then(|| MetricSample { value: Some(Milli(98_000)), labels: Arc::new(labels), ..sample.clone() })
        });
        run.evaluate(NewPodsServe).status
    };
    assert_eq!(with_age(0), CheckStatus::Pass);
    assert_ne!(with_age(60), CheckStatus::Pass);
}

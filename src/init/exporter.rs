//! The exporter of the accelerators: its pods by their labels, what its page has, and how often the page changes.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;

use super::reader::ClusterReader;
use crate::metrics::exposition::parse_samples;
use crate::model::metric_profile::MetricProfile;
use crate::model::shipped_profiles;

/// An exporter that is known by the labels or the images of its pods.
struct KnownExporter {
    /// Part of a value of one of [`LABEL_KEYS`], or of an image.
    part: &'static str,
    /// The shipped profile of its series.
    profile: &'static str,
    /// Port of its page, where the pod states none.
    port: u16,
    /// Series that follow the load, the best one first.
    series: &'static [&'static str],
}

const KNOWN: &[KnownExporter] = &[
    KnownExporter {
        part: "dcgm-exporter",
        profile: "dcgm",
        port: 9400,
        series: &["DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_PROF_GR_ENGINE_ACTIVE"],
    },
    // ROCm/device-metrics-exporter: its pages name series with and without the prefix amd_.
    KnownExporter {
        part: "device-metrics-exporter",
        profile: "amd",
        port: 5000,
        series: &["gpu_gfx_activity", "amd_gpu_gfx_activity", "GPU_GFX_ACTIVITY"],
    },
];

/// Labels that name a program.
const LABEL_KEYS: [&str; 4] = ["app.kubernetes.io/name", "app", "k8s-app", "name"];

/// How often the page is read while its interval is measured.
const POLL: Duration = Duration::from_secs(1);
/// How long the page is watched: twice the default interval of dcgm-exporter, and a little more.
const MEASURE_LIMIT_MS: u64 = 75_000;
/// Changes after which the interval is known.
const ENOUGH_CHANGES: usize = 4;

/// An exporter of the cluster.
#[derive(Clone, Debug)]
pub(super) struct ExporterFindings {
    pub(super) namespace: String,
    pub(super) label: (String, String),
    pub(super) port: u16,
    pub(super) pods: usize,
    /// The shipped profile of its series; `None` where no profile of this name is shipped.
    pub(super) profile: Option<&'static str>,
    /// One of its pods.
    pub(super) pod: String,
    pub(super) page: PageFindings,
}

/// What a page has.
#[derive(Clone, Debug, Default)]
pub(super) struct PageFindings {
    /// Why it could not be read, or not be parsed.
    pub(super) error: Option<String>,
    /// The series to scale on, if the page has one.
    pub(super) series: Option<String>,
    /// The series of the exporter that follow the load, and that the page does not have.
    pub(super) absent: Vec<String>,
    /// How many samples of the series name a pod, and how many there are.
    pub(super) samples_with_pod: usize,
    pub(super) samples: usize,
    /// Whether a device of the page is in MIG mode.
    pub(super) has_mig: bool,
    /// Time between two changes of the page's values, milliseconds, as measured.
    pub(super) interval_ms: Option<u64>,
}

/// Finds the exporter among the cluster's pods, and reads its page.
pub(super) async fn find(reader: &mut ClusterReader<'_>, pods: &[Pod]) -> Option<ExporterFindings> {
    let (known, label, first) = KNOWN.iter().find_map(|known| {
        let mut running = pods.iter().filter(|pod| is_running(pod));
        running.find_map(|pod| Some((known, matching_label(pod, known)?, pod)))
    })?;
    let namespace = first.metadata.namespace.clone().unwrap_or_default();
    let has_label = |pod: &&Pod| {
        pod.metadata.namespace.as_deref() == Some(&namespace)
            && pod.metadata.labels.as_ref().is_some_and(|all| all.get(&label.0) == Some(&label.1))
    };
    let mut found = ExporterFindings {
        port: page_port(first).unwrap_or(known.port),
        pods: pods.iter().filter(has_label).count(),
        profile: shipped_profiles::names().find(|name| *name == known.profile),
        pod: first.metadata.name.clone().unwrap_or_default(),
        page: PageFindings::default(),
        namespace,
        label,
    };
    let profile = found.profile.and_then(|name| shipped_profiles::find(name).ok()).unwrap_or_default();
    found.page = match reader.get(&found.page_path()).await {
        Ok(page) => read_page(&page, known, &profile),
        Err(error) => {
            reader.note_unread("the exporter's page", &error);
            PageFindings { error: Some(error), ..PageFindings::default() }
        }
    };
    Some(found)
}

fn is_running(pod: &Pod) -> bool {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running")
}

/// The label that names a known exporter, or of a pod with its image the one that names its program.
fn matching_label(pod: &Pod, known: &KnownExporter) -> Option<(String, String)> {
    let labels = pod.metadata.labels.as_ref()?;
    let named = || LABEL_KEYS.iter().filter_map(|key| Some(((*key).to_owned(), labels.get(*key)?.clone())));
    let images = pod.spec.iter().flat_map(|spec| &spec.containers).filter_map(|one| one.image.as_ref());
    let has_image = images.into_iter().any(|image| image.contains(known.part));
    named().find(|(_, value)| value.contains(known.part)).or(named().next().filter(|_| has_image))
}

/// The port that a pod names `metrics`, else its first one.
fn page_port(pod: &Pod) -> Option<u16> {
    let ports = || pod.spec.iter().flat_map(|spec| &spec.containers).filter_map(|one| one.ports.as_ref()).flatten();
    let named = ports().find(|port| port.name.as_deref() == Some("metrics"));
    u16::try_from(named.or(ports().next())?.container_port).ok()
}

fn read_page(page: &[u8], known: &KnownExporter, profile: &MetricProfile) -> PageFindings {
    let mut found = PageFindings { has_mig: contains(page, b"GPU_I_PROFILE=\""), ..PageFindings::default() };
    let mut order = known.series.to_vec();
    if found.has_mig {
        // The first one is of whole cards, which have values beside those of their instances.
        order.reverse();
    }
    for series in order {
        match parse_samples(page, series, profile) {
            Ok(samples) if samples.is_empty() => found.absent.push(series.to_owned()),
            Ok(samples) => {
                found.samples = samples.len();
                found.samples_with_pod = samples.iter().filter(|sample| sample.object.is_some()).count();
                found.series = Some(series.to_owned());
                break;
            }
            Err(error) => {
                found.error = Some(error.to_string());
                break;
            }
        }
    }
    found
}

fn contains(page: &[u8], text: &[u8]) -> bool {
    page.windows(text.len()).any(|window| window == text)
}

impl ExporterFindings {
    fn page_path(&self) -> String {
        let Self { namespace, pod, port, .. } = self;
        format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/metrics")
    }

    /// Measures how often the values of the page change. Values that stand still show nothing: then the interval stays unknown.
    pub(super) async fn measure_interval(&mut self, reader: &ClusterReader<'_>) {
        let Some(series) = self.page.series.clone() else { return };
        let (path, started_ms) = (self.page_path(), reader.now_ms());
        let mut changes = ChangeTimes::new(series.split('_').next().unwrap_or_default());
        while reader.now_ms() - started_ms < MEASURE_LIMIT_MS
            && changes.times_ms.len() < ENOUGH_CHANGES
            && reader.has_time_for(POLL)
        {
            if let Ok(page) = reader.get(&path).await {
                changes.add(reader.now_ms() - started_ms, &page);
            }
            tokio::time::sleep(POLL).await;
        }
        self.page.interval_ms = changes.interval_ms();
    }
}

/// When the values of a page changed.
struct ChangeTimes {
    /// What the names of the exporter's own series begin with: its page has others that change with each request.
    prefix: String,
    last: Option<BTreeMap<String, String>>,
    times_ms: Vec<u64>,
}

impl ChangeTimes {
    fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), last: None, times_ms: Vec::new() }
    }

    fn add(&mut self, at_ms: u64, page: &[u8]) {
        let text = String::from_utf8_lossy(page);
        let lines = text.lines().filter(|line| line.starts_with(&self.prefix)).filter_map(|line| line.rsplit_once(' '));
        let values: BTreeMap<String, String> =
            lines.map(|(series, value)| (series.to_owned(), value.to_owned())).collect();
        if self.last.as_ref().is_some_and(|last| *last != values) {
            self.times_ms.push(at_ms);
        }
        self.last = Some(values);
    }

    /// The middle one of the times between two changes, in whole seconds; `None` for fewer than three changes.
    fn interval_ms(&self) -> Option<u64> {
        let mut gaps: Vec<u64> = self.times_ms.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
        gaps.sort_unstable();
        // A page that is read a moment late moves one change by a poll.
        let middle = *gaps.get(gaps.len() / 2).filter(|_| gaps.len() >= 2)?;
        Some((middle + 500) / 1000 * 1000).map(|ms| ms.max(1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &[u8] = b"DCGM_FI_DEV_GPU_UTIL{gpu=\"0\",pod=\"a\"} 5\nDCGM_FI_DEV_GPU_UTIL{gpu=\"1\"} 0\nDCGM_FI_DEV_GPU_TEMP{gpu=\"0\"} 40\n";

    #[test]
    fn the_series_of_the_page_is_the_first_known_one() {
        let dcgm = shipped_profiles::find("dcgm").unwrap();
        let found = read_page(PAGE, &KNOWN[0], &dcgm);
        assert_eq!(found.series.as_deref(), Some("DCGM_FI_DEV_GPU_UTIL"));
        assert_eq!((found.samples_with_pod, found.samples, found.has_mig), (1, 2, false));
        let instance = b"DCGM_FI_PROF_GR_ENGINE_ACTIVE{gpu=\"0\",GPU_I_PROFILE=\"1g.10gb\"} 0.5\n";
        for mig in [instance.to_vec(), [PAGE, &instance[..]].concat()] {
            let found = read_page(&mig, &KNOWN[0], &dcgm);
            assert_eq!((found.series.as_deref(), found.has_mig), (Some("DCGM_FI_PROF_GR_ENGINE_ACTIVE"), true));
        }
        let other = read_page(b"other 1\n", &KNOWN[0], &dcgm);
        assert_eq!((other.series, other.absent.len()), (None, 2));
        assert!(read_page(b"<html>", &KNOWN[0], &dcgm).error.is_some());
    }

    #[test]
    fn pages_of_public_reports_are_read() {
        let page = |text: &str, known: usize| {
            let profile = shipped_profiles::find(KNOWN[known].profile).unwrap_or_default();
            let found = read_page(text.as_bytes(), &KNOWN[known], &profile);
            (found.series.unwrap_or_default(), found.samples_with_pod, found.error.unwrap_or_default())
        };
        let absent = include_str!("../../fixtures/field/mig-without-gpu-util/metrics-absent.txt");
        assert_eq!(page(absent, 0), ("DCGM_FI_PROF_GR_ENGINE_ACTIVE".to_owned(), 1, String::new()));
        let amd = include_str!("../../fixtures/field/amd-activity-at-idle/metrics.txt");
        assert_eq!(page(amd, 1), ("gpu_gfx_activity".to_owned(), 1, String::new()));
        let (series, _, error) = page(include_str!("../../fixtures/field/text-value-on-the-page/metrics.txt"), 0);
        assert!(series.is_empty() && error.contains("DCGM_FI_DEV_CUDA_VISIBLE_DEVICES_STR"), "{error}");
    }

    #[test]
    fn an_exporter_is_known_by_a_label_or_by_its_image() {
        let label = |labels: serde_json::Value, image: &str| {
            let pod = serde_json::json!({"metadata": {"name": "p", "labels": labels},
                "spec": {"containers": [{"name": "c", "image": image}]}});
            let pod: Pod = serde_json::from_value(pod).unwrap();
            KNOWN.iter().find_map(|known| matching_label(&pod, known)).map(|(key, value)| format!("{key}={value}"))
        };
        let json = |key: &str, value: &str| serde_json::json!({key: value, "x": "y"});
        assert_eq!(label(json("app", "nvidia-dcgm-exporter"), "x").unwrap(), "app=nvidia-dcgm-exporter");
        assert_eq!(label(json("app", "gpu"), "docker.io/rocm/device-metrics-exporter:v1").unwrap(), "app=gpu");
        assert_eq!(label(json("app", "redis-metrics-exporter"), "redis-metrics-exporter:v1"), None);
    }

    #[test]
    fn the_interval_is_that_of_the_exporters_own_values() {
        let mut changes = ChangeTimes::new("DCGM");
        for second in 0..40_u64 {
            let page = format!("go_goroutines {second}\nDCGM_FI_DEV_GPU_TEMP{{gpu=\"0\"}} {}\n", second / 10);
            changes.add(second * 1000, page.as_bytes());
        }
        assert_eq!(changes.interval_ms(), Some(10_000));
        let mut still = ChangeTimes::new("DCGM");
        (0..40).for_each(|second| still.add(second * 1000, PAGE));
        assert_eq!(still.interval_ms(), None);
    }
}

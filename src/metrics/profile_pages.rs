//! Reads the pages of fixtures/pages with the shipped profiles.

use crate::metrics::exposition::parse_samples;
use crate::metrics::{device_from_labels, labels_of_own_page, namespace_of_pod, pod_from_labels};
use crate::model::shipped_profiles;
use crate::units::Milli;

/// Page, profile, series, its value, and the device that the profile's labels name.
const PAGES: &[(&str, &str, &str, i64, Option<&str>)] = &[
    ("vllm", "vllm", "vllm:num_requests_running", 64_000, None),
    ("vllm", "vllm", "vllm:num_requests_waiting", 3_000, None),
    ("vllm", "vllm", "vllm:kv_cache_usage_perc", 871, None),
    ("vllm-0.4", "vllm", "vllm:gpu_cache_usage_perc", 250, None),
    ("tgi", "tgi", "tgi_queue_size", 2_000, None),
    ("tgi", "tgi", "tgi_batch_current_size", 8_000, None),
    ("llama-cpp", "llama-cpp", "llamacpp:requests_processing", 1_000, None),
    ("llama-cpp", "llama-cpp", "llamacpp:requests_deferred", 9_000, None),
    ("triton", "triton", "nv_inference_pending_request_count", 5_000, None),
    ("triton", "triton", "nv_gpu_utilization", 930, Some("GPU-6a1c9a8e-0c4e-4a2c-9e3d-000000000001")),
    ("haproxy", "haproxy", "haproxy_backend_current_sessions", 4_000, None),
    ("haproxy", "haproxy", "haproxy_server_current_sessions", 4_000, None),
    ("haproxy", "haproxy", "haproxy_backend_current_queue", 0, None),
    ("dcgm-mig", "dcgm", "DCGM_FI_PROF_GR_ENGINE_ACTIVE", 982, Some("GPU-6a1c9a8e-0c4e-4a2c-9e3d-000000000001/gi7")),
    ("dcgm-mig", "dcgm", "DCGM_FI_DEV_FB_USED", 3_120_000, Some("GPU-6a1c9a8e-0c4e-4a2c-9e3d-000000000001/gi7")),
    ("amd", "amd", "gpu_gfx_activity", 97_000, Some("00000000-0000-1000-805c-000000000001")),
    ("amd-prefix", "amd", "amd_gpu_gfx_activity", 97_000, Some("692251001124")),
    (
        "hami",
        "hami",
        "hami_container_device_utilization_ratio",
        42_000,
        Some("GPU-6a1c9a8e-0c4e-4a2c-9e3d-000000000001"),
    ),
    ("hami", "hami", "Device_utilization_desc_of_container", 42_000, Some("GPU-6a1c9a8e-0c4e-4a2c-9e3d-000000000001")),
];

fn read_page(page: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/pages/{page}.txt", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn a_profile_finds_pod_value_and_device_on_the_page_of_its_exporter() {
    for (page, profile, series, value, device) in PAGES {
        let profile = shipped_profiles::find(profile).unwrap();
        assert!(profile.series.contains_key(*series), "{page}: {series}");
        let samples = parse_samples(&read_page(page), series, &profile).unwrap();
        let names = &profile.labels;
        let with_labels = samples.iter().map(|sample| match profile.own_page {
            true => (sample, labels_of_own_page(&sample.labels, names, ("gpuhpa", "server"))),
            false => (sample, (*sample.labels).clone()),
        });
        let of_pod: Vec<_> =
            with_labels.filter(|(_, labels)| pod_from_labels(labels, names).as_deref() == Some("server")).collect();
        let [(sample, labels)] = of_pod.as_slice() else { panic!("{page} {series}: {of_pod:?}") };
        assert_eq!(sample.value, Some(Milli(*value)), "{page} {series}");
        assert_eq!(namespace_of_pod(labels, names), Some("gpuhpa"), "{page} {series}");
        assert_eq!(device_from_labels(labels, names).as_deref(), *device, "{page} {series}");
    }
}

#[test]
fn a_page_that_names_no_pod_belongs_to_none_without_the_profile() {
    let generic = shipped_profiles::find("generic").unwrap();
    let samples = parse_samples(&read_page("vllm"), "vllm:num_requests_running", &generic).unwrap();
    assert!(!generic.own_page && samples.iter().all(|sample| sample.object.is_none()));
    let intel = shipped_profiles::find("intel").unwrap();
    let samples = parse_samples(&read_page("intel"), "hw_gpu_utilization_ratio", &intel).unwrap();
    assert!(samples.iter().all(|sample| sample.object.is_none()) && samples.len() == 1);
    assert!(intel.series["hw_gpu_utilization_ratio"].advice.contains("names no pod"));
}

#[test]
fn every_page_is_read() {
    let pages = std::fs::read_dir(format!("{}/fixtures/pages", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let names = pages.map(|file| file.unwrap().file_name().into_string().unwrap());
    for name in names.filter_map(|name| name.strip_suffix(".txt").map(ToOwned::to_owned)) {
        assert!(name == "intel" || PAGES.iter().any(|(page, ..)| *page == name), "{name}");
    }
}

#[test]
fn a_count_of_waiting_requests_says_so() {
    for (profile, series) in [
        ("vllm", "vllm:num_requests_waiting"),
        ("tgi", "tgi_queue_size"),
        ("llama-cpp", "llamacpp:requests_deferred"),
        ("triton", "nv_inference_pending_request_count"),
        ("haproxy", "haproxy_backend_current_queue"),
    ] {
        let profile = shipped_profiles::find(profile).unwrap();
        let waiting: Vec<_> =
            profile.series.iter().filter(|(_, one)| one.zero_while_busy).map(|(name, _)| name).collect();
        assert_eq!(waiting, [series]);
    }
}

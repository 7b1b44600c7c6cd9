//! Diagnoses of a metric: why it does not follow the load, or recommends too much. They decide nothing.

pub(super) mod contamination;
pub(super) mod device_activity;
pub(super) mod device_labels;
pub(super) mod diluted_average;
pub(super) mod double_average;
pub(super) mod exporter_page;
pub(super) mod hpa_value;
pub(super) mod keda_fallback;
pub(super) mod metric_diagnosis;
pub(super) mod model_on_cpu;
pub(super) mod out_of_range;
pub(super) mod pod_activity;
pub(super) mod remote_model;
pub(super) mod single_destination;

//! The state that exporter, store and adapter share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::exporter::SimExporter;
use super::rules::AdapterConfig;
use super::scaler_health::ScalerHealth;
use super::store::SimStore;
use crate::sim::cluster::SimCluster;
use crate::sim::ollama::ServerRegistry;

/// The cluster, its servers, and the state of exporter, store and adapter.
pub(super) struct PipelineState {
    pub(super) cluster: SimCluster,
    pub(super) servers: ServerRegistry,
    exporter: Mutex<SimExporter>,
    store: Mutex<SimStore>,
    /// The adapter's configuration, with the version of its ConfigMap.
    adapter_config: Mutex<Option<(String, Arc<AdapterConfig>)>>,
    /// The scaler of each ScaledObject, by its uid.
    keda_scalers: Mutex<BTreeMap<String, ScalerHealth>>,
}

impl PipelineState {
    pub(super) fn new(cluster: SimCluster, servers: ServerRegistry) -> Self {
        let (exporter, store, adapter_config) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { cluster, servers, exporter, store, adapter_config, keda_scalers: Mutex::default() }
    }

    pub(super) fn lock_exporter(&self) -> MutexGuard<'_, SimExporter> {
        lock(&self.exporter)
    }

    pub(super) fn lock_store(&self) -> MutexGuard<'_, SimStore> {
        lock(&self.store)
    }

    pub(super) fn lock_keda_scalers(&self) -> MutexGuard<'_, BTreeMap<String, ScalerHealth>> {
        lock(&self.keda_scalers)
    }

    pub(super) fn lock_adapter_config(&self) -> MutexGuard<'_, Option<(String, Arc<AdapterConfig>)>> {
        lock(&self.adapter_config)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

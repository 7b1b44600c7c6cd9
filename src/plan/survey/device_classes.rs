//! The devices that the cluster has for the resource claims (DRA) of the target: DeviceClasses, ResourceSlices, and the claims that
//! have devices already.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::resource::v1::{Device, DeviceClass, ResourceClaim, ResourceSlice};
use kube::api::{Api, ListParams};

use crate::model::inventory::Inventory;
use crate::model::resource_claims::DeviceClassSummary;
use crate::snapshot::{DeviceSelector, claimed_devices};

/// Reads them for the classes that the target's claims request. Without permission for a part, it stays empty.
pub(super) async fn read(client: &kube::Client, inventory: &mut Inventory) {
    let claims = inventory.charts.values().flat_map(|chart| &chart.target_claims);
    let requests = claims.flat_map(|claim| claim.requests.iter().flatten());
    let names: BTreeSet<String> = requests.map(|request| request.device_class.clone()).collect();
    if names.is_empty() {
        return;
    }
    let classes: Api<DeviceClass> = Api::all(client.clone());
    let slices = list::<ResourceSlice>(client).await;
    let allocated = list::<ResourceClaim>(client).await.map(|claims| allocated_devices(&claims));
    let unready: BTreeSet<&str> =
        inventory.nodes.iter().filter(|node| !node.ready).map(|node| node.name.as_str()).collect();
    let mut found = BTreeMap::new();
    for name in names {
        let summary = match classes.get_opt(&name).await {
            Ok(Some(class)) => summarize(&class, slices.as_deref(), allocated.as_ref(), &unready),
            Ok(None) => DeviceClassSummary { exists: Some(false), ..DeviceClassSummary::default() },
            Err(_) => DeviceClassSummary::default(),
        };
        found.insert(name, summary);
    }
    inventory.device_classes = found;
}

async fn list<K>(client: &kube::Client) -> Option<Vec<K>>
where
    K: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    Some(Api::<K>::all(client.clone()).list(&ListParams::default()).await.ok()?.items)
}

/// Driver, pool and name of a device.
type DeviceName = (String, String, String);

fn allocated_devices(claims: &[ResourceClaim]) -> BTreeSet<DeviceName> {
    let devices = claims.iter().flat_map(claimed_devices);
    devices.map(|device| (device.driver, device.pool, device.device)).collect()
}

fn summarize(
    class: &DeviceClass,
    slices: Option<&[ResourceSlice]>,
    allocated: Option<&BTreeSet<DeviceName>>,
    unready: &BTreeSet<&str>,
) -> DeviceClassSummary {
    let selectors = class.spec.iter().flat_map(|spec| spec.selectors.iter().flatten());
    let expressions = selectors.filter_map(|selector| selector.cel.as_ref());
    let expressions: Vec<&str> = expressions.map(|cel| cel.expression.as_str()).collect();
    let selectors: Vec<_> = expressions.iter().map(|expression| DeviceSelector::parse(expression)).collect();
    let unknown = expressions.iter().zip(&selectors).filter(|(_, selector)| selector.is_none());
    let mut summary = DeviceClassSummary {
        exists: Some(true),
        not_evaluated: unknown.map(|(expression, _)| (*expression).to_owned()).collect(),
        ..DeviceClassSummary::default()
    };
    let (Some(slices), true) = (slices, summary.not_evaluated.is_empty()) else { return summary };
    let is_selected =
        |driver: &str, device: &Device| selectors.iter().flatten().all(|selector| selector.selects(driver, device));
    let mut devices = BTreeSet::new();
    for (slice, device) in current_devices(slices, unready) {
        let driver = &slice.spec.driver;
        let name = (driver.clone(), slice.spec.pool.name.clone(), device.name.clone());
        if is_selected(driver, device) && devices.insert(name) {
            let node = node_of(slice, device).into_iter();
            node.for_each(|node| *summary.nodes.entry(node.to_owned()).or_default() += 1);
        }
    }
    let drivers: BTreeSet<&String> = devices.iter().map(|(driver, _, _)| driver).collect();
    summary.drivers = drivers.into_iter().cloned().collect();
    summary.devices = i64::try_from(devices.len()).ok();
    summary.allocated = allocated.and_then(|all| i64::try_from(devices.intersection(all).count()).ok());
    summary
}

/// The devices of the newest generation of each pool, on nodes that are not known to be unready. While a driver replaces its
/// slices, those of two generations exist.
fn current_devices<'a>(
    slices: &'a [ResourceSlice],
    unready: &'a BTreeSet<&str>,
) -> impl Iterator<Item = (&'a ResourceSlice, &'a Device)> {
    let mut newest: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for slice in slices {
        let pool = &slice.spec.pool;
        let generation = newest.entry((&slice.spec.driver, &pool.name)).or_insert(pool.generation);
        *generation = pool.generation.max(*generation);
    }
    let is_current = move |slice: &&ResourceSlice| {
        let pool = &slice.spec.pool;
        newest.get(&(slice.spec.driver.as_str(), pool.name.as_str())) == Some(&pool.generation)
    };
    let current = slices.iter().filter(is_current);
    let all = current.flat_map(|slice| slice.spec.devices.iter().flatten().map(move |device| (slice, device)));
    all.filter(move |(slice, device)| !node_of(slice, device).is_some_and(|node| unready.contains(node)))
}

/// The node of a device: that of its slice, or its own where the slice selects nodes per device; `None` where it is of several.
fn node_of<'a>(slice: &'a ResourceSlice, device: &'a Device) -> Option<&'a str> {
    slice.spec.node_name.as_deref().or(device.node_name.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn slice(generation: i64, node: &str, devices: &[&str]) -> ResourceSlice {
        let devices: Vec<_> =
            devices.iter().map(|name| json!({"name": name, "attributes": {"type": {"string": "gpu"}}})).collect();
        serde_json::from_value(json!({"spec": {"driver": "gpu.nvidia.com", "nodeName": node, "devices": devices,
            "pool": {"name": node, "generation": generation, "resourceSliceCount": 1}}}))
        .unwrap()
    }

    fn class(expression: &str) -> DeviceClass {
        serde_json::from_value(json!({"spec": {"selectors": [{"cel": {"expression": expression}}]}})).unwrap()
    }

    #[test]
    fn free_devices_are_those_of_the_newest_slices_on_ready_nodes_without_a_claim() {
        let slices = [
            slice(1, "n1", &["gpu-0", "gpu-1", "gpu-2"]),
            slice(2, "n1", &["gpu-0", "gpu-1"]),
            slice(1, "gone", &["gpu-0"]),
        ];
        let device = |pool: &str, name: &str| ("gpu.nvidia.com".to_owned(), pool.to_owned(), name.to_owned());
        let allocated = BTreeSet::from([device("n1", "gpu-1"), device("elsewhere", "gpu-0")]);
        let unready = BTreeSet::from(["gone"]);
        let of = |expression: &str| summarize(&class(expression), Some(&slices), Some(&allocated), &unready);
        let found = of("device.driver == 'gpu.nvidia.com' && device.attributes['gpu.nvidia.com'].type == 'gpu'");
        assert_eq!((found.devices, found.allocated), (Some(2), Some(1)));
        assert_eq!(found.drivers, ["gpu.nvidia.com"]);
        assert_eq!(found.nodes, [("n1".to_owned(), 2)].into());
        assert_eq!(of("device.driver == 'gpu.amd.com'").devices, Some(0));
        let mut of_fabric = slice(1, "pool", &["gpu-0", "gpu-1"]);
        of_fabric.spec.node_name = None;
        let devices = of_fabric.spec.devices.as_mut().unwrap();
        devices.iter_mut().zip(["n2", "gone"]).for_each(|(device, node)| device.node_name = Some(node.to_owned()));
        let per_device = summarize(&class("device.driver == 'gpu.nvidia.com'"), Some(&[of_fabric]), None, &unready);
        assert_eq!((per_device.devices, per_device.nodes), (Some(1), [("n2".to_owned(), 1)].into()));
        let unknown = of("device.capacity['gpu.nvidia.com'].memory.isGreaterThan(quantity('40Gi'))");
        assert_eq!((unknown.devices, unknown.not_evaluated.len()), (None, 1));
    }
}

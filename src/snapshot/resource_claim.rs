//! Reduces a ResourceClaim to the devices that it has.

use k8s_openapi::api::resource::v1::{DeviceRequest, ResourceClaim};

use crate::model::observation::ClaimedDevice;

/// The devices that are allocated to a claim; none before its allocation.
#[must_use]
pub(crate) fn claimed_devices(claim: &ResourceClaim) -> Vec<ClaimedDevice> {
    let requests = claim.spec.as_ref().and_then(|spec| spec.devices.as_ref()?.requests.as_ref());
    let allocation = claim.status.as_ref().and_then(|status| status.allocation.as_ref()?.devices.as_ref());
    let results = allocation.and_then(|devices| devices.results.as_ref()).into_iter().flatten();
    let devices = results.map(|result| ClaimedDevice {
        claim: claim.metadata.name.clone().unwrap_or_default(),
        device_class: requests.and_then(|all| device_class(all, &result.request)).unwrap_or_default().to_owned(),
        driver: result.driver.clone(),
        pool: result.pool.clone(),
        device: result.device.clone(),
    });
    devices.collect()
}

/// The class of a request. A result names an alternative of a request as `request/alternative`.
fn device_class<'a>(requests: &'a [DeviceRequest], name: &str) -> Option<&'a str> {
    let (name, alternative) = name.split_once('/').map_or((name, None), |(name, rest)| (name, Some(rest)));
    let request = requests.iter().find(|request| request.name == name)?;
    let exact = request.exactly.as_ref().map(|exactly| exactly.device_class_name.as_str());
    let first_available = || {
        let mut alternatives = request.first_available.iter().flatten();
        Some(alternatives.find(|one| Some(one.name.as_str()) == alternative)?.device_class_name.as_str())
    };
    exact.or_else(first_available)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_claim_shows_driver_and_class_of_each_device() {
        let claim = serde_json::from_value(json!({
            "metadata": {"name": "ollama-x-gpu", "uid": "u"},
            "spec": {"devices": {"requests": [
                {"name": "gpu", "exactly": {"deviceClassName": "gpu.nvidia.com"}},
                {"name": "nic", "firstAvailable": [{"name": "fast", "deviceClassName": "rdma"}]}]}},
            "status": {"allocation": {"devices": {"results": [
                {"request": "gpu", "driver": "gpu.nvidia.com", "pool": "n1", "device": "gpu-0"},
                {"request": "nic/fast", "driver": "dra.net", "pool": "n1", "device": "eth1"}]}}}
        }))
        .unwrap();
        let device = |class: &str, driver: &str, device: &str| ClaimedDevice {
            claim: "ollama-x-gpu".into(),
            device_class: class.into(),
            driver: driver.into(),
            pool: "n1".into(),
            device: device.into(),
        };
        let expected = [device("gpu.nvidia.com", "gpu.nvidia.com", "gpu-0"), device("rdma", "dra.net", "eth1")];
        assert_eq!(claimed_devices(&claim), expected);
        assert_eq!(claimed_devices(&ResourceClaim::default()), []);
    }
}

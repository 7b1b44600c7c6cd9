//! Ids of devices, and the physical device that an id of a replica is of.

const UUID_LENGTH: usize = 36;

/// Most digits of the number of a replica: more are a part of the id itself.
const MAX_REPLICA_DIGITS: usize = 4;

/// The device that an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PhysicalDevice<'a> {
    /// The device without the number of the replica, where the form of the id is known; else the whole id.
    pub(crate) name: &'a str,
    /// What an id of an unknown form may be a replica or a part of.
    pub(crate) possibly_of: Option<&'a str>,
}

impl<'a> PhysicalDevice<'a> {
    /// The known forms of replicas:
    ///
    /// ```text
    /// UUID::n        NVIDIA/k8s-device-plugin, time-slicing and MPS
    /// UUID-n         4paradigm/k8s-vgpu-scheduler, awslabs/aws-virtual-gpu-device-plugin
    /// UUID-_-n       AliyunContainerService/gpushare-device-plugin
    /// nvidia0/vgpun  GoogleCloudPlatform/container-engine-accelerators, time-sharing
    /// ```
    ///
    /// An instance of MIG (`MIG-GPU-UUID/gi/ci`, `nvidia0/gin`) is a device of its own, and so is a device of a resource claim
    /// ([`is_claimed_device`]), whose number is only a part of its name.
    pub(crate) fn from_id(id: &'a str) -> Self {
        let known = |name: &'a str| Self { name, possibly_of: None };
        if let Some((device, _)) = id.split_once("::") {
            return known(device);
        }
        if is_claimed_device(id) {
            return known(id);
        }
        if let Some((device, replica)) = id.rsplit_once("-_-").or_else(|| id.rsplit_once("/vgpu"))
            && is_replica_number(replica)
        {
            return known(device);
        }
        if let Some(end) = uuid_end(id) {
            let is_replica = id[end..].strip_prefix('-').is_some_and(is_replica_number);
            return known(if is_replica { &id[..end] } else { id });
        }
        if id.rsplit('/').next().is_some_and(|part| part.strip_prefix("gi").is_some_and(is_replica_number)) {
            return known(id);
        }
        Self { name: id, possibly_of: base_of_numbered(id) }
    }
}

/// What an id has before the UUID at its end, and that UUID: `GPU-` and the UUID of a whole device. `None` for an instance of
/// MIG, whose UUID is not that of its card.
pub(crate) fn split_device_uuid(id: &str) -> Option<(&str, &str)> {
    let name = PhysicalDevice::from_id(id).name;
    let start = uuid_end(name).filter(|end| *end == name.len())? - UUID_LENGTH;
    let (prefix, uuid) = name.split_at(start);
    (!prefix.contains("MIG")).then_some((prefix, uuid))
}

/// True for the id of a device of a resource claim (DRA): `driver/pool/device`, or its CDI name `vendor/class=name` (kubernetes
/// v1.37.2, pkg/kubelet/cm/dra/manager.go). The driver and the vendor are domains.
pub(crate) fn is_claimed_device(id: &str) -> bool {
    let parts: Vec<&str> = id.split('/').collect();
    match parts.as_slice() {
        [driver, pool, device] => driver.contains('.') && !pool.is_empty() && !device.is_empty(),
        [vendor, name] => vendor.contains('.') && name.split_once('=').is_some_and(|(class, _)| !class.is_empty()),
        _ => false,
    }
}

/// True when an id contains a UUID: no two devices have the same.
pub(crate) fn has_uuid(id: &str) -> bool {
    uuid_end(id).is_some()
}

fn is_replica_number(text: &str) -> bool {
    (1..=MAX_REPLICA_DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// The end of the first UUID in an id.
fn uuid_end(id: &str) -> Option<usize> {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let is_uuid = |text: &[u8]| {
        let mut groups = text.split(|b| *b == b'-');
        GROUPS.iter().all(|length| {
            groups.next().is_some_and(|group| group.len() == *length && group.iter().all(u8::is_ascii_hexdigit))
        }) && groups.next().is_none()
    };
    id.as_bytes().windows(UUID_LENGTH).position(is_uuid).map(|start| start + UUID_LENGTH)
}

/// What is left of an id of an unknown form without the number at its end and what separates it, such as `GPU-0` of
/// `GPU-0-1`, if that still has a number itself.
fn base_of_numbered(id: &str) -> Option<&str> {
    let without_number = id.trim_end_matches(|c: char| c.is_ascii_digit());
    if !is_replica_number(&id[without_number.len()..]) {
        return None;
    }
    let without_name = without_number.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let base = without_name.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    (base.len() < without_name.len() && base.bytes().any(|b| b.is_ascii_digit())).then_some(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "GPU-6f1d2c3a-0003-4a5b-8c9d-000000000003";

    #[test]
    fn a_replica_is_of_the_device_that_its_id_begins_with() {
        for suffix in ["::3", "-0", "-_-12", "/vgpu1"] {
            let id = format!("{UUID}{suffix}");
            assert_eq!(PhysicalDevice::from_id(&id), PhysicalDevice { name: UUID, possibly_of: None }, "{id}");
        }
        assert_eq!(PhysicalDevice::from_id("nvidia0/vgpu1").name, "nvidia0");
        assert_eq!(PhysicalDevice::from_id("nvidia0/gi1/vgpu0").name, "nvidia0/gi1");
    }

    #[test]
    fn a_whole_device_and_an_instance_of_mig_are_themselves() {
        let instance = format!("MIG-{UUID}/1/0");
        let claimed = ["gpu.nvidia.com/node-1/gpu-0", "k8s.gpu.nvidia.com/device=gpu-0"];
        let own = [UUID, instance.as_str(), "nvidia0", "nvidia0/gi1", "gpu-0", "accel7", "0"];
        for id in own.into_iter().chain(claimed) {
            assert_eq!(PhysicalDevice::from_id(id), PhysicalDevice { name: id, possibly_of: None }, "{id}");
        }
    }

    #[test]
    fn a_uuid_at_the_end_is_that_of_a_whole_device() {
        let (_, uuid) = UUID.split_at(4);
        for id in [UUID.to_owned(), format!("{UUID}::1")] {
            assert_eq!(split_device_uuid(&id), Some(("GPU-", uuid)), "{id}");
        }
        for id in [format!("MIG-{uuid}"), format!("MIG-{UUID}/1/0"), "nvidia0".to_owned()] {
            assert_eq!(split_device_uuid(&id), None, "{id}");
        }
    }

    #[test]
    fn a_numbered_id_of_an_unknown_form_may_be_a_part() {
        for (id, base) in [
            ("GPU-0-1", "GPU-0"),
            ("card0-1", "card0"),
            ("gpu0_slice2", "gpu0"),
            ("0000:83:00.1", "0000:83:00"),
            ("0:1", "0"),
        ] {
            let expected = PhysicalDevice { name: id, possibly_of: Some(base) };
            assert_eq!(PhysicalDevice::from_id(id), expected, "{id}");
        }
    }
}

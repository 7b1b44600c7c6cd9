//! What the resource claims (DRA) of the target need, and what the cluster has for them.

use crate::model::inventory::Inventory;
use crate::model::non_accelerators::DriverKind;
use crate::model::plan::{AcceleratorCapacity, PreflightProblem};
use crate::model::resource_claims::{DeviceClassSummary, DeviceRequest, TargetClaim};
use crate::model::scenario::Scenario;

/// A request of the target's claims, with what is known of its class.
struct ClassRequest<'a> {
    claim: &'a TargetClaim,
    request: &'a DeviceRequest,
    class: Option<&'a DeviceClassSummary>,
}

impl ClassRequest<'_> {
    /// What the devices are if they are known to be no accelerators.
    fn other_kind(&self) -> Option<(&str, &'static str)> {
        let drivers = self.class.map_or(&[][..], |class| &class.drivers);
        // A class of a driver has its name, and a driver without devices is not seen.
        let by_name = drivers.is_empty().then_some(self.request.device_class.as_str());
        let mut kinds =
            drivers.iter().map(String::as_str).chain(by_name).map(|name| (name, DriverKind::from_driver(name)));
        let first = kinds.next();
        match first {
            Some((name, DriverKind::Other(kind))) if kinds.all(|(_, kind)| matches!(kind, DriverKind::Other(_))) => {
                Some((name, kind))
            }
            _ => None,
        }
    }

    /// Devices that `replicas` pods need: a claim by name is the same for all of them.
    fn needed(&self, replicas: i32) -> i64 {
        let claims = if self.claim.claim.is_some() { 1 } else { i64::from(replicas) };
        self.request.count.saturating_mul(claims)
    }

    fn free(&self) -> Option<i64> {
        let class = self.class.filter(|_| self.request.not_counted.is_none())?;
        Some(class.devices?.saturating_sub(class.allocated?))
    }
}

fn target_claims(inventory: &Inventory) -> impl Iterator<Item = &TargetClaim> {
    inventory.charts.values().flat_map(|chart| &chart.target_claims)
}

fn class_requests(inventory: &Inventory) -> impl Iterator<Item = ClassRequest<'_>> {
    target_claims(inventory).flat_map(move |claim| {
        let requests = claim.requests.iter().flatten();
        requests.map(move |request| ClassRequest {
            claim,
            request,
            class: inventory.device_classes.get(&request.device_class),
        })
    })
}

/// Devices that maxReplicas pods need by claims, and free devices: of several classes the one of which the fewest are left. `None`
/// where the target has no claim that may be for an accelerator.
pub(super) fn device_capacity(scenario: &Scenario, inventory: &Inventory) -> Option<AcceleratorCapacity> {
    if !scenario.accepts_claims() {
        return None;
    }
    let capacities =
        class_requests(inventory).filter(|one| one.other_kind().is_none()).map(|one| AcceleratorCapacity {
            resource: Some(format!("devices of class {}", one.request.device_class)),
            needed: one.needed(scenario.hpa.spec.max_replicas),
            free: one.free(),
        });
    let unknown = || {
        let claim = target_claims(inventory).find(|claim| claim.requests.is_none())?;
        let object = claim.template.as_ref().or(claim.claim.as_ref())?;
        Some(AcceleratorCapacity { resource: Some(format!("devices of claim {object}")), needed: 0, free: None })
    };
    capacities.min_by_key(|one| one.free.unwrap_or(0).saturating_sub(one.needed)).or_else(unknown)
}

/// The claims of the target that are known to be for other devices.
pub(super) fn describe_other_claims(scenario: &Scenario, inventory: &Inventory) -> Vec<String> {
    let describe = |one: ClassRequest<'_>| {
        let DeviceRequest { name, device_class, .. } = one.request;
        match one.other_kind() {
            Some((driver, kind)) => {
                format!("claim {name} of class {device_class}, whose driver {driver} is that of {kind}")
            }
            None if scenario.accepts_claims() => format!("claim {name} of class {device_class}"),
            None => {
                format!("claim {name} of class {device_class}, which does not count where accelerator names a resource")
            }
        }
    };
    class_requests(inventory).map(describe).collect()
}

/// Reasons why no pod would get its claims.
pub(super) fn errors(inventory: &Inventory) -> Vec<PreflightProblem> {
    let mut all = Vec::new();
    for (name, chart) in &inventory.charts {
        all.extend(chart.claim_faults.iter().map(|fault| PreflightProblem {
            message: format!("release {name}: {fault}: the API server refuses it"),
            hint: format!(
                "take a version of chart {} that renders it for {} (otwld/ollama: 1.55.0 or newer), or let the release \
                 use a ResourceClaimTemplate of your own (ollama.gpu.draExistingClaimTemplate)",
                chart.name,
                inventory.kubernetes()
            ),
        }));
    }
    let is_rendered = |class: &str| {
        let objects = inventory.charts.values().flat_map(|chart| &chart.objects);
        objects.into_iter().any(|object| object.kind == "DeviceClass" && object.name == class)
    };
    for (class, found) in &inventory.device_classes {
        if found.exists == Some(false) && !is_rendered(class) {
            all.push(PreflightProblem {
                message: format!("DeviceClass {class} does not exist: no claim of it is allocated, and no pod starts"),
                hint: "install the DRA driver that brings it, or name one of `kubectl get deviceclasses`".to_owned(),
            });
        }
    }
    all
}

/// What the claims cannot show, and what is not known of them.
pub(super) fn warnings(scenario: &Scenario, inventory: &Inventory) -> Vec<String> {
    let mut all = Vec::new();
    if !scenario.accepts_claims() {
        return all;
    }
    for claim in target_claims(inventory) {
        if let Some(shared) = &claim.claim {
            all.push(format!(
                "all pods of the target share the resource claim {shared}, and so its devices: a new pod adds no accelerator, and where \
                 the exporter shows the device's value for each pod, no value shows which pod takes traffic. A ResourceClaimTemplate \
                 gives each pod a claim of its own"
            ));
        }
    }
    for one in class_requests(inventory) {
        let ClassRequest { request, class, .. } = one;
        let DeviceRequest { name, device_class, not_counted, .. } = request;
        if let Some(reason) = not_counted {
            all.push(format!("the devices for request {name} of class {device_class} are not counted: {reason}"));
        }
        let not_evaluated = class.map_or(&[][..], |class| &class.not_evaluated);
        if !not_evaluated.is_empty() {
            all.push(format!(
                "the devices of DeviceClass {device_class} are not counted, since gpuhpa evaluates only equality of driver and \
                 attributes: {}",
                not_evaluated.join("; ")
            ));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::inventory::ChartSummary;

    fn with_claim(claim: TargetClaim, class: DeviceClassSummary) -> (Scenario, Inventory) {
        let mut scenario = Scenario::default();
        scenario.hpa.spec.max_replicas = 3;
        let name = claim.requests.as_ref().map_or(String::new(), |all| all[0].device_class.clone());
        let chart = ChartSummary { target_claims: vec![claim], ..ChartSummary::default() };
        let charts = [("ollama".to_owned(), chart)].into();
        (scenario, Inventory { charts, device_classes: [(name, class)].into(), ..Inventory::default() })
    }

    fn request(class: &str) -> Option<Vec<DeviceRequest>> {
        Some(vec![DeviceRequest {
            name: "gpu".to_owned(),
            device_class: class.to_owned(),
            count: 1,
            not_counted: None,
        }])
    }

    fn of_template(class: &str) -> TargetClaim {
        TargetClaim { template: Some("ollama".to_owned()), requests: request(class), ..TargetClaim::default() }
    }

    fn devices(driver: &str, devices: i64, allocated: i64) -> DeviceClassSummary {
        DeviceClassSummary {
            exists: Some(true),
            drivers: vec![driver.to_owned()],
            devices: Some(devices),
            allocated: Some(allocated),
            ..DeviceClassSummary::default()
        }
    }

    fn capacity(claim: TargetClaim, class: DeviceClassSummary) -> Option<(i64, Option<i64>)> {
        let (scenario, inventory) = with_claim(claim, class);
        device_capacity(&scenario, &inventory).map(|one| (one.needed, one.free))
    }

    #[test]
    fn each_pod_needs_devices_of_its_own_unless_all_share_a_claim() {
        let gpu = || devices("gpu.nvidia.com", 4, 1);
        assert_eq!(capacity(of_template("gpu.nvidia.com"), gpu()), Some((3, Some(3))));
        let shared = TargetClaim { claim: Some("one".to_owned()), template: None, ..of_template("gpu.nvidia.com") };
        assert_eq!(capacity(shared.clone(), gpu()), Some((1, Some(3))));
        let (scenario, inventory) = with_claim(shared, gpu());
        assert!(warnings(&scenario, &inventory)[0].contains("share the resource claim one"));
        let not_read = DeviceClassSummary { allocated: None, ..gpu() };
        assert_eq!(capacity(of_template("gpu.nvidia.com"), not_read), Some((3, None)));
        let elsewhere = TargetClaim { requests: None, ..of_template("gpu.nvidia.com") };
        assert_eq!(capacity(elsewhere, gpu()), Some((0, None)));
    }

    #[test]
    fn a_claim_of_another_device_is_no_accelerator() {
        let network = || devices("dra.net", 4, 0);
        assert_eq!(capacity(of_template("nics"), network()), None);
        assert_eq!(capacity(of_template("dra.net"), DeviceClassSummary::default()), None);
        let (scenario, inventory) = with_claim(of_template("nics"), network());
        assert!(describe_other_claims(&scenario, &inventory)[0].contains("dra.net is that of a network interface"));
        assert_eq!(capacity(of_template("new"), devices("new.example", 4, 0)), Some((3, Some(4))));
    }

    #[test]
    fn a_missing_class_and_a_template_in_another_form_are_errors() {
        let missing = DeviceClassSummary { exists: Some(false), ..DeviceClassSummary::default() };
        let (_, mut inventory) = with_claim(of_template("gpu.nvidia.com"), missing);
        assert!(errors(&inventory)[0].message.starts_with("DeviceClass gpu.nvidia.com does not exist"));
        inventory.device_classes.clear();
        assert!(errors(&inventory).is_empty());
        for chart in inventory.charts.values_mut() {
            chart.claim_faults.push("ResourceClaimTemplate ollama: request gpu has none".to_owned());
        }
        assert_eq!(errors(&inventory).len(), 1);
    }

    #[test]
    fn devices_behind_an_expression_of_another_form_are_not_counted() {
        let class = DeviceClassSummary { not_evaluated: vec!["x > 1".to_owned()], ..DeviceClassSummary::default() };
        let (scenario, inventory) = with_claim(of_template("gpu.nvidia.com"), class);
        assert_eq!(device_capacity(&scenario, &inventory).unwrap().free, None);
        assert!(warnings(&scenario, &inventory)[0].ends_with("x > 1"));
    }
}

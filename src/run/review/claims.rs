//! The resource claims of a pod (DRA) from one observation to the next.

/// What the names of the API server's generator have before their random part, at most (k8s.io/apiserver, pkg/storage/names).
const MAX_BASE: usize = 58;

/// True where a pod can have the claims `after` once it had the claims `before`. A claim has the name of its entry in the pod's
/// spec until its object is created from a template, and then a name that is generated from those of pod and entry (kubernetes
/// v1.37.2, pkg/controller/resourceclaim/controller.go). The claim of an extended resource is added later (KEP-5004).
pub(super) fn can_follow(pod: &str, before: &[String], after: &[String]) -> bool {
    let mut created: Vec<&String> = after.iter().filter(|name| !before.contains(name)).collect();
    before.iter().filter(|name| !after.contains(name)).all(|entry| {
        let base = format!("{pod}-{entry}-");
        let base = base.get(..MAX_BASE).unwrap_or(&base);
        let found = created.iter().position(|name| name.starts_with(base) && name.len() > base.len());
        found.map(|index| created.swap_remove(index)).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_gets_its_generated_name_once() {
        let names = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        let follows = |before: &[&str], after: &[&str]| can_follow("ollama-7c-x", &names(before), &names(after));
        assert!(follows(&["gpu"], &["gpu"]) && follows(&["gpu"], &["ollama-7c-x-gpu-tgk4v"]));
        assert!(follows(&["gpu", "nic"], &["ollama-7c-x-gpu-aaaaa", "ollama-7c-x-nic-bbbbb"]), "one after the other");
        assert!(follows(&[], &["ollama-7c-x-extended-resources-aaaaa"]));
        assert!(!follows(&["ollama-7c-x-gpu-tgk4v"], &["ollama-7c-x-gpu-other"]), "a claim is created once");
        assert!(!follows(&["ollama-7c-x-gpu-tgk4v"], &["gpu"]) && !follows(&["gpu"], &[]), "and not taken back");
        assert!(!follows(&["gpu"], &["ollama-7c-y-gpu-tgk4v"]), "of another pod");
        assert!(!follows(&["gpu", "nic"], &["ollama-7c-x-gpu-aaaaa"]));
        // The API server cuts a long name before it adds the random part.
        let long = "an-ollama-with-a-very-long-release-name-6f5d8c7b9f-abcde";
        let created = format!("{}q8xkz", &format!("{long}-accelerator-")[..58]);
        assert!(can_follow(long, &names(&["accelerator"]), &[created]));
    }
}

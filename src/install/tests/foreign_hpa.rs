//! HPAs that the run does not apply itself.

use super::*;
use crate::model::inventory::{AdoptedHpa, ScaledObjectSizes};
use crate::model::scenario::{AdoptSpec, ScaledObjectSpec};

const ADOPTED: &str = "/apis/autoscaling/v2/namespaces/llm/horizontalpodautoscalers/theirs";
const SCALED_OBJECT: &str = "/apis/keda.sh/v1alpha1/namespaces/llm/scaledobjects";

fn adopting() -> (Scenario, Inventory, Plan) {
    let scenario = Scenario { adopt: Some(AdoptSpec { hpa: "theirs".to_owned() }), ..scenario("good") };
    let scaled_object = Some(ScaledObjectSizes { name: "theirs".to_owned(), ..ScaledObjectSizes::default() });
    let adopted_hpa = Some(AdoptedHpa { scaled_object, ..AdoptedHpa::default() });
    let inventory = Inventory { adopted_hpa, ..Inventory::default() };
    (scenario, inventory, Plan { run: "1".to_owned(), hpa: "theirs".to_owned(), ..Plan::default() })
}

#[tokio::test(start_paused = true)]
async fn an_adopted_hpa_and_its_scaled_object_stay_and_an_edit_of_either_is_no_clean_end() {
    for edited in [None, Some(ADOPTED.to_owned()), Some(format!("{SCALED_OBJECT}/theirs"))] {
        let cluster = Arc::new(InstallTestCluster::default());
        let object = |kind: &str, api_version: &str, max: i32| {
            json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "theirs", "namespace": "llm", "uid": "u"},
                "spec": {"max": max}, "status": {"n": max}})
        };
        let put = |max: i32, only: Option<&str>| {
            for (path, kind, version) in [
                (ADOPTED.to_owned(), "HorizontalPodAutoscaler", "autoscaling/v2"),
                (format!("{SCALED_OBJECT}/theirs"), "ScaledObject", "keda.sh/v1alpha1"),
            ] {
                if only.is_none_or(|only| only == path) {
                    cluster.put(&path, object(kind, version, max));
                }
            }
        };
        put(3, None);
        let (env, dir) = test_env(&cluster, &format!("adopt-{}", edited.as_ref().map_or(0, String::len)));
        let journal = Journal::new(env.bundle.clone(), env.clock, "1");
        let (scenario, inventory, plan) = adopting();
        adopt_hpa(&env, &journal, &scenario, &inventory, &plan).await.unwrap();
        if let Some(path) = &edited {
            put(4, Some(path));
        }
        let undone = undo_all(&env, &journal).await;
        assert_eq!(undone.is_err(), edited.is_some(), "{undone:?}");
        assert_eq!(cluster.paths(), [ADOPTED.to_owned(), format!("{SCALED_OBJECT}/theirs")]);
        assert_eq!(read_journal(&dir).unwrap(), journal.entries());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn without_its_hpa_nothing_is_adopted() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "adopt-none");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    let (scenario, inventory, plan) = adopting();
    adopt_hpa(&env, &journal, &scenario, &inventory, &plan).await.unwrap();
    assert_eq!(journal.entries(), []);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_scaled_object_has_the_label_of_its_run_and_is_removed() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "scaled-object");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    let spec = json!({"minReplicaCount": 1}).as_object().cloned().unwrap();
    let scenario = Scenario { scaled_object: Some(ScaledObjectSpec { spec }), ..scenario("good") };
    let plan = Plan { run: "1".to_owned(), service: "gpuhpa-1".to_owned(), ..Plan::default() };
    apply_scaled_object(&env, &journal, &scenario, &plan).await.unwrap();
    let created = cluster.get(&format!("{SCALED_OBJECT}/gpuhpa-1"));
    assert_eq!(
        (&created["spec"], &created["metadata"]["labels"][RUN_LABEL]),
        (&json!({"minReplicaCount": 1}), &json!("1"))
    );
    assert_eq!(read_journal(&dir).unwrap(), journal.entries());
    undo_all(&env, &journal).await.unwrap();
    assert!(cluster.paths().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

/// An adopted HPA may have scaled the target before the run, and scales it down in the run.
#[tokio::test(start_paused = true)]
async fn the_size_of_an_adopted_target_is_that_of_an_adopted_hpa_and_no_change_of_the_target() {
    const TARGET: &str = "/apis/apps/v1/namespaces/llm/deployments/ollama";
    for (is_hpa_adopted, image, is_changed) in [(true, "a", false), (true, "b", true), (false, "a", true)] {
        let cluster = Arc::new(InstallTestCluster::default());
        let put = |replicas: i32, image: &str| {
            cluster.put(
                TARGET,
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "ollama", "namespace": "llm",
                    "uid": "u"}, "spec": {"replicas": replicas, "image": image}}),
            );
        };
        put(2, "a");
        let (env, dir) = test_env(&cluster, &format!("adopted-size-{is_hpa_adopted}-{image}"));
        let journal = Journal::new(env.bundle.clone(), env.clock, "1");
        let mut scenario = scenario("good");
        scenario.adopt = is_hpa_adopted.then(AdoptSpec::default);
        let chart =
            crate::model::inventory::ChartSummary { target_resources: Some(BTreeMap::new()), ..Default::default() };
        let inventory = Inventory { charts: BTreeMap::from([("ollama".to_owned(), chart)]), ..Inventory::default() };
        install_releases(&env, &journal, &scenario, &inventory, "1", |_| true).await.unwrap();
        put(1, image);
        let undone = undo_all(&env, &journal).await;
        assert_eq!(undone.is_err(), is_changed, "{undone:?}");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

//! Links that leave the content, like Range42's `scenarios/<name>/secrets`.

use serde_json::json;
use testkit::{Setup, copy, fixtures};

use super::{listed, results, with_files};

/// Range42's playbooks, with the target of their link next to them.
fn range42() -> Setup {
    let setup = with_files("range42");
    copy(&fixtures().join("layouts/range42-workspace"), &setup.home().join("range42-workspace"));
    let at = |path: &str| setup.home().join(path).to_string_lossy().into_owned();
    let (playbooks, inventory) = (at("range42/playbooks"), at("range42/inventory"));
    setup.set("API_BACKEND_PUBLIC_PLAYBOOKS_DIR", playbooks).set("API_BACKEND_INVENTORY_DIR", inventory)
}

#[tokio::test]

async fn a_scenario_whose_link_leads_to_a_named_directory_is_listed_and_run() {
    let setup = range42();
    let target = setup.home().join("range42-workspace").to_string_lossy().into_owned();
    let out = super::out(setup.home(), "out");
    let app = setup.set("RANGEHAND__PATHS__LINK_TARGETS", target).start();
    assert_eq!(listed(&app, "/v1/catalog/scenarios").await, ["demo_lab"]);
    let shown = app.get("/v1/catalog/scenarios/demo_lab", 200).await;
    assert_eq!(shown["missing_vars_files"], json!([]), "{shown:#}");
    let scenario = json!({"scenario": "demo_lab", "extra_vars": {"out": out}});
    assert_eq!(results(&app, &scenario).await["lab_word"], json!(["from elsewhere", "from elsewhere"]));
    // A bundle that climbs into it finds the file, too.
    let bundle = json!({"bundle": "core/proxmox/configure/default/vms/start"});
    assert_eq!(results(&app, &bundle).await["lab_word"], json!(["from elsewhere", "from elsewhere"]));
    let body = json!({"proxmox_node": "px-testing", "hosts": "px-testing"});
    let answer = app.post("/v0/admin/run/scenarios/demo_lab/run", &body, 500).await;
    assert!(answer.to_string().contains("out"), "it is run, and lacks only the variable: {answer}");
}

#[tokio::test]
async fn a_refused_link_is_named_with_its_target_and_the_setting() {
    let app = range42().start();
    assert_eq!(listed(&app, "/v1/catalog/scenarios").await, Vec::<String>::new());
    let problem = app.post("/v1/jobs", &json!({"scenario": "demo_lab"}), 400).await;
    assert_eq!(problem["code"], "leaves_root");
    let text = problem.to_string();
    for part in ["scenarios/demo_lab/secrets", "range42-workspace/secrets", "paths.link_targets"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let body = json!({"proxmox_node": "px-testing", "hosts": "px-testing"});
    let answer = app.post("/v0/admin/run/scenarios/demo_lab/run", &body, 400).await;
    for part in ["POTENTIAL PATH TRAVERSAL", "scenarios/demo_lab/secrets", "paths.link_targets"] {
        assert!(answer["detail"].as_str().is_some_and(|text| text.contains(part)), "{part}: {answer}");
    }
    // Files that a run omits because of it are listed in its events.
    let job = app.run(&json!({"bundle": "ping"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let warnings = job.events().await.into_iter().filter(|event| event["kind"] == "warning");
    let warnings: Vec<_> = warnings.map(|event| event.to_string()).collect();
    assert!(warnings.iter().any(|text| text.contains("scenarios/demo_lab/secrets")), "{warnings:#?}");
}

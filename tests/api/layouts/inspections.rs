//! The catalog shows the same of whole repositories with and without a sandbox.

use serde_json::Value;
use testkit::{Setup, TestApp};

use super::{listed, with_project};
use crate::isolation::can_sandbox;

/// Everything that the catalog shows of a project.
async fn views(app: &TestApp, project: &str) -> Vec<(String, Value)> {
    let mut views = Vec::new();
    for list in ["playbooks", "bundles", "scenarios", "inventories"] {
        for name in listed(app, &format!("/v1/catalog/{list}?project={project}")).await {
            let path = format!("/v1/catalog/{list}/{name}?project={project}");
            let shown = app.get(&path, 200).await.to_string();
            let shown = shown.replace(app.home().to_str().expect("UTF-8"), "HOME");
            let shown = serde_json::from_str(&shown).expect("JSON");
            views.push((path, shown));
        }
    }
    views
}

#[tokio::test]
async fn views_of_the_catalog_are_the_same_in_a_sandbox() {
    if !can_sandbox() {
        return;
    }
    for project in ["cis", "debops", "goad", "kubespray", "layout", "rooted"] {
        let start = |setup: Setup, level: &str| {
            let setup = setup.set("RANGEHAND__RUNS__ISOLATION", level);
            setup.set("RANGEHAND__RUNS__SANDBOX_WRITABLE", "").start()
        };
        let process = views(&start(with_project(project), "process"), project).await;
        let sandbox = views(&start(with_project(project), "sandbox"), project).await;
        assert!(!process.is_empty(), "{project}");
        for (process, sandbox) in process.iter().zip(&sandbox) {
            assert_eq!(process, sandbox, "{project}");
        }
        assert_eq!(process.len(), sandbox.len(), "{project}");
    }
}

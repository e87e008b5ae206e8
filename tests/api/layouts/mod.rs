//! Layouts of content in practice: whole repositories, links, inventories of every kind.
//!
//! The repositories of `tests/fixtures/layouts` have the shape of public ones. Each is run by hand, from its own root, and
//! through the service: what comes of it must be the same.

mod bare;
mod inspections;
mod inventories;
mod links;
mod places;
mod projects;
mod scripts;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use testkit::{Setup, TestApp, copy, fixtures};

/// A service with a repository of the fixtures as a project of the same name.
fn with_project(name: &str) -> Setup {
    let setup = with_files(name);
    let root = setup.home().join(name).to_string_lossy().into_owned();
    setup.set(&format!("RANGEHAND__PROJECTS__{}__ROOT", name.to_uppercase()), root)
}

/// A service with a repository of the fixtures in its home.
fn with_files(name: &str) -> Setup {
    let setup = Setup::new();
    copy(&fixtures().join("layouts").join(name), &setup.home().join(name));
    setup
}

/// The names in a list of the catalog.
async fn listed(app: &TestApp, path: &str) -> Vec<String> {
    let page = app.get(path, 200).await;
    let items = page["items"].as_array().expect("items").iter();
    items.map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
}

/// Runs a job that must end well. Returns its results.
async fn results(app: &TestApp, request: &Value) -> Value {
    let job = app.run(request).await;
    assert_eq!(job["state"], "succeeded", "{request}: {job:#}");
    job.results().await
}

/// A directory for what playbooks write.
fn out(home: &Path, name: &str) -> PathBuf {
    let out = home.join(name);
    std::fs::create_dir_all(&out).expect("writable");
    out
}

/// A request to run a playbook of a project.
fn playbook(project: &str, playbook: &str, inventory: &Value, out: &Path) -> Value {
    json!({"project": project, "playbook": playbook, "inventory": inventory, "extra_vars": {"out": out}})
}

//! The acceptance set: each repository run by hand and through the service, twice.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use testkit::{Setup, TestApp, bin_dir, copy, fixtures};

use super::{out, playbook, with_project};

/// What came of a run.
#[derive(Debug, PartialEq)]
struct Outcome {
    rc: i64,
    /// The recap, by host.
    recap: BTreeMap<String, BTreeMap<String, u64>>,
    /// What it wrote, by path.
    written: BTreeMap<PathBuf, File>,
}

/// A file or directory.
#[derive(Debug, PartialEq)]
struct File {
    text: String,
    mode: u32,
    /// When it was modified, if that is the time of a file of the repository rather than of the run.
    modified: Option<SystemTime>,
}

/// A repository and how it is run.
struct Layout {
    name: &'static str,
    playbook: &'static str,
    inventories: &'static [&'static str],
    /// Whose text is another one for each tree: generated.
    generated: &'static [&'static str],
    persistent: &'static str,
}

const fn layout(name: &'static str, playbook: &'static str, inventories: &'static [&'static str]) -> Layout {
    Layout { name, playbook, inventories, generated: &[], persistent: "" }
}

#[tokio::test]
async fn a_cluster_with_everything_at_its_root_is_run_as_by_hand() {
    compare(&layout("kubespray", "cluster", &["inventory/lab/hosts.yaml"])).await;
}

#[tokio::test]
async fn a_lab_below_other_labs_is_run_as_by_hand() {
    compare(&layout("goad", "main", &["ad/LAB/data/inventory"])).await;
}

#[tokio::test]
async fn several_inventories_are_put_together_as_by_hand() {
    compare(&layout("goad", "main", &["ad/LAB/data/inventory", "ad/LAB/providers/virtualbox/inventory"]))
        .await;
}

#[tokio::test]
async fn a_role_that_is_a_repository_is_run_as_by_hand() {
    compare(&layout("cis", "site", &["inventory/hosts.yml"])).await;
}

#[tokio::test]
async fn a_scenario_with_links_is_run_as_by_hand() {
    compare(&layout("range42", "scenarios/demo_lab/main", &["inventory/hosts.yml"])).await;
}

#[tokio::test]
async fn secrets_that_a_playbook_generates_are_found_again_as_by_hand() {
    let layout = layout("debops", "ansible/playbooks/site", &["ansible/inventory"]);
    compare(&Layout { generated: &["password"], persistent: "ansible/secret", ..layout }).await;
}

async fn compare(layout: &Layout) {
    let mut setup = with_project(layout.name);
    let upper = layout.name.to_uppercase();
    for tree in ["", "bare"] {
        let workspace = fixtures().join("layouts/range42-workspace");
        copy(&workspace, &setup.home().join(tree).join("range42-workspace"));
    }
    let workspace = setup.home().join("range42-workspace").to_string_lossy().into_owned();
    setup = setup.set(&format!("RANGEHAND__PROJECTS__{upper}__LINK_TARGETS"), workspace);
    if !layout.persistent.is_empty() {
        setup = setup.set(&format!("RANGEHAND__PROJECTS__{upper}__PERSISTENT"), layout.persistent);
    }
    let bare = setup.home().join("bare").join(layout.name);
    copy(&fixtures().join("layouts").join(layout.name), &bare);
    for tree in [&bare, &setup.home().join(layout.name)] {
        age(tree);
    }
    let by_hand: Vec<Outcome> = (0..2).map(|_| by_hand(layout, &setup, &bare)).collect();
    assert_eq!(by_hand[0].rc, 0, "{by_hand:#?}");
    assert!(by_hand[1].recap.values().all(|host| host["changed"] == 0), "{by_hand:#?}");

    let app = setup.start();
    let before = files(&app.home().join(layout.name));
    for expected in &by_hand {
        let job = through_the_service(layout, &app).await;
        assert_eq!(&job, expected, "{}", layout.name);
    }
    assert_eq!(files(&app.home().join(layout.name)), before, "a run changed its source");
}

fn by_hand(layout: &Layout, setup: &Setup, root: &Path) -> Outcome {
    let out = out(setup.home(), "out-by-hand");
    let playbook = ["", "playbooks/"]
        .map(|directory| format!("{directory}{}.yml", layout.playbook))
        .into_iter()
        .find(|path| root.join(path).is_file())
        .expect("a playbook");
    let printed = Command::new(bin_dir().join("ansible-playbook"))
        .args(layout.inventories.iter().flat_map(|inventory| ["-i", inventory]))
        .args(["-e", &json!({"out": out}).to_string(), &playbook])
        .current_dir(root)
        .env_clear()
        .env("HOME", setup.home())
        .env("LC_ALL", "C.UTF-8")
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .output()
        .expect("Ansible starts");
    let text = String::from_utf8_lossy(&printed.stdout).into_owned();
    let (_, recap) = text.split_once("PLAY RECAP").unwrap_or_else(|| panic!("{printed:?}"));
    Outcome {
        rc: printed.status.code().map_or(-1, i64::from),
        recap: recap.lines().skip(1).filter_map(host_of_recap).collect(),
        written: written(&out, layout),
    }
}

/// `node1 : ok=4 changed=2 unreachable=0 ...`
fn host_of_recap(line: &str) -> Option<(String, BTreeMap<String, u64>)> {
    let (host, counts) = line.split_once(" : ")?;
    let count = |word: &str| {
        let (name, number) = word.split_once('=')?;
        Some((name.to_owned(), number.parse().ok()?))
    };
    Some((host.trim().to_owned(), counts.split_whitespace().filter_map(count).collect()))
}

async fn through_the_service(layout: &Layout, app: &TestApp) -> Outcome {
    let out = out(app.home(), "out");
    let inventories = match layout.inventories {
        [only] => json!(only),
        several => json!(several),
    };
    let job = app.run(&playbook(layout.name, layout.playbook, &inventories, &out)).await;
    assert_eq!((&job["state"], &job["request"]["inventory"]), (&json!("succeeded"), &inventories), "{job:#}");
    let stats: BTreeMap<String, BTreeMap<String, Value>> =
        serde_json::from_value(job["stats"].clone()).expect("counts by host");
    let counts = |host: BTreeMap<String, Value>| {
        host.into_iter().filter_map(|(name, count)| Some((name, count.as_u64()?))).collect()
    };
    Outcome {
        rc: job["rc"].as_i64().expect("an exit code"),
        recap: stats.into_iter().map(|(host, counted)| (host, counts(counted))).collect(),
        written: written(&out, layout),
    }
}

fn written(out: &Path, layout: &Layout) -> BTreeMap<PathBuf, File> {
    let mut written = files(out);
    for (path, file) in &mut written {
        if layout.generated.iter().any(|name| path.ends_with(name)) {
            file.text = format!("{} characters", file.text.len());
        }
    }
    written
}

/// When the files of a repository were modified.
fn long_ago() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)
}

/// Sets that time on all files and directories of a tree.
fn age(directory: &Path) {
    for entry in fs::read_dir(directory).expect("readable") {
        let entry = entry.expect("readable");
        let kind = entry.file_type().expect("readable");
        if kind.is_dir() {
            age(&entry.path());
        } else if kind.is_file() {
            fs::File::open(entry.path())
                .and_then(|file| file.set_modified(long_ago()))
                .expect("the test owns it");
        }
    }
    fs::File::open(directory).and_then(|file| file.set_modified(long_ago())).expect("the test owns it");
}

/// Every file and directory below another.
fn files(directory: &Path) -> BTreeMap<PathBuf, File> {
    let mut found = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).expect("readable") {
            let path = entry.expect("readable").path();
            let data = fs::symlink_metadata(&path).expect("readable");
            let text = if data.is_dir() {
                open.push(path.clone());
                String::new()
            } else {
                fs::read_to_string(&path).unwrap_or_default()
            };
            let inside = path.strip_prefix(directory).expect("below").to_owned();
            let modified = Some(data.modified().expect("Linux has it")).filter(|time| *time <= long_ago());
            found.insert(inside, File { text, mode: data.permissions().mode() & 0o7777, modified });
        }
    }
    found
}

//! A run changes no file of the owner, of a snapshot, or of another run.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use serde_json::json;
use testkit::{Gate, Setup, until};

use super::{Way, playbook, succeed, view::assert_nothing_is_mounted};

const HARM: &str = r#"    - name: Do all that can be done to files
      ansible.builtin.shell: |
        set -e
        cd {{ playbook_dir }}/victims
        cat *.txt | sort | tr '\n' ' ' > {{ out }}/seen.{{ ansible_check_mode }}
        echo more >> appended.txt
        echo other > overwritten.txt
        chmod 777 changed.txt
        rm removed.txt
        mv renamed.txt {{ playbook_dir }}/victims/moved.txt
        rm -r directory && mkdir directory && echo new > directory/new.txt
        ln appended.txt linked.txt
        ln -sf /etc/passwd pointed.txt
        mkfifo pipe
        touch -d 2001-01-01 {{ playbook_dir }}
    - ansible.builtin.slurp: {src: "{{ out }}/seen.False"}
      register: seen
    - ansible.builtin.set_fact: {before: "{{ seen.content | b64decode }}"}
    - ansible.builtin.debug: {var: before}
"#;

type Listing = BTreeMap<PathBuf, (u32, i64, i64, Vec<u8>)>;

/// Everything below a directory: mode, time and content.
fn listing(root: &Path) -> Listing {
    let mut found = Listing::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(path) = waiting.pop() {
        let metadata = fs::symlink_metadata(&path).expect("there");
        let content = if metadata.is_file() { fs::read(&path).expect("readable") } else { Vec::new() };
        if metadata.is_dir() {
            waiting.extend(fs::read_dir(&path).expect("readable").flatten().map(|entry| entry.path()));
        }
        let relative = path.strip_prefix(root).expect("below").to_owned();
        found.insert(relative, (metadata.mode(), metadata.mtime(), metadata.mtime_nsec(), content));
    }
    found
}

fn snapshots(state: &Path) -> Vec<PathBuf> {
    let keys = fs::read_dir(state.join("snapshots")).expect("there").flatten();
    let versions = keys.flat_map(|key| fs::read_dir(key.path()).into_iter().flatten().flatten());
    versions.map(|version| version.path().join("tree")).filter(|tree| tree.is_dir()).collect()
}

pub(crate) async fn assert_nothing_is_touched(setup: Setup, way: Way) {
    for (name, text) in [
        ("appended", "a\n"),
        ("overwritten", "b\n"),
        ("changed", "c\n"),
        ("removed", "d\n"),
        ("renamed", "e\n"),
        ("pointed", "f\n"),
        ("directory/inside", "g\n"),
    ] {
        setup.write(&format!("playbooks/victims/{name}.txt"), text);
    }
    fs::set_permissions(
        setup.home().join("playbooks/victims/changed.txt"),
        fs::Permissions::from_mode(0o640),
    )
    .expect("the test owns it");
    let owner = fs::metadata(setup.home()).expect("there").uid();
    let changed = setup.home().join("playbooks/victims/changed.txt");
    std::os::unix::fs::chown(changed, Some(owner), Some(owner)).expect("root may");
    setup.write("playbooks/harm.yml", &playbook(HARM));
    let app = setup.start();
    let out = app.home().join("out");
    fs::create_dir(&out).expect("writable");
    fs::set_permissions(&out, fs::Permissions::from_mode(0o777)).expect("the test owns it");
    let source = listing(&app.home().join("playbooks"));
    let mut of_snapshots = None;
    for _ in 0..2 {
        let (_, found) = succeed(&app, "harm", json!({"out": out})).await;
        assert_eq!(found["before"], json!(["a b c d e f "]), "{way:?}: {found:#}");
        assert_eq!(listing(&app.home().join("playbooks")), source, "{way:?}");
        let now: Vec<Listing> = snapshots(&app.home().join("var")).iter().map(|tree| listing(tree)).collect();
        assert!(now.iter().any(|tree| tree.contains_key(Path::new("victims/appended.txt"))), "{way:?}");
        assert_eq!(&now, of_snapshots.get_or_insert(now.clone()), "{way:?}");
        fs::remove_file(out.join("seen.False")).expect("written");
    }
    assert_nothing_is_mounted(app.home());
}

#[tokio::test]
async fn changes_of_a_run_to_its_content_are_invisible_to_the_owner_and_the_next_run() {
    for way in Way::all() {
        assert_nothing_is_touched(way.setup(), way).await;
    }
}

#[tokio::test]
async fn a_change_of_the_owner_is_in_the_next_run_and_not_in_the_running_one() {
    for way in Way::all() {
        let setup = way.setup();
        setup.write("playbooks/files/text.txt", "first\n");
        let tasks = "    - name: Wait for the gate\n      ansible.builtin.wait_for: {path: \"{{ gate }}\", timeout: 120}\n    \
                     - ansible.builtin.set_fact: {text: \"{{ lookup('file', 'files/text.txt') }}\"}\n    \
                     - ansible.builtin.debug: {var: text}\n";
        setup.write("playbooks/late.yml", &playbook(tasks));
        let app = setup.start();
        let gate = Gate::new(&app);
        let request = json!({"playbook": "late", "limit": "localhost", "extra_vars": {"gate": gate.path()}});
        let job = app.submit(&request).await;
        job.until_task("Wait for the gate").await;
        // The same size, and at once: a change that the time does not show must be found all the same.
        app.write("playbooks/files/text.txt", "other\n");
        gate.open();
        job.until_state("succeeded").await;
        assert_eq!(job.results().await["text"], json!(["first"]), "{way:?}");
        for text in ["other", "third", "fourth"] {
            app.write("playbooks/files/text.txt", &format!("{text}\n"));
            let job = app.run(&request).await;
            assert_eq!(job.results().await["text"], json!([text]), "{way:?}");
        }
    }
}

#[tokio::test]
async fn nothing_stays_mounted_or_running_when_everything_is_killed() {
    for way in Way::all() {
        let mut app = way.setup().start();
        let gate = Gate::new(&app);
        let request = json!({"bundle": "gate", "limit": "localhost", "extra_vars": {"gate": gate.path()}});
        let job = app.submit(&request).await;
        job.until_task("Wait for the gate").await;
        let identity = fs::read(app.run_directories()[0].join("supervisor.json")).expect("readable");
        let identity: serde_json::Value = serde_json::from_slice(&identity).expect("JSON");
        app.kill();
        let supervisor = identity["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).expect("a pid");
        let supervisor = rustix::process::Pid::from_raw(supervisor).expect("a pid");
        rustix::process::kill_process(supervisor, rustix::process::Signal::KILL).expect("the test owns it");
        app.start_again();
        let job = job.until_state("lost").await;
        assert_eq!(job["reason"]["code"], "supervisor_gone", "{way:?}: {job:#}");
        assert_nothing_is_mounted(app.home());
        until("its directories are deleted", || {
            app.run_directories().is_empty() && app.secret_directories().is_empty()
        })
        .await;
        let job = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
        assert_eq!(job["state"], "succeeded", "{way:?}: {job:#}");
    }
}

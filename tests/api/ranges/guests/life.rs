//! The life of a range of guests: created, used, changed by hand, repaired, snapshots, stopped, destroyed.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Setup, until_async};

use super::{
    super::{Range, play, waiting},
    assert_nothing_left, control_groups, files, first_process, machine, office, sh, start,
};

/// What a task of the document does: fails unless systemd has booted.
const MARK: &str = "- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.command: systemctl is-system-running --wait
      register: state
      changed_when: false
      failed_when: state.stdout not in ['running', 'degraded']
    - ansible.builtin.copy: {dest: /root/marked, content: \"{{ inventory_hostname }}\\n\", mode: '0600'}
";
const KEEP: &str = "- hosts: guests
  gather_facts: false
  tasks:
    - ansible.builtin.copy: {dest: /root/kept, content: \"kept\\n\", mode: '0600'}
";
const LOSE: &str = "- hosts: guests
  gather_facts: false
  tasks:
    - ansible.builtin.file: {path: /root/kept, state: absent}
";
const SHOW: &str = "- hosts: guests
  gather_facts: false
  tasks:
    - ansible.builtin.shell: hostname; ps -p 1 -o comm=; cat /root/marked /root/kept 2>/dev/null || true
      register: found
      changed_when: false
    - ansible.builtin.debug: {var: shown}
      vars: {shown: \"{{ found.stdout_lines | join(' ') }}\"}
";

/// What each guest shows: its name, its first process, what the task wrote, and what a job wrote.
async fn shown(range: &Range<'_>) -> Vec<String> {
    let results = play(range.app, SHOW, &json!({"inventory": range.inventory()})).await.results().await;
    let mut shown: Vec<String> =
        serde_json::from_value(results["shown"].clone()).expect("a text of each guest");
    shown.sort();
    shown
}

/// Carries out an action on the range, which must succeed.
async fn act(range: &Range<'_>, action: &str, body: &Value) {
    let change = range.app.post(&waiting(&format!("/v1/ranges/office/actions/{action}")), body, 200).await;
    assert_eq!(change["job"]["state"], "succeeded", "{action}: {change:#}");
}

/// The differences: kinds and names.
async fn drift(range: &Range<'_>) -> Vec<String> {
    let drift = range.app.get("/v1/ranges/office/drift", 200).await;
    let text = |found: &Value, name: &str| found[name].as_str().expect("a text").to_owned();
    let items = drift["items"].as_array().expect("items").iter();
    items.map(|found| format!("{} {}", text(found, "kind"), text(found, "name"))).collect()
}

#[tokio::test]
async fn a_range_of_guests_is_used_repaired_reverted_and_leaves_nothing() {
    let Some(app) = start(Setup::new()).await else { return };
    app.write("playbooks/mark.yml", MARK);
    let mut document = office(110);
    document["tasks"] =
        json!([{"name": "mark", "playbook": "mark", "on": "group guests", "idempotent": true}]);
    document["verify"] = json!(true);
    let range = Range::create(&app, &document).await;
    assert_eq!(shown(&range).await, ["db systemd db", "web systemd web"]);
    assert_eq!(drift(&range).await, [""; 0]);
    play(&app, KEEP, &json!({"inventory": range.inventory()})).await;

    let groups = control_groups(&app, &["web", "db"]);
    let net = machine(&app, "db").join("net");
    sh(&format!("kill -9 {}", first_process(&app, "db")));
    sh(&format!("nsenter --net={} ip address flush dev eth0", net.display()));
    fs::remove_dir_all(files(&app).join(service_name(&app)).join(&range.id).join("web")).expect("root may");
    let changed = ["machine_stopped db", "address db", "machine_damaged web"];
    until_async("all processes of the guest have ended", async || drift(&range).await == changed).await;
    act(&range, "repair", &json!({})).await;
    assert_eq!(drift(&range).await, [""; 0]);
    assert_eq!(shown(&range).await, ["db systemd db kept", "web systemd web"], "the task ran again on `web`");

    act(&range, "snapshot", &json!({"name": "clean", "machines": ["db"]})).await;
    play(&app, LOSE, &json!({"inventory": range.inventory()})).await;
    act(&range, "revert", &json!({"name": "clean", "machines": ["db"]})).await;
    assert_eq!(shown(&range).await, ["db systemd db kept", "web systemd web"]);
    act(&range, "stop", &json!({})).await;
    assert_eq!(drift(&range).await, [""; 0]);
    act(&range, "start", &json!({})).await;
    assert_eq!(shown(&range).await, ["db systemd db kept", "web systemd web"]);

    // As after a restart of this machine: nothing runs, and the files of guests are still there.
    let run = super::run(&app).display().to_string();
    sh(&format!("for name in gw web db; do kill -9 $(cut -d' ' -f1 {run}/*/*/machines/$name/init); done"));
    sh(&format!(
        "awk -v run={run} 'index($5, run) == 1 {{ print $5 }}' /proc/self/mountinfo | sort -r | xargs -r -n1 umount -l; rm -rf {run}"
    ));
    assert_eq!(drift(&range).await.len(), 5, "two networks and three machines are missing");
    assert!(files(&app).exists());
    range.destroy().await;
    assert_nothing_left(&app, &groups).await;
    let list = app.send(Method::GET, "/v1/ranges", None).await.json::<Value>().await.expect("JSON");
    assert_eq!(list["items"], json!([]));
}

/// The name of the service in its marks.
fn service_name(app: &testkit::TestApp) -> String {
    let path = fs::read_dir(files(app)).expect("it exists").flatten().next().expect("a service");
    path.file_name().into_string().expect("UTF-8")
}

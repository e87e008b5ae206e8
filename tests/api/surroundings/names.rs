//! File names and host limits as people write them.

use reqwest::Method;
use serde_json::json;
use testkit::Setup;

use super::{EXECUTORS, with};

const SAYS: &str = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug:\n        var: inventory_hostname\n";
const HOSTS: &str = "\
all:
  vars: {ansible_connection: local}
  hosts: {k-1: {}, k-2: {}, k-33: {}, küche: {}, \"web0\": {}, \"web1\": {}, \"web2\": {}}
  children:
    web: {hosts: {web0: {}, web1: {}, web2: {}}}
    odd: {hosts: {web1: {}, k-1: {}}}
";

#[tokio::test]
async fn content_whose_names_have_spaces_and_umlauts_can_be_called() {
    let names =
        ["mit leerzeichen", "gr\u{fc}\u{df}e", "u\u{308}ber", "a+b, (c) & d", "sub dir/\u{65e5}\u{672c}"];
    for executor in EXECUTORS {
        let setup = with(executor);
        for name in names {
            setup.write(&format!("playbooks/{name}.yml"), SAYS);
            setup.write(&format!("playbooks/bundles/{name}/main.yml"), SAYS);
            setup.write(&format!("playbooks/scenarios/{name}/main.yml"), SAYS);
            setup.write(&format!("inventory/{name}.yml"), HOSTS);
        }
        let app = setup.start();
        for (list, kind) in [("playbooks", "playbook"), ("bundles", "bundle"), ("scenarios", "scenario")] {
            let items = app.get(&format!("/v1/catalog/{list}"), 200).await["items"].clone();
            let listed: Vec<_> =
                items.as_array().expect("items").iter().map(|item| item["name"].clone()).collect();
            for name in names {
                assert!(listed.contains(&json!(name)), "{name}: {listed:?}");
                // Details come from Ansible, a second each, and do not depend on what runs jobs.
                if executor == "warm" && (kind == "playbook" || name == names[3]) {
                    let encoded = name.replace(' ', "%20").replace('+', "%2B");
                    let detail = app.get(&format!("/v1/catalog/{list}/{encoded}"), 200).await;
                    assert_eq!(
                        (&detail["name"], &detail["problem"]),
                        (&json!(name), &json!(null)),
                        "{detail:#}"
                    );
                    assert_eq!(detail["plays"][0]["hosts"], "all");
                }
                // One of each kind is enough: a job takes a second.
                if kind == "playbook" || (kind == "bundle" && name == names[3]) {
                    let request = json!({kind: name, "inventory": name, "limit": "k\u{fc}che"});
                    let job = app.run(&request).await;
                    assert_eq!(job["state"], "succeeded", "{executor} {name}: {job:#}");
                    assert_eq!(job.results().await["inventory_hostname"], json!(["k\u{fc}che"]));
                }
            }
        }
        let inventory = app.get("/v1/catalog/inventories/a%2Bb,%20(c)%20&%20d", 200).await;
        assert_eq!(inventory["problem"], json!(null), "{inventory:#}");
        for (tree, name) in [("bundles", "gr%C3%BC%C3%9Fe"), ("scenarios", "mit%20leerzeichen")] {
            let body = json!({"proxmox_node": "", "hosts": "localhost"});
            let path = format!("/v0/admin/run/{tree}/{name}/run");
            let answer = app.send(Method::POST, &path, Some(&body)).await;
            assert_eq!(answer.status(), 200, "{path}");
        }
    }
}

#[tokio::test]
async fn further_playbooks_of_bundles_and_scenarios_can_be_called() {
    let setup = Setup::new();
    for file in [
        "bundles/make/main.yml",
        "bundles/make/init.yml",
        "scenarios/lab/main.yml",
        "scenarios/lab/main_vms_only.yml",
    ] {
        setup.write(&format!("playbooks/{file}"), SAYS);
    }
    let app = setup.start();
    for request in [json!({"bundle": "make/init"}), json!({"scenario": "lab/main_vms_only"})] {
        let job = app.run(&request).await;
        assert_eq!(job["state"], "succeeded", "{job:#}");
    }
    let body = json!({"proxmox_node": "", "hosts": "localhost"});
    let path = "/v0/admin/run/scenarios/lab/main_vms_only/run";
    assert_eq!(app.send(Method::POST, path, Some(&body)).await.status(), 200);
}

#[tokio::test]
async fn limits_are_what_ansible_takes() {
    for executor in EXECUTORS {
        let setup = with(executor);
        setup.write("playbooks/says.yml", SAYS);
        setup.write("inventory/many.yml", HOSTS);
        let app = setup.start();
        for (limit, hosts) in [
            ("k-1, k-2", &["k-1", "k-2"][..]),
            ("k-1 k-2", &["k-1", "k-2"]),
            (r"~k-\d+", &["k-1", "k-2", "k-33"]),
            ("~k-[0-9]{2}", &["k-33"]),
            ("web[0:1]", &["web0", "web1"]),
            ("web[-1]", &["web2"]),
            ("!web:!k-*", &["k\u{fc}che"]),
            ("web:&odd", &["web1"]),
            ("k\u{fc}che", &["k\u{fc}che"]),
        ] {
            let job = app.run(&json!({"playbook": "says", "inventory": "many", "limit": limit})).await;
            assert_eq!(job["state"], "succeeded", "{executor} {limit}: {job:#}");
            let stats = job["stats"].as_object().expect("stats");
            let mut found: Vec<_> = stats.keys().map(String::as_str).collect();
            found.sort_unstable();
            assert_eq!(found, hosts, "{executor} {limit}");
        }
    }
}

#[tokio::test]
async fn a_limit_that_is_refused_names_the_character_and_the_field() {
    let app = Setup::new().start();
    for (limit, named) in [
        ("a\nb", "`\\n` (U+000A)"),
        ("a\tb", "`\\t` (U+0009)"),
        ("a\u{202e}b", "(U+202E)"),
        ("@/etc/passwd", "`@`"),
        ("web, @hosts.retry", "`@`"),
        ("-vvv", "`-`"),
        ("{{ x }}", "`{{`"),
    ] {
        let problem = app.post("/v1/jobs", &json!({"playbook": "ping", "limit": limit}), 422).await;
        let fault = &problem["errors"][0];
        assert_eq!(fault["field"], "limit", "{problem:#}");
        assert!(fault["message"].as_str().is_some_and(|text| text.contains(named)), "{limit:?}: {problem:#}");
    }
}

#[tokio::test]
async fn the_catalog_lists_prompts() {
    let setup = Setup::new();
    setup.write(
        "playbooks/asks.yml",
        "- hosts: all\n  vars_prompt:\n    - {name: region, prompt: Where?, default: eu, private: false}\n    \
         - {name: token, prompt: Token?, default: hidden}\n  tasks:\n    - ansible.builtin.pause: {prompt: Sure?}\n    \
         - pause: {seconds: 3}\n",
    );
    let app = setup.start();
    let detail = app.get("/v1/catalog/playbooks/asks", 200).await;
    let expected = json!([
        {"kind": "variable", "name": "region", "prompt": "Where?", "default": "eu", "private": false},
        {"kind": "variable", "name": "token", "prompt": "Token?", "default": null, "private": true},
        {"kind": "pause", "name": null, "prompt": "Sure?", "default": null, "private": false},
    ]);
    assert_eq!(detail["prompts"], expected);
}

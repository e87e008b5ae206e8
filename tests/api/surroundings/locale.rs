//! A service that is started without a usable locale.

use serde_json::json;

use super::{EXECUTORS, with};

const LOCALES: [(&str, &str); 4] =
    [("LC_ALL", "C"), ("LC_ALL", "POSIX"), ("LANG", "xx_YY.UTF-8"), ("LC_ALL", "de_DE.ISO-8859-1")];

const SPEAKS: &str = "\
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        var: spoken
      vars:
        spoken: \"{{ lookup('ansible.builtin.pipe', 'locale charmap; echo grün') }}\"
";

#[tokio::test]
async fn runs_have_a_locale_with_utf_8_regardless_of_the_service() {
    for executor in EXECUTORS {
        for (name, value) in LOCALES {
            let setup = with(executor).set(name, value);
            setup.write("playbooks/speaks.yml", SPEAKS);
            let app = setup.start();
            let job = app.run(&json!({"playbook": "speaks"})).await;
            assert_eq!(job["state"], "succeeded", "{executor} {name}={value}: {job:#}");
            let spoken = job.results().await["spoken"][0].clone();
            assert_eq!(spoken, "UTF-8\ngr\u{fc}n", "{executor} {name}={value}");
        }
    }
}

#[tokio::test]
async fn calls_of_ansible_outside_of_runs_work_in_the_locale_c() {
    let app = with("warm").set("LC_ALL", "C").start();
    let ready = app.get("/readyz", 200).await;
    assert!(!ready.to_string().contains("install"), "{ready:#}");
    let bundle = app.get("/v1/catalog/bundles/ping", 200).await;
    assert_eq!(bundle["problem"], json!(null), "{bundle:#}");
    let inventory = app.get("/v1/catalog/inventories/hosts", 200).await;
    assert_eq!(inventory["problem"], json!(null), "{inventory:#}");
}

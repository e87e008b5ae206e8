//! Values of a request are data: Jinja in them is never evaluated.

use std::path::PathBuf;

use serde_json::{Value, json};
use testkit::TestApp;

/// A file that only Jinja makes, and the expression that makes it.
struct Trap {
    file: PathBuf,
    command: String,
}

impl Trap {
    fn new(app: &TestApp) -> Self {
        let file = app.home().join("made-by-jinja");
        Self { command: format!("touch {}", file.display()), file }
    }

    /// Every way to write it that Ansible knows.
    fn texts(&self) -> Vec<String> {
        let command = &self.command;
        vec![
            format!("{{{{ lookup('pipe', '{command}') }}}}"),
            format!("{{{{ query('ansible.builtin.pipe', '{command}') }}}}"),
            format!("{{% if lookup('pipe', '{command}') %}}x{{% endif %}}"),
            format!("{{% set x = lookup('pipe', '{command}') %}}"),
            format!("{{{{ lookup('template', '/dev/null') ~ lookup('pipe', '{command}') }}}}"),
            format!("#jinja2: variable_start_string: '[['\n[[ lookup('pipe', '{command}') ]]"),
            format!("lookup('pipe', '{command}')"),
            format!("{{{{ '{{{{' }}}} lookup('pipe', '{command}') {{{{ '}}}}' }}}}"),
        ]
    }

    fn assert_untouched(&self) {
        assert!(!self.file.exists(), "Jinja in a request was evaluated");
    }
}

async fn run(app: &TestApp, bundle: &str, vars: &Value) -> Value {
    let job = app.run(&json!({"bundle": bundle, "limit": "localhost", "extra_vars": vars})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    job.results().await
}

/// The trap works: from a playbook, whose authors may write Jinja, it springs.
#[tokio::test]
async fn jinja_in_a_playbook_is_evaluated() {
    let app = TestApp::new();
    let trap = Trap::new(&app);
    let text = &trap.texts()[0];
    app.write(
        "playbooks/bundles/trap/main.yml",
        &format!(
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug:\n        msg: \"{text}\"\n"
        ),
    );
    run(&app, "trap", &json!({})).await;
    assert!(trap.file.exists());
}

#[tokio::test]
async fn jinja_in_texts_lists_objects_and_keys_comes_back_as_it_was_sent() {
    let app = TestApp::new();
    let trap = Trap::new(&app);
    let texts = trap.texts();
    let mut keys = serde_json::Map::new();
    for text in &texts {
        keys.insert(text.clone(), json!([{"inside": text}]));
    }
    let nested =
        json!({"label": texts[0], "list": texts, "deeper": {"deepest": [texts[1], 1, true]}, "keys": keys});
    for text in &texts {
        let results = run(&app, "echo", &json!({"message": text, "vm_ids": texts, "nested": nested})).await;
        assert_eq!(results["message"], json!([text]));
        assert_eq!(results["vm_ids"], json!([texts]));
        assert_eq!(results["nested"], json!([nested]));
        trap.assert_untouched();
    }
}

#[tokio::test]
async fn jinja_stays_text_in_commands_conditions_loops_names_and_other_variables() {
    let app = TestApp::new();
    let trap = Trap::new(&app);
    let text = &trap.texts()[0];
    let vars = json!({"message": text, "vm_ids": [text, 7], "nested": {"label": text, "list": [[text]]}});
    let results = run(&app, "jinja", &vars).await;
    let found = json!({
        "argv": text,
        "through_another": format!("<{text}>"),
        "label": text,
        "list": [[text]],
        "vm_ids": [text, 7],
    });
    assert_eq!(results["jinja"], json!([found]));
    trap.assert_untouched();
}

#[tokio::test]
async fn a_machine_id_that_is_a_lookup_runs_no_command() {
    let app = TestApp::new();
    let ids = json!(["{{ lookup('pipe','id') }}"]);
    let results = run(&app, "jinja", &json!({"vm_ids": ids})).await;
    assert_eq!(results["jinja"][0]["vm_ids"], ids);
}

#[tokio::test]
async fn jinja_in_limits_tags_and_names_of_variables_is_refused() {
    let app = TestApp::new();
    let trap = Trap::new(&app);
    for text in trap.texts() {
        for field in ["limit", "tags", "skip_tags"] {
            let problem = app.post("/v1/jobs", &json!({"bundle": "ping", (field): text}), 422).await;
            assert_eq!(problem["errors"][0]["field"], field, "{problem:#}");
        }
        let problem = app.post("/v1/jobs", &json!({"bundle": "ping", "extra_vars": {(text): 1}}), 422).await;
        assert!(problem["errors"][0]["field"].as_str().is_some_and(|field| field.starts_with("extra_vars.")));
    }
    assert_eq!(app.get("/v1/jobs", 200).await["items"], json!([]), "a refused request left a job");
    trap.assert_untouched();
}

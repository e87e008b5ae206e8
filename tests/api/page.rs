//! The web page in a real Chromium, against the real service.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    Browser, Gate, Setup, TestApp,
    access::{call, token, with_tokens},
};

/// Markup in every text that a user can set: it must stay text.
const MARKUP: &str = "<img src=x onerror=alert(1)>";

#[tokio::test]
async fn the_page_shows_a_job_while_it_runs_and_creates_a_range() {
    let app = TestApp::new();
    let gate = Gate::new(&app);
    let playbook = format!(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n\
         \x20   - name: Pass the gate {MARKUP}\n      ansible.builtin.wait_for: {{path: {}}}\n\
         \x20   - name: Report\n      ansible.builtin.debug: {{msg: 'output {MARKUP}'}}\n",
        gate.path()
    );
    app.write("playbooks/gated.yml", &playbook);
    let Some(browser) = Browser::find() else { return };
    let mut page = browser.inspect(1280, 900);

    // The form submits the job: the page of the service can do so whatever other origins are allowed.
    page.open(&format!("{}/#/run/playbook/gated", app.address()));
    page.click("button", "Add variable").await;
    page.value("document.querySelector('[aria-label=Name]').focus()");
    page.type_in("label");
    page.value("document.querySelector('[aria-label=\"Value, or JSON\"]').focus()");
    page.type_in(MARKUP);
    page.click("button", "Run").await;
    page.until("document.querySelector('h1')?.innerText === 'gated'").await;
    page.shows("running").await;
    // Filters work while the job runs.
    page.until("document.querySelectorAll('.tree-task').length === 1").await;
    page.shows(&format!("Pass the gate {MARKUP}")).await;
    page.click("button", "Failed").await;
    page.shows("No task matches these filters.").await;
    page.click("button", "All").await;
    gate.open();
    page.shows("succeeded").await;
    page.until("document.querySelectorAll('.tree-task').length === 2").await;
    page.click("[role=tab]", "Log").await;
    page.shows(&format!("output {MARKUP}")).await;
    page.click("[role=tab]", "Details").await;
    page.shows(&format!("\"label\": \"{MARKUP}\"")).await;
    page.value("location.hash = '#/jobs'");
    page.shows("gated").await;

    // A range: the document is checked, its plan reviewed, and its map drawn.
    page.value("location.hash = '#/ranges/new'");
    page.until("document.querySelector('textarea') !== null").await;
    page.value("document.querySelector('textarea').select()");
    page.type_in("name: lab\nplatform: simulated\nnetworks: {dmz: {}}\nmachines: {a: {networks: [dmx]}}\n");
    page.shows("unknown network").await;
    page.value("document.querySelector('textarea').select()");
    page.type_in("name: lab\nplatform: simulated\nnetworks: {dmz: {}}\nmachines: {a: {kind: namespace, networks: [dmz]}}\n");
    page.click(".editor button", "Apply").await;
    page.click("dialog button", "Apply").await;
    page.until("document.querySelector('h1')?.innerText === 'lab'").await;
    page.until("document.querySelector('.page-title .state')?.innerText === 'ready'").await;
    page.click("[role=tab]", "Map").await;
    page.until("document.querySelectorAll('.node').length === 2").await;

    // And it is destroyed again.
    page.click("button", "Destroy").await;
    page.until("document.querySelector('dialog input') !== null").await;
    page.value("document.querySelector('dialog input').focus()");
    page.type_in("lab");
    page.click("dialog button", "Destroy").await;
    page.shows("This range was destroyed.").await;
    // The browser reports replies for the invalid document and the destroyed range, and nothing else: no script failed,
    // nothing ran that was markup, and nothing violated the policy.
    let complaints = page.complaints();
    let is_reply =
        |text: &String| ["status of 422", "status of 404"].iter().any(|reply| text.contains(reply));
    assert!(complaints.iter().all(is_reply), "{complaints:#?}");
}

#[tokio::test]
async fn the_page_asks_for_a_token_and_offers_what_its_role_permits() {
    let app = with_tokens(Setup::without_ansible());
    let response = call(&app, "GET", "/", &[("accept", "text/html,*/*;q=0.8")], None).await;
    assert_eq!(response.status(), 200);
    let policy = response.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    assert!(policy.ends_with("require-trusted-types-for 'script'; trusted-types 'none'"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains('*'), "{policy}");
    let status = app.send(Method::GET, "/", None).await.json::<Value>().await.expect("JSON");
    assert_eq!(status["message"], json!("Cyber Range API is Online"));

    let (viewer, operator) = (token(&app, "viewer"), token(&app, "operator"));
    let Some(browser) = Browser::find() else { return };
    let mut page = browser.inspect(1280, 900);
    page.open(&format!("{}/#/ranges", app.address()));
    for (token, role, is_offered) in [(viewer, "viewer", false), (operator, "operator", true)] {
        page.until("document.querySelector('input[type=password]') !== null").await;
        page.value("document.querySelector('input[type=password]').focus()");
        page.type_in(&token);
        page.click("button", "Sign in").await;
        page.shows(&format!("{role} {role}")).await;
        page.shows("There are no ranges yet.").await;
        assert_eq!(page.value("document.body.innerText.includes('New range')"), is_offered, "{role}");
        page.value("document.querySelector('[title=\"Sign out\"]').click()");
    }
    page.until("document.querySelector('input[type=password]') !== null").await;
    let complaints = page.complaints();
    // The first request of a page without a token is rejected, which the browser reports.
    assert!(complaints.iter().all(|text| text.contains("401")), "{complaints:#?}");
}

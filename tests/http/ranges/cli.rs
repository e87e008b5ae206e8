//! `rangehand range`: the same through the command line.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Output, Stdio},
};

use rustix::process::{Signal, kill_process};
use serde_json::Value;
use testkit::{Setup, TestApp, processes::pid_of};

use super::{TWO_MACHINES, destroyed, service};

/// Runs `rangehand range` for this service.
fn range(app: &TestApp, arguments: &[&str]) -> Output {
    command(app, arguments).output().expect("the program starts")
}

fn command(app: &TestApp, arguments: &[&str]) -> Command {
    let mut command = app.command();
    command.arg("range").args(arguments).env("RANGEHAND_URL", app.address()).stdin(Stdio::null());
    command
}

/// The standard output of a command that must exit with this code.
fn printed(app: &TestApp, arguments: &[&str], code: i32) -> String {
    let output = range(app, arguments);
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{out}\n{error}");
    out.into_owned()
}

fn failed(app: &TestApp, arguments: &[&str], code: i32) -> String {
    let output = range(app, arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{error}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_planned_applied_shown_and_destroyed() {
    let app = service();
    app.write("lab.yaml", TWO_MACHINES);
    let plan = printed(&app, &["plan", "lab.yaml", "--exit-code"], 3);
    assert!(
        plan.contains("  + machine a  (debian-12, lan ") && plan.contains("Plan: 3 to create."),
        "{plan}"
    );
    assert!(!plan.contains('\u{1b}'), "colors are for terminals: {plan}");
    let applied = printed(&app, &["apply", "lab.yaml"], 0);
    assert!(applied.contains("done      create machine a") && applied.contains("Done in "), "{applied}");
    assert!(printed(&app, &["list"], 0).contains("lab   ready"), "the range is listed");
    let shown = printed(&app, &["show", "lab"], 0);
    assert!(shown.contains("lab  ready") && shown.contains("a        ready  service  debian-12"), "{shown}");
    let same = printed(&app, &["plan", "lab.yaml", "--exit-code"], 0);
    assert!(same.contains("nothing to do"), "{same}");
    assert!(
        printed(&app, &["apply", "lab.yaml"], 0).contains("nothing to do."),
        "an empty plan makes no job"
    );
    let machines: Value =
        serde_json::from_str(&printed(&app, &["machines", "lab", "--json"], 0)).expect("JSON");
    assert_eq!(machines["items"][1]["name"], "b");
    assert!(printed(&app, &["graph", "lab"], 0).contains("\"machine/a\" -- \"network/lan\""));
    // Without a terminal there is no question.
    let refused = failed(&app, &["destroy", "lab"], 1);
    assert!(refused.contains("`--yes` confirms"), "{refused}");
    let gone = printed(&app, &["destroy", "lab", "--yes"], 0);
    assert!(gone.contains("  - machine a") && gone.contains("Plan: 3 to delete."), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_destroyed_by_a_change_needs_yes() {
    let app = service();
    app.write("lab.yaml", TWO_MACHINES);
    printed(&app, &["apply", "lab.yaml"], 0);
    app.write(
        "small.yaml",
        &TWO_MACHINES.replace("  b: {template: debian-12, networks: [lan], needs: [a]}\n", ""),
    );
    assert!(failed(&app, &["apply", "small.yaml"], 1).contains("the plan destroys 1 machine or network,"));
    let applied = printed(&app, &["apply", "small.yaml", "-y"], 0);
    assert!(applied.contains("Destroyed, with all data:\n  machine b\n"), "{applied}");
    printed(&app, &["destroy", "lab", "-y"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_a_service_has_all_faults_and_needs_no_settings() {
    let app = service();
    app.write("lab.yaml", TWO_MACHINES);
    let plan = printed(&app, &["plan", "lab.yaml", "--offline", "--url", "http://127.0.0.1:1"], 0);
    assert!(plan.contains("Plan: 3 to create."), "{plan}");
    app.write(
        "bad.yaml",
        &TWO_MACHINES.replace("networks: [lan]}", "networks: [lam]}").replace("needs: [a]", "needs: [c]"),
    );
    let error = failed(&app, &["plan", "bad.yaml", "--offline"], 1);
    assert!(
        error.contains("machines.a.networks[0]") && error.contains("hint: did you mean `lan`?"),
        "{error}"
    );
    assert!(error.contains("machines.b.needs[0]"), "{error}");
    let same = failed(&app, &["plan", "bad.yaml"], 1);
    assert!(same.contains("machines.a.networks[0]") && same.contains("machines.b.needs[0]"), "{same}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_name_the_address_the_range_and_a_next_step() {
    let app = service();
    let error = failed(&app, &["list", "--url", "http://127.0.0.1:1"], 1);
    assert!(error.contains("cannot reach the service at http://127.0.0.1:1"), "{error}");
    let error = failed(&app, &["show", "nowhere"], 1);
    assert!(error.contains("unknown range `nowhere`") && error.contains("hint: "), "{error}");
    assert!(failed(&app, &["apply", "missing.yaml"], 1).contains("cannot read `missing.yaml`"));
    failed(&app, &["apply"], 2);
    failed(&app, &["list", "--token", "secret"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_command_detaches_and_its_job_continues() {
    let app =
        Setup::without_ansible().set("RANGEHAND__PLATFORMS__SIMULATED__LATENCIES", "all_ms=300").start();
    app.write("lab.yaml", TWO_MACHINES);
    let mut child =
        command(&app, &["apply", "lab.yaml"]).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    while !line.contains("] ") {
        line.clear();
        assert_ne!(output.read_line(&mut line).expect("text"), 0, "the command ended");
    }
    kill_process(pid_of(&child), Signal::INT).expect("it was started here");
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("text");
    assert_eq!(child.wait().expect("it was started here").code(), Some(130), "{rest}");
    assert!(rest.contains("Detached. Job ") && rest.contains("`rangehand range follow lab`"), "{rest}");
    let followed = printed(&app, &["follow", "lab"], 0);
    assert!(followed.contains("done      ") && followed.contains("Done in "), "{followed}");
    let job = app.get("/v1/jobs", 200).await["items"][0].clone();
    app.job(&job).until_state("succeeded").await;
    destroyed(&app, "lab").await;
}

//! Packets prove that machines reach the outside exactly as the document says.

use std::process::Command;

use serde_json::{Value, json};
use testkit::TestApp;

use super::{Range, can_make_machines, service, waiting};

/// A machine that may leave the range through the jumpbox, and one that may not.
fn document() -> Value {
    json!({
        "name": "out", "platform": "local",
        "networks": {"dmz": {"cidr": "10.101.1.0/24"}, "shut": {"cidr": "10.101.2.0/24", "isolated": true}},
        "machines": {
            "gw": {"kind": "namespace", "role": "jumpbox", "networks": ["dmz", "shut", "uplink"]},
            "web": {"kind": "namespace", "networks": ["dmz"]},
            "db": {"kind": "namespace", "networks": ["shut"]},
        },
        "rules": [{"from": "any", "to": "uplink", "allow": ["any"]}],
    })
}

/// Verifies the range, and returns the job.
async fn verify(app: &TestApp) -> Value {
    app.post(&waiting("/v1/ranges/out/actions/verify"), &json!({}), 200).await["job"].clone()
}

/// Runs a command by hand in the network of a machine. Returns what it printed.
fn within(app: &TestApp, range: &str, machine: &str, command: &str) -> String {
    let platforms = app.platforms().pop().expect("the directory of the platform");
    let network = format!("$(echo {}/*/{range}/machines/{machine}/net)", platforms.display());
    let script = format!("nsenter --net=\"{network}\" {command}");
    let output = Command::new("sh").args(["-ec", &script]).output().expect("sh");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Changes the rules of the jumpbox by hand.
fn nft(app: &TestApp, range: &str, command: &str) {
    within(app, range, "gw", &format!("nft {command}"));
}

#[tokio::test]
async fn packets_prove_who_reaches_the_outside_and_who_does_not() {
    if !can_make_machines() {
        return;
    }
    let app = service("process", "warm").set("RANGEHAND__PLATFORMS__LOCAL__UPLINK", "100.101.0.0/16").start();
    let range = Range::create(&app, &document()).await;
    let job = verify(&app).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let plan = app.get("/v1/ranges/out/plan", 200).await;
    let output = plan["steps"][0]["output"].as_str().expect("a text");
    assert!(output.contains("and from 3 machines to the outside, passed or were refused"), "{output}");
    let id = job["id"].as_str().expect("an ID");
    let child = app.get(&format!("/v1/jobs?parent={id}&label=range_step=0"), 200).await["items"][0].clone();
    let child = child["id"].as_str().expect("an ID");
    let labels = app.get(&format!("/v1/jobs/{child}"), 200).await["request"]["labels"].clone();
    let outside = labels["range_outside"].as_str().expect("an address");
    assert!(outside.starts_with("100.101."), "the gateway of the uplink: {outside}");

    // The machine of the service forwards, and so does the jumpbox, but no other machine.
    for (machine, forwards) in [("gw", "1"), ("web", "0"), ("db", "0")] {
        assert_eq!(
            within(&app, &range.id, machine, "cat /proc/sys/net/ipv4/ip_forward"),
            forwards,
            "{machine}"
        );
    }

    // What is forwarded to the outside is dropped now.
    nft(&app, &range.id, "insert rule inet rangehand forward iifname eth0 drop");
    let job = verify(&app).await;
    let why = job["reason"]["message"].as_str().expect("a text");
    assert!(why.contains("icmp from `web` to `uplink` must pass, and did not"), "{why}");
    // And now everything is forwarded, also from the isolated network.
    nft(&app, &range.id, "insert rule inet rangehand forward accept");
    let job = verify(&app).await;
    let why = job["reason"]["message"].as_str().expect("a text");
    assert!(why.contains("icmp from `db` to `uplink` must be refused, and passed"), "{why}");
    assert!(!why.contains("from `web` to `uplink`"), "{why}");
    let drift = app.get("/v1/ranges/out/drift", 200).await;
    assert_eq!(drift["items"][0]["kind"], "rules_changed", "{drift:#}");
    range.destroy().await;
}

//! Ranges on the local platform: machines that run, and playbooks on them. Ranges on Proxmox VE.

mod connections;
mod guests;
mod inventory;
mod keys;
mod ordinary;
mod proxmox;
mod rolled_back;
mod verified;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Job, Setup, TestApp, WAIT_LIMIT};

/// Can this machine be a platform? A test says so if not, and shows nothing.
#[expect(clippy::print_stderr, reason = "a test that shows nothing must not look like one that does")]
fn can_make_machines() -> bool {
    let can = rustix::process::geteuid().is_root();
    if !can {
        eprintln!("NOT TESTED: machines of the local platform: they need root here");
    }
    can
}

/// A service whose jobs are in this isolation by default, and run by this executor.
fn service(isolation: &str, executor: &str) -> Setup {
    Setup::new()
        .set("RANGEHAND__RUNS__ISOLATION", isolation)
        .set("RANGEHAND__RUNS__SANDBOX_WRITABLE", "")
        .set("RANGEHAND__ANSIBLE__EXECUTOR", executor)
}

/// A router and a machine on each of its two networks, the third octet of whose addresses differs by range.
fn lab(name: &str, octet: u8) -> Value {
    json!({
        "name": name, "platform": "local",
        "networks": {
            "dmz": {"cidr": format!("10.{octet}.1.0/24")},
            "inside": {"cidr": format!("10.{octet}.2.0/24")},
        },
        "machines": {
            "gw": {"kind": "namespace", "role": "router", "networks": ["dmz", "inside"]},
            "web": {"kind": "namespace", "networks": ["dmz"], "groups": ["shops"]},
            "db": {"kind": "namespace", "networks": ["inside"]},
        },
    })
}

/// A range that exists, and its service. [`Self::destroy`] ends it.
struct Range<'a> {
    app: &'a TestApp,
    id: String,
    name: String,
}

impl<'a> Range<'a> {
    /// Creates a range and waits until its machines are ready.
    async fn create(app: &'a TestApp, document: &Value) -> Self {
        let change = app.post(&waiting("/v1/ranges"), document, 200).await;
        assert_eq!(change["job"]["state"], "succeeded", "{change:#}");
        let text = |name: &str| change["range"][name].as_str().expect("a text").to_owned();
        Self { app, id: text("id"), name: text("name") }
    }

    /// The name of its inventory.
    fn inventory(&self) -> String {
        format!("range/{}", self.id)
    }

    /// Removes everything that exists of it.
    async fn destroy(self) {
        let path = waiting(&format!("/v1/ranges/{}", self.name));
        let response = self.app.send(Method::DELETE, &path, None).await;
        let change: Value = response.json().await.expect("JSON");
        assert_eq!(change["job"]["state"], "succeeded", "{change:#}");
    }
}

impl Drop for Range<'_> {
    /// Machines outlive the service, and so they would outlive a test that fails.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let script = "groups=$(for init in $(find \"$0\" -name init -path '*/machines/*'); do \
                      grep -ho 'rangehand-[0-9a-f]*' /proc/$(cut -d' ' -f1 $init)/cgroup | head -n1; kill -9 $(cut -d' ' -f1 $init); done); \
                      for at in $(awk '{print $5}' /proc/self/mountinfo | grep \"^$0\" | sort -r); do umount -l $at; done; \
                      rm -rf \"$0\"; sleep 0.2; \
                      for group in $groups; do find /sys/fs/cgroup -depth -type d -path \"*/$group*\" -exec rmdir {} +; done";
        let Some(platforms) = self.app.platforms().pop() else { return };
        let _ = std::process::Command::new("sh").args(["-c", script]).arg(platforms).status();
    }
}

fn waiting(path: &str) -> String {
    format!("{path}?wait={}", WAIT_LIMIT.as_secs())
}

/// Runs a playbook of this text, which must succeed, and returns its job.
async fn play(app: &TestApp, text: &str, request: &Value) -> Job {
    app.write("playbooks/of_the_test.yml", text);
    let mut request = request.clone();
    request["playbook"] = json!("of_the_test");
    let job = app.run(&request).await;
    assert_eq!(job["state"], "succeeded", "{job:#}\n{}", job.log().await);
    job
}

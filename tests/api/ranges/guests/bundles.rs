//! Every bundle for Ubuntu and Debian on a machine of a range, by `"inventory": "range/ID"`.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use testkit::{Setup, TestApp, bin_dir, copy, generated_secret, processes::spawn_until_ready, repository};

use super::{
    super::{Range, play},
    assert_nothing_left, control_groups, first_process, machine, sh, start,
};
use crate::bundles::{succeed, succeed_twice};

/// A guest of a range, in which commands are run without SSH.
struct Guest<'a> {
    app: &'a TestApp,
}

impl Guest<'_> {
    /// Runs a shell command in the guest; returns whether it succeeded and what it printed.
    async fn attempt(&self, command: &str) -> (bool, String) {
        // The first process is that of systemd-nspawn; its child is the first one in the guest.
        let nspawn = first_process(self.app, "guest-1");
        let inner = fs::read_to_string(format!("/proc/{nspawn}/task/{nspawn}/children")).expect("it runs");
        let inner = inner.split(' ').next().expect("a child").to_owned();
        let output = tokio::process::Command::new("nsenter")
            .args(["--all", "--target", &inner, "sh", "-c", &format!("{command} 2>&1")])
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .output()
            .await
            .expect("nsenter is there");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    async fn run(&self, command: &str) -> String {
        let (succeeded, output) = self.attempt(command).await;
        assert!(succeeded, "`{command}` failed in the guest: {output}");
        output
    }
}

/// The only way of the guest to the outside: `tests/lab/apt_proxy.py`, which listens in its network namespace.
struct Proxy {
    process: Child,
    port: String,
}

impl Proxy {
    fn start(net: &Path, root: &Path) -> Self {
        let sources = fs::read_to_string(root.join("etc/apt/sources.list")).expect("of debootstrap");
        let host = |line: &str| Some(line.split("://").nth(1)?.split(['/', ':']).next()?.to_owned());
        let hosts: Vec<String> = sources.lines().filter_map(host).collect();
        let script = "eval \"$(apt-config shell proxy Acquire::http::Proxy)\"; \
                      if [ \"${proxy:-DIRECT}\" = DIRECT ]; then proxy=${http_proxy:-}; fi; printf %s \"$proxy\"";
        let (process, port) = spawn_until_ready(
            Command::new(bin_dir().join("python"))
                .arg(repository("tests/lab/apt_proxy.py"))
                .args(["127.0.0.1", "127.0.0.1", &hosts.join(","), &sh(script)])
                .arg(net)
                .stdin(Stdio::null())
                .stderr(Stdio::null()),
        );
        assert!(!port.is_empty(), "the proxy of the guest did not start");
        Self { process, port }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Makes apt of the guest use the proxy.
async fn use_proxy(app: &TestApp, inventory: &str, proxy: &Proxy) {
    let check = sh("apt-config dump | grep -E '^Acquire::Check-' || true").replace('\n', " ");
    let line = format!("Acquire::http::Proxy \"http://127.0.0.1:{}\"; {check}", proxy.port);
    let text = "- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.copy: {dest: /etc/apt/apt.conf.d/90proxy, content: \"{{ line }}\\n\", mode: '0644'}
";
    play(app, text, &json!({"inventory": inventory, "extra_vars": {"line": line}})).await;
}

#[tokio::test]
async fn every_bundle_runs_on_a_machine_of_a_range() {
    let setup = Setup::new();
    copy(&repository("playbooks"), &setup.home().join("playbooks"));
    let Some(app) = start(setup).await else { return };
    let document = json!({
        "name": "bundles", "platform": "local", "networks": {"lan": {"cidr": "10.114.1.0/24"}},
        "machines": {"guest-1": {"template": "debian-12", "networks": ["lan"], "memory_mb": 2048}},
    });
    let range = Range::create(&app, &document).await;
    let (inventory, guest) = (range.inventory(), Guest { app: &app });
    let root = app.home().join("var/platforms/local/templates/debian-12");
    let proxy = Proxy::start(&machine(&app, "guest-1").join("net"), &root);
    use_proxy(&app, &inventory, &proxy).await;

    let (changed, result) = succeed(&app, &inventory, "install/basic-packages", &json!({})).await;
    assert_eq!((changed, &result["packages"]), (0, &json!([])), "nothing was chosen");

    let only_docker = json!({
        "INSTALL_PACKAGES_DOCKER": true,
        "INSTALL_PACKAGES_NTP_AND_UPDATE_TIME": false,
        "SPECIFIC_PACKAGES_CLEANING": false,
    });
    let result = succeed_twice(&app, &inventory, "install/docker", &only_docker).await;
    assert_eq!((&result["host"], &result["time_service"]), (&json!("guest-1"), &Value::Null));
    assert!(guest.run("docker --version").await.starts_with("Docker version "));
    assert_eq!(guest.run("systemctl is-enabled docker").await, "enabled");
    assert_eq!(guest.run("docker info --format '{{.Containers}}'").await, "0", "the engine answers");

    let compose = json!({"INSTALL_PACKAGES_DOCKER": true, "INSTALL_PACKAGES_DOCKER_COMPOSE": true});
    succeed_twice(&app, &inventory, "install/docker-compose", &compose).await;
    assert!(guest.run("docker compose version || docker-compose version").await.contains("version"));

    // A package that nothing needs any more, and a download that is left.
    guest
        .run("apt-get install -qy --no-install-recommends jq && apt-mark auto jq && apt-get -qdy install jo")
        .await;
    let basic = json!({
        "INSTALL_PACKAGES_BASICS": false,
        "INSTALL_PACKAGES_FIREWALLS": true,
        "INSTALL_PACKAGES_DOCKER": true,
        "INSTALL_PACKAGES_DOCKER_COMPOSE": true,
        "INSTALL_PACKAGES_UTILS_JSON": false,
        "INSTALL_PACKAGES_UTILS_NETWORK": true,
        "INSTALL_PACKAGES_NTP_AND_UPDATE_TIME": true,
        "SPECIFIC_PACKAGES_CLEANING": true,
    });
    let result = succeed_twice(&app, &inventory, "install/basic-packages", &basic).await;
    assert_eq!(result["time_service"], "systemd-timesyncd.service");
    assert_eq!(guest.run("systemctl is-enabled systemd-timesyncd").await, "enabled");
    guest.run("set -e; for program in nft ufw dig mtr nc tcpdump traceroute whois; do command -v $program; done").await;
    assert!(!guest.attempt("command -v jq").await.0, "unneeded packages are removed");
    assert_eq!(guest.run("find /var/cache/apt/archives -name '*.deb'").await, "");
    assert!(guest.run("ufw status").await.contains("inactive"), "the firewall blocks no client");
    assert_eq!(guest.run("systemctl is-active docker").await, "active");

    let account = json!({"TARGET_USER": "student-1", "TARGET_PASSWORD": generated_secret()});
    succeed_twice(&app, &inventory, "configure/add-user", &account).await;
    assert_eq!(guest.run("stat -c %U /home/student-1").await, "student-1");
    let files = json!({"hosts": "guest-1", "OPERATOR_USER": "student-1", "INSTALL_VIM_DOTFILES": true});
    let result = succeed_twice(&app, &inventory, "install/dot-files", &files).await;
    assert!(result["files"].to_string().contains("/home/student-1/.vimrc"), "{result:#}");

    drop(proxy);
    let groups = control_groups(&app, &["guest-1"]);
    range.destroy().await;
    assert_nothing_left(&app, &groups).await;
}

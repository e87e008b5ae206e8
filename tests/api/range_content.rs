//! The bundled playbooks for ranges, on network namespaces of this machine: routers forward what the rules allow and nothing
//! else, and packets prove it.

use std::{
    fmt::Write as _,
    process::{Command, Output},
};

use engine::{BUNDLED_PROJECT, Verification};
use model::{ContentName, PlaybookWork};
use range::{Desired, Document, Leases, PlatformRules, Values, document::text::Format};
use serde_json::{Value, json};
use testkit::{Setup, TestApp};

/// Two routers in a row, and a way to the outside.
const RANGE: &str = "name: r\nplatform: p\nnetworks:\n  a: {cidr: 10.93.1.0/24}\n  b: {cidr: 10.93.2.0/24}\n  \
    c: {cidr: 10.93.3.0/24, isolated: true}\nmachines:\n  gw: {kind: namespace, role: jumpbox, networks: [a, b, uplink]}\n  \
    r: {kind: namespace, role: router, networks: [b, c]}\n  x: {kind: namespace, networks: [a]}\n  \
    y: {kind: namespace, networks: [b]}\n  z: {kind: namespace, networks: [c]}\nrules:\n  \
    - {from: a, to: c, allow: [tcp/22, udp/53-60, icmp]}\n  - {from: c, to: b, allow: [any]}\n  \
    - {from: z, to: x, allow: [tcp/80]}\n  - {from: any, to: uplink, allow: [icmp]}\n";
const OUTSIDE: &str = "192.0.2.1";

fn sh(command: &str) -> Output {
    Command::new("bash").args(["-ec", command]).output().expect("bash")
}

/// The machines of the range as network namespaces, made by `ip` alone.
struct Machines {
    prefix: String,
    names: Vec<String>,
}

impl Machines {
    fn up(desired: &Desired) -> Self {
        let prefix = format!("rhv{}", std::process::id());
        let mut machines = Self { prefix: prefix.clone(), names: Vec::new() };
        let mut script = String::new();
        let mut namespace = |name: &str| {
            machines.names.push(name.to_owned());
            // A new namespace forwards if this machine does.
            format!(
                "ip netns add {prefix}-{name}; ip -n {prefix}-{name} link set lo up\n\
                 ip netns exec {prefix}-{name} sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'\n"
            )
        };
        script += &namespace("fabric");
        script += &namespace("outside");
        for name in desired.networks.iter().map(|network| network.name.as_str()).chain(["uplink"]) {
            let _ = writeln!(
                script,
                "ip -n {prefix}-fabric link add br-{name} type bridge; ip -n {prefix}-fabric link set br-{name} up"
            );
        }
        let mut ports = 0;
        let mut attach = |machine: &str, nic: usize, network: &str, address: &str| {
            ports += 1;
            let inside = format!("{prefix}-{machine}");
            format!(
                "ip link add p{ports} netns {prefix}-fabric type veth peer name eth{nic} netns {inside}\n\
                 ip -n {prefix}-fabric link set p{ports} master br-{network} up\n\
                 ip -n {inside} address add {address} dev eth{nic}; ip -n {inside} link set eth{nic} up\n"
            )
        };
        for machine in &desired.machines {
            script += &namespace(&machine.name);
            for (nic, spec) in machine.nics.iter().enumerate() {
                let address =
                    spec.address.map_or_else(|| "192.0.2.2/24".to_owned(), |address| address.to_string());
                script += &attach(&machine.name, nic, &spec.network, &address);
            }
            let gateway = machine.gateway.map_or_else(|| OUTSIDE.to_owned(), |gateway| gateway.to_string());
            let _ = writeln!(script, "ip -n {prefix}-{} route add default via {gateway}", machine.name);
        }
        // The outside has no route into the range: only translated addresses get an answer.
        script += &attach("outside", 0, "uplink", "192.0.2.1/24");
        let output = sh(&script);
        assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
        machines
    }

    /// Runs a command in a machine.
    fn within(&self, machine: &str, command: &str) -> Output {
        sh(&format!("ip netns exec {}-{machine} {command}", self.prefix))
    }

    /// The inventory: Ansible works here, and each Python that it starts is in the namespace of its machine.
    fn inventory(&self, setup: &Setup) -> String {
        let mut hosts = serde_json::Map::new();
        for name in &self.names {
            let python = format!("python-{name}");
            setup.write(
                &python,
                &format!(
                    "#!/bin/sh\nexec nsenter --net=/run/netns/{}-{name} /usr/bin/python3 \"$@\"\n",
                    self.prefix
                ),
            );
            let python = setup.home().join(python);
            assert!(sh(&format!("chmod 755 {}", python.display())).status.success());
            hosts.insert(
                name.clone(),
                json!({
                    "ansible_connection": "local",
                    "ansible_python_interpreter": python,
                    "range_router_directory": setup.home().join(format!("router-{name}")),
                    "range_router_at_boot": "false",
                }),
            );
        }
        json!({"all": {"hosts": hosts}}).to_string()
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for name in &self.names {
            sh(&format!("ip netns delete {}-{name}", self.prefix));
        }
    }
}

fn range() -> (Document, Desired) {
    let rules = PlatformRules::default();
    let document = range::read_text(RANGE, Format::Yaml, &rules).expect("a document");
    let desired = range::expand(&document, &Values::default(), &Leases::default(), &rules).expect("a range");
    (document, desired)
}

/// Runs the work as a job.
async fn run(app: &TestApp, work: PlaybookWork) -> testkit::Job {
    let content = work.content.name().as_str();
    let request = json!({
        "playbook": content,
        "project": work.project,
        "inventory": work.inventory,
        "limit": work.limit,
        "forks": work.forks,
        "extra_vars": work.extra_vars,
    });
    let request: serde_json::Map<String, Value> = request
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let job = app.run(&Value::Object(request)).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    job
}

fn can() -> bool {
    let is_root = sh(
        "[ $(id -u) = 0 ] && command -v nft ping nsenter && ip netns add rhv-try && ip netns delete rhv-try",
    );
    is_root.status.success()
}

#[tokio::test]
#[allow(clippy::print_stderr, reason = "the person who runs the tests should see what was not tested")]
async fn bundled_roles_set_up_routers_and_packets_prove_it() {
    if !can() {
        eprintln!(
            "WARNING: NOT TESTED: bundled roles for ranges: they need root, `nft` and network namespaces"
        );
        return;
    }
    let (document, desired) = range();
    let machines = Machines::up(&desired);
    // The machines are namespaces of this node, which a sandbox would hide.
    let setup = Setup::new().set("RANGEHAND__RUNS__ISOLATION", "process");
    setup.write("inventory/range.yml", &machines.inventory(&setup));
    let app = setup.start();
    let inventory: ContentName = "range".parse().expect("a name");
    let verification = Verification::new(&document, &desired, "", OUTSIDE.parse().ok());
    let verify = async || {
        let job = run(&app, verification.work(inventory.clone()).expect("work")).await;
        let results = job.results().await;
        verification.evaluate_results(results.as_object().expect("results"))
    };
    let set = async || {
        let mut changed = 0;
        for router in &desired.routers {
            let job = run(&app, engine::set_rules(inventory.clone(), router).expect("work")).await;
            changed += job["stats"][&router.name]["changed"].as_u64().expect("a number");
        }
        changed
    };
    // Nothing forwards yet.
    let error = verify().await.expect_err("no router");
    assert!(error.contains("icmp from `x` to `z` must pass, and did not"), "{error}");
    assert!(!error.contains("must be refused"), "{error}");

    assert_eq!(set().await, 2);
    let verified = verify().await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((verified.pairs, verified.all_pairs), (20, 20));
    assert!(verified.packets > 50, "{verified}");
    assert_eq!(set().await, 0, "a second run changes nothing");
    // The same by other programs.
    let pings =
        |from: &str, to: &str| machines.within(from, &format!("ping -c 1 -W 1 {to}")).status.success();
    assert!(pings("x", "10.93.3.10") && pings("z", "10.93.2.10") && pings("y", OUTSIDE));
    assert!(!pings("z", "10.93.1.10") && !pings("z", OUTSIDE) && !pings("y", "10.93.1.10"));

    // What is changed by hand is found by packets, and corrected.
    assert!(machines.within("r", "nft flush chain inet rangehand forward").status.success());
    let error = verify().await.expect_err("nothing passes the second router");
    assert!(error.contains("tcp/22 from `x` to `z` must pass, and did not"), "{error}");
    assert_eq!(set().await, 1);
    assert!(machines.within("gw", "nft add rule inet rangehand forward accept").status.success());
    let error = verify().await.expect_err("everything passes the first router");
    assert!(error.contains("icmp from `y` to `x` must be refused, and passed"), "{error}");
    assert!(machines.within("gw", "ip route delete 10.93.3.0/24").status.success());
    assert_eq!(set().await, 1);
    verify().await.unwrap_or_else(|error| panic!("{error}"));

    // A machine that does not answer to Ansible is one that sent nothing.
    machines.within("r", "ip link set eth0 down");
    let error = verify().await.expect_err("a network is down");
    assert!(error.contains("from `x` to `z` must pass, and did not"), "{error}");
    machines.within("r", "ip link set eth0 up");

    let job = run(&app, engine::remove_rules(inventory.clone(), "r").expect("work")).await;
    assert_eq!(job["stats"]["r"]["changed"], 1);
    let job = run(&app, engine::remove_rules(inventory.clone(), "r").expect("work")).await;
    assert_eq!(job["stats"]["r"]["changed"], 0);
    let left = machines.within("r", "nft list tables; sysctl -n net.ipv4.ip_forward");
    assert!(!String::from_utf8_lossy(&left.stdout).contains("rangehand"));
    let other: Value = app.get(&format!("/v1/catalog/playbooks?project={BUNDLED_PROJECT}"), 200).await;
    assert!(other.to_string().contains("range_verify"), "{other}");
}

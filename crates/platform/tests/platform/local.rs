//! The local platform, on the kernel of this machine.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::Arc,
    thread,
    time::Duration,
};

use nix::sched::{CloneFlags, setns};
use platform::{Change, Error, MachineWanted, Power, RulesState, ThingKind, Wanted, local::Local};
use testkit::until;

use crate::{
    conformance::{self, assert_complete, assert_gone},
    drive::{Drive, desired, expand, machine_wanted, machines, shape, wanted},
    lab::{sh, with_lab, within},
    ssh::Ssh,
};

#[test]
fn local_calls_may_be_repeated() {
    with_lab(|lab| async move { conformance::every_call_may_be_repeated(&lab).await });
}

#[test]
fn local_things_that_are_wrong_are_corrected() {
    with_lab(|lab| async move { conformance::what_is_wrong_is_corrected(&lab).await });
}

#[test]
fn missing_local_things_are_gone() {
    with_lab(|lab| async move { conformance::what_is_not_there_is_gone(&lab).await });
}

#[test]
fn two_local_ranges_share_nothing() {
    with_lab(|lab| async move { conformance::two_ranges_share_nothing(&lab).await });
}

#[test]
fn packets_pass_as_the_rules_say_and_no_others() {
    with_lab(|lab| async move {
        let (drive, desired) = (Drive::new(&*lab.local, "packets"), desired(50));
        drive.up(&desired).await.unwrap();
        let (web, db) = (lab.net("packets", "web"), lab.net("packets", "db"));
        assert!(within(&web, "ping -c 1 -W 2 10.50.1.1"), "a neighbor");
        assert!(within(&web, "ping -c 1 -W 2 10.50.2.10"), "across the router");
        assert!(!within(&db, "ping -c 1 -W 1 10.50.1.10"), "no rule allows it");
        assert!(accepts(&web, &db, "10.50.2.10:5432"));
        assert!(!accepts(&web, &db, "10.50.2.10:5433"), "another port");
        assert!(!accepts(&db, &web, "10.50.1.10:5432"), "another direction");
        // Without rules the machine forwards nothing.
        drive.remove(&drive.owner.thing(ThingKind::Rules, "gw")).await.unwrap();
        assert!(!within(&web, "ping -c 1 -W 1 10.50.2.10"));
        assert_eq!(drive.observe().await.machine("gw").unwrap().rules, RulesState::None);
        drive.down(&desired).await.unwrap();
        assert_gone(&drive.observe().await);
    });
}

#[test]
fn a_rule_for_the_outside_opens_no_network_of_the_range() {
    with_lab(|lab| async move {
        // The second router reaches the outside by the interface that also leads to a network of the range.
        let desired = expand(
            "name: r\nplatform: p\nnetworks: {upper: {cidr: 10.56.1.0/24}, lower: {cidr: 10.56.2.0/24}}\nmachines:\n  \
             gw: {kind: namespace, role: jumpbox, networks: [upper]}\n  r: {kind: namespace, role: router, networks: [upper, lower]}\n  \
             near: {kind: namespace, networks: [upper]}\n  far: {kind: namespace, networks: [lower]}\n\
             rules: [{from: any, to: uplink, allow: [any]}, {from: upper, to: lower, allow: [icmp]}]\n",
        );
        let drive = Drive::new(&*lab.local, "outside");
        drive.up(&desired).await.unwrap();
        let (near, far) = (lab.net("outside", "near"), lab.net("outside", "far"));
        // The first router also redirects `near` to the second one, which `ping` counts as an error.
        assert!(within(&near, "ping -c 2 -i 0.2 -W 2 10.56.2.10"));
        assert!(!within(&far, "ping -c 1 -W 1 10.56.1.11"), "no rule allows it");
        // Replies to `far` pass the first router, which did not see what they reply to.
        let rules = |from: &str, to: &str| {
            let mut router = (*desired.routers[1]).clone();
            let mut set = (*router.rules).clone();
            (set.rules[1].from, set.rules[1].to) = (set.rules[1].to.clone(), set.rules[1].from.clone());
            router.rules = Arc::new(set);
            assert_eq!((&*router.rules.rules[1].from.name, &*router.rules.rules[1].to.name), (from, to));
            router
        };
        drive.ensure(&Wanted::Rules(Arc::new(rules("lower", "upper")))).await.unwrap();
        sh(&format!("nsenter --net={} sysctl -qw net.ipv4.conf.all.accept_redirects=0", near.display()));
        sh(&format!("nsenter --net={} ip route flush cache", near.display()));
        assert!(within(&far, "ping -c 1 -W 2 10.56.1.11"));
        drive.down(&desired).await.unwrap();
    });
}

#[test]
fn what_is_changed_by_hand_on_this_machine_is_observed_and_corrected() {
    with_lab(|lab| async move {
        let (drive, desired) = (Drive::new(&*lab.local, "drift"), desired(51));
        drive.up(&desired).await.unwrap();
        let right = shape(&drive.observe().await);
        let fabric = lab.options.run.join("test/drift/fabric");
        let (gw, web) = (lab.net("drift", "gw"), lab.net("drift", "web"));
        // One line of the rules, an address, a port of the bridge, and the processes of a machine.
        sh(&format!("nsenter --net={} nft flush chain inet rangehand forward", gw.display()));
        sh(&format!("nsenter --net={} ip address add 10.51.1.99/24 dev eth0", web.display()));
        let gateway_port = sh(&format!(
            "nsenter --net={} ip -o link show type veth | head -1 | cut -d' ' -f2 | cut -d@ -f1",
            fabric.display()
        ));
        sh(&format!("nsenter --net={} ip link set {} nomaster", fabric.display(), gateway_port.trim()));
        let init = std::fs::read_to_string(lab.net("drift", "db").with_file_name("init")).unwrap();
        let init = init.split_once(' ').unwrap().0;
        sh(&format!("kill -9 {init}; timeout 10 tail --pid={init} -f /dev/null"));
        let drifted = drive.observe().await;
        assert_eq!(drifted.machine("gw").unwrap().rules, RulesState::Changed);
        assert_eq!(drifted.machine("web").unwrap().nics[0].known_addresses().len(), 2);
        assert_eq!(drifted.machine("db").unwrap().power, Power::Off);
        assert!(drifted.machines.iter().flat_map(|machine| &machine.nics).any(|nic| nic.network.is_none()));
        let changes = drive.up(&desired).await.unwrap();
        assert!(changes.contains(&Change::Corrected), "{changes:?}");
        assert_eq!(shape(&drive.observe().await), right);
        assert!(within(&web, "ping -c 1 -W 2 10.51.2.10"));
        drive.down(&desired).await.unwrap();
    });
}

#[test]
fn another_process_finds_and_removes_what_this_one_made() {
    with_lab(|lab| async move {
        let desired = desired(52);
        Drive::new(&*lab.local, "kept").up(&desired).await.unwrap();
        let other = Local::new(lab.options.clone());
        let drive = Drive::new(&other, "kept");
        assert_complete(&drive.observe().await);
        let changes = drive.up(&desired).await.unwrap();
        assert!(changes.iter().all(|change| *change == Change::Adopted), "{changes:?}");
        drive.down(&desired).await.unwrap();
        assert_gone(&Drive::new(&*lab.local, "kept").observe().await);
    });
}

#[test]
fn what_is_foreign_in_the_place_of_a_range_is_refused() {
    with_lab(|lab| async move {
        let (drive, desired) = (Drive::new(&*lab.local, "foreign"), desired(53));
        let [dmz, inner, _, web, ..] = &wanted(&desired)[..] else { panic!() };
        drive.ensure(dmz).await.unwrap();
        drive.ensure(inner).await.unwrap();
        let fabric = lab.options.run.join("test/foreign/fabric");
        let inside = |command: &str| sh(&format!("nsenter --net={} {command}", fabric.display()));
        let id = drive.observe().await.network("inner").unwrap().id.clone();
        let bridge = id.split_once(':').unwrap().1;
        drive.remove(&drive.owner.thing(ThingKind::Network, "inner")).await.unwrap();
        inside(&format!("ip link add {bridge} type bridge"));
        let before = inside(&format!("ip -o link show {bridge}"));
        assert!(matches!(drive.ensure(inner).await, Err(Error::Refused { .. })));
        let network = drive.owner.thing(ThingKind::Network, "inner");
        assert!(matches!(drive.remove(&network).await, Err(Error::Refused { .. })));
        assert_eq!(inside(&format!("ip -o link show {bridge}")), before);
        let theirs = lab.net("foreign", "web").with_file_name("theirs");
        std::fs::create_dir(theirs.parent().unwrap()).unwrap();
        std::fs::write(&theirs, "keep").unwrap();
        let machine = drive.owner.thing(ThingKind::Machine, "web");
        assert!(matches!(drive.ensure(web).await, Err(Error::Refused { .. })));
        assert!(matches!(drive.remove(&machine).await, Err(Error::Refused { .. })));
        assert_eq!(std::fs::read_to_string(&theirs).unwrap(), "keep");
        std::fs::remove_dir_all(theirs.parent().unwrap()).unwrap();
        drive.remove(&drive.owner.thing(ThingKind::Network, "dmz")).await.unwrap();
    });
}

#[test]
fn ssh_reaches_a_machine_with_an_exact_host_key_and_leaves_nothing() {
    with_lab(|lab| async move {
        let (drive, desired, ssh) = (Drive::new(&*lab.local, "ssh"), desired(54), Ssh::new());
        for wanted in &wanted(&desired)[..2] {
            drive.ensure(wanted).await.unwrap();
        }
        let web = MachineWanted { spec: Arc::clone(&desired.machines[1]), login: ssh.login() };
        drive.ensure(&Wanted::Machine(web)).await.unwrap();
        let machine = drive.owner.thing(ThingKind::Machine, "web");
        drive.power(&machine, Power::On).await.unwrap();
        drive.wait_ready(&machine).await.unwrap();
        let command = "hostname; id -u; [ ! -s /etc/issue ]; echo $?; ls /home /dev/vda; touch /etc/made; nohup sleep 99954 >/dev/null 2>&1 &";
        let found = ssh.run(&*lab.local, &machine, command).await;
        assert!(found.starts_with("web\n0\n0\n"), "a hidden file is empty: {found}");
        assert!(found.contains("cannot access '/dev/vda'"), "{found}");
        assert!(!Path::new("/etc/made").exists(), "files of the machine that runs it stay as they are");
        let mounts = ssh.run(&*lab.local, &machine, "mount -t tmpfs x /mnt; cat /proc/mounts").await;
        assert!(mounts.contains("permission denied") && !mounts.contains("nsfs"), "{mounts}");
        let wrong = ssh.with_host_key(&*lab.local, &machine, &ssh.public_key(), "true").await;
        assert!(!wrong.status.success(), "a wrong host key is noticed");
        drive.power(&machine, Power::Off).await.unwrap();
        assert_eq!(sh("pgrep -f '^sleep 99954' || true"), "", "everything that ran there has ended");
        drive.remove(&machine).await.unwrap();
        for network in &desired.networks {
            drive.remove(&drive.owner.thing(ThingKind::Network, &network.name)).await.unwrap();
        }
    });
}

#[test]
fn a_process_that_is_killed_in_the_middle_is_continued_by_the_next_one() {
    with_lab(|lab| async move {
        let (drive, desired) = (Drive::new(&*lab.local, "killed"), desired(55));
        let range = drive.owner.clone();
        // What a kill between any two steps leaves: a file that nothing is mounted on, a namespace without interfaces, one with half of
        // them, and records without a namespace.
        drive.up(&desired).await.unwrap();
        let right = shape(&drive.observe().await);
        for machine in ["gw", "web", "db"] {
            let thing = range.thing(ThingKind::Machine, machine);
            drive.power(&thing, Power::Off).await.unwrap();
        }
        let [gw, web, db] = ["gw", "web", "db"].map(|name| lab.net("killed", name));
        sh(&format!("umount {}", db.display()));
        sh(&format!("umount {0} && unshare --net={0} true", web.display()));
        sh(&format!("nsenter --net={} ip link delete eth1", gw.display()));
        let other = Local::new(lab.options.clone());
        let drive = Drive::new(&other, "killed");
        drive.up(&desired).await.unwrap();
        assert_eq!(shape(&drive.observe().await), right);
        assert!(within(&web, "ping -c 1 -W 2 10.55.2.10"));
        // And a removal that was interrupted is completed.
        drive.power(&range.thing(ThingKind::Machine, "web"), Power::Off).await.unwrap();
        sh(&format!("umount {0} && rm {0}", web.display()));
        assert_eq!(drive.observe().await.leftovers.len(), 1);
        drive.down(&desired).await.unwrap();
        assert_gone(&drive.observe().await);
    });
}

/// Makes machines until it is killed: a process for [`a_killed_process_leaves_what_the_next_one_continues`].
#[test]
#[ignore = "another test executes it"]
fn makes_machines_until_it_is_killed() {
    let Some(options) = std::env::var_os("RANGEHAND_TEST_OPTIONS") else { return };
    let local = Local::new(serde_json::from_str(options.to_str().unwrap()).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { Drive::new(&local, "kill").up(&hundred()).await.unwrap() });
}

/// A hundred machines on five networks.
fn hundred() -> range::Desired {
    let mut yaml = "name: r\nplatform: p\nnetworks:\n".to_owned();
    for n in 0..5 {
        yaml += &format!("  n{n}: {{cidr: 10.61.{n}.0/24}}\n");
    }
    yaml += "machines:\n";
    for m in 0..100 {
        yaml += &format!("  m{m}: {{kind: namespace, networks: [n{}, n{}]}}\n", m % 5, (m + 1) % 5);
    }
    expand(&yaml)
}

#[test]
fn a_killed_process_leaves_what_the_next_one_continues() {
    with_lab(|lab| async move {
        let desired = hundred();
        let drive = Drive::new(&*lab.local, "kill");
        for machines in [1, 20, 60] {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "local::makes_machines_until_it_is_killed", "--ignored"])
                .env("RANGEHAND_TEST_OPTIONS", serde_json::to_string(&lab.options).unwrap())
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap();
            let directory = lab.options.run.join("test/kill/machines");
            let made = || std::fs::read_dir(&directory).map_or(0, Iterator::count);
            until("it has made some machines", || made() >= machines || child.try_wait().unwrap().is_some())
                .await;
            child.kill().unwrap();
            child.wait().unwrap();
            for wanted in wanted(&desired) {
                drive.ensure(&wanted).await.unwrap();
            }
            let observed = drive.observe().await;
            assert_eq!((observed.machines.len(), observed.leftovers.len()), (100, 0), "{machines}");
            let nics = observed.machines.iter().flat_map(|machine| &machine.nics);
            assert!(
                nics.clone().all(|nic| nic.network.is_some() && nic.known_addresses().len() == 1),
                "{machines}"
            );
            drive.down(&desired).await.unwrap();
            assert_gone(&drive.observe().await);
        }
        // And removal alone, without making the rest first.
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "local::makes_machines_until_it_is_killed", "--ignored"])
            .env("RANGEHAND_TEST_OPTIONS", serde_json::to_string(&lab.options).unwrap())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        until("it has made a third of the machines", || lab.net("kill", "m30").exists()).await;
        child.kill().unwrap();
        child.wait().unwrap();
        drive.down(&desired).await.unwrap();
        assert_gone(&drive.observe().await);
    });
}

#[test]
fn three_hundred_machines_come_up_and_reach_each_other() {
    with_lab(|lab| async move {
        // A chain of networks with a router between each two, and machines on each of them.
        let mut yaml = "name: r\nplatform: p\nnetworks:\n".to_owned();
        for n in 0..10 {
            yaml += &format!("  n{n}: {{cidr: 10.60.{n}.0/24}}\n");
        }
        yaml += "machines:\n";
        for n in 0..9 {
            yaml += &format!("  r{n}: {{kind: namespace, role: router, networks: [n{n}, n{}]}}\n", n + 1);
        }
        for n in 0..10 {
            for m in 0..29 {
                yaml += &format!("  m{n}-{m}: {{kind: namespace, networks: [n{n}]}}\n");
            }
        }
        yaml += "rules: [{from: any, to: any, allow: [any]}]\n";
        let desired = expand(&yaml);
        let drive = Drive::new(&*lab.local, "many");
        for wanted in wanted(&desired) {
            drive.ensure(&wanted).await.unwrap();
        }
        let observed = drive.observe().await;
        assert_eq!((observed.machines.len(), observed.networks.len()), (299, 10));
        assert!(observed.machines.iter().flat_map(|machine| &machine.nics).all(|nic| nic.network.is_some()));
        let last = desired.machines.iter().find(|machine| machine.name == "m9-28").unwrap();
        let address = last.nics[0].address.unwrap().addr();
        assert!(
            within(&lab.net("many", "m0-0"), &format!("ping -c 1 -W 3 {address}")),
            "across nine routers"
        );
        let dynamic = sh(&format!(
            "nsenter --net={} ip neigh show nud all | grep -cv -e PERMANENT -e NOARP || true",
            lab.net("many", "r0").display()
        ));
        assert_eq!(
            dynamic.trim(),
            "0",
            "neighbors are permanent, because the table is shared by all namespaces"
        );
        drive.down(&desired).await.unwrap();
        assert_gone(&drive.observe().await);
    });
}

/// Does a server in the one namespace accept a connection from the other one?
fn accepts(client: &Path, server: &Path, address: &str) -> bool {
    let address: SocketAddr = address.parse().unwrap();
    let inside = |net: &Path| {
        let file = std::fs::File::open(net).unwrap();
        setns(file, CloneFlags::CLONE_NEWNET).unwrap();
    };
    thread::scope(|scope| {
        let listening = scope.spawn(|| {
            inside(server);
            TcpListener::bind(address).unwrap()
        });
        let _listener = listening.join().unwrap();
        let connected = scope.spawn(|| {
            inside(client);
            TcpStream::connect_timeout(&address, Duration::from_millis(700)).is_ok()
        });
        connected.join().unwrap()
    })
}

#[test]
fn names_that_lead_out_of_the_directory_are_refused() {
    with_lab(|lab| async move {
        let drive = Drive::new(&*lab.local, "names");
        let desired = desired(56);
        for name in ["../up", ".hidden", "a/b", "", &"x".repeat(101)] {
            let mut spec = (*desired.machines[1]).clone();
            spec.name = (*name).to_owned();
            let refused = drive.ensure(&machine_wanted(&Arc::new(spec))).await;
            assert!(matches!(refused, Err(Error::Refused { .. })), "{name:?} {refused:?}");
            let machine = drive.owner.thing(ThingKind::Machine, name);
            assert!(drive.remove(&machine).await.is_err(), "{name:?}");
        }
        assert!(machines(&drive.owner, &desired).len() == 3);
        assert_gone(&drive.observe().await);
    });
}

//! Guests of the local platform: systems with systemd, from a template that `./test.sh` makes.

use std::{path::PathBuf, sync::Arc, time::Duration};

use platform::{
    Change, Error, MachineWanted, Platform, Power, Progress, SnapshotAction, Thing, ThingKind, Wanted,
    local::{Local, Options},
};
use range::document::MachineKind;
use testkit::template;

use crate::{
    conformance::assert_gone,
    drive::{Drive, expand, machine_wanted, wanted},
    lab::{sh, with_lab, within},
    ssh::Ssh,
};

/// A router and two guests behind it.
const YAML: &str = "name: r\nplatform: p\nnetworks: {dmz: {cidr: 10.80.1.0/24}, inner: {cidr: 10.80.2.0/24}}\nmachines:\n  \
    gw: {kind: namespace, role: router, networks: [dmz, inner]}\n  \
    web: {template: debian, networks: [dmz]}\n  db: {template: debian, networks: [inner]}\n\
    rules: [{from: dmz, to: inner, allow: [tcp/22, icmp]}]\n";

fn with_template(options: &Options, template: PathBuf) -> Local {
    Local::new(Options { templates: [("debian".to_owned(), template)].into(), ..options.clone() })
}

#[test]
fn guests_boot_keep_their_files_and_leave_nothing() {
    let Some(template) = template() else { return };
    with_lab(|lab| async move {
        let local = with_template(&lab.options, template);
        let (drive, desired, ssh) = (Drive::new(&local, "guests"), expand(YAML), Ssh::new());
        for wanted in wanted(&desired) {
            let wanted = match wanted {
                Wanted::Machine(machine) => {
                    Wanted::Machine(MachineWanted { spec: machine.spec, login: ssh.login() })
                }
                other => other,
            };
            assert_eq!(drive.ensure(&wanted).await.unwrap(), Change::Created);
            assert_eq!(drive.ensure(&wanted).await.unwrap(), Change::Adopted);
        }
        let [gw, web, db] = ["gw", "web", "db"].map(|name| drive.owner.thing(ThingKind::Machine, name));
        for machine in [&gw, &web, &db] {
            drive.power(machine, Power::On).await.unwrap();
        }
        for machine in [&gw, &web, &db] {
            drive.wait_ready(machine).await.unwrap();
        }
        let group = sh(&format!(
            "grep -ho 'rangehand-[0-9a-f]*' /proc/$(cut -d' ' -f1 {}/init)/cgroup | head -n1",
            lab.net("guests", "web").parent().unwrap().display()
        ));
        assert!(!group.is_empty(), "a guest has a control group of its own");
        let found = ssh
            .run(&local, &web, "hostname; id -u; ps -p 1 -o comm=; systemctl is-system-running --wait")
            .await;
        assert!(found.starts_with("web\n0\nsystemd\n"), "{found}");
        assert!(found.contains("running") || found.contains("degraded"), "{found}");
        assert!(
            within(&lab.net("guests", "web"), "ping -c 1 -W 2 10.80.2.10"),
            "one guest reaches the other"
        );
        let seen = ssh.run(&local, &web, "timeout 3 bash -c 'head -c 4 </dev/tcp/10.80.2.10/22'").await;
        assert_eq!(seen, "SSH-");
        ssh.run(&local, &web, "echo kept >/root/file; sync").await;
        stop_and_start(&drive, &web).await;
        assert_eq!(ssh.run(&local, &web, "cat /root/file").await, "kept\n");
        snapshots(&drive, &local, &ssh, &web).await;
        // Another process knows them, too.
        let other = with_template(&lab.options, "/nonexistent".into());
        let observed = Drive::new(&other, "guests").observe().await;
        let machine = observed.machine("web").unwrap();
        assert_eq!((machine.kind, machine.power), (MachineKind::Guest, Power::On));
        drive.down(&desired).await.unwrap();
        assert_gone(&drive.observe().await);
        assert!(!lab.options.state.join("guests/test").exists(), "files of guests are left");
        assert_eq!(sh(&format!("find /sys/fs/cgroup -maxdepth 2 -name '{}'", group.trim())), "");
    });
}

async fn stop_and_start(drive: &Drive<'_>, machine: &Thing) {
    drive.power(machine, Power::Off).await.unwrap();
    assert_eq!(drive.observe().await.machine(&machine.name).unwrap().power, Power::Off);
    drive.power(machine, Power::On).await.unwrap();
    drive.wait_ready(machine).await.unwrap();
}

async fn snapshots(drive: &Drive<'_>, local: &Local, ssh: &Ssh, machine: &Thing) {
    let take = SnapshotAction::Take("before".to_owned());
    assert!(matches!(local.snapshot(machine, &take).await, Err(Error::Refused { .. })), "while it runs");
    drive.power(machine, Power::Off).await.unwrap();
    for _ in 0..2 {
        assert_eq!(local.snapshot(machine, &take).await.unwrap(), Progress::Done);
    }
    drive.power(machine, Power::On).await.unwrap();
    drive.wait_ready(machine).await.unwrap();
    ssh.run(local, machine, "rm /root/file; echo new >/root/new; sync").await;
    drive.power(machine, Power::Off).await.unwrap();
    local.snapshot(machine, &SnapshotAction::Revert("before".to_owned())).await.unwrap();
    drive.power(machine, Power::On).await.unwrap();
    drive.wait_ready(machine).await.unwrap();
    assert_eq!(ssh.run(local, machine, "ls /root").await, "file\n");
    assert_eq!(drive.observe().await.machine(&machine.name).unwrap().snapshots, ["before"]);
    for _ in 0..2 {
        local.snapshot(machine, &SnapshotAction::Remove("before".to_owned())).await.unwrap();
    }
}

#[test]
fn a_template_is_a_directory_or_an_archive_and_an_unknown_one_is_refused() {
    with_lab(|lab| async move {
        let directory = lab.options.run.parent().unwrap().to_owned();
        sh(&format!(
            "cd {0} && mkdir -p tree/etc && echo x >tree/etc/x && tar -cf tree.tar -C tree .",
            directory.display()
        ));
        let local = with_template(&lab.options, directory.join("tree.tar"));
        let (drive, desired) = (Drive::new(&local, "templates"), expand(YAML));
        for wanted in &wanted(&desired)[..2] {
            drive.ensure(wanted).await.unwrap();
        }
        let mut spec = (*desired.machines[1]).clone();
        spec.template = Some("debain".to_owned());
        let refused = drive.ensure(&machine_wanted(&Arc::new(spec))).await.unwrap_err();
        assert!(
            refused.to_string().starts_with("unknown template `debain`: use debian\nhint: "),
            "{refused}"
        );
        drive.ensure(&machine_wanted(&desired.machines[1])).await.unwrap();
        let unpacked = sh(&format!("cat {}/unpacked/debian-*/etc/x", lab.options.state.display()));
        assert_eq!(unpacked, "x\n");
        // A tree without a system is no guest: that is found when it is to be ready.
        let web = drive.owner.thing(ThingKind::Machine, "web");
        let started = drive.power(&web, Power::On).await;
        let awaited = platform::Awaited::Ready { machine: web, ready: None, within: Duration::from_secs(2) };
        let ready = local.wait(&awaited).await;
        assert!(started.is_err() || ready.is_err(), "{started:?} {ready:?}");
        drive.down(&desired).await.unwrap();
        assert_gone(&drive.observe().await);
    });
}

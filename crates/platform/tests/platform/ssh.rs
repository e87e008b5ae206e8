//! SSH to machines of the local platform.

use std::{path::Path, process::Command, sync::Arc};

use platform::{Login, MachineWanted, Platform as _, Power, ThingKind, Wanted};

use crate::{
    drive::{Drive, desired, wanted},
    lab::{Lab, sh, with_lab},
};

#[test]
fn ssh_reaches_a_machine_with_an_exact_host_key_and_leaves_nothing() {
    with_lab(|lab| async move {
        let (drive, desired) = (Drive::new(&*lab.local, "ssh"), desired(54));
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("key");
        sh(&format!("ssh-keygen -q -t ed25519 -N '' -f {}", key.display()));
        let public = std::fs::read_to_string(dir.path().join("key.pub")).unwrap();
        for wanted in &wanted(&desired)[..2] {
            drive.ensure(wanted).await.unwrap();
        }
        let login = Login { authorized_keys: vec![public.trim().to_owned()] };
        let web = MachineWanted { spec: Arc::clone(&desired.machines[1]), login };
        drive.ensure(&Wanted::Machine(web)).await.unwrap();
        let machine = drive.owner.thing(ThingKind::Machine, "web");
        drive.power(&machine, Power::On).await.unwrap();
        drive.wait_ready(&machine).await.unwrap();
        let found = ssh(
            &lab,
            &machine,
            &key,
            dir.path(),
            "hostname; id -u; ls /home /dev/vda 2>&1; touch /etc/made; nohup sleep 999 >/dev/null 2>&1 &",
        )
        .await;
        assert!(found.starts_with("web\n0\n"), "{found}");
        assert!(found.contains("cannot access '/dev/vda'"), "{found}");
        assert!(!Path::new("/etc/made").exists(), "files of the machine that runs it stay as they are");
        let mounts =
            ssh(&lab, &machine, &key, dir.path(), "mount -t tmpfs x /mnt 2>&1; ls /run; cat /proc/mounts")
                .await;
        assert!(mounts.contains("permission denied") && !mounts.contains("nsfs"), "{mounts}");
        // A wrong host key is noticed.
        let wrong = public.split(' ').nth(1).unwrap();
        let known = dir.path().join("known_hosts");
        std::fs::write(&known, format!("web ssh-ed25519 {wrong}\n")).unwrap();
        assert!(!ssh_command(&lab, &machine, &key, &known, "true").await.status().unwrap().success());
        drive.power(&machine, Power::Off).await.unwrap();
        let sleeping = sh("pgrep -f '^sleep 999' || true");
        assert_eq!(sleeping, "", "everything that ran there has ended");
        drive.remove(&machine).await.unwrap();
        for network in &desired.networks {
            drive.remove(&drive.owner.thing(ThingKind::Network, &network.name)).await.unwrap();
        }
    });
}

async fn ssh(lab: &Lab, machine: &platform::Thing, key: &Path, dir: &Path, command: &str) -> String {
    let access = lab.local.access(machine).await.unwrap();
    let known = dir.join("known_hosts");
    std::fs::write(&known, format!("{} {}\n", machine.name, access.host_keys[0])).unwrap();
    let output = ssh_command(lab, machine, key, &known, command).await.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn ssh_command(
    lab: &Lab,
    machine: &platform::Thing,
    key: &Path,
    known: &Path,
    command: &str,
) -> Command {
    let access = lab.local.access(machine).await.unwrap();
    let mut ssh = Command::new("ssh");
    ssh.args([
        "-F",
        "/dev/null",
        "-n",
        "-o",
        "BatchMode=yes",
        "-o",
        "StrictHostKeyChecking=yes",
        "-o",
        "IdentitiesOnly=yes",
    ])
    .args(["-o", "ControlPath=none", "-o", "ProxyUseFdpass=yes", "-o", "GlobalKnownHostsFile=/dev/null"])
    .arg("-o")
    .arg(format!("UserKnownHostsFile={}", known.display()))
    .arg("-o")
    .arg(format!("ProxyCommand={}", access.connect.join(" ")))
    .arg("-i")
    .arg(key)
    .arg(format!("{}@{}", access.user, machine.name))
    .arg(command);
    ssh
}

//! What interrupted calls and restarts leave on the local platform.

use std::fs;

use platform::{MachineWanted, ThingKind, Wanted, local::Local};
use range::{document::MachineKind, expand::spec::MachineSpec};

use crate::{
    conformance::assert_gone,
    drive::{Drive, desired, expand, wanted},
    lab::{sh, with_lab},
};

#[test]
fn what_an_interrupted_removal_left_is_listed_and_removed_by_the_next_one() {
    with_lab(|lab| async move {
        let (drive, desired) = (Drive::new(&*lab.local, "part"), desired(72));
        for wanted in wanted(&desired) {
            drive.ensure(&wanted).await.unwrap();
        }
        // As if the process had been killed in the last steps of the removal of two machines.
        let machines = lab.options.run.join("test/part/machines");
        sh(&format!(
            "cd {} && umount -l web/net db/net && rm web/net && mv web .web.part && rm db/net",
            machines.display()
        ));
        let observed = drive.observe().await;
        assert!(observed.machine("web").is_none() && observed.machine("db").is_none(), "{observed:#?}");
        assert_eq!(observed.leftovers.len(), 2, "{observed:#?}");
        for name in ["web", "db"] {
            drive.remove(&drive.owner.thing(ThingKind::Machine, name)).await.unwrap();
        }
        assert_eq!(drive.observe().await.leftovers, []);
        drive.down(&desired).await.unwrap();
        assert_gone(&drive.observe().await);

        // The same of a range: without its networks, and without its namespace.
        let network = wanted(&desired).swap_remove(0);
        let thing = drive.owner.thing(ThingKind::Network, network.name());
        let ranges = lab.options.run.join("test");
        for script in [
            "nsenter --net=part/fabric ip -o link show type bridge | cut -d: -f2 | xargs -n1 nsenter --net=part/fabric ip link delete",
            "umount -l part/fabric && mv part .part.part",
        ] {
            drive.ensure(&network).await.unwrap();
            sh(&format!("cd {} && {script}", ranges.display()));
            assert_eq!(drive.observe().await.leftovers.len(), 1, "{script}");
            drive.remove(&thing).await.unwrap();
            assert_gone(&drive.observe().await);
            assert!(!lab.options.run.exists(), "{script}");
        }
    });
}

#[test]
fn files_of_guests_are_removed_after_a_restart_of_this_machine_and_their_loss_is_reported() {
    with_lab(|lab| async move {
        let mut options = lab.options.clone();
        // Nothing is started: any directory is a template.
        options.templates = [("debian".to_owned(), lab.options.run.parent().unwrap().to_owned())].into();
        let local = Local::new(options.clone());
        let (drive, desired) = (
            Drive::new(&local, "restart"),
            expand(
                "name: r\nplatform: p\nnetworks: {lan: {cidr: 10.73.1.0/24}}\nmachines: {web: {template: debian, networks: [lan]}}\n",
            ),
        );
        for wanted in wanted(&desired) {
            drive.ensure(&wanted).await.unwrap();
        }
        let spec: &MachineSpec = &desired.machines[0];
        assert_eq!(spec.kind, MachineKind::Guest);
        let files = options.state.join("guests/test/restart/web");
        fs::remove_dir_all(&files).unwrap();
        let damage = drive.observe().await.machine("web").unwrap().damage.clone().unwrap();
        assert_eq!(damage, format!("its files in `{}` no longer exist", files.display()));
        let again =
            Wanted::Machine(MachineWanted { spec: desired.machines[0].clone(), login: Default::default() });
        assert_eq!(drive.ensure(&again).await.unwrap(), platform::Change::Corrected);
        assert_eq!(drive.observe().await.machine("web").unwrap().damage, None);

        sh(&format!(
            "for at in $(awk '{{print $5}}' /proc/self/mountinfo | grep '^{0}' | sort -r); do umount -l $at; done; rm -rf {0}",
            lab.options.run.display()
        ));
        let restarted = Local::new(options.clone());
        let drive = Drive::new(&restarted, "restart");
        assert_gone(&drive.observe().await);
        assert!(files.exists());
        drive.down(&desired).await.unwrap();
        assert!(!options.state.join("guests").exists() || !files.exists(), "files of guests are left");
        assert!(!options.state.join("guests/test").exists(), "directories of guests are left");
    });
}

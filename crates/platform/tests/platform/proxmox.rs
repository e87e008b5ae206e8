//! Proxmox VE, on a simulator that checks every call by its schema; what was made is looked at by `proxmoxer`.

use std::sync::Arc;

use platform::{Change, Error, Platform, Power, Progress, SnapshotAction, ThingKind, Wanted};
use range::expand::spec::MachineSpec;
use serde_json::json;

use crate::{
    conformance::{self, Site, assert_gone},
    drive::{Drive, expand, machine_wanted, shape, wanted},
    proxmox_site::{ProxmoxSite, open},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proxmox_calls_may_be_repeated() {
    for site in [ProxmoxSite::with_zone().await, ProxmoxSite::with_bridges().await] {
        conformance::every_call_may_be_repeated(&site).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proxmox_things_that_are_wrong_are_corrected_and_missing_ones_are_gone() {
    let site = ProxmoxSite::with_zone().await;
    conformance::what_is_wrong_is_corrected(&site).await;
    conformance::what_is_not_there_is_gone(&site).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_proxmox_ranges_share_nothing() {
    let vlans = |options: &mut platform::proxmox::PlatformOptions| {
        (options.zone, options.vlans) = (Some("tagged".to_owned()), Some(100..=103));
        options.vm_ids = Some(5000..=5005);
    };
    for site in [ProxmoxSite::with(vlans).await, ProxmoxSite::with_bridges().await] {
        conformance::two_ranges_share_nothing(&site).await;
    }
}

/// Every call that changes something goes wrong once, in turn. The range is complete nevertheless, and nothing is left of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_proxmox_write_may_fail() {
    let site = ProxmoxSite::with_zone().await;
    let (drive, mut desired, before) =
        (Drive::new(&site.platform, "faults"), site.desired(44), site.foreign());
    desired.networks.truncate(1);
    desired.machines.retain(|machine| machine.name == "web");
    drive.up(&desired).await.unwrap();
    let right = shape(&drive.observe().await);
    drive.down(&desired).await.unwrap();
    // Those that prepare the simulator are not among them.
    let writes = site.simulator.changes().await.len();
    for (skip, effect) in
        (0..writes).flat_map(|skip| [(skip, "cut_after"), (skip, ["cut_before", "throttled"][skip % 2])])
    {
        let case = format!("{effect}, after {skip} that went well");
        site.fault(json!({"method": "POST|PUT|DELETE", "skip": skip, "effect": effect})).await;
        drive.up(&desired).await.unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(shape(&drive.observe().await), right, "{case}");
        drive.down(&desired).await.unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_gone(&drive.observe().await);
        site.fault(json!({})).await;
    }
    assert_eq!(site.foreign(), before);
    drive.ensure(&wanted(&desired)[0]).await.unwrap();
    site.fault(json!({"method": "POST", "path": "/clone$", "effect": "silent"})).await;
    let web = machine_wanted(&desired.machines[0]);
    assert!(matches!(site.platform.ensure(&drive.owner, &web).await, Err(Error::Unknown { .. })));
    assert_eq!(drive.observe().await.machines.len(), 1, "the clone is found by its name");
    site.fault(json!({"method": "PUT", "path": "/config$", "effect": "refused"})).await;
    let refused = site.platform.ensure(&drive.owner, &web).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Refused { what, .. } if what.contains("the cluster refuses")),
        "{refused:?}"
    );
    drive.down(&desired).await.unwrap();
    assert_gone(&drive.observe().await);
}

/// One range with everything that a machine can have, as an independent client sees it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_made_is_what_proxmoxer_sees() {
    let site = ProxmoxSite::with_zone().await;
    let drive = Drive::new(&site.platform, "seen");
    let document = "name: r\nplatform: pve\nnetworks: {dmz: {cidr: 10.47.1.0/24}}\nmachines:\n  \
        gw: {template: debian-12, role: router, networks: [uplink, dmz], cores: 3, memory_mb: 768, disk_gb: 6}\n  \
        web: {template: debian-12, networks: [dmz]}\n";
    let mut desired = expand(document);
    desired.routers.clear();
    let keys =
        vec!["ssh-ed25519 AAAAC3Nza+/= ann@example".to_owned(), "ssh-ed25519 AAAAC3Nzb bob".to_owned()];
    let made = |spec: &Arc<MachineSpec>| {
        let login = platform::Login { authorized_keys: keys.clone() };
        Wanted::Machine(platform::MachineWanted { spec: Arc::clone(spec), login })
    };
    drive.ensure(&wanted(&desired)[0]).await.unwrap();
    for spec in &desired.machines {
        assert_eq!(drive.ensure(&made(spec)).await.unwrap(), Change::Created);
        assert_eq!(drive.ensure(&made(spec)).await.unwrap(), Change::Adopted);
    }
    let [gw, web] = ["gw", "web"].map(|name| drive.owner.thing(ThingKind::Machine, name));
    for machine in [&gw, &web] {
        drive.power(machine, Power::On).await.unwrap();
        drive.wait_ready(machine).await.unwrap();
    }
    let state = site.simulator.proxmoxer_state("rangehand.test.seen");
    let (id, vnet) = state["vnets"].as_object().unwrap().iter().next().unwrap();
    assert_eq!(
        (&vnet["zone"], &vnet["alias"]),
        (&json!("lab"), &json!("rangehand/test/seen dmz 10.47.1.0/24"))
    );
    let found = &state["machines"]["gw"];
    let config = &found["config"];
    assert_eq!(found["status"], "running");
    assert_eq!((&config["cores"], &config["memory"]), (&json!("3"), &json!("768")));
    assert_eq!(
        config["sshkeys"],
        "ssh-ed25519%20AAAAC3Nza%2B%2F%3D%20ann%40example%0Assh-ed25519%20AAAAC3Nzb%20bob"
    );
    assert!(config["scsi0"].as_str().unwrap().ends_with("size=6G"), "{config:#}");
    let calls = site.simulator.changes().await;
    let clones = calls.iter().filter(|(_, path, _)| path.ends_with("/9001/clone"));
    assert!(
        clones.clone().count() == 2 && clones.into_iter().all(|(.., form)| form.contains("full=0")),
        "{calls:?}"
    );
    let card = |key: &str| config[key].as_str().unwrap().to_owned();
    assert!(card("net0").starts_with("virtio=02:") && card("net0").ends_with(",bridge=vmbr0"), "{config:#}");
    assert!(card("net1").ends_with(&format!(",bridge={id}")), "{config:#}");
    assert_eq!((card("ipconfig0"), card("ipconfig1")), ("ip=dhcp".to_owned(), "ip=10.47.1.1/24".to_owned()));
    assert_eq!(state["machines"]["web"]["config"]["ipconfig0"], "ip=10.47.1.10/24,gw=10.47.1.1");
    let access = site.platform.access(&gw).await.unwrap();
    assert!(access.address.to_string().starts_with("192.0.2."), "the agent reports it: {access:?}");
    assert_eq!(site.platform.access(&web).await.unwrap().address.to_string(), "10.47.1.10");
    snapshots(&site, &drive).await;
    drive.down(&desired).await.unwrap();
    let left = site.simulator.proxmoxer_state("rangehand.test.seen");
    assert_eq!(left, json!({"machines": {}, "vnets": {}, "bridges": {}}));
}

async fn snapshots(site: &ProxmoxSite, drive: &Drive<'_>) {
    let web = drive.owner.thing(ThingKind::Machine, "web");
    drive.power(&web, Power::Off).await.unwrap();
    let act = async |action: SnapshotAction| {
        let progress = site.platform.snapshot(&web, &action).await?;
        if let Progress::Pending(handle) = progress {
            site.platform.wait(&platform::Awaited::Task(handle)).await?;
        }
        Ok::<(), Error>(())
    };
    let name = "before".to_owned();
    for action in [SnapshotAction::Take(name.clone()), SnapshotAction::Take(name.clone())] {
        act(action).await.unwrap();
    }
    assert_eq!(drive.observe().await.machine("web").unwrap().snapshots, ["before"]);
    act(SnapshotAction::Revert(name.clone())).await.unwrap();
    for _ in 0..2 {
        act(SnapshotAction::Remove(name.clone())).await.unwrap();
    }
    assert!(matches!(act(SnapshotAction::Revert(name)).await, Err(Error::Gone { .. })));
    let refused = act(SnapshotAction::Take("1st".to_owned())).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
}

/// What others staged, protected machines, machines with our names, and locks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_others_is_left_alone() {
    for (site, path, body) in [
        (ProxmoxSite::with_zone().await, "cluster/sdn/vnets", json!({"vnet": "office", "zone": "lab"})),
        (
            ProxmoxSite::with_bridges().await,
            "nodes/pve1/network",
            json!({"iface": "vmbr7", "type": "bridge"}),
        ),
    ] {
        let (drive, desired) = (Drive::new(&site.platform, "others"), site.desired(48));
        let _ = site.simulator.proxmoxer_call("POST", path, &body);
        let refused = drive.ensure(&wanted(&desired)[0]).await.unwrap_err().to_string();
        assert!(refused.contains("others have staged"), "{refused}");
        let name = body["vnet"].as_str().or_else(|| body["iface"].as_str()).unwrap();
        assert!(refused.contains(name) && refused.contains("hint: apply or revert them"), "{refused}");
        let staged = site.simulator.read(path).await;
        assert!(!staged.to_string().contains("rangehand"), "nothing was staged: {staged}");
    }
    let site = ProxmoxSite::with_zone().await;
    let (drive, desired) = (Drive::new(&site.platform, "others"), site.desired(49));
    let body = json!({"vmid": 700, "name": "gw", "tags": "rangehand;rangehand.test.other"});
    let _ = site.simulator.proxmoxer_call("POST", "nodes/pve1/qemu", &body);
    let before = site.simulator.proxmoxer_state("rangehand.test.other");
    site.simulator.post("/lock", json!({"vmid": 9001, "lock": "backup", "seconds": 0.5})).await;
    drive.up(&desired).await.unwrap();
    let gw = drive.observe().await.machine("gw").unwrap().id.parse().unwrap();
    let careful = open(&site.simulator, |options| {
        (options.zone, options.protected) = (Some("lab".to_owned()), vec![700..=700, gw..=gw]);
    });
    let machine = drive.owner.thing(ThingKind::Machine, "gw");
    for result in
        [careful.power(&machine, Power::Off).await.map(drop), careful.remove(&machine).await.map(drop)]
    {
        let refused = result.unwrap_err().to_string();
        assert!(refused.contains(&format!("machine {gw} of Proxmox is protected")), "{refused}");
    }
    drive.down(&desired).await.unwrap();
    assert_gone(&drive.observe().await);
    assert_eq!(site.simulator.proxmoxer_state("rangehand.test.other"), before);
}

/// Version, templates, and what is missing; then two nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proxmox_is_described_and_machines_are_spread_over_nodes() {
    let site = ProxmoxSite::with_zone().await;
    let described = site.platform.describe().await.unwrap();
    assert_eq!(described.version.as_deref(), Some("Proxmox VE 9.0.10"));
    assert!(described.missing.is_empty(), "{:?}", described.missing);
    let templates = described.rules.templates.unwrap();
    assert_eq!(templates["debian-12"].disk_gb, Some(4));
    assert!(templates.contains_key("9001") && templates.contains_key("tpl-debian"));
    assert_eq!(described.subnets_in_use, ["192.0.2.0/24".parse().unwrap()]);
    site.simulator.post("/node", json!({"name": "pve2", "template": 9002})).await;
    let drive = Drive::new(&site.platform, "spread");
    drive.up(&site.desired(51)).await.unwrap();
    let state = site.simulator.proxmoxer_state("rangehand.test.spread");
    let machines = state["machines"].as_object().unwrap();
    assert_eq!(machines["gw"]["node"], "pve2", "it has more free memory: {state:#}");
    drive.down(&site.desired(51)).await.unwrap();
    let bridges = open(&site.simulator, |_| {});
    assert_eq!(bridges.describe().await.unwrap().missing.len(), 1);
    let refused = bridges.observe(&drive.owner).await.unwrap_err().to_string();
    assert!(refused.contains("hint: set `zone`"), "{refused}");
    let granted = json!({"path": "/", "privileges": ["VM.Audit", "Sys.Audit", "VM.Clone", "SDN.Audit"]});
    site.simulator.post("/grant", granted).await;
    let missing = site.platform.describe().await.unwrap().missing;
    let missing: Vec<String> = missing.into_iter().map(|missing| missing.what).collect();
    assert!(missing.contains(&"privilege VM.Config.Network".to_owned()), "{missing:?}");
    assert!(!missing.contains(&"privilege VM.Clone".to_owned()), "{missing:?}");
}

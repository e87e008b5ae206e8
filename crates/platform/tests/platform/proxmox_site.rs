//! A simulated Proxmox VE that the platform is opened on, and what tests do to it besides.

use std::time::Duration;

use platform::{
    Fault, Platform,
    proxmox::{Credentials, Options, PlatformOptions, Proxmox},
};
use range::{Desired, PlatformRules};
use serde_json::{Value, json};
use testkit::Simulator;
use tokio::{runtime::Handle, task::block_in_place};

use crate::{conformance::Site, drive::desired_of};

/// How long a call may take; a silent server costs a test this long.
const TIMEOUT: Duration = Duration::from_millis(1500);

/// A simulator, and the platform on it. Tests need a runtime of several threads.
pub(crate) struct ProxmoxSite {
    pub(crate) simulator: Simulator,
    pub(crate) platform: Proxmox,
}

impl ProxmoxSite {
    /// Networks are virtual networks of a simple zone.
    pub(crate) async fn with_zone() -> Self {
        Self::with(|options| options.zone = Some("lab".to_owned())).await
    }

    /// Networks are bridges of the node.
    pub(crate) async fn with_bridges() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut PlatformOptions)) -> Self {
        let simulator = Simulator::with_template().await;
        let platform = open(&simulator, change);
        Self { simulator, platform }
    }

    /// Makes calls go wrong; see `tests/lab/proxmox_ranges.py`.
    pub(crate) async fn fault(&self, fault: Value) {
        self.simulator.post("/fault", fault).await;
    }
}

/// A platform on a simulator.
pub(crate) fn open(simulator: &Simulator, change: impl FnOnce(&mut PlatformOptions)) -> Proxmox {
    let text = |name: &str| simulator.text(name).to_owned();
    let mut options = PlatformOptions {
        credentials: Credentials {
            api_host: text("host"),
            node: String::new(),
            user: text("user"),
            token_id: text("token_id"),
            token_secret: text("token_secret").into(),
        },
        client: Options { verify_tls: true, ca_file: None, timeout: TIMEOUT },
        rules: PlatformRules { name: "pve".to_owned(), ..PlatformRules::default() },
        nodes: Vec::new(),
        storage: None,
        zone: None,
        vlans: None,
        uplink: Some("vmbr0".to_owned()),
        vm_ids: None,
        protected: Vec::new(),
        full_clones: false,
        clones_at_once: 4,
    };
    change(&mut options);
    Proxmox::new(options)
}

impl Site for ProxmoxSite {
    fn platform(&self) -> &dyn Platform {
        &self.platform
    }

    fn foreign(&self) -> String {
        block_in_place(|| Handle::current().block_on(foreign(&self.simulator)))
    }

    fn set_faults(&self, _: Vec<Fault>) {}

    fn desired(&self, octet: u8) -> Desired {
        let mut desired = desired_of("template: debian-12", octet);
        // Routers set their own rules.
        desired.routers.clear();
        desired
    }
}

/// What Rangehand did not create.
async fn foreign(simulator: &Simulator) -> String {
    let mut found = Vec::new();
    for machine in items(&simulator.read("cluster/resources?type=vm").await) {
        let text = |key: &str| machine[key].as_str().unwrap_or_default().to_owned();
        if text("type") == "qemu" && !text("tags").contains("rangehand") && !text("name").contains(".rh-") {
            let path = format!("nodes/{}/qemu/{}/config", text("node"), machine["vmid"]);
            found.push(json!([machine["vmid"], machine["status"], simulator.read(&path).await]));
        }
    }
    let is_foreign =
        |item: &&Value, key: &str| !item[key].as_str().unwrap_or_default().starts_with("rangehand/");
    let vnets = items(&simulator.read("cluster/sdn/vnets?running=1").await);
    found.extend(vnets.iter().filter(|item| is_foreign(item, "alias")).cloned());
    let interfaces = items(&simulator.read("nodes/pve1/network").await);
    found.extend(interfaces.iter().filter(|item| is_foreign(item, "comments")).cloned());
    found.iter().map(|item| format!("{item}\n")).collect()
}

fn items(list: &Value) -> Vec<Value> {
    list.as_array().cloned().unwrap_or_default()
}

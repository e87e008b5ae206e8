//! What Proxmox can do here: version, templates, subnets that are in use, and what is missing.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use range::{PlatformRules, document::MachineKind, platform_rules::Template};
use serde_json::Value;

use super::{
    failure::class,
    guests::{self, Guest, text},
    platform::Proxmox,
    platform_options::PlatformOptions,
    together::together,
};
use crate::{
    description::{Capabilities, Description, Missing},
    error::Error,
};

/// Privileges that ranges need in any case.
const PRIVILEGES: [&str; 15] = [
    "Datastore.AllocateSpace",
    "SDN.Use",
    "Sys.Audit",
    "VM.Allocate",
    "VM.Audit",
    "VM.Clone",
    "VM.Config.CDROM",
    "VM.Config.CPU",
    "VM.Config.Cloudinit",
    "VM.Config.Disk",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.PowerMgmt",
    "VM.Snapshot",
];
/// The first version in which the agent has privileges of its own.
const AGENT_PRIVILEGES: u32 = 9;
/// The most network interfaces of a machine.
const MAX_NICS: usize = 32;

impl Proxmox {
    pub(super) async fn description(&self) -> Result<Description, Error> {
        let version = self.api.get("version").await?;
        let version = text(&version.get("version").cloned());
        let nodes = self.nodes().await?;
        let guests = guests::list(&self.api, &nodes).await?;
        let held = self.api.get("access/permissions").await?;
        let mut missing: Vec<Missing> = missing_privileges(&self.options, &version, &held)
            .into_iter()
            .map(|privilege| needed(format!("privilege {privilege}"), "give it to the token"))
            .collect();
        let network = self.missing_network(&nodes).await?;
        missing.extend(network.map(|what| needed(what, "see docs/platforms.md: the network of Proxmox")));
        if !guests.iter().any(|guest| guest.is_template) {
            missing.push(needed("a template".to_owned(), "create one with cloud-init and the guest agent"));
        }
        Ok(Description {
            rules: PlatformRules {
                max_nics: MAX_NICS,
                kinds: vec![MachineKind::Guest],
                templates: Some(templates(&guests)),
                snapshots_while_running: false,
                ..self.options.rules.clone()
            },
            capabilities: Capabilities {
                snapshots: true,
                rules: false,
                uplink: self.options.uplink.is_some(),
            },
            subnets_in_use: self.subnets(&nodes).await?,
            version: Some(format!("Proxmox VE {version}")),
            missing,
        })
    }

    /// What is missing for networks.
    async fn missing_network(&self, nodes: &[String]) -> Result<Option<String>, Error> {
        let Some(wanted) = &self.options.zone else {
            let hint = "`zone`, or one node in `nodes`: bridges belong to one node";
            return Ok((nodes.len() != 1).then(|| hint.to_owned()));
        };
        let zones = self.api.list("cluster/sdn/zones", &[]).await?;
        let Some(zone) = zones.iter().find(|zone| zone["zone"] == wanted.as_str()) else {
            return Ok(Some(format!("SDN zone `{wanted}`")));
        };
        let kind = text(&zone.get("type").cloned());
        Ok(match (kind.as_str(), &self.options.vlans) {
            ("simple", None) | ("vlan", Some(_)) => None,
            ("simple", Some(_)) => {
                Some(format!("a zone of type `vlan`: `{wanted}` is `simple`, and has no `vlans`"))
            }
            ("vlan", None) => Some(format!("`vlans`: the networks of zone `{wanted}` need a VLAN each")),
            _ => Some(format!("a zone of type `simple` or `vlan`: `{wanted}` is of type `{kind}`")),
        })
    }

    /// Subnets of the nodes themselves.
    async fn subnets(&self, nodes: &[String]) -> Result<Vec<IpNet>, Error> {
        let reads: Vec<_> = nodes.iter().map(|node| self.api.node(node)).collect();
        let calls = reads
            .into_iter()
            .map(|reads| async move { reads.interfaces().await.map_err(|error| class(error, false)) });
        let interfaces = together(calls).await?.into_iter().flatten().flatten();
        let subnets = interfaces.filter_map(|interface| text(&interface.cidr).parse::<IpNet>().ok());
        Ok(subnets.map(|net| net.trunc()).collect::<BTreeSet<_>>().into_iter().collect())
    }
}

fn needed(what: String, hint: &str) -> Missing {
    Missing { what, hint: hint.to_owned() }
}

/// All templates, by name and by number.
fn templates(guests: &[Guest]) -> BTreeMap<String, Template> {
    let templates = guests.iter().filter(|guest| guest.is_template);
    templates
        .flat_map(|guest| {
            let size = |bytes: u64, unit: u32| {
                u32::try_from(bytes.div_ceil(1 << unit)).ok().filter(|size| *size > 0)
            };
            let template = Template {
                cores: u32::try_from(guest.cores).ok().filter(|cores| *cores > 0),
                memory_mb: size(guest.memory, 20),
                disk_gb: size(guest.disk, 30),
            };
            [(guest.name.clone(), template.clone()), (guest.id.to_string(), template)]
        })
        .filter(|(name, _)| !name.is_empty())
        .collect()
}

/// Privileges that the token has on no path.
fn missing_privileges(options: &PlatformOptions, version: &str, held: &Value) -> Vec<&'static str> {
    let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or_default();
    let mut needed: BTreeSet<&str> = PRIVILEGES.into();
    needed.insert("VM.Snapshot.Rollback");
    needed.insert(if major < AGENT_PRIVILEGES { "VM.Monitor" } else { "VM.GuestAgent.Audit" });
    needed.insert(if options.zone.is_some() { "SDN.Allocate" } else { "Sys.Modify" });
    let paths = held.as_object().into_iter().flatten();
    let held: BTreeSet<&str> = paths
        .flat_map(|(_, privileges)| privileges.as_object().into_iter().flatten())
        .map(|(privilege, _)| privilege.as_str())
        .collect();
    needed.into_iter().filter(|privilege| !held.contains(privilege)).collect()
}

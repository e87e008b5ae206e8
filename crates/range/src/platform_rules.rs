//! What a platform accepts, as a value: names, numbers of interfaces, templates, kinds of machines, and limits.
//!
//! The checks are given it; no platform is known here.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{document::MachineKind, plan::step::StepKind};

/// How long steps take, in milliseconds, by kind and by template of the machine. The empty name is for all others.
pub type Durations = BTreeMap<StepKind, BTreeMap<String, u64>>;

/// What a platform accepts and provides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlatformRules {
    /// The platform, for messages.
    pub name: String,
    /// Which names machines may have.
    pub machine_names: NameRule,
    /// The most network interfaces of a machine.
    pub max_nics: usize,
    /// The kinds of machines that it makes.
    pub kinds: Vec<MachineKind>,
    /// Its templates; `None` if they are not known.
    pub templates: Option<BTreeMap<String, Template>>,
    /// Can the service reach machines without a path through the range, as on the local machine?
    pub reaches_machines: bool,
    /// Can the subnet of a network change while machines are attached? Otherwise network and machines are replaced.
    pub changes_subnets: bool,
    /// Can snapshots be taken, and reverted to, while a machine is running? Otherwise it is stopped for that.
    pub snapshots_while_running: bool,
    /// Where subnets without a fixed address come from.
    pub pool: Pool,
    /// What the range may use.
    pub limits: Limits,
    /// How long steps usually take, for plans without a history.
    pub durations: Durations,
}

impl Default for PlatformRules {
    /// Rules that most platforms share.
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            machine_names: NameRule::default(),
            max_nics: 32,
            kinds: MachineKind::ALL.to_vec(),
            templates: None,
            reaches_machines: false,
            changes_subnets: true,
            snapshots_while_running: true,
            pool: Pool::default(),
            limits: Limits::default(),
            durations: Durations::new(),
        }
    }
}

/// Which names are accepted. The default is that of DNS labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NameRule {
    /// The longest name, in bytes.
    pub max_bytes: usize,
    /// The longest part between two dots, in bytes.
    pub max_label_bytes: usize,
    /// Are dots accepted, between labels?
    pub dots: bool,
    /// Are underscores accepted?
    pub underscores: bool,
    /// Are uppercase letters accepted?
    pub uppercase: bool,
    /// Must a name begin with a letter?
    pub begins_with_letter: bool,
    /// Names that the platform uses itself.
    pub reserved: Vec<String>,
}

impl Default for NameRule {
    fn default() -> Self {
        Self {
            max_bytes: 63,
            max_label_bytes: 63,
            dots: false,
            underscores: false,
            uppercase: true,
            begins_with_letter: false,
            reserved: Vec::new(),
        }
    }
}

impl NameRule {
    /// Why the name is refused, if it is.
    ///
    /// # Errors
    /// The reason, with what is accepted.
    pub fn check(&self, name: &str) -> Result<(), String> {
        if name.is_empty() || name.len() > self.max_bytes {
            return Err(format!("it has {} bytes; 1 to {} are accepted", name.len(), self.max_bytes));
        }
        let is_accepted = |byte: u8| match byte {
            b'A'..=b'Z' => self.uppercase,
            b'_' => self.underscores,
            _ => {
                byte.is_ascii_lowercase()
                    || byte.is_ascii_digit()
                    || byte == b'-'
                    || (byte == b'.' && self.dots)
            }
        };
        if let Some(bad) = name.chars().find(|c| !u8::try_from(*c).is_ok_and(is_accepted)) {
            return Err(format!("it contains `{}`; {} are accepted", bad.escape_debug(), self.accepted()));
        }
        if self.begins_with_letter && !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err("it does not begin with a letter".to_owned());
        }
        for label in name.split('.') {
            if label.len() > self.max_label_bytes {
                return Err(format!(
                    "`{label}` has {} bytes; at most {} are accepted",
                    label.len(),
                    self.max_label_bytes
                ));
            }
            let is_end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
            if !is_end(label.bytes().next()) || !is_end(label.bytes().next_back()) {
                return Err("it does not begin and end with a letter or digit".to_owned());
            }
        }
        if self.reserved.iter().any(|reserved| reserved == name) {
            return Err("it is reserved".to_owned());
        }
        Ok(())
    }

    fn accepted(&self) -> String {
        let more = [(self.dots, "`.`"), (self.underscores, "`_`")];
        let more: String =
            more.iter().filter(|(is_on, _)| *is_on).map(|(_, sign)| format!(", {sign}")).collect();
        format!("{}, digits, `-`{more}", if self.uppercase { "letters" } else { "lowercase letters" })
    }
}

/// What is known of a template.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Template {
    /// CPU cores of a machine that asks for none.
    pub cores: Option<u32>,
    /// Memory of a machine that asks for none, in MiB.
    pub memory_mb: Option<u32>,
    /// Disk of a machine that asks for none, in GiB; also the least that fits.
    pub disk_gb: Option<u32>,
}

/// Where subnets come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pool {
    /// The whole, to be divided.
    pub subnets: Vec<IpNet>,
    /// Bits of a host in the subnet of a network: 8 results in a `/24` in IPv4.
    pub network_bits: u8,
    /// Bits of a host in the subnet of a link: 2 results in a `/30` in IPv4.
    pub link_bits: u8,
}

impl Default for Pool {
    fn default() -> Self {
        let all = ipnet::Ipv4Net::new(std::net::Ipv4Addr::new(10, 64, 0, 0), 10);
        Self { subnets: all.ok().map(IpNet::V4).into_iter().collect(), network_bits: 8, link_bits: 2 }
    }
}

/// The most that the range may use; `None` for no limit. A quota that others share is passed as what is left of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Instances.
    pub instances: Option<u64>,
    /// Machines of all instances.
    pub machines: Option<u64>,
    /// Networks and links of all instances.
    pub networks: Option<u64>,
    /// CPU cores of all machines.
    pub cores: Option<u64>,
    /// Memory of all machines, in MiB.
    pub memory_mb: Option<u64>,
    /// Disk of all machines, in GiB.
    pub disk_gb: Option<u64>,
}

/// What machines use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Machines.
    pub machines: u64,
    /// Networks and links.
    pub networks: u64,
    /// CPU cores.
    pub cores: u64,
    /// Memory in MiB.
    pub memory_mb: u64,
    /// Disk in GiB.
    pub disk_gb: u64,
}

/// Cores, memory in MiB and disk in GiB of a guest where neither document nor template says anything.
const USUAL: (u32, u32, u32) = (1, 1024, 8);

impl PlatformRules {
    /// Cores, memory in MiB and disk in GiB that a machine uses.
    #[must_use]
    pub fn resources(
        &self,
        kind: MachineKind,
        template: Option<&str>,
        asked: (Option<u32>, Option<u32>, Option<u32>),
    ) -> (u64, u64, u64) {
        let usual = match kind {
            MachineKind::Guest => USUAL,
            MachineKind::Namespace => (0, 16, 0),
        };
        let template = self.templates.as_ref().zip(template).and_then(|(all, name)| all.get(name));
        let of = |asked: Option<u32>, in_template: fn(&Template) -> Option<u32>, usual: u32| {
            u64::from(asked.or_else(|| template.and_then(in_template)).unwrap_or(usual))
        };
        (
            of(asked.0, |template| template.cores, usual.0),
            of(asked.1, |template| template.memory_mb, usual.1),
            of(asked.2, |template| template.disk_gb, usual.2),
        )
    }
}

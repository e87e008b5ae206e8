//! When a machine is ready, and how it is reached: its addresses, from the agent in the guest or from its configuration.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use range::document::{Probe, Ready};
use serde_json::Value;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use super::{
    configuration::{USER, address_of},
    guests::Guest,
    machine_config::MachineConfig,
    platform::Proxmox,
};
use crate::{error::Error, owner::Thing, platform::Access};

/// The first and the longest pause between two queries of a machine.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
const SSH: u16 = 22;
const WINRM: u16 = 5986;

impl Proxmox {
    /// Waits until the agent in the guest answers. A port is tried, too, where the machine is attached to the uplink: others are not
    /// reached from here.
    pub(super) async fn wait_ready(
        &self,
        machine: &Thing,
        ready: Option<Ready>,
        within: Duration,
    ) -> Result<(), Error> {
        let begun = Instant::now();
        let mut pause = PAUSE.0;
        loop {
            let guest = self.existing(machine).await?;
            let why = match self.is_ready(&guest, ready).await {
                Ok(None) => return Ok(()),
                Ok(Some(why)) => why,
                Err(error) if error.is_transient() => error.to_string(),
                Err(error) => return Err(error),
            };
            if begun.elapsed() >= within {
                let what = format!("{machine} is not ready after {} s: {why}", within.as_secs());
                let hint =
                    format!("open the console of machine {} of Proxmox on node `{}`", guest.id, guest.node);
                return Err(Error::refused_with(what, hint));
            }
            sleep(pause.min(within.saturating_sub(begun.elapsed()))).await;
            pause = (pause * 3 / 2).min(PAUSE.1);
        }
    }

    /// Why a machine is not ready, if it isn't.
    async fn is_ready(&self, guest: &Guest, ready: Option<Ready>) -> Result<Option<String>, Error> {
        let probe = ready.and_then(|ready| ready.by);
        if !guest.is_running {
            return Ok(Some("it is not running".to_owned()));
        }
        if probe == Some(Probe::None) {
            return Ok(None);
        }
        let port = match (ready.and_then(|ready| ready.tcp), probe) {
            (Some(port), _) => u16::try_from(port.0).ok(),
            (None, Some(Probe::Ssh)) => Some(SSH),
            (None, Some(Probe::Winrm)) => Some(WINRM),
            (None, Some(Probe::Agent | Probe::None) | None) => None,
        };
        let Some(interfaces) = self.interfaces(guest).await? else {
            return Ok(Some("the agent in the guest does not answer".to_owned()));
        };
        let config = guest.config(&self.api).await?;
        let Some(card) = self.uplink_card(&config) else { return Ok(None) };
        let Some(address) = address_of_card(&interfaces, &card) else {
            return Ok(Some("it has no address of the uplink".to_owned()));
        };
        let Some(port) = port else { return Ok(None) };
        let address = SocketAddr::new(address, port);
        let is_open = timeout(CONNECT, TcpStream::connect(address)).await.is_ok_and(|stream| stream.is_ok());
        Ok((!is_open).then(|| format!("{address} accepts no connection")))
    }

    /// How a machine is reached: by its address of the uplink, and otherwise by that of its first network interface.
    pub(super) async fn access_to(&self, machine: &Thing) -> Result<Access, Error> {
        let found =
            self.find(machine).await?.ok_or_else(|| Error::gone(format!("{machine} does not exist")))?;
        let config = found.guest.config(&self.api).await?;
        let uplink = match self.uplink_card(&config) {
            Some(card) if found.guest.is_running => {
                let interfaces = self.interfaces(&found.guest).await?.unwrap_or_default();
                address_of_card(&interfaces, &card)
            }
            _ => None,
        };
        let mut configured = config.numbers("ipconfig");
        configured.sort_unstable();
        let configured =
            configured.into_iter().filter_map(|at| address_of(&config.text(&format!("ipconfig{at}"))?));
        let address = uplink.or_else(|| configured.map(|net| net.addr()).next());
        let address = address.ok_or_else(|| {
            Error::refused_with(
                format!("{machine} has no known address"),
                "start it; its agent reports addresses",
            )
        })?;
        Ok(Access { address, port: SSH, user: USER.to_owned(), host_keys: Vec::new(), connect: Vec::new() })
    }

    /// The hardware address of the network interface at the uplink.
    fn uplink_card(&self, config: &MachineConfig) -> Option<String> {
        let cards = config.network_cards()?;
        let card = cards
            .iter()
            .find(|card| card.bridge.is_some() && card.bridge == self.options.uplink.as_deref())?;
        card.mac.map(str::to_ascii_lowercase)
    }

    /// The network interfaces that the agent reports; `None` if it does not answer.
    async fn interfaces(&self, guest: &Guest) -> Result<Option<Vec<Value>>, Error> {
        match self.api.get(&guest.path("/agent/network-get-interfaces")).await {
            Ok(answer) => Ok(Some(answer["result"].as_array().cloned().unwrap_or_default())),
            Err(Error::Refused { what, .. } | Error::Retry { what, .. }) if is_silent(&what) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Does an error of Proxmox say that the agent does not answer, or not yet?
fn is_silent(what: &str) -> bool {
    ["guest agent is not running", "No QEMU guest agent", "is not running", "qmp command", "got timeout"]
        .iter()
        .any(|text| what.contains(text))
}

/// The first address of an interface that is not link-local; IPv4 first.
fn address_of_card(interfaces: &[Value], mac: &str) -> Option<IpAddr> {
    let is_card = |interface: &&Value| {
        interface["hardware-address"].as_str().is_some_and(|found| found.eq_ignore_ascii_case(mac))
    };
    let addresses = interfaces.iter().find(is_card)?["ip-addresses"].as_array()?;
    let addresses =
        addresses.iter().filter_map(|address| address["ip-address"].as_str()?.parse::<IpAddr>().ok());
    let is_usable = |address: &IpAddr| match address {
        IpAddr::V4(address) => !address.is_link_local() && !address.is_loopback(),
        IpAddr::V6(address) => !address.is_unicast_link_local() && !address.is_loopback(),
    };
    addresses.filter(is_usable).min_by_key(IpAddr::is_ipv6)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_address_of_the_interface_with_this_hardware_address_is_found() {
        let interfaces = json!([
            {"name": "lo", "hardware-address": "00:00:00:00:00:00", "ip-addresses": [{"ip-address": "127.0.0.1"}]},
            {"name": "docker0", "hardware-address": "02:42:00:00:00:01", "ip-addresses": [{"ip-address": "172.17.0.1"}]},
            {"name": "eth1", "hardware-address": "02:00:00:00:00:0A", "ip-addresses": [
                {"ip-address": "fe80::1"}, {"ip-address": "fd00::5"}, {"ip-address": "192.0.2.7"}]},
        ]);
        let found = |mac: &str| address_of_card(interfaces.as_array().unwrap(), mac);
        assert_eq!(found("02:00:00:00:00:0a"), Some("192.0.2.7".parse().unwrap()));
        assert_eq!((found("00:00:00:00:00:00"), found("02:00:00:00:00:0b")), (None, None));
    }
}

//! How Proxmox remembers who a thing belongs to: tags and descriptions of machines, aliases of virtual networks, comments of bridges.

use range::document::Cidr;

use crate::owner::Owner;

/// The tag of everything that Rangehand creates.
pub(super) const TAG: &str = "rangehand";
/// The longest id of a virtual network.
const NETWORK_ID: usize = 8;

/// The tag of the machines of an owner. Words of an owner have no dots.
pub(super) fn tag(owner: &Owner) -> String {
    format!("{TAG}.{}.{}", owner.service(), owner.range())
}

/// All tags of a machine.
pub(super) fn tags(text: &str) -> impl Iterator<Item = &str> {
    text.split([';', ',', ' ']).filter(|tag| !tag.is_empty())
}

/// The name of a machine until it has all of its configuration: a clone gets a name, but no tags.
pub(super) fn unfinished_name(owner: &Owner, machine: &str) -> String {
    format!("{machine}.{}", suffix(owner))
}

/// The name of a machine in its range, and whether its configuration was completed, if it belongs to the owner.
pub(super) fn belongs<'a>(owner: &Owner, name: &'a str, tags_of_machine: &str) -> Option<(&'a str, bool)> {
    let own = tag(owner);
    let unfinished = name.strip_suffix(&suffix(owner)).and_then(|name| name.strip_suffix('.'));
    match unfinished {
        Some(name) => Some((name, false)),
        None => tags(tags_of_machine).any(|tag| tag == own).then_some((name, true)),
    }
}

fn suffix(owner: &Owner) -> String {
    let digits: String = owner.fingerprint("unfinished").iter().map(|byte| format!("{byte:02x}")).collect();
    format!("rh-{digits}")
}

/// A stable hardware address.
pub(super) fn mac(owner: &Owner, machine: &str, nic: usize) -> String {
    let [a, b, c, d, e, ..] = owner.fingerprint(&format!("{machine} {nic}"));
    format!("02:{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}")
}

/// The description of a machine: for people, and for the template and the rules, which Proxmox does not keep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Description {
    pub(super) mark: String,
    pub(super) template: String,
    /// The fingerprint of the rules of a router; empty if none were set.
    pub(super) rules: String,
}

impl Description {
    pub(super) fn parse(text: &str) -> Self {
        let value = |key: &str| {
            let lines = text.lines().filter_map(|line| line.trim().split_once(": "));
            lines
                .filter(|(name, _)| *name == key)
                .map(|(_, value)| value.trim().to_owned())
                .next()
                .unwrap_or_default()
        };
        Self { mark: value("mark"), template: value("template"), rules: value("rules") }
    }

    pub(super) fn text(&self) -> String {
        let mut text =
            format!("Created by Rangehand.\n\n    mark: {}\n    template: {}", self.mark, self.template);
        if !self.rules.is_empty() {
            text += &format!("\n    rules: {}", self.rules);
        }
        text
    }
}

/// The mark of a network: `rangehand/SERVICE/RANGE NAME CIDR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NetworkMark {
    pub(super) owner: Owner,
    pub(super) name: String,
    pub(super) cidr: Option<Cidr>,
}

impl NetworkMark {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let owner = Owner::parse(words.next()?)?;
        let name = words.next()?.to_owned();
        let cidr = words.next().and_then(|cidr| cidr.parse().ok()).map(Cidr);
        Some(Self { owner, name, cidr })
    }

    pub(super) fn text(&self) -> String {
        let cidr = self.cidr.map(|cidr| format!(" {}", cidr.0)).unwrap_or_default();
        format!("{} {}{cidr}", self.owner, self.name)
    }
}

/// An id for a virtual network: a letter, then letters and digits; another one with each attempt.
pub(super) fn network_id(owner: &Owner, name: &str, attempt: u32) -> String {
    let mut number = u64::from_be_bytes(owner.fingerprint(&format!("{name} {attempt}")));
    let mut id = "r".to_owned();
    while id.len() < NETWORK_ID {
        id.extend(char::from_digit(u32::try_from(number % 36).unwrap_or_default(), 36));
        number /= 36;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner::new("main", "0197-ab").expect("valid")
    }

    #[test]
    fn a_machine_is_known_by_its_tag_or_by_its_name_while_it_is_made() {
        let (owner, other) = (owner(), Owner::new("main", "0197").expect("valid"));
        let unfinished = unfinished_name(&owner, "web");
        assert_eq!(belongs(&owner, &unfinished, ""), Some(("web", false)));
        assert_eq!(belongs(&other, &unfinished, ""), None);
        assert_eq!(belongs(&owner, "web", "lab;rangehand;rangehand.main.0197-ab"), Some(("web", true)));
        for tags in ["", "rangehand", "rangehand.main.0197", "rangehand.main.0197-ab2"] {
            assert_eq!(belongs(&owner, "web", tags), None, "{tags}");
        }
    }

    #[test]
    fn marks_are_read_as_they_are_written() {
        let network = NetworkMark {
            owner: owner(),
            name: "dmz".to_owned(),
            cidr: Some(Cidr("10.0.1.0/24".parse().unwrap())),
        };
        assert_eq!(network.text(), "rangehand/main/0197-ab dmz 10.0.1.0/24");
        assert_eq!(NetworkMark::parse(&format!("{}\n", network.text())), Some(network));
        assert_eq!(NetworkMark::parse("the network of the office"), None);
        let description = Description {
            mark: owner().to_string(),
            template: "debian-12".to_owned(),
            rules: "7f".to_owned(),
        };
        assert_eq!(Description::parse(&format!("{}\n", description.text())), description);
        assert_eq!(Description::parse("by hand"), Description::default());
    }

    #[test]
    fn ids_of_networks_are_what_proxmox_accepts_and_differ() {
        let ids: std::collections::BTreeSet<String> =
            (0..50).map(|attempt| network_id(&owner(), "dmz", attempt)).collect();
        assert_eq!(ids.len(), 50);
        let is_valid = |id: &String| {
            id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        assert!(ids.iter().all(is_valid), "{ids:?}");
    }
}

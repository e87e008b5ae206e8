//! The keys of a platform and their allowed values.

use std::{net::IpAddr, ops::RangeInclusive};

use ipnet::{IpNet, Ipv4Net};
use platform::{Fault, simulated::Latencies};

use super::platform::{PlatformKind, TasksWithoutMachine};
use crate::settings::{
    kind::{Key, Kind, NamedTables, PairRule, Rule},
    proxmox::API_HOST_RULE,
};

/// The prefix of the subnet that each range gets of an uplink.
const UPLINK_PREFIX: u8 = 24;
/// The longest latency in milliseconds: a day.
const MAX_LATENCY_MS: u64 = 86_400_000;
/// The only secret key.
pub(in crate::settings) const TOKEN_SECRET_KEY: &str = "platforms.token_secret";
/// Sets all latencies.
pub(super) const ALL_MS: &str = "all_ms";

/// `[platforms.NAME]`.
pub(in crate::settings) const TABLES: NamedTables = NamedTables {
    section: "platforms",
    keys: PLATFORM_KEYS,
    names: Rule {
        allowed: "up to 32 lower-case letters, digits, `_` and `-`, a letter or digit at both ends",
        accepts: is_name,
    },
    noun: "platform",
};

const fn required(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, optional: false }
}

const fn optional(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, optional: true }
}

const fn limit(name: &'static str) -> Key {
    required(name, Kind::Integer { min: 0, max: i64::MAX })
}

/// Every key of a platform, in the order of `config/default.toml`.
const PLATFORM_KEYS: &[Key] = &[
    optional("platforms.kind", Kind::Word(PlatformKind::WORDS)),
    required("platforms.enabled", Kind::Switch),
    required("platforms.max_concurrent_calls", Kind::Integer { min: 1, max: 1000 }),
    optional(
        "platforms.pool",
        Kind::List(Rule {
            allowed: "subnets, such as `10.64.0.0/10`",
            accepts: |text| text.parse::<IpNet>().is_ok(),
        }),
    ),
    limit("platforms.instances_max"),
    limit("platforms.machines_max"),
    limit("platforms.networks_max"),
    limit("platforms.cores_max"),
    limit("platforms.memory_max_bytes"),
    limit("platforms.disk_max_bytes"),
    optional("platforms.verify_address", Kind::Text(ADDRESS)),
    optional("platforms.prices", Kind::Pairs(PRICES)),
    optional("platforms.state_file", Kind::Path),
    optional("platforms.latencies", Kind::Pairs(LATENCIES)),
    optional("platforms.faults", Kind::Text(FAULTS)),
    optional("platforms.tasks", Kind::Word(TasksWithoutMachine::WORDS)),
    optional("platforms.run_dir", Kind::Path),
    optional("platforms.state_dir", Kind::Path),
    optional("platforms.templates", Kind::Pairs(TEMPLATES)),
    optional("platforms.uplink", Kind::Text(UPLINK)),
    required("platforms.rules_by_playbook", Kind::Switch),
    optional("platforms.hidden", Kind::SearchPath),
    optional("platforms.api_host", Kind::Text(API_HOST_RULE)),
    optional("platforms.token_id", Kind::Text(TOKEN_ID)),
    optional(TOKEN_SECRET_KEY, Kind::Secret(TOKEN_SECRET)),
    optional("platforms.nodes", Kind::List(PROXMOX_NAME)),
    optional("platforms.storage", Kind::Text(PROXMOX_NAME)),
    optional("platforms.zone", Kind::Text(ZONE)),
    optional("platforms.vlans", Kind::Text(VLANS)),
    optional("platforms.uplink_bridge", Kind::Text(PROXMOX_NAME)),
    optional("platforms.vm_ids", Kind::Text(VM_IDS)),
    optional("platforms.protected_vm_ids", Kind::List(VM_IDS)),
    required("platforms.full_clones", Kind::Switch),
    required("platforms.max_concurrent_clones", Kind::Integer { min: 1, max: 100 }),
];

/// The kinds of platforms that have a key; empty if all have it.
pub(super) fn kinds_of(key: &str) -> &'static [PlatformKind] {
    match key {
        "state_file" | "latencies" => &[PlatformKind::Simulated],
        "tasks" => &[PlatformKind::Simulated, PlatformKind::Proxmox],
        "run_dir" | "state_dir" | "templates" | "uplink" | "rules_by_playbook" | "hidden" => {
            &[PlatformKind::Local]
        }
        "api_host"
        | "token_id"
        | "token_secret"
        | "nodes"
        | "storage"
        | "zone"
        | "vlans"
        | "uplink_bridge"
        | "vm_ids"
        | "protected_vm_ids"
        | "full_clones"
        | "max_concurrent_clones" => &[PlatformKind::Proxmox],
        _ => &[],
    }
}

const TOKEN_ID: Rule = Rule {
    allowed: "the ID of an API token, such as `automation@pve!range`",
    accepts: |text| {
        let parts = text.split_once('!').and_then(|(user, token)| Some((user.split_once('@')?, token)));
        let is_plain = |text: &str| {
            !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || "!=:/".contains(c))
        };
        parts.is_some_and(|((name, realm), token)| [name, realm, token].into_iter().all(is_plain))
    },
};

const TOKEN_SECRET: Rule = Rule {
    allowed: "the secret of an API token, without spaces",
    accepts: |text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()),
};

const PROXMOX_NAME: Rule = Rule {
    allowed: "names of Proxmox: letters, digits, `-`, `_`, and `.`",
    accepts: |text| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        text.bytes().all(is_plain) && text.starts_with(|c: char| c.is_ascii_alphanumeric())
    },
};

const ZONE: Rule = Rule {
    allowed: "the ID of an SDN zone: 2 to 8 letters and digits, a letter first",
    accepts: |text| {
        (2..=8).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
    },
};

const VLANS: Rule = Rule {
    allowed: "VLANs from 1 to 4094, such as `100-199`",
    accepts: |text| numbers(text).is_some_and(|vlans| *vlans.start() >= 1 && *vlans.end() <= 4094),
};

const VM_IDS: Rule = Rule {
    allowed: "numbers of machines from 100 to 999999999, such as `5000-5999`",
    accepts: |text| numbers(text).is_some_and(|ids| *ids.start() >= 100 && *ids.end() <= 999_999_999),
};

/// A number, or a range such as `100-199`.
pub(super) fn numbers(text: &str) -> Option<RangeInclusive<u32>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(first..=last)
}

const PRICES: PairRule = PairRule {
    allowed: "`currency` and, per hour, `core`, `memory_gb`, and `disk_gb`, with at most six decimal places",
    accepts: |name, value| match name {
        "currency" => (1..=8).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_alphabetic()),
        "core" | "memory_gb" | "disk_gb" => millionths(value).is_some(),
        _ => false,
    },
};

const LATENCIES: PairRule = PairRule {
    allowed: "`call_ms`, `network_ms`, `machine_ms`, `rules_ms`, `start_ms`, `boot_ms`, `stop_ms`, `snapshot_ms`, `remove_ms`, \
              `timeout_ms`, or `all_ms`, and milliseconds up to 86400000",
    accepts: |name, value| {
        let is_known = name == ALL_MS
            || serde_json::to_value(Latencies::default()).is_ok_and(|known| known.get(name).is_some());
        is_known && value.parse::<u64>().is_ok_and(|ms| ms <= MAX_LATENCY_MS)
    },
};

const TEMPLATES: PairRule = PairRule {
    allowed: "names of templates, and paths of root directories or archives",
    accepts: |name, path| is_name(&name.replace('.', "-")) && !path.is_empty() && !path.contains('\0'),
};

const FAULTS: Rule = Rule {
    allowed: "a JSON array of faults, such as `[{\"call\": \"power\", \"times\": 1, \"effect\": \"fail\"}]`",
    accepts: |text| serde_json::from_str::<Vec<Fault>>(text).is_ok(),
};

const ADDRESS: Rule =
    Rule { allowed: "an IP address, such as `192.0.2.1`", accepts: |text| text.parse::<IpAddr>().is_ok() };

const UPLINK: Rule = Rule {
    allowed: "an IPv4 subnet of at least a /24, such as `10.255.0.0/16`",
    accepts: |text| text.parse::<Ipv4Net>().is_ok_and(|net| net.prefix_len() <= UPLINK_PREFIX),
};

fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [text.bytes().next(), text.bytes().next_back()];
    text.len() <= 32
        && ends.iter().all(|end| end.is_some_and(is_plain))
        && text.bytes().all(|byte| is_plain(byte) || matches!(byte, b'_' | b'-'))
}

/// A decimal number with at most six decimal places, in millionths.
pub(super) fn millionths(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) || decimals.len() > 6 {
        return None;
    }
    let decimals: u64 = format!("{decimals:0<6}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_has_up_to_six_decimal_places() {
        for (text, expected) in [("0.02", 20_000), ("3", 3_000_000), ("1.000001", 1_000_001), ("0", 0)] {
            assert_eq!(millionths(text), Some(expected), "{text}");
        }
        for text in ["", ".5", "1.", "-1", "1e3", "0.0000001", "99999999999999999999"] {
            assert_eq!(millionths(text), None, "{text}");
        }
    }

    #[test]
    fn every_key_of_one_kind_exists() {
        let of_one_kind = TABLES.short_names().filter(|key| !kinds_of(key).is_empty()).count();
        assert_eq!(of_one_kind, 21);
    }

    #[test]
    fn a_range_of_numbers_is_not_empty() {
        assert_eq!((numbers("100-199"), numbers("7")), (Some(100..=199), Some(7..=7)));
        for text in ["", "2-1", "1-", "a", "1-2-3", "-1"] {
            assert_eq!(numbers(text), None, "{text}");
        }
    }

    #[test]
    fn the_id_of_a_token_has_a_user_a_realm_and_a_name() {
        assert!((TOKEN_ID.accepts)("automation@pve!range"));
        for text in ["", "automation", "automation@pve", "automation!range", "a@b!", "a@b!c=d", "a b@c!d"] {
            assert!(!(TOKEN_ID.accepts)(text), "{text}");
        }
    }
}

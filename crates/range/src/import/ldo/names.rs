//! Labels of nodes as names of machines.

use std::collections::{HashMap, HashSet};

use super::body::Node;
use crate::document::{
    Name,
    names::{ALL, ANY, UPLINK},
};

/// A label as a name: other characters become `-`, letters are lowercase.
pub(super) fn plain_name(label: &str) -> String {
    let plain: String =
        label.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    let joined = parts.join("-");
    joined[..joined.len().min(MAX_LABEL_BYTES)].trim_end_matches('-').to_owned()
}

/// Room for a number at the end.
pub(super) const MAX_LABEL_BYTES: usize = 50;

/// A name for each node, from its label; equal ones get numbers.
pub(super) fn machine_names(nodes: &[Node]) -> Vec<Name> {
    let mut used: HashSet<String> = [UPLINK, ANY, ALL].map(str::to_owned).into();
    let mut next: HashMap<String, u32> = HashMap::new();
    let name = |node: &Node| {
        let plain = plain_name(&node.label);
        let plain = if plain.is_empty() { "node".to_owned() } else { plain };
        let mut name = plain.clone();
        while !used.insert(name.clone()) {
            let count = next.entry(plain.clone()).or_insert(1);
            *count += 1;
            name = format!("{plain}-{count}");
        }
        Name::unchecked(&name)
    };
    nodes.iter().map(name).collect()
}

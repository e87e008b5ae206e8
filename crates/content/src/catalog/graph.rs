//! Parses the output of `ansible-inventory --graph`.
//!
//! The graph has names only. `--list` would print every variable of every host too, decrypted ones included.
//!
//! ```text
//! @all:
//!   |--@web:
//!   |  |--web1
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::InventoryGroup;

/// The prefix of a name, once per level, three columns wide.
const BRANCH: &str = "|--";

/// The groups and the hosts of a graph, both sorted.
pub(super) fn parse(text: &str) -> (Vec<InventoryGroup>, Vec<String>) {
    let mut groups: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    let mut above: Vec<&str> = Vec::new();
    for line in text.lines() {
        let (level, name) = match line.find(BRANCH) {
            Some(column) => (column / BRANCH.len() + 1, &line[column + BRANCH.len()..]),
            None => (0, line),
        };
        above.truncate(level);
        let parent = above.last().copied();
        if let Some(group) = name.strip_prefix('@').and_then(|name| name.strip_suffix(':')) {
            groups.entry(group).or_default();
            if let Some(parent) = parent {
                groups.entry(parent).or_default().1.insert(group);
            }
            above.push(group);
        } else if let Some(parent) = parent {
            groups.entry(parent).or_default().0.insert(name);
        }
    }
    let hosts: BTreeSet<&str> = groups.values().flat_map(|(hosts, _)| hosts.iter().copied()).collect();
    let owned = |names: &BTreeSet<&str>| names.iter().map(|name| (*name).to_owned()).collect();
    let hosts = owned(&hosts);
    let group = |(name, (hosts, children)): (&&str, &(BTreeSet<&str>, BTreeSet<&str>))| InventoryGroup {
        name: (*name).to_owned(),
        hosts: owned(hosts),
        children: owned(children),
    };
    (groups.iter().map(group).collect(), hosts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_below_two_parents_is_one_group() {
        let text = "@all:\n  |--@ungrouped:\n  |--@web:\n  |  |--w1\n  |--@site:\n  |  |--@web:\n  |  |  |--w1\n  \
                    |  |--@db:\n  |  |  |--d1\n";
        let (groups, hosts) = parse(text);
        let site = groups.iter().find(|group| group.name == "site").unwrap();
        assert_eq!(
            (site.children.as_slice(), hosts),
            (&["db".into(), "web".into()][..], vec!["d1".into(), "w1".into()])
        );
        assert_eq!(groups.len(), 5);
    }
}

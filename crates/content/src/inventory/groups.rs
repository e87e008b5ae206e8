//! The tree of groups of an inventory: members and variables.
//!
//! A group can occur several times: its entries are merged, and of a variable the last value is used. Every group is a child of
//! `all`, also without an entry there. Ansible's implementation is in `lib/ansible/inventory` and `plugins/inventory/yaml.py`.

use std::collections::{BTreeMap, BTreeSet};

use super::{Error, node::Node, pattern};

/// The group that everything belongs to.
pub(super) const ALL: &str = "all";

/// Variables by name.
pub(super) type Variables = BTreeMap<String, Node>;

/// Groups and hosts of one inventory.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: BTreeMap<String, Group>,
    hosts: BTreeMap<String, Variables>,
}

#[derive(Debug, Default)]
struct Group {
    variables: Variables,
    children: Vec<String>,
    /// In the order of the file.
    hosts: Vec<String>,
}

impl Groups {
    /// Adds the groups of a document.
    pub(super) fn add(&mut self, document: &Node) -> Result<(), String> {
        match document {
            Node::Null => Ok(()),
            Node::Map(entries) if entries.iter().any(|(key, _)| key == "plugin") => {
                Err("it configures an inventory plugin, which only Ansible can run".to_owned())
            }
            Node::Map(entries) => entries.iter().try_for_each(|(name, group)| self.add_group(name, group)),
            _ => Err("it is no map of groups".to_owned()),
        }
    }

    fn add_group(&mut self, name: &str, node: &Node) -> Result<(), String> {
        self.groups.entry(name.to_owned()).or_default();
        if !matches!(node, Node::Null | Node::Map(_)) {
            return Err(format!("the group `{}` is no map", name.escape_debug()));
        }
        for (part, content) in node.entries() {
            let entries = match content {
                Node::Null => &[][..],
                Node::Map(entries) => entries,
                // `hosts: name` is a host without variables.
                Node::Text(one) => &[(one.to_string(), Node::Null)][..],
                _ => return Err(format!("`{part}` of the group `{}` is no map", name.escape_debug())),
            };
            match part.as_str() {
                "vars" => self.group(name).variables.extend(entries.iter().cloned()),
                "children" => self.add_children(name, entries)?,
                "hosts" => self.add_hosts(name, entries)?,
                // Ansible warns and continues.
                _ => {}
            }
        }
        Ok(())
    }

    fn add_children(&mut self, name: &str, entries: &[(String, Node)]) -> Result<(), String> {
        for (child, node) in entries {
            let children = &mut self.group(name).children;
            if !children.contains(child) {
                children.push(child.clone());
            }
            self.add_group(child, node)?;
        }
        Ok(())
    }

    fn add_hosts(&mut self, name: &str, entries: &[(String, Node)]) -> Result<(), String> {
        for (pattern, node) in entries {
            for host in pattern::expand(pattern)? {
                self.hosts.entry(host.clone()).or_default().extend(node.entries().iter().cloned());
                let hosts = &mut self.group(name).hosts;
                if !hosts.contains(&host) {
                    hosts.push(host);
                }
            }
        }
        Ok(())
    }

    fn group(&mut self, name: &str) -> &mut Group {
        self.groups.entry(name.to_owned()).or_default()
    }

    /// The hosts of a group, its own first, then those of its children; in the order of the file.
    pub(super) fn hosts_of(&self, name: &str) -> Vec<&str> {
        let mut found = Vec::new();
        if name == ALL {
            found.extend(self.hosts.keys().map(String::as_str));
            return found;
        }
        let mut seen = BTreeSet::new();
        self.collect(name, &mut seen, &mut found);
        found
    }

    fn collect<'a>(&'a self, name: &str, seen: &mut BTreeSet<&'a str>, found: &mut Vec<&'a str>) {
        // Seen before: also the way out of a circle.
        let known = self.groups.get_key_value(name).filter(|(name, _)| seen.insert(name));
        let Some((_, group)) = known else { return };
        for host in &group.hosts {
            if !found.contains(&host.as_str()) {
                found.push(host);
            }
        }
        group.children.iter().for_each(|child| self.collect(child, seen, found));
    }

    /// The groups of each host except `all`; of two that set a variable the later one's word counts.
    ///
    /// # Errors
    /// Groups that are children of themselves.
    pub(super) fn by_host(&self) -> Result<BTreeMap<String, Vec<String>>, Error> {
        let depths = self.depths()?;
        let mut ordered: Vec<&str> = depths.keys().copied().filter(|name| *name != ALL).collect();
        ordered.sort_by_key(|name| (depths[name], self.priority(name), *name));
        let mut by_host: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for group in ordered {
            for host in self.hosts_of(group) {
                by_host.entry(host.to_owned()).or_default().push(group.to_owned());
            }
        }
        Ok(by_host)
    }

    /// How far below `all` each group is, by its longest way.
    fn depths(&self) -> Result<BTreeMap<&str, usize>, Error> {
        let mut depths: BTreeMap<&str, usize> = self.groups.keys().map(|name| (name.as_str(), 1)).collect();
        let edges: Vec<(&str, &str)> = self
            .groups
            .iter()
            .filter(|(name, _)| *name != ALL)
            .flat_map(|(name, group)| group.children.iter().map(|child| (name.as_str(), child.as_str())))
            .collect();
        // A way without a circle has fewer steps than there are groups.
        for _ in 0..=self.groups.len() {
            let mut changed = false;
            for (parent, child) in &edges {
                let deeper = depths[parent] + 1;
                if depths.get(child).is_some_and(|depth| *depth < deeper) {
                    depths.insert(child, deeper);
                    changed = true;
                }
            }
            if !changed {
                return Ok(depths);
            }
        }
        Err(Error::Circle)
    }

    /// `ansible_group_priority`, which orders groups of one depth.
    fn priority(&self, name: &str) -> i64 {
        match self.variables(name).and_then(|variables| variables.get("ansible_group_priority")) {
            Some(Node::Text(number)) => number.parse().unwrap_or(1),
            _ => 1,
        }
    }

    /// The variables of a group in the inventory.
    pub(super) fn variables(&self, group: &str) -> Option<&Variables> {
        self.groups.get(group).map(|group| &group.variables)
    }

    /// The variables of a host in the inventory.
    pub(super) fn host_variables(&self, host: &str) -> Option<&Variables> {
        self.hosts.get(host)
    }
}

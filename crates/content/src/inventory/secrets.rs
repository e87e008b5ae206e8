//! Which values of an inventory and of the vault file are secrets: values that are encrypted individually, and values with
//! names of secrets.

use secrecy::{ExposeSecret, SecretString};

use super::{
    Inventory, Source, VarsKind,
    groups::{ALL, Variables},
    node::Node,
    read_vault_file,
};
use crate::vault;

/// Values in the clear that are shorter are not taken for secrets, in bytes: `admin` in all output would be masked.
const SHORTEST_PLAIN: usize = 8;
/// The maximum number of values that are decrypted: each takes about 50 ms.
const MOST_VAULTS: usize = 100;

/// Every secret that can be read. Others are left out: Ansible reports the error.
#[must_use]
pub fn secrets(source: &Source, password: Option<&SecretString>) -> Vec<SecretString> {
    let mut found = Found { secrets: Vec::new(), password, vaults: 0 };
    match Inventory::read(source, password) {
        Ok(inventory) => found.look_into(&inventory),
        Err(error) => {
            tracing::debug!(%error, "the secrets of the inventory are not known");
            let vault_file = source.vault_file.as_ref().map(|path| read_vault_file(path, password));
            found.take_encrypted(&vault_file.and_then(Result::ok).unwrap_or_default());
        }
    }
    found.secrets
}

struct Found<'a> {
    secrets: Vec<SecretString>,
    password: Option<&'a SecretString>,
    vaults: usize,
}

impl Found<'_> {
    fn look_into(&mut self, inventory: &Inventory<'_>) {
        self.take_encrypted(&inventory.vault_file);
        let hosts = inventory.hosts(ALL);
        let groups: std::collections::BTreeSet<&str> =
            inventory.by_host.values().flatten().map(String::as_str).chain([ALL]).collect();
        for variables in groups.iter().filter_map(|group| inventory.groups.variables(group)) {
            self.take(variables);
        }
        for variables in hosts.iter().filter_map(|host| inventory.groups.host_variables(host)) {
            self.take(variables);
        }
        let files = groups.iter().map(|group| (VarsKind::Group, *group));
        for (beside, name) in files.chain(hosts.iter().map(|host| (VarsKind::Host, *host))) {
            if let Ok(variables) = inventory.beside(beside, name) {
                self.take(&variables);
            }
        }
    }

    fn take(&mut self, variables: &Variables) {
        variables.iter().for_each(|(name, node)| self.node(name, node, SHORTEST_PLAIN));
    }

    /// Of a file that is a vault as a whole: what is a secret there is one however short it is.
    fn take_encrypted(&mut self, variables: &Variables) {
        variables.iter().for_each(|(name, node)| self.node(name, node, 1));
    }

    fn node(&mut self, name: &str, node: &Node, shortest: usize) {
        let is_secret = model::redact::tells_of_a_secret(name);
        match node {
            Node::Text(text) | Node::Unsafe(text)
                if is_secret && text.len() >= shortest && !is_template(text) =>
            {
                self.secrets.push(SecretString::from(text.as_str()));
            }
            Node::Vault(text) if self.vaults < MOST_VAULTS => {
                self.vaults += 1;
                let plain = self.password.map(|password| vault::decrypt(text, password));
                self.secrets
                    .extend(plain.and_then(Result::ok).filter(|text| !is_template(text.expose_secret())));
            }
            Node::Map(entries) => {
                // What is below a secret is secret, too.
                let name_of = |key: &str| if is_secret { name.to_owned() } else { key.to_owned() };
                entries.iter().for_each(|(key, node)| self.node(&name_of(key), node, shortest));
            }
            Node::Null | Node::Text(_) | Node::Unsafe(_) | Node::Vault(_) | Node::Scalar | Node::List => {}
        }
    }
}

fn is_template(text: &str) -> bool {
    text.contains("{{")
}

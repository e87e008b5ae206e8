//! How Proxmox is reached: what the inventory says, without asking Ansible.
//!
//! The credentials are those of the hosts of the group `proxmox` in the default inventory. They are read anew when a
//! file of the inventory has changed, and kept otherwise: decrypting takes some 50 ms per value.

use std::{collections::BTreeSet, error::Error as _, sync::Arc, time::Duration};

use ansible::{
    catalog::Located,
    inventory::{self, Inventory, Source, Value},
};
use platform::proxmox::{Client, Credentials};
use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::Mutex, task::spawn_blocking};

use crate::{Engine, jobs, reads::DirectReads};

/// The group whose hosts are APIs of Proxmox.
const GROUP: &str = "proxmox";
/// The variable that makes a host one.
const API_HOST: &str = "proxmox_api_host";
/// The variable that names another role than ours.
const ROLE: &str = "proxmox_controller_role";
/// What counts when nothing is said, as in the reference service.
const NODE: &str = "pve01";
const USER: &str = "root@pam";

/// How the engine calls Proxmox.
#[derive(Debug, Clone)]
pub struct ProxmoxOptions {
    /// The client.
    pub client: platform::proxmox::Options,
    /// API hosts that a request may name beside those of the inventory.
    pub api_hosts: Vec<String>,
    /// How long after one look at a node's machines the next one comes.
    pub poll_interval: Duration,
    /// When reads ask Proxmox itself.
    pub direct_reads: DirectReads,
}

/// Why Proxmox was not asked, or what it answered instead.
#[derive(Debug, thiserror::Error)]
pub enum ProxmoxError {
    /// The inventory names no API.
    #[error("no host of the group `proxmox` has a `proxmox_api_host`")]
    NoCredentials,
    /// The group has no such host.
    #[error("the group `proxmox` has no host `{}`", .0.escape_debug())]
    UnknownHost(String),
    /// Which one is meant is not said.
    #[error("the group `proxmox` has several hosts")]
    SeveralHosts,
    /// Only Ansible can tell a value.
    #[error("`{variable}` of the host `{host}` is a template or no text: only Ansible can tell it")]
    Unclear {
        /// The host.
        host: String,
        /// Its variable.
        variable: &'static str,
    },
    /// The inventory does not exist or cannot be looked up.
    #[error(transparent)]
    Content(#[from] jobs::Error),
    /// The inventory cannot be read without Ansible.
    #[error("the inventory does not tell how Proxmox is reached")]
    Inventory(#[source] Arc<inventory::Error>),
    /// Proxmox answered something else than a list.
    #[error("Proxmox at `{host}` gave no list")]
    NoList {
        /// The API host.
        host: String,
    },
    /// Proxmox was not reached, or refused.
    #[error(transparent)]
    Api(#[from] platform::proxmox::Error),
}

impl ProxmoxError {
    /// What failed, with its causes, in one line.
    #[must_use]
    pub fn in_full(&self) -> String {
        let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
        let mut text = first_line(self.to_string());
        let mut cause = self.source();
        while let Some(error) = cause {
            let line = first_line(error.to_string());
            // Causes often repeat what they cause.
            if !text.contains(&line) {
                text = format!("{text}: {line}");
            }
            cause = error.source();
        }
        text
    }

    fn unreadable(error: inventory::Error) -> Self {
        Self::Inventory(Arc::new(error))
    }
}

/// What is known of the APIs, and the client that calls them.
#[derive(Debug)]
pub(crate) struct Proxmox {
    pub(crate) client: Client,
    known: Mutex<Option<(String, Arc<Known>)>>,
}

/// What an inventory says.
#[derive(Debug)]
struct Known {
    /// The hosts of the group, in the order of the file.
    hosts: Vec<(String, Result<Option<Credentials>, Fault>)>,
    /// The API hosts of all hosts and of the vault file.
    api_hosts: BTreeSet<String>,
    /// Does somebody want another role than ours?
    names_a_role: bool,
}

/// Why the credentials of a host are not known.
#[derive(Debug, Clone)]
enum Fault {
    Unclear(&'static str),
    Unreadable(Arc<inventory::Error>),
}

impl Fault {
    fn of(&self, host: &str) -> ProxmoxError {
        match self {
            Self::Unclear(variable) => ProxmoxError::Unclear { host: host.to_owned(), variable },
            Self::Unreadable(error) => ProxmoxError::Inventory(Arc::clone(error)),
        }
    }
}

impl Proxmox {
    pub(crate) fn new(options: &ProxmoxOptions) -> Self {
        Self { client: Client::new(options.client.clone()), known: Mutex::default() }
    }
}

impl Engine {
    /// The credentials of the first host of the group `proxmox` that has an API.
    ///
    /// # Errors
    /// When there is none, or it cannot be told.
    pub async fn proxmox_credentials(&self) -> Result<Credentials, ProxmoxError> {
        let known = self.known_proxmox().await?;
        let found = known.hosts.iter().find_map(|(host, credentials)| match credentials {
            Ok(credentials) => credentials.clone().map(Ok),
            Err(fault) => Some(Err(fault.of(host))),
        });
        found.unwrap_or(Err(ProxmoxError::NoCredentials))
    }

    /// The credentials of one host of the group `proxmox`; of its only one where none is named.
    ///
    /// # Errors
    /// When there is no such host, it has no API, several may be meant, or it cannot be told.
    pub async fn proxmox_credentials_of(&self, host: Option<&str>) -> Result<Credentials, ProxmoxError> {
        let known = self.known_proxmox().await?;
        let mut meant = known.hosts.iter().filter(|(name, _)| host.is_none_or(|host| host == name));
        let (name, credentials) = match (meant.next(), meant.next(), host) {
            (Some(only), None, _) => only,
            (Some(_), Some(_), _) => return Err(ProxmoxError::SeveralHosts),
            (None, _, Some(host)) => return Err(ProxmoxError::UnknownHost(host.to_owned())),
            (None, _, None) => return Err(ProxmoxError::NoCredentials),
        };
        credentials.clone().map_err(|fault| fault.of(name))?.ok_or(ProxmoxError::NoCredentials)
    }

    /// Every API host that is known from the inventory, the vault file or the settings. A request that names another
    /// one would make us send the token to it.
    pub async fn known_api_hosts(&self) -> BTreeSet<String> {
        let mut hosts: BTreeSet<String> = self.options().proxmox.api_hosts.iter().cloned().collect();
        match self.known_proxmox().await {
            Ok(known) => hosts.extend(known.api_hosts.iter().cloned()),
            Err(error) => tracing::warn!(error = error.in_full(), "API hosts of the inventory are not known"),
        }
        hosts
    }

    /// The node that is meant where none is named, as far as that is known.
    pub async fn default_proxmox_node(&self) -> Option<String> {
        self.proxmox_credentials().await.ok().map(|credentials| credentials.node)
    }

    /// The tokens that are known, as values that nothing may show.
    pub(crate) async fn proxmox_secrets(&self) -> Vec<String> {
        let Ok(known) = self.known_proxmox().await else { return Vec::new() };
        let tokens = known.hosts.iter().filter_map(|(_, credentials)| credentials.as_ref().ok()?.as_ref());
        tokens.map(|credentials| credentials.token_secret.expose_secret().to_owned()).collect()
    }

    /// Does the inventory want another role than ours, or can that not be told?
    pub(crate) async fn other_role_is_named(&self) -> bool {
        self.known_proxmox().await.map_or(true, |known| known.names_a_role)
    }

    async fn known_proxmox(&self) -> Result<Arc<Known>, ProxmoxError> {
        let options = self.options();
        let located = self.locate_inventories(None, &options.default_inventory).await?;
        let source = |located: Located| Source {
            root: located.root,
            path: located.path,
            vault_file: options.vault_file.clone(),
        };
        let sources: Vec<Source> = located.into_iter().map(source).collect();
        // Held while it is read: who comes meanwhile waits for the same answer.
        let mut known = self.inner.proxmox.known.lock().await;
        let to_print = sources.clone();
        let print =
            spawn_blocking(move || to_print.iter().map(Source::fingerprint).collect::<Result<String, _>>())
                .await
                .map_err(jobs::Error::from)?
                .map_err(ProxmoxError::unreadable)?;
        if let Some((_, known)) = known.as_ref().filter(|(last, _)| *last == print) {
            return Ok(Arc::clone(known));
        }
        let password = options.vault_password.clone();
        let read = spawn_blocking(move || read_all(&sources, password.as_ref()))
            .await
            .map_err(jobs::Error::from)?
            .map_err(ProxmoxError::unreadable)?;
        let read = Arc::new(read);
        *known = Some((print, Arc::clone(&read)));
        Ok(read)
    }
}

/// What several inventories say together: of a host that is in more than one, the last that tells its API counts.
fn read_all(sources: &[Source], password: Option<&SecretString>) -> Result<Known, inventory::Error> {
    let mut all = Known { hosts: Vec::new(), api_hosts: BTreeSet::new(), names_a_role: false };
    for source in sources {
        let known = read(source, password)?;
        for (host, credentials) in known.hosts {
            match all.hosts.iter_mut().find(|(name, _)| *name == host) {
                Some((_, before)) if !matches!(credentials, Ok(None)) => *before = credentials,
                Some(_) => {}
                None => all.hosts.push((host, credentials)),
            }
        }
        all.api_hosts.extend(known.api_hosts);
        all.names_a_role |= known.names_a_role;
    }
    Ok(all)
}

fn read(source: &Source, password: Option<&SecretString>) -> Result<Known, inventory::Error> {
    let inventory = Inventory::read(source, password)?;
    let hosts = inventory.hosts(GROUP).into_iter();
    let hosts = hosts.map(|host| (host.to_owned(), credentials(&inventory, host))).collect();
    let names_role = |host: &&str| !matches!(inventory.value(host, ROLE), Ok(Value::Absent));
    let names_a_role = inventory.hosts(GROUP).iter().any(names_role);
    Ok(Known { hosts, api_hosts: inventory.all_values(API_HOST), names_a_role })
}

/// The credentials of a host; `None` when it has no API.
fn credentials(inventory: &Inventory<'_>, host: &str) -> Result<Option<Credentials>, Fault> {
    let value = |variable| match inventory.value(host, variable) {
        Ok(Value::Plain(text)) => Ok(Some(text)),
        Ok(Value::Absent) => Ok(None),
        Ok(Value::Unclear) => Err(Fault::Unclear(variable)),
        Err(error) => Err(Fault::Unreadable(Arc::new(error))),
    };
    let text = |variable, default: &str| {
        let text = value(variable)?;
        Ok(text.map_or_else(|| default.to_owned(), |text: SecretString| text.expose_secret().to_owned()))
    };
    let api_host = text(API_HOST, "")?;
    if api_host.is_empty() {
        return Ok(None);
    }
    Ok(Some(Credentials {
        api_host,
        node: text("proxmox_node", NODE)?,
        user: text("proxmox_api_user", USER)?,
        token_id: text("proxmox_api_token_id", "")?,
        token_secret: value("proxmox_api_token_secret")?.unwrap_or_default(),
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const HOSTS: &str = "
all:
  children:
    elsewhere: {hosts: {other: {proxmox_api_host: 'other:8006'}}}
    range42_infrastructure:
      children:
        proxmox:
          vars: {proxmox_api_user: API_master@pam}
          hosts:
            empty: {proxmox_api_host: ''}
            px-testing:
              proxmox_api_host: 10.0.0.1:8006
              proxmox_node: px-testing
              proxmox_api_token_id: API_master
              proxmox_api_token_secret: geheim
            templated: {proxmox_api_host: '{{ somewhere }}'}
            bare: {proxmox_api_host: 10.0.0.2}
";

    fn known(hosts: &str, vault_file: Option<&str>) -> Known {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name| directory.path().join(name);
        fs::write(path("hosts.yml"), hosts).expect("writable");
        let vault_file = vault_file.map(|text| {
            fs::write(path("vault.yml"), text).expect("writable");
            path("vault.yml")
        });
        let source = Source { root: directory.path().to_owned(), path: "hosts.yml".into(), vault_file };
        read(&source, None).expect("a good inventory")
    }

    fn shown(known: &Known) -> Vec<String> {
        let shown = |(name, found): &(String, Result<Option<Credentials>, Fault>)| match found {
            Ok(Some(all)) => format!(
                "{name}: {} {} {} {} {}",
                all.api_host,
                all.node,
                all.user,
                all.token_id,
                all.token_secret.expose_secret()
            ),
            Ok(None) => format!("{name}: none"),
            Err(fault) => format!("{name}: {}", fault.of(name).in_full()),
        };
        known.hosts.iter().map(shown).collect()
    }

    #[test]
    fn the_hosts_of_the_group_are_apis_with_the_defaults_of_the_reference() {
        let known = known(HOSTS, None);
        assert_eq!(
            shown(&known),
            [
                "empty: none",
                "px-testing: 10.0.0.1:8006 px-testing API_master@pam API_master geheim",
                "templated: `proxmox_api_host` of the host `templated` is a template or no text: only Ansible can tell it",
                "bare: 10.0.0.2 pve01 API_master@pam  ",
            ]
        );
        let hosts: Vec<_> = known.api_hosts.iter().map(String::as_str).collect();
        assert_eq!(hosts, ["10.0.0.1:8006", "10.0.0.2", "other:8006"]);
        let debug = format!("{known:?}");
        assert!(!debug.contains("geheim"), "{debug}");
    }

    #[test]
    fn the_vault_file_wins_and_hides_no_known_host() {
        let known = known(HOSTS, Some("proxmox_api_host: vault:8006\nproxmox_api_token_secret: other\n"));
        assert_eq!(shown(&known)[1], "px-testing: vault:8006 px-testing API_master@pam API_master other");
        assert!(known.api_hosts.contains("vault:8006") && known.api_hosts.contains("10.0.0.1:8006"));
    }
}

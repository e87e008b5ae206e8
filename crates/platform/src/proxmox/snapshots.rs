//! Snapshots of disks. Machines are stopped for them, so no memory is kept.

use super::{failure::is_taken, platform::Proxmox, tasks};
use crate::{
    error::Error,
    owner::Thing,
    platform::{Progress, SnapshotAction},
};

impl Proxmox {
    pub(super) async fn change_snapshot(
        &self,
        machine: &Thing,
        action: &SnapshotAction,
    ) -> Result<Progress, Error> {
        let guest = self.existing(machine).await?;
        let (SnapshotAction::Take(name) | SnapshotAction::Revert(name) | SnapshotAction::Remove(name)) =
            action;
        if !is_name(name) {
            let what = format!("Proxmox refuses the name `{name}` of a snapshot");
            return Err(Error::refused_with(
                what,
                "use 2 to 40 letters, digits, `-` and `_`, a letter first",
            ));
        }
        let exists = guest.snapshots(&self.api).await?.contains(name);
        let path = guest.path("/snapshot");
        let task = match action {
            SnapshotAction::Take(_) if exists => return Ok(Progress::Done),
            SnapshotAction::Take(_) => match self.api.post(&path, &[("snapname", name)]).await {
                Err(error) if is_taken(&error) => return Ok(Progress::Done),
                task => task?,
            },
            SnapshotAction::Revert(_) if !exists => {
                return Err(Error::gone(format!("{machine} has no snapshot `{name}`")));
            }
            SnapshotAction::Revert(_) => self.api.post(&format!("{path}/{name}/rollback"), &[]).await?,
            SnapshotAction::Remove(_) if !exists => return Ok(Progress::Done),
            SnapshotAction::Remove(_) => self.api.delete(&format!("{path}/{name}"), &[]).await?,
        };
        Ok(tasks::progress(&task))
    }
}

/// Proxmox reserves two names.
fn is_name(name: &str) -> bool {
    (2..=40).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && !matches!(name.to_ascii_lowercase().as_str(), "current" | "pending")
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn names_are_checked_as_proxmox_does() {
        for name in ["clean-state", "before_2", "ab"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["1snap", "a b", "a", "", "current", "Pending", "ab/../c"] {
            assert!(!is_name(name), "{name}");
        }
    }
}

//! Routes and rules of routers on platforms that don't set them: by the bundled role `range_router`.

use model::{ContentName, PlaybookWork};
use range::expand::spec::RouterSpec;

use super::bundled::{WorkError, host, work};

const PLAYBOOK: &str = "range_router";
const VARIABLE: &str = "range_routers";
/// What the role takes as the rules of a machine that is to forward nothing.
const ABSENT: &str = "absent";

/// The work that sets the routes and rules of a router; `inventory` is that of the range.
///
/// # Errors
/// If the router can't be described to Ansible.
pub fn set_rules(inventory: ContentName, router: &RouterSpec) -> Result<PlaybookWork, WorkError> {
    let spec = serde_json::to_string(router).unwrap_or_default();
    of_machine(inventory, &router.name, spec)
}

/// The work that removes the routes and rules of a machine.
///
/// # Errors
/// If the machine can't be described to Ansible.
pub fn remove_rules(inventory: ContentName, machine: &str) -> Result<PlaybookWork, WorkError> {
    of_machine(inventory, machine, ABSENT.to_owned())
}

fn of_machine(inventory: ContentName, machine: &str, spec: String) -> Result<PlaybookWork, WorkError> {
    let mut work = work(PLAYBOOK, inventory, VARIABLE, [(machine.to_owned(), spec)])?;
    work.limit = Some(host(machine)?);
    Ok(work)
}

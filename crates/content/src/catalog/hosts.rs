//! The hosts that the plays of a playbook select, as far as they are literal.

use model::ContentRef;

use super::{Catalog, Error, yaml};

/// The longest playbook that is read.
const MAX_BYTES: u64 = 1 << 20;

impl Catalog {
    /// Whether every play selects its hosts by the variable `hosts`, or literally by `group` or `all`. Then a limit to one
    /// host of the group leaves that host in every play. A play that names other hosts could be emptied by such a limit.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn plays_on_group(&self, content: &ContentRef, group: &str) -> Result<bool, Error> {
        let found = self.find(content.kind(), content.name(), super::inventory::Purpose::Look)?;
        let Some(document) =
            found.root.read(&found.path, MAX_BYTES).ok().flatten().and_then(|text| yaml::parse(&text))
        else {
            return Ok(false);
        };
        let selects = |hosts: &str| hosts == group || hosts == "all" || uses_variable(hosts);
        let plays = document.items();
        Ok(!plays.is_empty()
            && plays.iter().all(|play| {
                let hosts = play.get("hosts").map(yaml::Yaml::texts).unwrap_or_default();
                matches!(hosts[..], [hosts] if selects(hosts.trim()))
            }))
    }
}

/// `{{ hosts }}`, with any filters.
fn uses_variable(hosts: &str) -> bool {
    let inside = hosts.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).map(str::trim_start);
    inside
        .and_then(|inside| inside.strip_prefix("hosts"))
        .is_some_and(|rest| rest.chars().next().is_none_or(|next| next.is_whitespace() || next == '|'))
}

#[cfg(test)]
mod tests {
    use super::uses_variable;

    #[test]
    fn the_variable_is_recognized_with_and_without_a_default() {
        for (hosts, uses) in [
            ("{{ hosts | default('proxmox') }}", true),
            ("{{hosts}}", true),
            ("{{ hosts}}", true),
            ("{{ hosts_of_the_node }}", false),
            ("px-testing", false),
            ("px-{{ hosts }}", false),
        ] {
            assert_eq!(uses_variable(hosts), uses, "{hosts}");
        }
    }
}

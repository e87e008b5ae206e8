//! Staged changes of a node's network: `GET /nodes/NODE/network` reports them as a unified diff. Applying applies all of them, so
//! those of others must be found first.

use super::mark::NetworkMark;

/// A stanza of `/etc/network/interfaces` with staged changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stanza {
    /// The interface; empty if the diff begins within the stanza.
    pub(super) interface: String,
    /// The mark in its comment.
    pub(super) mark: Option<NetworkMark>,
    /// Are all of its changes removals?
    pub(super) is_removed: bool,
}

/// The stanzas that a diff changes.
pub(super) fn stanzas(diff: &str) -> Vec<Stanza> {
    let mut all = Vec::new();
    let mut current: Option<(Stanza, bool)> = None;
    let mut end = |stanza: &mut Option<(Stanza, bool)>| {
        if let Some((stanza, true)) = stanza.take() {
            all.push(stanza);
        }
    };
    for line in diff.lines().filter(|line| !line.starts_with("---") && !line.starts_with("+++")) {
        if line.starts_with("@@") {
            end(&mut current);
            continue;
        }
        let (sign, text) = line.split_at_checked(1).unwrap_or_default();
        if text.trim().is_empty() {
            continue;
        }
        if let Some(name) = header(text)
            && current.as_ref().is_none_or(|(stanza, _)| stanza.interface != name)
        {
            end(&mut current);
            current = Some((Stanza { interface: name.to_owned(), mark: None, is_removed: true }, false));
        }
        let unknown = || (Stanza { interface: String::new(), mark: None, is_removed: true }, false);
        let (stanza, is_changed) = current.get_or_insert_with(unknown);
        if let Some(mark) = text.trim().strip_prefix('#').and_then(NetworkMark::parse) {
            stanza.mark = Some(mark);
        }
        if sign != " " {
            *is_changed = true;
            stanza.is_removed &= sign == "-";
        }
    }
    end(&mut current);
    all
}

/// The interface of a line that begins a stanza.
fn header(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    match words.next()? {
        "auto" | "iface" | "allow-hotplug" => words.next(),
        // What other files contain is nothing that this one changes.
        "source" | "source-directory" => Some("source"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "\
--- /etc/network/interfaces\t2026-11-30\n\
+++ /etc/network/interfaces.new\t2026-11-30\n\
@@ -10,7 +10,13 @@\n \
auto vmbr0\n \
iface vmbr0 inet static\n \
\taddress 192.0.2.1/24\n \n\
+auto vmbr1001\n\
+iface vmbr1001 inet manual\n\
+\tbridge-ports none\n\
+#rangehand/main/r dmz 10.0.1.0/24\n\
+\n\
-auto vmbr1002\n\
-iface vmbr1002 inet manual\n\
-#rangehand/main/r inner 10.0.2.0/24\n \
source /etc/network/interfaces.d/*\n";

    #[test]
    fn staged_changes_are_found_by_interface_and_mark() {
        let found = stanzas(DIFF);
        let shown: Vec<_> = found
            .iter()
            .map(|stanza| {
                (stanza.interface.as_str(), stanza.mark.as_ref().unwrap().name.as_str(), stanza.is_removed)
            })
            .collect();
        assert_eq!(shown, [("vmbr1001", "dmz", false), ("vmbr1002", "inner", true)]);
    }

    #[test]
    fn a_change_of_an_interface_without_a_mark_is_found() {
        let changed =
            DIFF.replace(" \taddress 192.0.2.1/24", "-\taddress 192.0.2.1/24\n+\taddress 192.0.2.2/24");
        assert_eq!(stanzas(&changed)[0].interface, "vmbr0");
        assert_eq!(stanzas(&changed)[0].mark, None);
        let begins_within = "@@ -3,2 +3,2 @@\n \tbridge-stp off\n-\tbridge-fd 0\n+\tbridge-fd 2\n";
        assert_eq!(stanzas(begins_within)[0].interface, "");
        assert_eq!(stanzas(""), []);
    }
}

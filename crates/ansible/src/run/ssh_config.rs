//! The configuration with which a run reaches the machines of a generated inventory: text for `ssh -F`.

use std::path::Path;

use crate::run::generated::{Files, GeneratedInventory, SshMachine, Way, requested};

/// The configuration. `connect` is the command that asks the supervisor for a connection; the name of the machine follows.
pub(super) fn text(inventory: &GeneratedInventory, files: &Files, connect: &[String]) -> String {
    let mut text = String::new();
    for machine in &inventory.machines {
        let SshMachine { name, address, port, user, host_keys, way } = machine;
        let checking = if host_keys.is_empty() { "accept-new" } else { "yes" };
        // By name: instances of a range can have the same addresses.
        text.push_str(&format!(
            "Host {name}\n  HostName {address}\n  Port {port}\n  User {}\n  HostKeyAlias {name}\n  \
             StrictHostKeyChecking {checking}\n",
            quoted(user)
        ));
        match way {
            Way::Direct => {}
            Way::Command(_) => {
                let asked = requested(&inventory.name, name);
                let words = connect.iter().chain([&asked]).map(|word| for_shell(word));
                let command = words.collect::<Vec<_>>().join(" ").replace('%', "%%");
                text.push_str(&format!("  ProxyCommand {command}\n  ProxyUseFdpass yes\n"));
            }
            Way::Through(other) => text.push_str(&format!("  ProxyJump {other}\n")),
        }
    }
    let path = |path: &Path| quoted(&path.to_string_lossy().replace('%', "%%"));
    text.push_str(&format!(
        "Host *\n  IdentityFile {}\n  IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile {}\n  \
         GlobalKnownHostsFile none\n  UpdateHostKeys no\n",
        path(&files.key),
        path(&files.known_hosts)
    ));
    text
}

/// The keys of all machines that are known, by their names.
pub(super) fn known_hosts(machines: &[SshMachine]) -> String {
    let of_one = |machine: &SshMachine| {
        let name = machine.name.clone();
        machine.host_keys.iter().map(move |key| format!("{name} {key}\n")).collect::<String>()
    };
    machines.iter().map(of_one).collect()
}

/// A word of the configuration.
fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', r"\\").replace('"', r#"\""#))
}

/// A word of a command for the shell.
fn for_shell(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./%".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::*;

    fn machine(name: &str, address: &str, way: Way) -> SshMachine {
        let host_keys = vec!["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample".to_owned()];
        let address = address.parse().expect("an address");
        SshMachine { name: name.to_owned(), address, port: 2222, user: "root".to_owned(), host_keys, way }
    }

    /// What OpenSSH itself understands of the configuration.
    fn understood(directory: &Path, config: &Path, host: &str) -> Vec<String> {
        let output =
            Command::new("ssh").arg("-G").arg("-F").arg(config).arg(host).current_dir(directory).output();
        let output = output.expect("ssh");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
    }

    #[test]
    fn ssh_understands_the_way_to_each_machine() {
        let directory = tempfile::tempdir().expect("a directory");
        let files = Files::of(&directory.path().join("100% \"a b\""), "range-1");
        let machines = vec![
            machine("gw", "10.0.0.1", Way::Command(vec!["/bin/true".to_owned()])),
            machine("team01-web.a", "10.0.0.1", Way::Through("gw".to_owned())),
            SshMachine { host_keys: Vec::new(), ..machine("db", "fd00::3", Way::Direct) },
        ];
        assert_eq!(known_hosts(&machines).lines().count(), 2);
        let (position, name, text) = (0, "range-1".to_owned(), String::new());
        let inventory = GeneratedInventory { position, name, text, private_key: "".into(), machines };
        let connect = ["python3", "/a b/100%/c.py", "/run/it's"].map(str::to_owned);
        let config = directory.path().join("config");
        fs::write(&config, super::text(&inventory, &files, &connect)).expect("written");

        let gw = understood(directory.path(), &config, "gw");
        for line in [
            "proxycommand python3 '/a b/100%%/c.py' '/run/it'\\''s' range-1/gw",
            "proxyusefdpass yes",
            "hostkeyalias gw",
            "hostname 10.0.0.1",
            "port 2222",
            "user root",
            "stricthostkeychecking true",
            "identitiesonly yes",
        ] {
            assert!(gw.iter().any(|known| known == line), "{line}: {gw:#?}");
        }
        let hosts = gw.iter().find(|line| line.starts_with("userknownhostsfile ")).expect("known hosts");
        assert!(hosts.contains("a b") && hosts.ends_with("known_hosts"), "{hosts}");
        let web = understood(directory.path(), &config, "team01-web.a");
        assert!(web.iter().any(|line| line == "proxyjump gw"), "{web:#?}");
        assert!(!web.iter().any(|line| line.starts_with("proxyusefdpass yes")), "{web:#?}");
        let db = understood(directory.path(), &config, "db");
        assert!(db.iter().any(|line| line == "stricthostkeychecking accept-new"), "{db:#?}");
        assert!(!db.iter().any(|line| line.starts_with("proxyjump")), "{db:#?}");
    }
}

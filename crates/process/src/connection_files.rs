//! Files that programs need for connections: private SSH keys, SSH known hosts, and certificates of authorities.
//!
//! They are recognized by their content, so a content author can't expose `/etc/shadow` to a sandbox by naming it.

use std::path::Path;

use crate::untrusted::read_file;

/// The largest file that is taken for one of these, in bytes.
const FILE_BYTES: u64 = 4 << 20;
/// Directories of the system whose keys identify this machine, not a user.
const MACHINE: [&str; 3] = ["/etc/ssh", "/etc/ssl", "/etc/pki"];

/// Whether the file is a key, a certificate, or a list of known hosts, rather than something else that an inventory names.
#[must_use]
pub fn is_connection_file(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    if MACHINE.iter().any(|directory| path.starts_with(directory)) {
        return false;
    }
    let text = read_file(&path, FILE_BYTES).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.is_some_and(|text| {
        is_private_key(&text) || is_ssh_certificate(&text) || are_certificates(&text) || is_known_hosts(&text)
    })
}

fn is_private_key(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default().trim_end();
    first.starts_with("-----BEGIN ") && first.ends_with(" PRIVATE KEY-----")
        || first == "-----BEGIN PRIVATE KEY-----"
}

/// X.509 in PEM, without any key; text between them is comment.
fn are_certificates(text: &str) -> bool {
    let (mut is_within, mut count) = (false, 0);
    let is_certificate = |line: &str| {
        let line = line.trim();
        if let Some(label) = line.strip_prefix("-----BEGIN ") {
            is_within = true;
            count += 1;
            return label.ends_with("CERTIFICATE-----");
        }
        if line.starts_with("-----END ") {
            is_within = false;
            return true;
        }
        // Comments of bundles; anything else may be something that the file holds besides.
        is_within || line.is_empty() || line.starts_with('#')
    };
    text.lines().all(is_certificate) && count > 0
}

fn is_ssh_certificate(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace();
    words.next().is_some_and(|kind| kind.ends_with("-cert-v01@openssh.com"))
}

/// Lines of hosts, a type, and a key in base64; `@cert-authority` or `@revoked` may come first.
fn is_known_hosts(text: &str) -> bool {
    let is_key = |line: &str| {
        let words = line.split_ascii_whitespace().skip_while(|word| word.starts_with('@'));
        let words: Vec<&str> = words.skip(1).take(2).collect();
        let [kind, key] = words[..] else { return false };
        ["ssh-", "ecdsa-", "sk-"].iter().any(|family| kind.starts_with(family)) && key.starts_with("AAAA")
    };
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let has_lines = !text.trim().is_empty();
    lines.by_ref().next().map_or(!has_lines, is_key) && lines.all(is_key)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn only_what_a_connection_needs_is_taken_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let key = "AAAAC3NzaC1lZDI1NTE5AAAAIKg1";
        for (text, expected) in [
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n", true),
            ("-----BEGIN RSA PRIVATE KEY-----\nabc\n", true),
            ("-----BEGIN PRIVATE KEY-----\nabc\n", true),
            (&*format!("# hosts\nweb,192.0.2.1 ssh-ed25519 {key} comment\n"), true),
            (&*format!("@cert-authority *.test ecdsa-sha2-nistp256 {key}\n"), true),
            (&*format!("ssh-ed25519-cert-v01@openssh.com {key}\n"), true),
            ("", true),
            ("root:$6$x:19000:0:99999:7:::\n", false),
            ("# a\n-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n", true),
            ("-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\npassword: x\n", false),
            (
                "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n -----BEGIN PRIVATE KEY-----\n",
                false,
            ),
            ("# password = x\n", false),
            ("-----BEGIN CERTIFICATE-----\n-----BEGIN DSA PARAMETERS-----\n", false),
            ("password: x\n", false),
            (&*format!("web ssh-ed25519 {key}\nroot:x:0:0::/root:/bin/sh\n"), false),
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(is_connection_file(&path), expected, "{text}");
        }
        fs::write(&path, "-----BEGIN OPENSSH PRIVATE KEY-----\n").unwrap();
        let link = directory.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(is_connection_file(&link));
        for none in ["/nonexistent", "/dev/zero", "/etc", "/etc/shadow"] {
            assert!(!is_connection_file(Path::new(none)), "{none}");
        }
    }
}

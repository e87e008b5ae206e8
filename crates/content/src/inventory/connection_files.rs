//! Files that an inventory or a configuration names for connections: private SSH keys, SSH known hosts, and certificates of
//! authorities.
//!
//! The text of the files is searched for them, so that INI inventories and values next to templates are included. A
//! sandbox shows such a file only if its content is what a connection needs, so an inventory can't name `/etc/shadow`.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use regex::Regex;

use super::{Source, files::Files};

/// The maximum number of files that an inventory may name.
const MAX_FILES: usize = 1000;

/// A variable, setting, or option of SSH, and the path that it names.
#[expect(clippy::expect_used, reason = "a constant pattern, compiled by every test of this file")]
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    let names = "private_key_file|IdentityFile|CertificateFile|UserKnownHostsFile|GlobalKnownHostsFile|\
                 ca_?(?:path|file|certs?|bundle)";
    let pattern =
        format!(r#"(?i)(?:(?:{names})["']?\s*[=:\s]|[\s"'=]-i)\s*["']?((?:~|/)[^\s"',;{{}}\[\]]*)"#);
    Regex::new(&pattern).expect("the pattern is valid")
});

/// The paths that the files of an inventory name, absolute. An inventory that can't be read names none.
#[must_use]
pub fn connection_files(source: &Source, home: Option<&Path>) -> BTreeSet<PathBuf> {
    let texts = Files::open(&source.root, &source.path).and_then(|files| files.texts());
    let mut paths = BTreeSet::new();
    for path in texts.unwrap_or_default().iter().flat_map(|text| connection_files_in(text, home)) {
        if paths.len() == MAX_FILES {
            tracing::warn!(
                most = MAX_FILES,
                "an inventory names more files for connections than a sandbox shows"
            );
            break;
        }
        paths.insert(path);
    }
    paths
}

/// The paths that a text names, absolute.
pub fn connection_files_in(text: &str, home: Option<&Path>) -> impl Iterator<Item = PathBuf> {
    let paths = NAMED.captures_iter(text).filter_map(|captures| captures.get(1));
    paths.filter_map(move |path| match path.as_str().strip_prefix('~') {
        None => Some(PathBuf::from(path.as_str())),
        Some(rest) => Some(home?.join(rest.strip_prefix('/')?)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_in_every_format() {
        for (text, path) in [
            (
                "web ansible_host=192.0.2.1 ansible_ssh_private_key_file=/keys/web ansible_port=22",
                "/keys/web",
            ),
            ("ansible_ssh_private_key_file: ~/.ssh/lab.pem\n", "/home/ann/.ssh/lab.pem"),
            (r#"{"ansible_private_key_file": "/keys/x"}"#, "/keys/x"),
            ("[defaults]\nprivate_key_file = /keys/x\n", "/keys/x"),
            ("ansible_ssh_common_args: '-o UserKnownHostsFile=/keys/hosts -o User=x'", "/keys/hosts"),
            (r#"ansible_ssh_common_args: "-o IdentityFile=/keys/x""#, "/keys/x"),
            ("ansible_ssh_extra_args: -i /keys/x", "/keys/x"),
            ("all: {vars: {ansible_private_key_file: /keys/x}}", "/keys/x"),
            ("proxmox_api_ca_path: /keys/ca.pem", "/keys/ca.pem"),
            ("ANSIBLE_PRIVATE_KEY_FILE=/keys/x", "/keys/x"),
        ] {
            let found: Vec<PathBuf> = connection_files_in(text, Some(Path::new("/home/ann"))).collect();
            assert_eq!(found, [PathBuf::from(path)], "{text}");
        }
        for text in [
            "ansible_ssh_private_key_file: \"{{ inventory_dir }}/keys/x\"",
            "ansible_ssh_private_key_file: ~other/.ssh/x",
            "sed -i.bak /etc/x",
            "ansible_ssh_private_key_file: keys/x",
        ] {
            assert_eq!(connection_files_in(text, Some(Path::new("/home/ann"))).next(), None, "{text}");
        }
    }
}

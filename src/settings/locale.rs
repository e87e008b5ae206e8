//! A locale with which Ansible starts.
//!
//! Ansible rejects every locale whose encoding is not UTF-8, and each that this machine does not have. `LC_ALL` overrides all
//! other variables, so replacing that one is enough.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    process::{Command, Stdio},
};

/// Every current system has this one.
const USUAL: &str = "C.UTF-8";
/// Locales that are tried next, before any other installed one.
const NEXT: [&str; 2] = ["C.utf8", "en_US.UTF-8"];
/// Where `locale` is looked for without a search path.
const PATH: &str = "/usr/bin:/bin";

/// Leaves a usable locale as it is; otherwise sets one.
pub(super) fn settle(variables: &mut BTreeMap<String, String>, path: Option<&OsStr>) {
    for name in ["LANG", "LC_ALL"] {
        variables.entry(name.to_owned()).or_insert_with(|| USUAL.to_owned());
    }
    let path = path.unwrap_or(OsStr::new(PATH));
    if is_usable(variables, path) {
        return;
    }
    let with = |locale: &str| {
        let mut tried = variables.clone();
        tried.insert("LC_ALL".to_owned(), locale.to_owned());
        is_usable(&tried, path)
    };
    let installed = installed(path);
    let candidates = [USUAL, NEXT[0], NEXT[1]].into_iter().chain(installed.iter().map(String::as_str));
    let found = candidates.into_iter().find(|locale| with(locale)).unwrap_or(USUAL).to_owned();
    variables.insert("LC_ALL".to_owned(), found);
}

/// Whether this is a UTF-8 locale of this machine. If that cannot be determined, its name decides.
fn is_usable(variables: &BTreeMap<String, String>, path: &OsStr) -> bool {
    let of_locales = variables.iter().filter(|(name, _)| is_of_locales(name));
    let asked = command(path).arg("charmap").envs(of_locales).output();
    match asked {
        // A locale that is missing is a warning, and another one is described.
        Ok(output) => output.stdout.trim_ascii() == b"UTF-8" && output.stderr.is_empty(),
        Err(_) => {
            let name = variables.get("LC_ALL").map(|name| name.to_ascii_lowercase()).unwrap_or_default();
            name.ends_with("utf-8") || name.ends_with("utf8")
        }
    }
}

fn is_of_locales(name: &str) -> bool {
    name.starts_with("LC_") || matches!(name, "LANG" | "LANGUAGE" | "LOCPATH")
}

/// The locales of this machine that have UTF-8 in their name.
fn installed(path: &OsStr) -> Vec<String> {
    let Ok(output) = command(path).arg("-a").output() else { return Vec::new() };
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    listed.lines().filter(|name| name.to_ascii_lowercase().contains("utf")).map(str::to_owned).collect()
}

fn command(path: &OsStr) -> Command {
    let mut command = Command::new("locale");
    command.env_clear().env("PATH", path).stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_locale_with_utf_8_that_is_there_is_left() {
        for (name, value, is_left) in [
            ("LC_ALL", "C.UTF-8", true),
            ("LC_ALL", "C", false),
            ("LC_ALL", "POSIX", false),
            ("LC_ALL", "xx_YY.UTF-8", false),
            ("LC_ALL", "de_DE.ISO-8859-1", false),
        ] {
            let mut variables = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            settle(&mut variables, None);
            assert_eq!(variables["LC_ALL"] == value, is_left, "{value}");
            assert!(variables["LC_ALL"].to_ascii_lowercase().contains("utf"), "{variables:?}");
        }
    }

    #[test]
    fn without_a_program_to_ask_the_name_decides() {
        let nowhere = OsStr::new("/nowhere");
        for (value, expected) in [("sv_SE.UTF-8", "sv_SE.UTF-8"), ("C", USUAL)] {
            let mut variables = BTreeMap::from([("LC_ALL".to_owned(), value.to_owned())]);
            settle(&mut variables, Some(nowhere));
            assert_eq!(variables["LC_ALL"], expected);
        }
    }
}

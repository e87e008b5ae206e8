//! Finds the real locations of Ansible's programs: the paths that must be visible to start them.
//!
//! A virtual environment is a directory of scripts that name an interpreter, which is a link to another installation at any
//! place, such as a home or /opt. Each link is followed to its end.

use std::{
    collections::{BTreeSet, VecDeque},
    ffi::OsStr,
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// What belongs to the system, and is seen anyway.
const SYSTEM: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc"];
/// The longest line that the kernel reads for an interpreter, and more.
const FIRST_LINE_BYTES: u64 = 4096;
/// A chain of links and interpreters that is longer leads nowhere.
const MAX_PROGRAMS: usize = 64;

/// The directories and files that the program and `ansible-playbook` need, those of the system excepted.
pub fn needed_by(program: &Path, path: Option<&OsStr>) -> BTreeSet<PathBuf> {
    let mut needed = BTreeSet::new();
    let mut open: VecDeque<PathBuf> =
        [Some(program.to_owned()), in_path("ansible-playbook", path)].into_iter().flatten().collect();
    let mut seen = BTreeSet::new();
    while let Some(program) = open.pop_front() {
        if seen.len() >= MAX_PROGRAMS || !seen.insert(program.clone()) {
            continue;
        }
        if !SYSTEM.iter().any(|system| program.starts_with(system)) {
            needed.extend(installation(&program));
        }
        open.extend(next_link(&program));
        open.extend(interpreter(&program, path));
        open.extend(base_of(&program));
    }
    needed
}

/// The directories that a program needs: all of a virtual environment; of another installation only its programs and libraries,
/// because its prefix can be a home directory.
fn installation(program: &Path) -> Vec<PathBuf> {
    let Some(directory) = program.parent() else { return Vec::new() };
    let Some(prefix) = directory.parent().filter(|_| directory.ends_with("bin")) else {
        return vec![directory.to_owned()];
    };
    if prefix.join("pyvenv.cfg").is_file() {
        return vec![prefix.to_owned()];
    }
    ["bin", "lib", "lib64", "share/ansible"].map(|name| prefix.join(name)).to_vec()
}

fn next_link(program: &Path) -> Option<PathBuf> {
    let target = fs::read_link(program).ok()?;
    Some(program.parent()?.join(target))
}

/// The program that the first line names; that which `env` finds, where it names `env`.
pub fn interpreter(program: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
    let mut line = Vec::new();
    BufReader::new(File::open(program).ok()?).take(FIRST_LINE_BYTES).read_until(b'\n', &mut line).ok()?;
    let mut words = line.strip_prefix(b"#!")?.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let first = PathBuf::from(OsStr::from_bytes(words.next()?));
    if first.ends_with("env") {
        let name = words.find(|word| !word.starts_with(b"-"))?;
        return in_path(OsStr::from_bytes(name), path);
    }
    Some(first)
}

/// The interpreter that a virtual environment was made from.
fn base_of(program: &Path) -> Option<PathBuf> {
    let settings = fs::read_to_string(program.parent()?.parent()?.join("pyvenv.cfg")).ok()?;
    let home = settings.lines().find_map(|line| line.strip_prefix("home")?.trim_start().strip_prefix('='))?;
    Some(Path::new(home.trim()).join("python3"))
}

/// The first program of this name in the directories of `PATH`.
pub fn in_path(name: impl AsRef<Path>, path: Option<&OsStr>) -> Option<PathBuf> {
    let mut places = std::env::split_paths(path?).map(|directory| directory.join(name.as_ref()));
    places.find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_script_is_followed_through_its_environment_to_the_interpreter() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for directory in ["one/bin", "two/bin", "base/bin"] {
            fs::create_dir_all(at(directory)).unwrap();
        }
        // The script names the interpreter of another environment, as after a copy.
        fs::write(at("one/pyvenv.cfg"), "").unwrap();
        fs::write(at("one/bin/ansible-runner"), format!("#!{}\n", at("two/bin/python").display())).unwrap();
        fs::write(at("two/pyvenv.cfg"), format!("home = {}\n", at("base/bin").display())).unwrap();
        symlink("python3", at("two/bin/python")).unwrap();
        symlink(at("base/bin/python3"), at("two/bin/python3")).unwrap();
        fs::write(at("base/bin/python3"), "").unwrap();
        let needed = needed_by(&at("one/bin/ansible-runner"), None);
        for path in ["one", "two", "base/bin", "base/lib"] {
            assert!(needed.contains(&at(path)), "{path}: {needed:?}");
        }
        assert!(!needed.contains(&at("base")) && !needed.contains(root.path()));
    }

    #[test]
    fn what_env_finds_is_needed_and_a_circle_ends() {
        let root = tempfile::tempdir().unwrap();
        let program = root.path().join("runner");
        fs::write(&program, "#!/usr/bin/env -S python3 -u\n").unwrap();
        symlink("python3", root.path().join("python3")).unwrap();
        assert_eq!(
            needed_by(&program, Some(root.path().as_os_str())),
            BTreeSet::from([root.path().to_owned()])
        );
    }
}

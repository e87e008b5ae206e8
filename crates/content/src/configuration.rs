//! Ansible's configuration file: which file applies, and its values, read by Ansible's own rules.
//!
//! Ansible reads `ansible.cfg` with Python's `configparser`: comments begin with `#` or `;` at the start of a line, or with
//! `;` after a space. A value continues in lines that are indented more than its key. Values of `[DEFAULT]` apply to every
//! section. Relative paths start at the directory of the file.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

use rustix::fs::{Mode, OFlags};

/// The name of the file that configures Ansible in a directory.
pub(crate) const FILE_NAME: &str = "ansible.cfg";

/// The largest file that is read, in bytes: one that lists every setting has 60 KB.
const MAX_BYTES: u64 = 4 << 20;

/// The permission by which everyone may write to a directory: Ansible ignores a configuration there.
const WRITABLE_BY_ALL: u32 = 0o002;

/// The configuration that is in force in a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The file; `None` when there is none.
    pub file: Option<PathBuf>,
    values: BTreeMap<(String, String), String>,
}

impl Configuration {
    /// Reads the first of: `ANSIBLE_CONFIG`, the directory's `ansible.cfg`, `~/.ansible.cfg`, the system's.
    #[must_use]
    pub fn find(environment: &BTreeMap<String, String>, directory: &Path) -> Self {
        let Some(file) = find(environment, directory) else { return Self::default() };
        let values = read(&file).map(|text| parse(&text)).unwrap_or_default();
        Self { file: Some(file), values }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, section: &str, key: &str) -> Option<&str> {
        let of = |section: &str| self.values.get(&(section.to_owned(), key.to_owned()));
        of(section).or_else(|| of(DEFAULT)).map(String::as_str)
    }

    /// A value that is a list, with commas.
    #[must_use]
    pub fn list(&self, section: &str, key: &str) -> Option<Vec<String>> {
        let value = self.get(section, key)?;
        let items = value.split(',').map(|item| unquoted(item.trim()).to_owned());
        Some(items.filter(|item| !item.is_empty()).collect())
    }

    /// A value that is a list of paths separated by `separator`. Relative ones start at `base`, by default the directory
    /// of the file. `~` is kept.
    #[must_use]
    pub fn paths(&self, section: &str, key: &str, separator: char, base: &Path) -> Option<Vec<PathBuf>> {
        let value = self.get(section, key)?;
        let items = value.split(separator).map(str::trim).filter(|item| !item.is_empty());
        Some(items.map(|item| absolute(item, base)).collect())
    }
}

/// The path of the configuration file: the first that exists.
fn find(environment: &BTreeMap<String, String>, directory: &Path) -> Option<PathBuf> {
    let home = environment.get("HOME").map(PathBuf::from);
    let named = environment.get("ANSIBLE_CONFIG").filter(|path| !path.is_empty());
    let named = named.map(|path| expanded(Path::new(path), home.as_deref(), directory));
    let named = named.map(|path| if path.is_dir() { path.join(FILE_NAME) } else { path });
    let is_open = fs::metadata(directory).is_ok_and(|data| data.mode() & WRITABLE_BY_ALL != 0);
    let own = (!is_open).then(|| directory.join(FILE_NAME));
    let of_user = home.map(|home| home.join(".ansible.cfg"));
    let of_system = Path::new("/etc/ansible").join(FILE_NAME);
    [named, own, of_user, Some(of_system)].into_iter().flatten().find(|path| path.is_file())
}

fn read(file: &Path) -> Option<String> {
    // A run may have put a link to something else there, which must neither block nor be without end.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = fs::File::from(rustix::fs::open(file, flags, Mode::empty()).ok()?);
    let found = file.metadata().ok()?;
    let mut text = String::new();
    let is_readable = found.is_file() && found.len() <= MAX_BYTES;
    let read = is_readable.then(|| file.take(MAX_BYTES + 1).read_to_string(&mut text))?.ok()?;
    (read as u64 <= MAX_BYTES).then_some(text)
}

/// The section whose values hold in all others.
const DEFAULT: &str = "DEFAULT";

/// The values of a file, by section and key. A line that is neither a section nor a value is skipped: Ansible rejects the
/// whole file then, and reports that itself.
fn parse(text: &str) -> BTreeMap<(String, String), String> {
    let mut values: BTreeMap<(String, String), String> = BTreeMap::new();
    let (mut section, mut key, mut indent) = (None::<String>, None::<String>, 0);
    for line in text.lines() {
        let content = without_comment(line);
        let begin = line.len() - line.trim_start().len();
        if content.is_empty() {
            // An empty line belongs to the value around it; one with a comment does not.
            if line.trim().is_empty() {
                append(&mut values, section.as_ref(), key.as_ref(), "");
            }
            continue;
        }
        if key.is_some() && begin > indent {
            append(&mut values, section.as_ref(), key.as_ref(), content);
            continue;
        }
        indent = begin;
        if let Some(name) = section_of(content) {
            (section, key) = (Some(name.to_owned()), None);
            continue;
        }
        let divided = content.find(['=', ':']).map(|at| content.split_at(at));
        let (Some(within), Some((name, value))) = (&section, divided) else { continue };
        let name = name.trim().to_lowercase();
        values.insert((within.clone(), name.clone()), value[1..].trim().to_owned());
        key = Some(name);
    }
    values.values_mut().for_each(|value| value.truncate(value.trim_end().len()));
    values
}

/// A line without its comment and without the space around it.
fn without_comment(line: &str) -> &str {
    let text = line.trim();
    if text.starts_with(['#', ';']) {
        return "";
    }
    let begins = |(at, _): &(usize, &str)| *at == 0 || line[..*at].ends_with(char::is_whitespace);
    let end = line.match_indices(';').find(begins).map_or(line.len(), |(at, _)| at);
    line[..end].trim()
}

fn section_of(content: &str) -> Option<&str> {
    let rest = content.strip_prefix('[')?;
    let end = rest.rfind(']')?;
    (end > 0).then(|| &rest[..end])
}

fn append(
    values: &mut BTreeMap<(String, String), String>,
    section: Option<&String>,
    key: Option<&String>,
    line: &str,
) {
    let (Some(section), Some(key)) = (section, key) else { return };
    if let Some(value) = values.get_mut(&(section.clone(), key.clone())) {
        value.push('\n');
        value.push_str(line);
    }
}

fn unquoted(text: &str) -> &str {
    let within = |mark: char| text.strip_prefix(mark).and_then(|text| text.strip_suffix(mark));
    within('"').or_else(|| within('\'')).unwrap_or(text)
}

/// A path of a configuration, without `.` and `..`; one that begins with `~` or a variable stays as it is.
fn absolute(path: &str, base: &Path) -> PathBuf {
    if path.starts_with(['~', '$']) {
        return PathBuf::from(path);
    }
    let path = path.replace("{{CWD}}", &base.to_string_lossy());
    normal(&base.join(path))
}

/// A path with `~` and a relative beginning resolved.
pub(crate) fn expanded(path: &Path, home: Option<&Path>, directory: &Path) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => normal(&directory.join(path)),
    }
}

/// Without `.` and `..`, by the text alone, as Ansible does it.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str, section: &str, key: &str) -> Option<String> {
        let configuration = Configuration { file: None, values: parse(text) };
        configuration.get(section, key).map(str::to_owned)
    }

    /// The expected values are those of Python's `configparser.ConfigParser(inline_comment_prefixes=(";",))`.
    #[test]
    fn values_are_what_configparser_makes_of_them() {
        let text = "# roles_path = /no\n[galaxy]\nroles_path = /galaxy\n[defaults]\n;roles_path=/commented\n  # roles_path = x\n\
                    Roles_Path : a:b ; the rest\nurl = http://x/#y;z\nlong = one\n    two\n    ; not three\n\n    four\n\
                    forks=7;8\nempty =\n[inventory]\nenable_plugins = ini, 'yaml',\n[DEFAULT]\nshared = yes\n";
        for (section, key, value) in [
            ("defaults", "roles_path", Some("a:b")),
            ("galaxy", "roles_path", Some("/galaxy")),
            ("defaults", "url", Some("http://x/#y;z")),
            ("defaults", "long", Some("one\ntwo\n\nfour")),
            ("defaults", "forks", Some("7;8")),
            ("defaults", "empty", Some("")),
            ("inventory", "shared", Some("yes")),
            ("defaults", "enable_plugins", None),
            ("none", "roles_path", None),
        ] {
            assert_eq!(said(text, section, key).as_deref(), value, "[{section}] {key}");
        }
        let list = Configuration { file: None, values: parse(text) };
        assert_eq!(list.list("inventory", "enable_plugins"), Some(vec!["ini".into(), "yaml".into()]));
    }

    #[test]
    fn a_file_whose_lines_are_all_comments_says_nothing() {
        let text = "[defaults]\n; (as written by a tool)\n;roles_path=/usr/share/ansible/roles\n#collections_path=/c\n";
        assert_eq!(said(text, "defaults", "roles_path"), None);
        assert_eq!(said(text, "defaults", "collections_path"), None);
    }

    #[test]
    fn relative_paths_start_at_the_directory_of_the_file() {
        let configuration = Configuration {
            file: None,
            values: parse("[defaults]\nroles_path = ../shared:./roles:/abs:~/own\n"),
        };
        assert_eq!(
            configuration.paths("defaults", "roles_path", ':', Path::new("/srv/site")),
            Some(["/srv/shared", "/srv/site/roles", "/abs", "~/own"].map(PathBuf::from).into())
        );
    }

    #[test]
    fn a_configuration_is_searched_where_ansible_searches_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a directory");
        let (site, home) = (directory.path().join("site"), directory.path().join("home"));
        for place in [&site, &home] {
            fs::create_dir(place).expect("made");
        }
        fs::write(home.join(".ansible.cfg"), "[defaults]\nforks=1\n").expect("written");
        fs::write(site.join(FILE_NAME), "[defaults]\nforks=2\n").expect("written");
        let mut environment = BTreeMap::from([("HOME".to_owned(), home.to_string_lossy().into_owned())]);
        let forks = |environment: &BTreeMap<String, String>| {
            Configuration::find(environment, &site).get("defaults", "forks").map(str::to_owned)
        };
        assert_eq!(forks(&environment).as_deref(), Some("2"));
        fs::set_permissions(&site, fs::Permissions::from_mode(0o777)).expect("the test owns the directory");
        assert_eq!(
            forks(&environment).as_deref(),
            Some("1"),
            "anyone may have written the one of the directory"
        );
        environment.insert("ANSIBLE_CONFIG".to_owned(), site.to_string_lossy().into_owned());
        assert_eq!(forks(&environment).as_deref(), Some("2"), "a directory stands for the file in it");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "([ \\t\\n\\[\\]:;#=a-cé]|roles_path){0,80}") {
            parse(&text);
        }
    }
}

//! The built files of the web page are what its source makes.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use super::root;

/// Every file below a directory.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry")) {
        let name = entry.file_name().into_string().expect("UTF-8");
        match entry.file_type().expect("a type").is_dir() {
            true => found.extend(
                files(&entry.path()).into_iter().map(|(path, text)| (format!("{name}/{path}"), text)),
            ),
            false => drop(found.insert(name, fs::read(entry.path()).expect("readable"))),
        }
    }
    found
}

/// Needs npm and the packages of `web/app/package-lock.json`, which `./test.sh` installs.
#[test]
#[expect(clippy::print_stderr, reason = "a test that shows nothing says so")]
fn the_built_page_is_what_its_source_makes_and_its_parts_work() {
    let app = root().join("web/app");
    if !app.join("node_modules").is_dir() {
        eprintln!("SKIPPED: no `web/app/node_modules`. Run `npm ci --prefix web/app`");
        return;
    }
    let built = tempfile::tempdir().expect("a directory");
    let directory = built.path().to_str().expect("UTF-8");
    let npm = |arguments: &[&str]| {
        let output = Command::new("npm").args(arguments).current_dir(&app).output().expect("npm");
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "npm {arguments:?}: {text}");
    };
    npm(&["test"]);
    npm(&["run", "build", "--", "--outDir", directory]);
    let (built, committed) = (files(built.path()), files(&app.join("dist")));
    assert_eq!(built.keys().collect::<Vec<_>>(), committed.keys().collect::<Vec<_>>());
    for (name, content) in &committed {
        assert!(
            &built[name] == content,
            "web/app/dist/{name} is out of date: run `npm run build` in web/app"
        );
    }
}

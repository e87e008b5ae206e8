//! `rangehand template`: which templates a platform has, and what prevents a build.

use crate::project::{Project, text};

#[test]
fn templates_are_found_in_the_directory_of_the_platform_and_in_settings() {
    let project = Project::new()
        .with_file("var/platforms/local/templates/debian-12/etc/hostname", "x")
        .with_file("var/platforms/local/templates/lab.tar.xz", "x")
        .with_file("var/platforms/local/templates/notes.txt", "x")
        .with_file("var/platforms/local/templates/.debian-13.part/etc/hostname", "x")
        .with_settings("[platforms.local]\ntemplates = { lab = \"roots/lab\" }\n");
    let listed = text(&project.run(&[], &["template", "list"]).stdout);
    let lines: Vec<Vec<&str>> = listed
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect())
        .collect();
    let built = project.path("var/platforms/local/templates/debian-12").display().to_string();
    let set = project.path("roots/lab").display().to_string();
    assert_eq!(lines[0], ["debian-12", "exists", &built], "{listed}");
    assert_eq!(lines[1], ["lab", "missing", &set], "settings have precedence: {listed}");
    assert_eq!(lines[2][..2], ["debian-13", "can be built"], "{listed}");
    assert_eq!(lines.len(), 5, "{listed}");
}

#[test]
fn a_build_that_cannot_succeed_is_refused_at_once() {
    let project = || Project::new().with_file("var/platforms/local/templates/debian-12/etc/hostname", "x");
    let refused = |project: Project, words: &[&str], arguments: &[&str], part: &str| {
        let output = project.run(words, &[&["template", "build"], arguments].concat());
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(part), "{part}: {error}");
    };
    refused(project(), &[], &["debian-99"], "unknown template `debian-99`: use debian-12, ");
    refused(project(), &[], &["debian-12"], "exists already\nhint: remove it");
    refused(
        project(),
        &[],
        &["debian-13", "--platform", "simulated"],
        "is not a platform of kind `local`: use local",
    );
    refused(project(), &["unshare", "--user"], &["debian-13"], "requires the rights of root\nhint: ");
}

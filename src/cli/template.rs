//! `rangehand template`: the templates that guests of a local platform are made from.

use std::{
    error::Error,
    fmt,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Subcommand;
use platform::local::{self, BUILDABLE, Options};

use crate::settings::{Inputs, PlatformKind, Settings};

/// Subcommands of `rangehand template`.
#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Build a template with debootstrap; takes minutes and requires the rights of root
    Build {
        /// Name of the template: see `rangehand template list`
        name: String,
        /// URL of the package mirror [default: the one that debootstrap uses for the release]
        #[arg(long, value_name = "URL")]
        mirror: Option<String>,
        /// Directory to create [default: NAME in the template directory of the platform]
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// Platform of kind `local`
        #[arg(long, value_name = "NAME", default_value = "local")]
        platform: String,
    },
    /// List the templates of a platform, and those that can be built
    List {
        /// Platform of kind `local`
        #[arg(long, value_name = "NAME", default_value = "local")]
        platform: String,
    },
}

/// There is no platform of kind `local` with this name.
#[derive(Debug)]
struct NotLocal {
    name: String,
    local: Vec<String>,
}

impl fmt::Display for NotLocal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a platform of kind `local`: use {}", self.name, self.local.join(", "))
    }
}

impl Error for NotLocal {}

/// Builds or lists templates.
///
/// # Errors
/// Invalid settings, an unknown platform or template, or a failed build.
pub(super) fn run(inputs: &Inputs, what: What, out: &mut dyn Write) -> Result<ExitCode, Box<dyn Error>> {
    let settings = Settings::load(inputs)?.settings;
    match what {
        What::Build { name, mirror, dir, platform } => {
            let options = options(&settings, &platform)?;
            let directory = match dir {
                Some(dir) => inputs.directory.join(dir),
                None => options.templates_dir().join(&name),
            };
            // If standard error is closed, the template is built without a report.
            let mut progress = |line: &str| drop(writeln!(io::stderr(), "{line}"));
            local::build(&name, &directory, mirror.as_deref(), &mut progress)?;
            writeln!(out, "{}", directory.display())?;
            if !local::templates(&options).values().any(|path| *path == directory) {
                let shown = directory.display();
                progress(&format!(
                    "to use it: platforms.{platform}.templates = {{ \"{name}\" = \"{shown}\" }}"
                ));
            }
        }
        What::List { platform } => list(&options(&settings, &platform)?, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn options(settings: &Settings, name: &str) -> Result<Options, NotLocal> {
    let is_local = |name: &&String| settings.platforms[*name].kind == Some(PlatformKind::Local);
    let local: Vec<String> = settings.platforms.keys().filter(is_local).cloned().collect();
    match settings.platforms.get(name).filter(|_| local.iter().any(|local| local == name)) {
        Some(platform) => Ok(settings.local_options(name, platform, None)),
        None => Err(NotLocal { name: name.to_owned(), local }),
    }
}

fn list(options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let templates = local::templates(options);
    for (name, path) in &templates {
        let state = if path.exists() { "exists" } else { "missing" };
        writeln!(out, "{name:20}  {state:12}  {}", path.display())?;
    }
    for (name, _) in BUILDABLE.iter().filter(|(name, _)| !templates.contains_key(*name)) {
        writeln!(out, "{name:20}  {:12}  rangehand template build {name}", "can be built")?;
    }
    Ok(())
}

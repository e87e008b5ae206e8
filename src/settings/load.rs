//! From layers to settings.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::{
    Error, Inputs, OldNameInUse, Origin, Origins, Secret, Settings, StoreUrl, environment, file, keys,
    layer::{Entry, Layer},
    old_names,
    origin::Place,
    paths::Base,
    platforms, projects,
    read::{Checked, Raw},
    renamed, tables,
};

/// What happens to old names of settings.
pub(crate) const OLD_NAMES_END: &str = "the old name works for one release";

/// Settings, and where each came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The effective settings.
    pub settings: Settings,
    /// Where each value came from.
    pub origins: Origins,
    /// Which old names of settings are in use.
    pub old_names: Vec<OldNameInUse>,
}

impl Loaded {
    /// Logs each old name that is in use.
    pub fn warn_of_old_names(&self) {
        for old_name in &self.old_names {
            let OldNameInUse { old, new, .. } = old_name;
            tracing::warn!(setting.old = old, setting.new = new, "{old_name}: {OLD_NAMES_END}");
        }
    }
}

impl Settings {
    /// Reads and checks all settings.
    ///
    /// # Errors
    /// The first setting that is unknown or invalid, with its location.
    pub fn load(inputs: &Inputs) -> Result<Loaded, Error> {
        load(inputs)
    }
}

/// Reads every layer and merges them.
fn load(inputs: &Inputs) -> Result<Loaded, Error> {
    let old_names = old_names::layer(&inputs.environment)?;
    let environment = environment::layer(&inputs.environment)?;
    let root = project_root(inputs, [&old_names, &environment]);
    let layers =
        [file::defaults()?, file::of_user(inputs, &root)?, old_names, environment, command_line(inputs)?];
    merge(layers, inputs)
}

/// The project root according to the environment, to find the settings file that may be in it.
fn project_root(inputs: &Inputs, layers: [&Layer; 2]) -> PathBuf {
    let named = layers.iter().flat_map(|layer| layer.entries()).rfind(|e| e.key.name == "paths.project_root");
    let named = named.and_then(|entry| match &entry.value {
        Checked::Plain(config::ValueKind::String(path)) => Some(Path::new(path)),
        _ => None,
    });
    Base::of(inputs).absolute(named.unwrap_or(Path::new(".")))
}

fn command_line(inputs: &Inputs) -> Result<Layer, Error> {
    let host = inputs.command_line.host.clone().map(Raw::Text);
    let port = inputs.command_line.port.map(|port| Raw::Integer(port.into()));
    let mut layer = Layer::default();
    for (name, raw) in [("server.host", host), ("server.port", port)] {
        if let (Some(key), Some(raw)) = (keys::find(name), raw) {
            layer.extend([Entry::new(key, raw, Origin::CommandLine.into())?]);
        }
    }
    Ok(layer)
}

fn merge<const N: usize>(layers: [Layer; N], inputs: &Inputs) -> Result<Loaded, Error> {
    let old_names = renamed::in_use(&layers)?;
    let mut origins = Origins::default();
    for entry in layers.iter().flat_map(Layer::entries) {
        origins.set(entry.name(), entry.place.origin.clone());
    }
    let password = secret(&layers, "vault.password");
    let url = secret(&layers, "store.url");
    let set: Vec<_> = layers.iter().flat_map(Layer::entries).filter_map(of_platform).collect();
    let merged =
        layers.iter().cloned().fold(config::Config::builder(), |builder, layer| builder.add_source(layer));
    let mut settings: Settings = merged.build()?.try_deserialize()?;

    projects::check(&settings.projects)?;
    platforms::complete(&mut settings.platforms);
    for (name, platform) in &mut settings.platforms {
        platform.token_secret = secret_of(&layers, platforms::TOKEN_SECRET, name).map(Secret::new);
    }
    platforms::check(&settings.platforms, set.into_iter())?;
    settings.ranges.check(&settings.platforms)?;
    settings.paths.resolve(inputs);
    let base = settings.paths.base(inputs);
    settings.projects.values_mut().for_each(|project| project.resolve(&base));
    settings.platforms.values_mut().for_each(|platform| platform.resolve(&base));
    settings.ansible.resolve(&base, inputs.executable.as_deref());
    settings.access.resolve(&base);
    settings.vault.resolve(&base, password.map(Secret::new));
    settings.secrets.resolve(&base);
    settings.proxmox.resolve(&base);
    settings.server.resolve(inputs.cores);
    settings.runs.resolve_paths(&base);
    settings.runs.resolve(inputs.cores, inputs.memory);
    settings.store.url = match url {
        Some(url) => StoreUrl::new(url).resolved(&base),
        None => StoreUrl::sqlite_in(&settings.paths.state),
    };
    Ok(Loaded { settings, origins, old_names })
}

/// The platform, the key and the place of an entry of a platform.
fn of_platform(entry: &Entry) -> Option<(&str, &str, &Place)> {
    let (tables, key) = tables::of_key(entry.key)?;
    let name = entry.member.as_deref()?;
    (tables.section == platforms::TABLES.section).then_some((name, key, &entry.place))
}

/// The value of a secret key in the last layer that sets it.
fn secret(layers: &[Layer], name: &str) -> Option<SecretString> {
    value_of(layers.iter().flat_map(Layer::entries).rfind(|entry| entry.key.name == name)?)
}

/// The same for a key of a table that users name.
fn secret_of(layers: &[Layer], name: &str, table: &str) -> Option<SecretString> {
    let is_it = |entry: &&Entry| entry.key.name == name && entry.member.as_deref() == Some(table);
    value_of(layers.iter().flat_map(Layer::entries).rfind(is_it)?)
}

fn value_of(entry: &Entry) -> Option<SecretString> {
    match &entry.value {
        Checked::Secret(secret) => secret.clone(),
        Checked::Plain(_) => None,
    }
}

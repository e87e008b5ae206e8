//! Every platform has a kind, and only keys of that kind.

use std::collections::BTreeMap;

use super::{
    keys::kinds_of,
    platform::{Platform, PlatformKind},
};
use crate::settings::{Error, origin::Place};

/// Adds the platforms that exist without a setting. A platform with the name of a kind has this kind unless it sets another.
pub(in crate::settings) fn complete(platforms: &mut BTreeMap<String, Platform>) {
    for kind in [PlatformKind::Simulated, PlatformKind::Local] {
        platforms.entry(kind.as_str().to_owned()).or_default().kind.get_or_insert(kind);
    }
}

/// Checks the kinds; `set` contains the platform, the key and the place of everything that is set.
///
/// # Errors
/// If a platform has no kind, a key that belongs to another kind, or not what its kind requires.
pub(in crate::settings) fn check<'a>(
    platforms: &BTreeMap<String, Platform>,
    set: impl Iterator<Item = (&'a str, &'a str, &'a Place)>,
) -> Result<(), Error> {
    for (name, platform) in platforms {
        match platform.kind {
            None => return Err(Error::NoPlatformKind { name: name.clone() }),
            Some(PlatformKind::Proxmox) => {
                if let Some(key) = platform.missing_of_proxmox() {
                    return Err(Error::NoPlatformKey { name: name.clone(), key });
                }
            }
            Some(PlatformKind::Simulated | PlatformKind::Local) => {}
        }
    }
    for (name, key, place) in set {
        let Some(kind) = platforms.get(name).and_then(|platform| platform.kind) else { continue };
        let needed = kinds_of(key);
        if !needed.is_empty() && !needed.contains(&kind) {
            let needed: Vec<&str> = needed.iter().map(|needed| needed.as_str()).collect();
            return Err(Error::OtherPlatformKind {
                key: format!("platforms.{name}.{key}"),
                kind: kind.as_str(),
                needed: needed.join("` or `"),
                place: Box::new(place.clone()),
            });
        }
    }
    Ok(())
}

//! A snapshot: an immutable directory with the current state of a tree. All runs of this version of the content use it.
//!
//! ```text
//! <state>/snapshots/<key of root and options>/<number>/tree/      the content
//!                                                     manifest    what it contained at that time
//!                                                     about.json  what was omitted, and its size
//! ```
//! Each run walks the tree and compares. If it is unchanged, the run uses the existing version. Otherwise it creates a new one:
//! in place of the previous version if no run holds that, so that the cost depends on what changed; else next to it, with
//! hard links to its files, which neither version ever writes to. A file that changed in the instant before the walk counts as
//! changed at the next one.
//!
//! Nothing is made durable. After a crash of the machine files can be empty, so versions are valid for one boot only.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    build::{self, Links, Previous, build},
    manifest::{self, Entry, Kind},
    versions::{Version, Versions},
    walk::{Listing, Origin, walk},
};
use crate::{catalog::Root, source::Tree};

/// The unit of memory allocation, in bytes.
const PAGE: u64 = 4096;
/// How long an unused tree is kept.
const UNUSED_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// A version of a tree that a run uses.
#[derive(Debug)]
pub(crate) struct Snapshot {
    version: Version,
    about: About,
}

/// What is known of a version besides its files.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct About {
    /// What was left out, with the reason.
    left_out: Vec<(PathBuf, String)>,
    /// How much memory a copy takes, in bytes.
    bytes: u64,
}

impl Snapshot {
    /// The tree as it is now. Blocking.
    ///
    /// # Errors
    /// When the tree cannot be read or the snapshot cannot be written.
    pub(crate) fn take(snapshots: &Path, runtime: &Path, tree: &Tree) -> io::Result<Self> {
        let versions = Versions::open(snapshots.join(key(tree)?))?;
        versions.touch();
        let boot = process::boot_id().unwrap_or_default();
        let listing =
            walk(tree, [snapshots, runtime].iter().filter_map(|own| own_place(tree, own)).collect())?;
        let seen = manifest::encode(&boot, &listing.entries);
        if let Some(found) = Self::current(&versions, &seen, &listing)? {
            return Ok(found);
        }
        let making = versions.lock()?;
        // Another run may have made it meanwhile.
        if let Some(found) = Self::current(&versions, &seen, &listing)? {
            return Ok(found);
        }
        let previous = versions.current()?;
        let entries = previous.as_ref().and_then(|version| entries_of(&version.path, &boot).ok().flatten());
        let (previous, entries) = match (previous, entries) {
            (Some(version), Some(entries)) => (Some(version), entries),
            _ => (None, Vec::new()),
        };
        let taken = match previous {
            None => None,
            Some(version) => Some(making.take_held(version)?),
        };
        let (place, listing) = match taken {
            Some(Ok(place)) => {
                let listing = make(&place, listing, &Previous::InPlace(&entries))?;
                (place, listing)
            }
            Some(Err(version)) => {
                let place = making.begin()?;
                let listing =
                    make(&place, listing, &Previous::Separate(&version.path.join("tree"), &entries))?;
                (place, listing)
            }
            None => {
                let place = making.begin()?;
                let listing = make(&place, listing, &Previous::None)?;
                (place, listing)
            }
        };
        let about = About { bytes: bytes(&listing.entries), left_out: listing.left_out };
        fs::write(place.join("manifest"), manifest::encode(&boot, &listing.entries))?;
        fs::write(place.join("about.json"), serde_json::to_vec(&about)?)?;
        Ok(Self { version: making.publish(&place)?, about })
    }

    fn current(versions: &Versions, seen: &[u8], listing: &Listing) -> io::Result<Option<Self>> {
        let Some(version) = versions.current()? else { return Ok(None) };
        // One that cannot be read is as good as none.
        let is_same = fs::read(version.path.join("manifest")).is_ok_and(|known| known == seen);
        if !is_same {
            return Ok(None);
        }
        let about = fs::read(version.path.join("about.json"));
        let about: Option<About> = about.ok().and_then(|text| serde_json::from_slice(&text).ok());
        // Omitted files can change without a change of the others.
        let left_out_before = listing.left_out.iter();
        Ok(about
            .filter(|about| left_out_before.clone().all(|known| about.left_out.contains(known)))
            .map(|about| Self { version, about }))
    }

    /// Where the files are.
    pub(crate) fn tree(&self) -> PathBuf {
        self.version.path.join("tree")
    }

    /// What was left out, with the reason.
    pub(crate) fn left_out(&self) -> &[(PathBuf, String)] {
        &self.about.left_out
    }

    /// How much memory a copy takes, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.about.bytes
    }

    /// What is in it.
    pub(crate) fn entries(&self) -> io::Result<Vec<Entry>> {
        Ok(without(manifest::decode(&fs::read(self.version.path.join("manifest"))?)?, &self.about.left_out))
    }

    /// The root itself.
    pub(crate) fn root(&self) -> io::Result<Option<Entry>> {
        manifest::decode_first(&fs::read(self.version.path.join("manifest"))?)
    }

    /// Makes `target`, which must be empty, a copy of it that a run may write to.
    pub(crate) fn copy_to(&self, target: &Path) -> io::Result<()> {
        let root = Root::open(&self.tree()).map_err(io::Error::other)?;
        let mut entries = self.entries()?;
        if !rustix::process::geteuid().is_root() {
            // The files of the snapshot belong to the service's user.
            let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
            entries.iter_mut().for_each(|entry| (entry.uid, entry.gid) = (uid, gid));
        }
        let mut listing =
            Listing { entries, origins: vec![Origin::of(root)], left_out: Vec::new(), recent: (i64::MAX, 0) };
        build(target, &mut listing, &Previous::None, Links::Relative)
    }
}

/// The state of the service does not belong to the content around it.
fn own_place(tree: &Tree, own: &Path) -> Option<PathBuf> {
    let state = own.canonicalize().ok()?;
    let first = state.strip_prefix(&tree.root).ok()?.components().next()?;
    Some(PathBuf::from(first.as_os_str()))
}

fn make(place: &Path, mut listing: Listing, previous: &Previous<'_>) -> io::Result<Listing> {
    let tree = place.join("tree");
    if !matches!(previous, Previous::InPlace(_)) {
        fs::create_dir(&tree)?;
    }
    build(&tree, &mut listing, previous, Links::AsWritten)?;
    check_links(&tree, &mut listing)?;
    let recent = listing.recent;
    // Never equal to what a later walk finds: it counts as changed then.
    listing
        .entries
        .iter_mut()
        .filter(|entry| entry.changed >= recent)
        .for_each(|entry| entry.changed = (0, 0));
    Ok(listing)
}

/// The source may have changed while it was read. The snapshot does not change, so its links are checked here.
fn check_links(tree: &Path, listing: &mut Listing) -> io::Result<()> {
    let root = Root::open(tree).map_err(io::Error::other)?;
    let leads_outside = |entry: &&Entry| match &entry.kind {
        Kind::File | Kind::Directory => false,
        Kind::Link { relative: None, .. } => root.status(&entry.path).is_err(),
        Kind::Link { relative: Some(relative), .. } => {
            root.status(&entry.path.parent().unwrap_or(Path::new("")).join(relative)).is_err()
        }
    };
    for entry in listing.entries.iter().filter(leads_outside) {
        let path = tree.join(&entry.path);
        let parent = path.parent().unwrap_or(tree);
        let metadata = fs::metadata(parent)?;
        fs::set_permissions(parent, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::set_permissions(parent, metadata.permissions())?;
        let modified = (
            std::os::unix::fs::MetadataExt::mtime(&metadata),
            u32::try_from(std::os::unix::fs::MetadataExt::mtime_nsec(&metadata)).unwrap_or(0),
        );
        build::set_times(parent, modified)?;
        if !listing.left_out.iter().any(|(path, _)| *path == entry.path) {
            listing.left_out.push((entry.path.clone(), "the link leads to what was left out".to_owned()));
        }
    }
    listing.left_out.sort_unstable();
    Ok(())
}

/// The entries of a version that can be built upon.
fn entries_of(version: &Path, boot: &str) -> io::Result<Option<Vec<Entry>>> {
    let bytes = fs::read(version.join("manifest"))?;
    // Of another boot nothing is certain.
    if !bytes.starts_with(&manifest::encode(boot, &[])) {
        return Ok(None);
    }
    let about: About = serde_json::from_slice(&fs::read(version.join("about.json"))?)?;
    Ok(Some(without(manifest::decode(&bytes)?, &about.left_out)))
}

/// The manifest also contains the omitted files, so that later walks recognize them.
fn without(mut entries: Vec<Entry>, left_out: &[(PathBuf, String)]) -> Vec<Entry> {
    entries.retain(|entry| !left_out.iter().any(|(path, _)| *path == entry.path));
    entries
}

fn bytes(entries: &[Entry]) -> u64 {
    let pages = entries.iter().map(|entry| entry.size.div_ceil(PAGE).max(1));
    pages.fold(0_u64, u64::saturating_add).saturating_mul(PAGE)
}

/// A name that differs between trees, and between selections of the same tree.
pub(crate) fn key(tree: &Tree) -> io::Result<String> {
    let named = serde_json::to_vec(&(&tree.root, &tree.exclude, &tree.link_targets))?;
    Ok(Sha256::digest(&named).iter().take(12).map(|byte| format!("{byte:02x}")).collect())
}

/// Removes versions that no run holds and no later run will use.
///
/// # Errors
/// When the directory cannot be read. If it does not exist, there are none.
pub fn prune(snapshots: &Path) -> io::Result<usize> {
    let entries = match fs::read_dir(snapshots) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other?,
    };
    let mut removed = 0;
    for entry in entries {
        let path = entry?.path();
        let versions = Versions::open(path.clone())?;
        let is_unused = versions.used().is_some_and(|used| {
            SystemTime::now().duration_since(used).is_ok_and(|unused| unused > UNUSED_FOR)
        });
        removed += versions.prune(is_unused)?;
    }
    Ok(removed)
}

/// Opens a file of a tree, following no link.
pub(crate) fn open_plain(root: &Path, relative: &Path) -> io::Result<fs::File> {
    let root = Root::open(root).map_err(io::Error::other)?;
    let file = root.open_plain(relative, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
    Ok(fs::File::from(file))
}

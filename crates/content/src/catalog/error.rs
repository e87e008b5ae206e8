//! Errors of requests for content by name.

use std::path::{Path, PathBuf};

use model::{ContentKind, ContentName};

use super::BeneathError;

/// Why the catalog does not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No root has it.
    #[error("unknown {kind} `{name}`{}", hint(.nearest))]
    NotFound {
        /// The requested kind.
        kind: ContentKind,
        /// By which name.
        name: ContentName,
        /// Similar names that exist, the best first. For an inventory also the files for which the name is ambiguous.
        nearest: Vec<String>,
    },
    /// A symbolic link on the way to it, or inside it, leads out of the root.
    #[error(
        "{kind} `{name}` is refused because the link `{}` leads out of its root{}\nhint: links may lead to what is below the \
         root, and to the directories that the setting `paths.link_targets` names (`link_targets` of a project)",
        .link.display(), to(.target.as_deref())
    )]
    LeavesRoot {
        /// The requested kind.
        kind: ContentKind,
        /// By which name.
        name: ContentName,
        /// The link, relative to the root.
        link: PathBuf,
        /// The target of the link, if it can be resolved.
        target: Option<PathBuf>,
    },
    /// The file system refused.
    #[error("cannot read `{}` among the {kind} content", .path.display())]
    Io {
        /// The requested kind.
        kind: ContentKind,
        /// The file or directory, relative to its root, or a root as configured.
        path: PathBuf,
        /// The refusal.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    pub(super) fn io(kind: ContentKind, path: &Path, source: std::io::Error) -> Self {
        Self::Io { kind, path: path.to_owned(), source }
    }

    /// Adds where a link leads.
    pub(super) fn seen_from(mut self, root: &Path) -> Self {
        if let Self::LeavesRoot { link, target, .. } = &mut self {
            let link = root.join(link);
            *target = link.canonicalize().or_else(|_| link.read_link()).ok();
        }
        self
    }

    pub(super) fn from_beneath(kind: ContentKind, name: &ContentName, error: BeneathError) -> Self {
        match error {
            BeneathError::Leaves(link) => Self::LeavesRoot { kind, name: name.clone(), link, target: None },
            BeneathError::Io { path, source } => Self::Io { kind, path, source },
        }
    }
}

fn to(target: Option<&Path>) -> String {
    target.map(|target| format!(", to `{}`", target.display())).unwrap_or_default()
}

fn hint(nearest: &[String]) -> String {
    if nearest.is_empty() {
        return String::new();
    }
    format!("\nhint: there is `{}`", nearest.join("`, `"))
}

//! The specification of an inspection: one line of JSON that the service writes to the inspector. It contains no secrets, only
//! the paths of files that do.

use std::path::PathBuf;

use process::{Isolation, Limits};
use serde::{Deserialize, Serialize};

/// Everything about one inspection.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Spec {
    /// Its name: every process of it carries it, and its control groups do.
    pub(super) id: String,
    /// What is executed.
    pub(super) program: PathBuf,
    /// Its arguments.
    pub(super) arguments: Vec<String>,
    /// Where it begins.
    pub(super) directory: PathBuf,
    /// The environment that settings give. Paths that it names are seen in a sandbox.
    pub(super) environment: Vec<(String, String)>,
    /// What is added for this inspection. Paths that it names may come from content, so they are not seen for that.
    pub(super) more: Vec<(String, String)>,
    /// How far it is kept from everything else.
    pub(super) isolation: Isolation,
    /// What it may use.
    pub(super) limits: Limits,
    /// The directory of this inspection.
    pub(super) own: PathBuf,
    /// The content that it may read.
    pub(super) seen: Vec<PathBuf>,
    /// Directories of the service, which it does not see even where they are within its content.
    pub(super) hidden: Vec<PathBuf>,
}

//! Artifacts: files that a job created or changed in its content.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file that a job created or changed
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Artifact {
    /// Relative to the content root; files of another root start with the name of that root
    pub path: String,
    /// Size in bytes
    pub size: u64,
    /// Permission bits in octal
    #[schemars(regex(pattern = "^[0-7]{4}$"))]
    pub mode: String,
    /// Last modification time
    #[schemars(extend("format" = "date-time"))]
    pub modified: String,
}

/// A file that is not kept
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(remote = "Self")]
#[schemars(transform = crate::renamed::deprecate::<Self>)]
pub struct OmittedFile {
    /// Path of the file
    pub path: String,
    /// Why it is not kept
    pub reason: String,
}

/// Files that the last attempt of a job created or changed in its content
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
#[schemars(transform = crate::renamed::deprecate::<Self>)]
pub struct Artifacts {
    /// Node that has the files; `null` if the job has no artifacts, or they were deleted
    pub node: Option<String>,
    /// Whether that is the node that replies
    pub local: bool,
    /// Number of files on that node
    pub files: u64,
    /// The files, if they are on the node that replies
    pub artifacts: Vec<Artifact>,
    /// Files that the job wrote and that are not kept
    pub omitted: Vec<OmittedFile>,
}

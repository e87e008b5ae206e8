//! Files that a job left.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file that a job left
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Artifact {
    /// Relative to the content root; files of another root have its name before it
    pub path: String,
    /// Bytes
    pub size: u64,
    /// Permission bits in octal
    #[schemars(regex(pattern = "^[0-7]{4}$"))]
    pub mode: String,
    /// When it was last written
    #[schemars(extend("format" = "date-time"))]
    pub modified: String,
}

/// A file that is not kept
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(remote = "Self")]
#[schemars(transform = crate::renamed::deprecate::<Self>)]
pub struct OmittedFile {
    /// The path of the file
    pub path: String,
    /// Why it is not kept
    pub reason: String,
}

/// Files that the last attempt of a job created or changed in its content
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
#[schemars(transform = crate::renamed::deprecate::<Self>)]
pub struct Artifacts {
    /// The node that has the files; `null`: the job left none, or they are not kept any more
    pub node: Option<String>,
    /// Whether that is the node that replies
    pub local: bool,
    /// How many files there are on that node
    pub files: u64,
    /// The files, if they are on the node that replies
    pub artifacts: Vec<Artifact>,
    /// Files that the job wrote and that are not kept
    pub omitted: Vec<OmittedFile>,
}

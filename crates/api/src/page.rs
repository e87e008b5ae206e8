//! Pages of lists.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CatalogEntry, Event, JobId, JobSummary, PlacedEvent};

/// Jobs, newest first
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobPage {
    /// The jobs of this page
    pub items: Vec<JobSummary>,
    /// The `before` of the next page; `null` on the last one
    pub next: Option<JobId>,
}

/// Events of a job
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventPage {
    /// The events of this page
    pub items: Vec<Event>,
    /// The `after` of the next page; `null` when no more events match for now
    #[schemars(with = "Option<i64>")]
    pub next: Option<u64>,
}

/// Events of all jobs
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlacedEventPage {
    /// The events of this page
    pub items: Vec<PlacedEvent>,
    /// The `after` of the next page
    #[schemars(with = "Option<i64>")]
    pub next: Option<u64>,
}

/// Content of one type
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CatalogPage {
    /// All entries, sorted by name
    pub items: Vec<CatalogEntry>,
    /// Always `null`: there is only one page
    pub next: (),
}

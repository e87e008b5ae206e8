//! The catalog, off the async threads.

use content::catalog::Entry;
use model::{ContentKind, ContentRef, ProjectName};
use serde::Serialize;
use tokio::task::spawn_blocking;

use crate::{Engine, jobs::Error};

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// What it is, and where.
    #[serde(flatten)]
    pub entry: Entry,
    /// The project that has it; `None` for content outside of all projects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
}

impl Engine {
    /// All content of a kind, by name: of a project, or of all that can be asked for without naming one.
    ///
    /// # Errors
    /// When there is no such project, or a root cannot be read.
    pub async fn list_content(
        &self,
        project: Option<&ProjectName>,
        kind: ContentKind,
    ) -> Result<Vec<Listed>, Error> {
        let mut listed = self.entries(project, kind).await?;
        let only = self.only_project().filter(|_| project.is_none() && kind != ContentKind::Inventory);
        if let Some((name, _)) = only {
            let mut more = self.entries(Some(name), kind).await?;
            more.retain(|entry| !listed.iter().any(|known| known.entry.name == entry.entry.name));
            listed.extend(more);
            listed.sort_by(|a, b| a.entry.name.cmp(&b.entry.name));
        }
        Ok(listed)
    }

    async fn entries(&self, project: Option<&ProjectName>, kind: ContentKind) -> Result<Vec<Listed>, Error> {
        let catalog = self.catalog_of(project)?.clone();
        let entries = spawn_blocking(move || catalog.list(kind)).await??;
        Ok(entries.into_iter().map(|entry| Listed { entry, project: project.cloned() }).collect())
    }

    /// Whether every play of the content stays on one host of a group when it is limited to it; `false` where that cannot
    /// be read.
    pub async fn plays_on_group(&self, content: ContentRef, group: &'static str) -> bool {
        let catalog = self.options().catalog.clone();
        let plays = spawn_blocking(move || catalog.plays_on_group(&content, group)).await;
        matches!(plays, Ok(Ok(true)))
    }
}

//! Checks playbooks before they are queued, and asks their runs to stop.

use model::{RunId, Work};

use super::runs::Runs;
use crate::{
    catalog::handle::Catalog,
    error::CatalogError,
    work::contract::{BoxFuture, Control},
};

/// Controls playbooks.
#[derive(Debug)]
pub(crate) struct PlaybookControl {
    catalog: Catalog,
    runs: Runs,
}

impl PlaybookControl {
    pub(crate) const fn new(catalog: Catalog, runs: Runs) -> Self {
        Self { catalog, runs }
    }
}

impl Control for PlaybookControl {
    /// Checks that the content exists and does not leave its root.
    fn check<'a>(&'a self, work: &'a Work) -> BoxFuture<'a, Result<(), CatalogError>> {
        Box::pin(async move {
            let Some(work) = work.as_playbook() else { return Ok(()) };
            for content in work.before.iter().map(|step| &step.content).chain([&work.content]) {
                self.catalog.locate(work.project.as_ref(), content.clone()).await?;
            }
            Ok(())
        })
    }

    fn ask_to_stop(&self, run: RunId) {
        self.runs.ask_to_stop(run);
    }
}

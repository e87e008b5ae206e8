//! Cancels plans. There is nothing to check in advance: the plan was made from a checked document.

use model::{RunId, Work};

use super::running::RunningPlans;
use crate::{
    error::CatalogError,
    work::contract::{BoxFuture, Control},
};

/// Controls plans of ranges.
#[derive(Debug)]
pub(crate) struct RangeControl {
    pub(crate) running: RunningPlans,
}

impl Control for RangeControl {
    fn check<'a>(&'a self, _work: &'a Work) -> BoxFuture<'a, Result<(), CatalogError>> {
        Box::pin(async { Ok(()) })
    }

    fn ask_to_stop(&self, run: RunId) {
        self.running.cancel(run);
    }
}

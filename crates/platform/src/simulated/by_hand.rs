//! Changes by others: what someone does on the platform without Rangehand.

use crate::{owner::Thing, wanted::Wanted};

/// A change that someone makes on the platform without Rangehand.
#[derive(Debug, Clone)]
pub enum ByHand {
    /// Stops a machine.
    Stop(Thing),
    /// Deletes a thing.
    Delete(Thing),
    /// Detaches a network interface, by its number.
    Detach(Thing, usize),
    /// Flushes rules.
    Flush(Thing),
    /// Makes something of this form under the name of this thing, without a mark.
    Plant(Thing, Wanted),
}

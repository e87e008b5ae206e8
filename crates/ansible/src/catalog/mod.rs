//! x
/// x
pub struct Catalog;

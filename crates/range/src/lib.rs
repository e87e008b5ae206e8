//! Ranges as values: the document, its checks, its expansion into concrete machines and networks, the plan that leads from
//! what is recorded to what is desired, and who reaches whom.
//!
//! Nothing here reads files, a network or a clock, or makes random choices: the same input always results in the same output, byte
//! for byte.

pub mod check;
pub mod document;
pub mod expand;
pub mod fault;
pub mod graph;
pub mod import;
mod layout;
pub mod plan;
pub mod platform_rules;
pub mod probes;
pub mod reachability;
mod read;
mod routing;
pub mod schema;
mod selection;
mod variables;

pub use check::{check, read_text, read_value};
pub use document::Document;
pub use document::Named;
pub use expand::{Leases, Values, expand, spec::Desired};
pub use fault::{Fault, FaultCode, Faults};
pub use plan::{Plan, Recorded, apply_to, plan};
pub use platform_rules::PlatformRules;
pub use reachability::Reachability;

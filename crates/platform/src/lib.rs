//! Where machines live: the door to hypervisors and clouds.
//!
//! [`Platform`] creates the parts of ranges; [`simulated`], [`local`], and [`proxmox`] are platforms. It knows no
//! Ansible, no SQL, and no jobs: it gets addresses, credentials, and specifications, and returns the responses of a platform.

mod deferred;
mod description;
mod error;
mod faults;
mod faulty;
pub mod local;
mod observed;
mod owner;
mod platform;
pub mod proxmox;
pub mod simulated;
mod tls;
mod wanted;

pub use deferred::Deferred;
pub use description::{Capabilities, Description, Missing};
pub use error::Error;
pub use faults::{Call, Effect, Fault};
pub use faulty::Faulty;
pub use observed::{Leftover, Observed, ObservedMachine, ObservedNetwork, ObservedNic, Power, RulesState};
pub use owner::{InvalidOwner, Owner, Thing, ThingKind};
pub use platform::{Access, Answer, Awaited, Change, Ensured, Handle, Platform, Progress, SnapshotAction};
pub use tls::install_provider;
pub use wanted::{Login, MachineWanted, Wanted};

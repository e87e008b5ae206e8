//! What every platform does: one trait, which ranges are made with.
//!
//! Every action is safe to repeat. It looks its thing up by owner and name first: a thing that is there and right is adopted, one
//! that is there and wrong is corrected, one that is not there is created, and one that has another owner, or none, under the same
//! name is refused and stays as it is. Removing what is not there succeeds.

use std::{fmt, future::Future, net::IpAddr, pin::Pin, time::Duration};

use range::document::Ready;
use serde::{Deserialize, Serialize};

use crate::{
    description::Description,
    error::Error,
    observed::{Observed, Power},
    owner::{Owner, Thing},
    wanted::Wanted,
};

/// The future result of a call. Boxed, because the engine holds platforms as `dyn Platform`.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Where machines live.
pub trait Platform: fmt::Debug + Send + Sync {
    /// What the platform can do, accepts and has in use.
    fn describe(&self) -> Answer<'_, Description>;

    /// Everything that carries the mark of this owner.
    fn observe<'a>(&'a self, owner: &'a Owner) -> Answer<'a, Observed>;

    /// Makes a network, a machine or the rules of a machine be there, and be as wanted.
    fn ensure<'a>(&'a self, owner: &'a Owner, wanted: &'a Wanted) -> Answer<'a, Ensured>;

    /// Starts or stops a machine.
    fn power<'a>(&'a self, machine: &'a Thing, power: Power) -> Answer<'a, Progress>;

    /// How a machine is reached by SSH.
    fn access<'a>(&'a self, machine: &'a Thing) -> Answer<'a, Access>;

    /// Takes, restores or removes a snapshot of a machine.
    fn snapshot<'a>(&'a self, machine: &'a Thing, action: &'a SnapshotAction) -> Answer<'a, Progress>;

    /// Removes a thing with everything that belongs to it.
    fn remove<'a>(&'a self, thing: &'a Thing) -> Answer<'a, Progress>;

    /// Returns when the task is done or the machine is ready.
    fn wait<'a>(&'a self, awaited: &'a Awaited) -> Answer<'a, ()>;
}

/// How far an action came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// It is done.
    Done,
    /// The platform works on it; [`Platform::wait`] returns when it is done.
    Pending(Handle),
}

/// A task of a platform, in its own words: an UPID, the URL of an operation. It outlives the service that began it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Handle(pub String);

/// What [`Platform::ensure`] found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ensured {
    /// What was done about it.
    pub change: Change,
    /// How far that came.
    pub progress: Progress,
}

/// What was done to make a thing as wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was not there.
    Created,
    /// It was there, and right.
    Adopted,
    /// It was there, and wrong.
    Corrected,
}

/// What is to be done with a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotAction {
    /// Takes one; one with this name that is there already stays as it is.
    Take(String),
    /// Makes the machine as it was then.
    Revert(String),
    /// Removes one.
    Remove(String),
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Awaited {
    /// The end of a task of the platform.
    Task(Handle),
    /// The readiness of a machine.
    Ready {
        /// The machine.
        machine: Thing,
        /// How readiness is determined; without it, as is usual for the machine.
        ready: Option<Ready>,
        /// How long it may take. Then the call fails with the last lines of the machine's console.
        within: Duration,
    },
}

/// How a machine is reached by SSH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Its address in the range, of its first network interface.
    pub address: IpAddr,
    /// The port of its SSH server.
    pub port: u16,
    /// The user to log in as.
    pub user: String,
    /// Its public host keys as `known_hosts` has them, without the address; empty if the platform does not know them.
    pub host_keys: Vec<String>,
    /// A command that connects to the machine and passes the socket to `ssh` (`ProxyCommand` with `ProxyUseFdpass yes`), where the
    /// address cannot be reached from here. Empty where it can.
    pub connect: Vec<String>,
}

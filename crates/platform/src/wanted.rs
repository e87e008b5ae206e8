//! What is to exist on a platform. The specifications are those of the crate `range`, which lies below this one.

use std::sync::Arc;

use range::expand::spec::{MachineSpec, NetworkSpec, RouterSpec};
use serde::{Deserialize, Serialize};

use crate::owner::ThingKind;

/// A thing that is to exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// A network.
    Network(Arc<NetworkSpec>),
    /// A machine, with its network interfaces; it is not started.
    Machine(MachineWanted),
    /// Routes and rules of a machine that forwards packets.
    Rules(Arc<RouterSpec>),
}

impl Wanted {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> ThingKind {
        match self {
            Self::Network(_) => ThingKind::Network,
            Self::Machine(_) => ThingKind::Machine,
            Self::Rules(_) => ThingKind::Rules,
        }
    }

    /// Its name in the range.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Network(network) => &network.name,
            Self::Machine(machine) => &machine.spec.name,
            Self::Rules(router) => &router.name,
        }
    }
}

/// A machine that is to exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineWanted {
    /// What it is.
    pub spec: Arc<MachineSpec>,
    /// Who logs in.
    pub login: Login,
}

/// How an operator logs in to a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// SSH public keys, each a line of `authorized_keys`.
    pub authorized_keys: Vec<String>,
}

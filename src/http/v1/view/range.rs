//! What is recorded of ranges.

use std::{collections::HashMap, sync::Arc};

use model::{JobId, StoredRange};
use range::{
    FaultCode, Recorded,
    document::Stage,
    expand::spec::{MachineSpec, NetworkSpec, NicSpec},
    plan::RecordedMachine,
    reachability::{Row, Verdict},
};
use serde_json::Value;

use super::{time::time, words};

/// The code of a fault of a document.
pub(in crate::http) const fn fault_code(code: FaultCode) -> api::FaultCode {
    match code {
        FaultCode::Malformed => api::FaultCode::Malformed,
        FaultCode::TooLarge => api::FaultCode::TooLarge,
        FaultCode::Duplicate => api::FaultCode::Duplicate,
        FaultCode::UnknownField => api::FaultCode::UnknownField,
        FaultCode::Missing => api::FaultCode::Missing,
        FaultCode::WrongType => api::FaultCode::WrongType,
        FaultCode::OutOfRange => api::FaultCode::OutOfRange,
        FaultCode::Invalid => api::FaultCode::InvalidValue,
        FaultCode::NotAllowed => api::FaultCode::NotAllowed,
        FaultCode::UnknownName => api::FaultCode::UnknownName,
        FaultCode::Cycle => api::FaultCode::Cycle,
        FaultCode::AddressOutside => api::FaultCode::AddressOutside,
        FaultCode::AddressTaken => api::FaultCode::AddressTaken,
        FaultCode::GatewayClash => api::FaultCode::GatewayClash,
        FaultCode::Overlap => api::FaultCode::Overlap,
        FaultCode::PlatformName => api::FaultCode::PlatformName,
        FaultCode::PlatformLimit => api::FaultCode::PlatformLimit,
        FaultCode::Quota => api::FaultCode::Quota,
        FaultCode::Unreachable => api::FaultCode::Unreachable,
        FaultCode::NotATree => api::FaultCode::NotATree,
        FaultCode::Jumpbox => api::FaultCode::Jumpbox,
        FaultCode::Exhausted => api::FaultCode::Exhausted,
    }
}

const fn stage(stage: Stage) -> api::MachineStage {
    match stage {
        Stage::Created => api::MachineStage::Created,
        Stage::Started => api::MachineStage::Started,
        Stage::Ready => api::MachineStage::Ready,
        Stage::Configured => api::MachineStage::Configured,
    }
}

/// A range without its document.
pub(in crate::http) fn range(
    range: &StoredRange,
    recorded: &Recorded,
    job: Option<JobId>,
    document: &Value,
) -> api::Range {
    api::Range {
        id: range.id.to_string(),
        name: range.name.clone(),
        description: document["description"].as_str().map(str::to_owned),
        platform: range.platform.clone(),
        state: words::range_state(range.state),
        version: range.version,
        machines: recorded.machines.len(),
        networks: recorded.networks.len(),
        plan: range.plan.to_string(),
        job: job.map(|job| job.to_string().into()),
        created_at: time(range.created_at),
        updated_at: time(range.updated_at),
        expires_at: range.expires_at.map(time),
        document: None,
    }
}

/// A machine that exists.
pub(in crate::http) fn machine(recorded: &RecordedMachine) -> api::RangeMachine {
    let MachineSpec { name, instance, machine, kind, template, role, nics, upstream, groups, .. } =
        &*recorded.spec;
    let nic = |nic: &NicSpec| api::RangeNic {
        network: nic.network.clone(),
        address: nic.address.map(|address| address.to_string()),
    };
    api::RangeMachine {
        name: name.clone(),
        instance: instance.clone(),
        machine: machine.clone(),
        kind: kind.to_string(),
        template: template.clone(),
        role: role.to_string(),
        stage: stage(recorded.stage),
        networks: nics.iter().map(nic).collect(),
        gateway: recorded.spec.gateway.map(|address| address.to_string()),
        upstream: upstream.clone(),
        groups: groups.clone(),
        cores: recorded.spec.cores,
        memory_mb: recorded.spec.memory_mb,
        disk_gb: recorded.spec.disk_gb,
        snapshots: recorded.snapshots.keys().cloned().collect(),
    }
}

/// All networks that exist, with the machines that are attached to them.
pub(in crate::http) fn networks(recorded: &Recorded) -> Vec<api::RangeNetwork> {
    let mut attached: HashMap<&str, Vec<String>> = HashMap::new();
    for machine in recorded.machines.values() {
        for nic in &machine.spec.nics {
            attached.entry(&nic.network).or_default().push(machine.spec.name.clone());
        }
    }
    let network = |network: &Arc<NetworkSpec>| api::RangeNetwork {
        name: network.name.clone(),
        instance: network.instance.clone(),
        network: network.network.clone(),
        cidr: network.cidr.to_string(),
        gateway: network.gateway.map(|address| address.to_string()),
        isolated: network.isolated,
        link: network.link,
        machines: attached.remove(network.name.as_str()).unwrap_or_default(),
    };
    recorded.networks.values().map(network).collect()
}

/// A row of the matrix of reachability.
pub(in crate::http) fn reachability_row(row: Row<'_>) -> api::ReachabilityRow {
    let (verdict, network, allow) = match row.verdict {
        Verdict::Direct { network } => (api::Verdict::Direct, Some(network), Vec::new()),
        Verdict::Allowed { network, allow } => {
            (api::Verdict::Allowed, Some(network), allow.iter().map(ToString::to_string).collect())
        }
        Verdict::Refused => (api::Verdict::Refused, None, Vec::new()),
    };
    api::ReachabilityRow { from: row.from.to_owned(), to: row.to.to_owned(), verdict, network, allow }
}

/// A difference between the records of a range and its platform.
pub(in crate::http) fn difference(difference: engine::Difference) -> api::Difference {
    let engine::Difference { kind, name, instance, recorded, observed, repair } = difference;
    api::Difference { kind: words::drift_kind(kind), name, instance, recorded, observed, repair }
}

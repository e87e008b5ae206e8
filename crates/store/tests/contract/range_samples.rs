//! Plans, journals and leases that tests of ranges store.

use std::net::Ipv4Addr;

use model::{Job, JournalEntry, LeaseKey, LeaseKind, PlanId, RangeId, RangeLease, RangeState};
use store::{Error, PlanDraft, PlanHolder, PlanInputs, Planned, Settlement, Store};
use uuid::Uuid;

use crate::samples::{at, claim, insert, new_job_id, queued};

pub(crate) fn new_range_id() -> RangeId {
    RangeId::from_uuid(Uuid::now_v7())
}

/// A plan of a range of this name, for a new job.
pub(crate) fn draft(name: &str) -> PlanDraft {
    PlanDraft {
        id: PlanId::from_uuid(Uuid::now_v7()),
        job: new_job_id(),
        plan: r#"{"steps":[]}"#.to_owned(),
        name: name.to_owned(),
        document: format!(r#"{{"name":"{name}"}}"#),
        recorded: "{}".to_owned(),
        expires_at: None,
        secrets: None,
        leases: Vec::new(),
    }
}

pub(crate) async fn store_draft(store: &Store, range: RangeId, draft: &PlanDraft) -> Planned {
    let make = |_: &PlanInputs| Ok::<_, Error>(draft.clone());
    let stored = store.store_plan(range, "lab", at(0), make).await;
    stored.expect("stored").expect("made")
}

/// Submits the job of a plan, and claims it.
pub(crate) async fn hold(store: &Store, draft: &PlanDraft) -> (PlanHolder, Job) {
    insert(store, &Job { id: draft.job, ..queued(at(0)) }).await;
    let job = claim(store).await.expect("queued");
    assert_eq!(job.id, draft.job);
    (PlanHolder { plan: draft.id, job: job.id, fence: job.fence }, job)
}

pub(crate) fn settlement(state: RangeState) -> Settlement<'static> {
    Settlement { state, recorded: r#"{"machines":{}}"#, released: &[], now: at(50) }
}

pub(crate) fn pending(count: usize) -> Vec<JournalEntry> {
    (0..count).map(|step| JournalEntry::pending(format!("range-1/step-{step}"))).collect()
}

pub(crate) fn lease(kind: LeaseKind, pool: &str, value: &str) -> RangeLease {
    let key = LeaseKey { kind, pool: pool.to_owned(), value: value.to_owned() };
    RangeLease { key, name: "web".to_owned(), span: None }
}

/// An IPv4 subnet as `10.0.0.0/24`.
pub(crate) fn subnet(value: &str) -> RangeLease {
    let (address, bits) = value.split_once('/').expect("a subnet");
    let first = u128::from(u32::from(address.parse::<Ipv4Addr>().expect("an address")));
    let size = 1_u128 << (32 - bits.parse::<u32>().expect("bits"));
    RangeLease { span: Some((first, first + size - 1)), ..lease(LeaseKind::Subnet, "pool", value) }
}

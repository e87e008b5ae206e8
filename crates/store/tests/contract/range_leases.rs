//! Leases: held by one range at a time, even if many are created at once, and returned once.

use std::collections::BTreeSet;

use model::{LeaseKey, LeaseKind, RangeLease, RangeState};
use store::{Error, HeldLease, PlanDraft, PlanInputs, Planned, Settlement};
use tokio::task::JoinSet;

use crate::{
    database::Database,
    range_samples::{draft, hold, lease, new_range_id, pending, settlement, store_draft, subnet},
    samples::at,
};

/// The first subnet, bridge and machine number that are free.
fn first_free(inputs: &PlanInputs) -> Vec<RangeLease> {
    let taken: BTreeSet<&str> = inputs.leases.iter().map(|held| held.lease.key.value.as_str()).collect();
    let free = |value: &String| !taken.contains(value.as_str());
    let subnets = (0..).map(|n| format!("10.0.{n}.0/24")).find(free).expect("one is free");
    let bridge = (0..).map(|n| format!("br{n}")).find(free).expect("one is free");
    let ids = (1000..).map(|n| n.to_string()).filter(free).take(3);
    let mut leases = vec![subnet(&subnets), lease(LeaseKind::Bridge, "bridges", &bridge)];
    leases.extend(ids.map(|id| lease(LeaseKind::VmId, "ids", &id)));
    leases
}

pub(crate) async fn twenty_ranges_created_at_once_never_share_a_lease(database: Database) {
    let other = database.other_store().await;
    let mut creators = JoinSet::new();
    for number in 0..20 {
        // Half of them as from another process.
        let store = if number % 2 == 0 { database.store.clone() } else { other.clone() };
        creators.spawn(async move {
            let id = new_range_id();
            let make = |inputs: &PlanInputs| {
                Ok::<_, Error>(PlanDraft { leases: first_free(inputs), ..draft(&format!("range-{number}")) })
            };
            let planned = store.store_plan(id, "lab", at(0), make).await.expect("stored").expect("made");
            assert_eq!(planned, Planned::Stored);
            id
        });
    }
    let ranges = creators.join_all().await;
    let held = database.store.leases_on("lab").await.expect("read");
    assert_eq!(held.len(), 20 * 5);
    let keys: BTreeSet<&LeaseKey> = held.iter().map(|held| &held.lease.key).collect();
    assert_eq!(keys.len(), held.len());
    for range in ranges {
        assert_eq!(database.store.leases_of(range).await.expect("read").len(), 5);
    }
    // Nothing is skipped: what is free is taken in order.
    assert!(held.iter().any(|held| held.lease.key.value == "10.0.19.0/24"));
    assert!(held.iter().any(|held| held.lease.key.value == "1059"));
    other.close().await;
}

pub(crate) async fn subnets_of_one_pool_never_overlap(database: Database) {
    let store = &database.store;
    let (first, second) = (new_range_id(), new_range_id());
    let own = PlanDraft { leases: vec![subnet("10.0.4.0/22")], ..draft("alpha") };
    assert_eq!(store_draft(store, first, &own).await, Planned::Stored);
    let in_the_way = HeldLease { range: first, lease: subnet("10.0.4.0/22") };
    for overlapping in ["10.0.4.0/22", "10.0.4.0/24", "10.0.7.128/25", "10.0.0.0/16", "10.0.4.0/30"] {
        let wanted = PlanDraft { leases: vec![subnet(overlapping)], ..draft("beta") };
        let planned = store_draft(store, second, &wanted).await;
        assert_eq!(planned, Planned::Taken(in_the_way.clone()), "{overlapping}");
        assert_eq!(store.range(second).await.expect("read"), None);
    }
    for beside in ["10.0.3.0/24", "10.0.8.0/22", "255.255.255.0/24", "0.0.0.0/30"] {
        let wanted = PlanDraft { leases: vec![subnet(beside)], ..draft(beside) };
        assert_eq!(store_draft(store, new_range_id(), &wanted).await, Planned::Stored, "{beside}");
    }
    // Other pools and platforms have separate addresses.
    let mut elsewhere = subnet("10.0.4.0/22");
    elsewhere.key.pool = "another".to_owned();
    let wanted = PlanDraft { leases: vec![elsewhere], ..draft("gamma") };
    assert_eq!(store_draft(store, second, &wanted).await, Planned::Stored);
    let wanted = PlanDraft { leases: vec![subnet("10.0.4.0/22")], ..draft("delta") };
    let make = |_: &PlanInputs| Ok::<_, Error>(wanted.clone());
    let planned = store.store_plan(new_range_id(), "other", at(0), make).await;
    assert_eq!(planned.expect("stored").expect("made"), Planned::Stored);
}

pub(crate) async fn a_lease_is_given_back_exactly_once(database: Database) {
    let store = &database.store;
    let (first, second) = (new_range_id(), new_range_id());
    let held = [lease(LeaseKind::Vlan, "vlans", "100"), lease(LeaseKind::Vlan, "vlans", "101")];
    let own = PlanDraft { leases: held.to_vec(), ..draft("alpha") };
    assert_eq!(store_draft(store, first, &own).await, Planned::Stored);
    assert_eq!(store_draft(store, first, &own_again(&own)).await, Planned::Stored, "it keeps what it holds");

    // Many give it back at once: one of them does.
    let other = database.other_store().await;
    let mut givers = JoinSet::new();
    for number in 0..8 {
        let store = if number % 2 == 0 { store.clone() } else { other.clone() };
        let key = held[0].key.clone();
        givers.spawn(async move { store.release_leases(first, &[key]).await.expect("asked") });
    }
    assert_eq!(givers.join_all().await.iter().sum::<u64>(), 1);
    let taking = PlanDraft { leases: vec![held[0].clone()], ..draft("beta") };
    assert_eq!(store_draft(store, second, &taking).await, Planned::Stored);
    // The former holder cannot give back what is another's now.
    assert_eq!(store.release_leases(first, &[held[0].key.clone()]).await.expect("asked"), 0);
    assert_eq!(store.leases_of(second).await.expect("read"), [held[0].clone()]);
    assert_eq!(store.leases_of(first).await.expect("read"), [held[1].clone()]);
    other.close().await;
}

fn own_again(draft: &PlanDraft) -> PlanDraft {
    let PlanDraft { name, leases, .. } = draft.clone();
    PlanDraft { leases, ..crate::range_samples::draft(&name) }
}

pub(crate) async fn a_plan_that_ends_gives_its_leases_back_with_its_records(database: Database) {
    let store = &database.store;
    let (id, held) = (new_range_id(), lease(LeaseKind::VmId, "ids", "1000"));
    let first = PlanDraft { leases: vec![held.clone()], ..draft("alpha") };
    store_draft(store, id, &first).await;
    let (holder, _) = hold(store, &first).await;
    store.begin_journal(holder, &pending(1)).await.expect("begun");
    let released = [held.key.clone()];
    let settled = Settlement { released: &released, ..settlement(RangeState::Empty) };
    let stale = store.settle_plan(store::PlanHolder { fence: holder.fence + 1, ..holder }, &settled).await;
    assert!(matches!(stale, Err(Error::Stale { .. })), "{stale:?}");
    assert_eq!(store.leases_of(id).await.expect("read"), [held]);
    assert_eq!(store.settle_plan(holder, &settled).await.expect("settled"), 1);
    assert_eq!(store.settle_plan(holder, &settled).await.expect("settled"), 0, "once more changes nothing");
    assert_eq!(store.leases_of(id).await.expect("read"), []);
}

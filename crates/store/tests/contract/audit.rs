//! The audit log: one chain for all writers, in which every change is detected.

use jiff::Timestamp;
use model::{AuditDraft, AuditKind};
use sqlx::{AssertSqlSafe, Executor};
use store::{AuditHead, AuditQuery, AuditRetention, Chain, Error, Store};
use tokio::task::JoinSet;

use crate::database::Database;

fn draft(caller: &str) -> AuditDraft {
    AuditDraft {
        time: Timestamp::from_millisecond(1_700_000_000_123).expect("a time"),
        kind: AuditKind::Result,
        caller: caller.to_owned(),
        role: "operator".to_owned(),
        via: "token:0123456789ab".to_owned(),
        peer: Some("127.0.0.1".to_owned()),
        forwarded: Some("192.0.2.1".to_owned()),
        request: Some("r".to_owned()),
        method: "POST".to_owned(),
        route: "/v1/jobs/{id}/cancel".to_owned(),
        job: Some("0190a8d2-7c3f-7a51-9f0e-2b6f5f0f4d11".parse().expect("an id")),
        status: Some(202),
        intent: Some(1),
    }
}

fn bare(caller: &str) -> AuditDraft {
    let none = AuditDraft { peer: None, forwarded: None, request: None, job: None, ..draft(caller) };
    AuditDraft { kind: AuditKind::Intent, status: None, intent: None, ..none }
}

pub(crate) async fn records_read_back_as_they_were_written(database: Database) {
    let store = &database.store;
    let drafts = [draft("ann"), bare("Ünal \"q\""), draft("b\0b")];
    assert_eq!(store.append_audit(&drafts).await.expect("appended"), 1);
    assert_eq!(store.append_audit(&[bare("eve")]).await.expect("appended"), 4);
    let all = store.audit(&AuditQuery { limit: 10, ..AuditQuery::default() }).await.expect("read");
    let read: Vec<_> = all.iter().map(|record| (record.seq, record.draft.clone())).collect();
    let wanted = [(1, draft("ann")), (2, bare("Ünal \"q\"")), (3, draft("b\u{fffd}b")), (4, bare("eve"))];
    assert_eq!(read, wanted);
    let only = AuditQuery { after: 1, limit: 10, job: draft("x").job, ..AuditQuery::default() };
    assert_eq!(store.audit(&only).await.expect("read").len(), 1);
    let only = AuditQuery { caller: Some("eve".to_owned()), limit: 10, ..AuditQuery::default() };
    assert_eq!(store.audit(&only).await.expect("read").len(), 1);
    let head = store.audit_head().await.expect("read");
    assert_eq!((head.seq, &head.hash), (4, &all[3].hash));
    assert_eq!(store.verify_audit(None).await.expect("read"), Chain::Intact(head));
}

pub(crate) async fn many_writers_make_one_chain(database: Database) {
    let other = database.other_store().await;
    let mut writers = JoinSet::new();
    for number in 0..32 {
        let store = if number % 2 == 0 { database.store.clone() } else { other.clone() };
        writers.spawn(async move {
            for _ in 0..4 {
                let drafts = vec![bare("x"); number % 3 + 1];
                store.append_audit(&drafts).await.expect("appended");
            }
        });
    }
    writers.join_all().await;
    let wanted: usize = (0..32).map(|number| 4 * (number % 3 + 1)).sum();
    match database.store.verify_audit(None).await.expect("read") {
        Chain::Intact(head) => assert_eq!(head.seq, wanted as u64),
        broken => panic!("{broken:?}"),
    }
    other.close().await;
}

pub(crate) async fn a_record_that_was_changed_is_found(database: Database) {
    let store = &database.store;
    assert_eq!(
        store.verify_audit(None).await.expect("read"),
        Chain::Intact(store.audit_head().await.expect("read"))
    );
    for number in 0..5 {
        store.append_audit(&[draft(&number.to_string())]).await.expect("appended");
    }
    let noted = store.audit_head().await.expect("read");
    for (change, undo, at) in [
        ("caller = 'x'", "caller = '2'", 3),
        ("status = 500", "status = 202", 3),
        ("status = NULL", "status = 202", 3),
        ("time = time + 1", "time = time - 1", 3),
        ("kind = 'nonsense'", "kind = 'result'", 3),
        ("seq = 9", "seq = 3", 3),
    ] {
        let before = "WHERE seq = 3";
        edit(&database, &format!("UPDATE audit SET {change} {before}")).await;
        match store.verify_audit(None).await.expect("read") {
            Chain::Broken { at: found, .. } => assert_eq!(found, at, "{change}"),
            Chain::Intact(_) => panic!("{change}"),
        }
        let after = if change == "seq = 9" { "WHERE seq = 9" } else { before };
        edit(&database, &format!("UPDATE audit SET {undo} {after}")).await;
        assert!(matches!(store.verify_audit(None).await.expect("read"), Chain::Intact(_)), "{undo}");
    }
    edit(&database, "DELETE FROM audit WHERE seq = 5").await;
    assert!(matches!(store.verify_audit(None).await.expect("read"), Chain::Broken { at: 5, .. }));
    edit(&database, "UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4)").await;
    assert!(matches!(store.verify_audit(None).await.expect("read"), Chain::Intact(_)), "only a note helps");
    assert!(matches!(store.verify_audit(Some(&noted)).await.expect("read"), Chain::Broken { at: 5, .. }));
    store.append_audit(&[draft("another")]).await.expect("appended");
    assert!(matches!(store.verify_audit(Some(&noted)).await.expect("read"), Chain::Broken { at: 5, .. }));
    let nothing = AuditHead { seq: 0, hash: String::new() };
    assert!(matches!(store.verify_audit(Some(&nothing)).await.expect("read"), Chain::Intact(_)));
}

pub(crate) async fn records_in_another_order_are_found_and_a_clock_that_goes_back_breaks_nothing(
    database: Database,
) {
    let store = &database.store;
    // An hour ahead, then two hours back, then right again.
    for (caller, time) in [("a", 5_000_000), ("b", 8_600_000), ("c", 1_400_000), ("d", 5_000_001)] {
        store.append_audit(&[AuditDraft { time: at(time), ..draft(caller) }]).await.expect("appended");
    }
    let noted = store.audit_head().await.expect("read");
    let read = store.audit(&AuditQuery { limit: 10, ..AuditQuery::default() }).await.expect("read");
    let callers: Vec<&str> = read.iter().map(|record| record.draft.caller.as_str()).collect();
    assert_eq!(
        callers,
        ["a", "b", "c", "d"],
        "in the order in which they were written, whatever the clock said"
    );
    assert_eq!(store.verify_audit(Some(&noted)).await.expect("read"), Chain::Intact(noted.clone()));
    // Two records change places, with their hashes and without.
    let swap = [(2, 102), (3, 2), (102, 3)];
    for (from, to) in swap {
        edit(&database, &format!("UPDATE audit SET seq = {to} WHERE seq = {from}")).await;
    }
    assert!(matches!(store.verify_audit(None).await.expect("read"), Chain::Broken { at: 2, .. }));
    for (from, to) in swap {
        edit(&database, &format!("UPDATE audit SET seq = {to} WHERE seq = {from}")).await;
    }
    assert_eq!(store.verify_audit(Some(&noted)).await.expect("read"), Chain::Intact(noted));
    edit(&database, "UPDATE audit SET caller = CASE seq WHEN 2 THEN 'c' ELSE 'b' END WHERE seq IN (2, 3)")
        .await;
    assert!(matches!(store.verify_audit(None).await.expect("read"), Chain::Broken { at: 2, .. }));
}

pub(crate) async fn what_cannot_be_added_leaves_no_trace(database: Database) {
    let store = &database.store;
    store.append_audit(&[draft("ann")]).await.expect("appended");
    let head = store.audit_head().await.expect("read");
    edit(
        &database,
        "INSERT INTO audit SELECT 3, time, kind, caller, role, via, peer, forwarded, request_id, method, \
         route, job_id, status, intent, hash FROM audit WHERE seq = 1",
    )
    .await;
    let refused = store.append_audit(&[draft("bob"), draft("eve")]).await;
    assert!(refused.is_err(), "the number 3 is taken");
    assert_eq!(store.audit_head().await.expect("read"), head);
    edit(&database, "DELETE FROM audit WHERE seq = 3").await;
    assert_eq!(store.append_audit(&[draft("bob")]).await.expect("appended"), 2);
}

fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).expect("a time")
}

/// Adds this number of entries of this time.
async fn add(store: &Store, count: usize, time: i64) {
    let drafts: Vec<AuditDraft> =
        (0..count).map(|number| AuditDraft { time: at(time), ..draft(&number.to_string()) }).collect();
    store.append_audit(&drafts).await.expect("appended");
}

fn newest(keep: u64) -> AuditRetention {
    AuditRetention { older_than: None, keep: Some(keep) }
}

async fn prune(store: &Store, retention: AuditRetention) -> u64 {
    store.prune_audit(&retention, at(5000)).await.expect("pruned")
}

async fn verify(store: &Store, known: Option<&AuditHead>) -> Chain {
    store.verify_audit(known).await.expect("read")
}

fn broken_at(chain: Chain) -> u64 {
    match chain {
        Chain::Broken { at, .. } => at,
        Chain::Intact(head) => panic!("intact up to {head:?}"),
    }
}

pub(crate) async fn the_oldest_records_go_and_the_rest_is_one_chain(database: Database) {
    let store = &database.store;
    add(store, 250, 1000).await;
    let noted = store.audit_head().await.expect("read");
    let all = store.audit(&AuditQuery { limit: 1000, ..AuditQuery::default() }).await.expect("read");
    let head_at = |seq: usize| AuditHead { seq: seq as u64, hash: all[seq - 1].hash.clone() };
    assert_eq!(prune(store, AuditRetention::default()).await, 0, "no rule");
    assert_eq!(prune(store, newest(200)).await, 0, "a few more may be there");
    assert_eq!(prune(store, newest(100)).await, 150);
    assert_eq!(prune(store, newest(100)).await, 0);
    assert_eq!(store.audit_base().await.expect("read"), head_at(150));
    let left = store.audit(&AuditQuery { limit: 1000, ..AuditQuery::default() }).await.expect("read");
    assert_eq!((left[0].seq, left.len()), (151, 101));
    assert_eq!(left[100].draft.kind, AuditKind::Removed);
    let head = store.audit_head().await.expect("read");
    assert_eq!(verify(store, None).await, Chain::Intact(head.clone()));
    for known in [&noted, &head_at(151), &head_at(150)] {
        assert_eq!(verify(store, Some(known)).await, Chain::Intact(head.clone()), "{known:?}");
    }
    let other = AuditHead { seq: 150, hash: head_at(149).hash };
    assert_eq!(broken_at(verify(store, Some(&other)).await), 150);
    assert_eq!(broken_at(verify(store, Some(&head_at(3))).await), 3, "the removed entries are not checked");

    // Removed and restored entries are detected, and so are removal records that were changed or made up.
    for (change, undo, found) in [
        ("seq = 9000 WHERE seq = 151", "seq = 151 WHERE seq = 9000", 151),
        ("seq = 7 WHERE seq = 151", "seq = 151 WHERE seq = 7", 7),
        ("kind = 'result' WHERE seq = 251", "kind = 'removed' WHERE seq = 251", 1),
        ("caller = 'x' WHERE seq = 251", "caller = 'retention' WHERE seq = 251", 1),
        ("route = '150:0' WHERE seq = 251", "", 151),
    ] {
        let route = left[100].draft.route.clone();
        edit(&database, &format!("UPDATE audit SET {change}")).await;
        assert_eq!(broken_at(verify(store, None).await), found, "{change}");
        let undo =
            if undo.is_empty() { format!("route = '{route}' WHERE seq = 251") } else { undo.to_owned() };
        edit(&database, &format!("UPDATE audit SET {undo}")).await;
        assert!(matches!(verify(store, None).await, Chain::Intact(_)), "{undo}");
    }

    // By age everything goes but what is young, the record of the removal before included.
    add(store, 3, 6000).await;
    let by_age = AuditRetention { older_than: Some(at(5500)), keep: None };
    assert_eq!(prune(store, by_age).await, 101);
    assert_eq!(prune(store, by_age).await, 0);
    let head = store.audit_head().await.expect("read");
    assert_eq!((head.seq, verify(store, None).await), (255, Chain::Intact(head.clone())));
    assert_eq!(store.audit_base().await.expect("read").seq, 251);
    let nothing_young = AuditRetention { older_than: Some(at(9000)), keep: None };
    assert_eq!(store.prune_audit(&nothing_young, at(9500)).await.expect("pruned"), 4);
    assert_eq!(store.prune_audit(&nothing_young, at(9500)).await.expect("pruned"), 0);
    store.append_audit(&[draft("ann")]).await.expect("appended");
    assert!(matches!(verify(store, None).await, Chain::Intact(AuditHead { seq: 257, .. })));
}

pub(crate) async fn what_is_broken_is_not_removed(database: Database) {
    let store = &database.store;
    add(store, 250, 1000).await;
    edit(&database, "UPDATE audit SET caller = 'x' WHERE seq = 20").await;
    let refused = store.prune_audit(&newest(100), at(5000)).await;
    assert!(matches!(refused, Err(Error::BrokenAudit { at: 20, .. })), "{refused:?}");
    assert_eq!(broken_at(verify(store, None).await), 20, "as it was");
    let nodes = [database.other_store().await, database.other_store().await];
    edit(&database, "UPDATE audit SET caller = '19' WHERE seq = 20").await;
    // Of several nodes at once each record is removed by one.
    let (first, second) = tokio::join!(prune(&nodes[0], newest(100)), prune(&nodes[1], newest(100)));
    assert_eq!(first + second, 150);
    assert!(matches!(verify(store, None).await, Chain::Intact(AuditHead { seq: 251, .. })));
    for node in nodes {
        node.close().await;
    }
}

async fn edit(database: &Database, statement: &str) {
    database.connection().await.execute(AssertSqlSafe(statement.to_owned())).await.expect("edited");
}

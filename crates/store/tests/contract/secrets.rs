//! Encrypted secrets: kept with their job or range, wiped by a move, deleted with their range, encrypted with another key.

use model::{Job, JobState, RangeState, SecretOwner};
use store::{JobMove, PlanDraft, Planned, SealedCount, Store};

use crate::{
    database::Database,
    range_samples::{draft, hold, new_range_id, pending, settlement, store_draft},
    samples::{at, encrypted, event_of, insert, job_move, queued},
};

async fn insert_encrypted(store: &Store, key: &str) -> Job {
    let job = Job { secrets: Some(encrypted(key)), ..queued(at(0)) };
    insert(store, &job).await;
    job
}

pub(crate) async fn secrets_are_kept_until_a_move_wipes_them(database: Database) {
    let store = &database.store;
    let job = insert_encrypted(store, "0a1b2c3d").await;
    let event = event_of(JobState::Canceled);
    let end = job_move(&job, JobState::Canceled, at(20), &event);
    let kept = store.move_job(&end).await.expect("moved");
    assert_eq!(kept.secrets, job.secrets);
    let event = event_of(JobState::Queued);
    let again = store.move_job(&job_move(&kept, JobState::Queued, at(21), &event)).await.expect("moved");
    let end = JobMove { wipes_secrets: true, ..job_move(&again, JobState::Canceled, at(22), &event) };
    assert_eq!(store.move_job(&end).await.expect("moved").secrets, None);
    assert_eq!(store.job(job.id).await.expect("read").expect("there").secrets, None);
}

pub(crate) async fn secrets_are_found_by_their_key_and_reencrypted(database: Database) {
    let store = &database.store;
    insert(store, &queued(at(0))).await;
    let (old, new) = ("0a1b2c3d", "ffffffff");
    let jobs = [
        insert_encrypted(store, old).await,
        insert_encrypted(store, new).await,
        insert_encrypted(store, old).await,
    ];
    let ranges = [new_range_id(), new_range_id()];
    for (range, name) in ranges.iter().zip(["alpha", "beta"]) {
        let draft = PlanDraft { secrets: Some(encrypted(old)), ..draft(name) };
        assert_eq!(store_draft(store, *range, &draft).await, Planned::Stored);
    }
    let counts = [
        (old.to_owned(), SealedCount { jobs: 2, ranges: 2 }),
        (new.to_owned(), SealedCount { jobs: 1, ranges: 0 }),
    ];
    assert_eq!(store.encrypted_by_key().await.expect("counted"), counts.into());

    // One after the other: those of jobs, then those of ranges.
    let mut found = Vec::new();
    while let Some((owner, text)) =
        store.encrypted_with_other_keys(new, found.last().copied(), 1).await.expect("read").pop()
    {
        assert_eq!(text, encrypted(old));
        found.push(owner);
    }
    let [alpha, beta] = ranges.map(SecretOwner::from);
    assert_eq!(found, [jobs[0].id.into(), jobs[2].id.into(), alpha, beta]);

    for owner in [jobs[0].id.into(), alpha] {
        assert!(store.reseal(owner, &encrypted(old), &encrypted(new)).await.expect("written"));
        assert!(!store.reseal(owner, &encrypted(old), &encrypted(new)).await.expect("nothing to write"));
    }
    assert_eq!(store.job(jobs[0].id).await.expect("read").expect("there").secrets, Some(encrypted(new)));
    assert_eq!(store.range_secrets(ranges[0]).await.expect("read"), Some(encrypted(new)));
    assert_eq!(store.range_secrets(ranges[1]).await.expect("read"), Some(encrypted(old)));
}

pub(crate) async fn secrets_of_a_range_are_stored_with_a_plan_and_deleted_with_the_range(database: Database) {
    let store = &database.store;
    let range = new_range_id();
    let secrets = async || store.range_secrets(range).await.expect("read");
    let first = PlanDraft { secrets: Some(encrypted("0a1b2c3d")), ..draft("alpha") };
    store_draft(store, range, &first).await;
    assert_eq!(secrets().await, Some(encrypted("0a1b2c3d")));
    store_draft(store, range, &draft("alpha")).await;
    assert_eq!(secrets().await, Some(encrypted("0a1b2c3d")), "a plan without secrets keeps them");
    let last = PlanDraft { secrets: Some(encrypted("ffffffff")), ..draft("alpha") };
    store_draft(store, range, &last).await;
    assert_eq!(secrets().await, Some(encrypted("ffffffff")));
    // A refused plan changes nothing.
    let refused = PlanDraft { secrets: Some(encrypted("0a1b2c3d")), ..draft("alpha") };
    let other = new_range_id();
    assert_eq!(store_draft(store, other, &refused).await, Planned::NameTaken);
    assert_eq!(store.range_secrets(other).await.expect("read"), None);

    let (holder, _) = hold(store, &last).await;
    store.begin_journal(holder, &pending(1)).await.expect("begun");
    store.settle_plan(holder, &settlement(RangeState::Empty)).await.expect("settled");
    assert!(store.delete_range(range).await.expect("asked"));
    assert_eq!(secrets().await, None);
    assert!(store.encrypted_by_key().await.expect("counted").is_empty());
}

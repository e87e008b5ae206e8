//! Lists of jobs, and the last successful run.

use model::{ContentKind, ContentRef, Draft, Job, JobState, JobSummary};
use serde_json::json;
use store::{JobQuery, LastSuccess, Store};

use crate::{
    database::Database,
    samples::{
        at, claim, event_of, full_job, insert, insert_asking, insert_queued, job_move, moved, queued, resume,
        summary,
    },
};

/// All pages of three.
async fn pages(store: &Store, query: &JobQuery) -> Vec<JobSummary> {
    let mut query = JobQuery { limit: 3, ..query.clone() };
    let mut listed: Vec<JobSummary> = Vec::new();
    loop {
        let page = store.jobs(&query).await.expect("listed");
        let Some(last) = page.last() else { break listed };
        query.before = Some((last.created_at, last.id));
        listed.extend(page);
    }
}

pub(crate) async fn jobs_are_listed_newest_first_page_by_page(database: Database) {
    let store = &database.store;
    let mut expected = Vec::new();
    // Several jobs have the same time: then their ids decide.
    for milliseconds in [3, 1, 2, 2, 2, 9, 9] {
        expected.push(summary(&insert_queued(store, at(milliseconds)).await));
    }
    let failed = full_job();
    insert(store, &failed).await;
    expected.push(summary(&failed));
    expected.sort_by_key(|job| std::cmp::Reverse((job.created_at, job.id)));
    assert_eq!(pages(store, &JobQuery::default()).await, expected);
    let of_state = |state| JobQuery { state: Some(state), ..JobQuery::default() };
    assert_eq!(pages(store, &of_state(JobState::Failed)).await, [summary(&failed)]);
    expected.retain(|job| job.state == JobState::Queued);
    assert_eq!(pages(store, &of_state(JobState::Queued)).await, expected);
    assert_eq!(pages(store, &of_state(JobState::Lost)).await, []);
}

pub(crate) async fn filters_select_the_requested_jobs(database: Database) {
    let store = &database.store;
    let requests = [
        json!({"labels": {"team": "red", "env": "lab"}}),
        json!({"labels": {"team": "blue"}}),
        json!({"labels": {"env": "blue"}}),
        json!({"playbook": "site"}),
        json!({"playbook": "site", "labels": {"team": "red"}}),
        json!({"labels": {"team": ""}}),
    ];
    let mut jobs = Vec::new();
    for (milliseconds, request) in (0..).zip(&requests) {
        jobs.push(insert_asking(store, at(milliseconds), request).await.id);
    }
    let mut bundle = queued(at(6));
    let work = bundle.request.work.as_playbook_mut().expect("a playbook");
    work.content = ContentRef::Bundle("site".parse().expect("a name"));
    insert(store, &bundle).await;
    jobs.push(bundle.id);
    moved(store, &claim(store).await.expect("the first"), JobState::Failed, at(9)).await;

    let any = JobQuery::default();
    let label = |key: &str, value: Option<&str>| Some((key.to_owned(), value.map(str::to_owned)));
    let site = || "site".parse().ok();
    for (query, expected) in [
        (JobQuery { label: label("team", None), ..any.clone() }, vec![5, 4, 1, 0]),
        (JobQuery { label: label("team", Some("red")), ..any.clone() }, vec![4, 0]),
        (JobQuery { label: label("team", Some("")), ..any.clone() }, vec![5]),
        (JobQuery { label: label("te%", None), ..any.clone() }, vec![]),
        (JobQuery { name: site(), ..any.clone() }, vec![6, 4, 3]),
        (JobQuery { name: site(), kind: Some(ContentKind::Playbook), ..any.clone() }, vec![4, 3]),
        (JobQuery { kind: Some(ContentKind::Bundle), ..any.clone() }, vec![6]),
        (JobQuery { created_after: Some(at(5)), ..any.clone() }, vec![6, 5]),
        (JobQuery { created_before: Some(at(1)), ..any.clone() }, vec![0]),
        (JobQuery { created_after: Some(at(1)), label: label("team", Some("red")), ..any.clone() }, vec![4]),
        (JobQuery { state: Some(JobState::Failed), label: label("env", None), ..any.clone() }, vec![0]),
    ] {
        let found: Vec<_> = pages(store, &query).await.iter().map(|job| job.id).collect();
        let expected: Vec<_> = expected.into_iter().map(|job: usize| jobs[job]).collect();
        assert_eq!(found, expected, "{query:?}");
    }
    assert_eq!(store.jobs(&any).await.expect("listed"), []);
}

async fn run_through(store: &Store, tasks: u64, to: JobState, finished_at: i64) -> Job {
    let job = claim(store).await.expect("a job is queued");
    let start = Draft::new(at(6), "playbook_on_task_start".parse().expect("a kind"), json!({}));
    let events: Vec<_> = (1..=tasks).map(|number| (number, start.clone())).collect();
    store.append_events(job.id, job.fence, job.run.expect("a run"), &events).await.expect("stored");
    moved(store, &job, to, at(finished_at)).await
}

async fn latest(store: &Store, content: &ContentRef) -> Option<LastSuccess> {
    let found = store.last_successes(content, 1).await.expect("read");
    found.into_iter().next().map(|(request, last)| {
        let work = request.work.as_playbook().expect("a playbook");
        assert_eq!(work.content, *content);
        last
    })
}

pub(crate) async fn the_last_successes_are_those_of_the_whole_content(database: Database) {
    let store = &database.store;
    let content = queued(at(0)).request.work.as_playbook().expect("a playbook").content.clone();
    assert_eq!(latest(store, &content).await, None);
    for (tasks, to, finished_at) in
        [(7, JobState::Succeeded, 50), (9, JobState::Succeeded, 90), (2, JobState::Failed, 95)]
    {
        insert_queued(store, at(0)).await;
        run_through(store, tasks, to, finished_at).await;
    }
    let last = LastSuccess { tasks: 9, started_at: at(5), finished_at: at(90) };
    assert_eq!(latest(store, &content).await, Some(last));

    // A resumed run had only a part to do, and its tasks are counted from its start.
    insert_queued(store, at(0)).await;
    let failed = run_through(store, 5, JobState::Failed, 96).await;
    assert_eq!(failed.tasks, 5);
    let (event, resume) = (event_of(JobState::Queued), resume());
    let retry = job_move(&failed, JobState::Queued, at(97), &event);
    let again = store.move_job(&store::JobMove { resume: Some(&resume), ..retry }).await.expect("moved");
    assert_eq!(again.tasks, 0);
    run_through(store, 1, JobState::Succeeded, 99).await;
    assert_eq!(latest(store, &content).await, Some(last));
    let other = ContentRef::Bundle("ping".parse().expect("a name"));
    assert_eq!(latest(store, &other).await, None);
}

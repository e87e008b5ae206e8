//! Handles for jobs.

use std::{fmt, ops::Deref, time::Instant};

use reqwest::Method;
use serde_json::Value;

use crate::{
    client::Client,
    wait::{WAIT_LIMIT, pause},
};

/// A job of a service, and its JSON as it was last read: `job["state"]`.
///
/// Methods that read the job again return a new handle.
#[derive(Clone)]
pub struct Job {
    client: Client,
    shown: Value,
}

impl Client {
    /// Submits a job, which must be accepted.
    pub async fn submit(&self, request: &Value) -> Job {
        self.job(&self.post("/v1/jobs", request, 202).await)
    }

    /// Runs a job until it has ended.
    pub async fn run(&self, request: &Value) -> Job {
        self.job(&self.post(&format!("/v1/jobs?wait={}", WAIT_LIMIT.as_secs()), request, 200).await)
    }

    /// A handle for a job whose JSON is known, or only its `id`.
    #[must_use]
    pub fn job(&self, shown: &Value) -> Job {
        Job::new(self.clone(), shown.clone())
    }
}

impl Job {
    const fn new(client: Client, shown: Value) -> Self {
        Self { client, shown }
    }

    /// Its id.
    ///
    /// # Panics
    ///
    /// If its JSON has none.
    #[must_use]
    pub fn id(&self) -> &str {
        self.shown["id"].as_str().expect("a job has an id")
    }

    /// `/v1/jobs/ID`, and this after it.
    #[must_use]
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/jobs/{}{rest}", self.id())
    }

    async fn get(&self, rest: &str) -> Value {
        self.client.get(&self.path(rest), 200).await
    }

    /// The job as it is now.
    pub async fn read(&self) -> Self {
        self.client.job(&self.get("").await)
    }

    /// The job when it has ended.
    pub async fn wait(&self) -> Self {
        self.client.job(&self.get(&format!("?wait={}", WAIT_LIMIT.as_secs())).await)
    }

    /// Cancels it; returns it when it has ended.
    pub async fn cancel(&self) -> Self {
        let path = self.path(&format!("/cancel?wait={}", WAIT_LIMIT.as_secs()));
        self.client.job(&self.client.post(&path, &Value::Null, 200).await)
    }

    /// The results that it printed, by variable.
    pub async fn results(&self) -> Value {
        self.get("/result").await["results"].take()
    }

    /// All its events.
    ///
    /// # Panics
    ///
    /// If a page has no items.
    pub async fn events(&self) -> Vec<Value> {
        let mut events = Vec::new();
        let mut after = Value::from(0);
        while !after.is_null() {
            let mut page = self.get(&format!("/events?limit=1000&after={after}")).await;
            events.append(page["items"].as_array_mut().expect("a page has items"));
            after = page["next"].take();
        }
        events
    }

    /// Its log as text.
    ///
    /// # Panics
    ///
    /// If the reply has another status than 200.
    pub async fn log(&self) -> String {
        let response = self.client.send(Method::GET, &self.path("/log"), None).await;
        assert_eq!(response.status(), 200);
        response.text().await.expect("text")
    }

    /// Waits until it is in a state.
    ///
    /// # Panics
    ///
    /// If it ended in another one.
    pub async fn until_state(&self, state: &str) -> Self {
        let begun = Instant::now();
        let mut watched = Watched::default();
        loop {
            self.watch(&mut watched, "&kind=job_state").await;
            if watched.state == state
                && let Some(job) = self.read_in(state).await
            {
                return job;
            }
            // A job with a retry policy ends for a moment.
            let may_change = watched.is_unfinished() || !self.read().await["request"]["retry"].is_null();
            assert!(may_change, "the job ended, and is not {state} but {}", watched.state);
            assert!(begun.elapsed() < WAIT_LIMIT, "the job is not {state} but {}", watched.state);
            pause(begun).await;
        }
    }

    /// Waits until its run has begun a task.
    ///
    /// # Panics
    ///
    /// If it ended before.
    pub async fn until_task(&self, task: &str) {
        let begun = Instant::now();
        let mut watched = Watched::default();
        loop {
            let events = self.watch(&mut watched, "").await;
            if events.iter().any(|event| event["task"] == task) {
                return;
            }
            assert!(watched.is_unfinished(), "the job ended as {} before `{task}`", watched.state);
            assert!(begun.elapsed() < WAIT_LIMIT, "the job did not begin `{task}`: {}", watched.state);
            pause(begun).await;
        }
    }

    /// The next events, after those that were watched.
    ///
    /// Events contain the state as well. Reading a running job instead would make Ansible list its tasks in the background.
    async fn watch(&self, watched: &mut Watched, filter: &str) -> Vec<Value> {
        let mut page = self.get(&format!("/events?limit=1000&after={}{filter}", watched.after)).await;
        let items = page["items"].as_array_mut().map(std::mem::take).expect("a page has items");
        for event in &items {
            watched.after = event["seq"].as_u64().expect("an event has a number");
            if event["kind"] == "job_state" {
                event["data"]["to"].as_str().expect("a state").clone_into(&mut watched.state);
            }
        }
        items
    }

    /// The job, if it is in this state.
    async fn read_in(&self, state: &str) -> Option<Self> {
        if state != "running" {
            return Some(self.read().await).filter(|job| job["state"] == state);
        }
        // From the list, for the same reason.
        let page = self.client.get("/v1/jobs?state=running&limit=100", 200).await;
        let found = page["items"].as_array()?.iter().find(|job| job["id"] == self.shown["id"])?;
        Some(self.client.job(found))
    }
}

/// What was seen of a job's events.
#[derive(Default)]
struct Watched {
    after: u64,
    state: String,
}

impl Watched {
    /// Has the job not ended, as far as its events are known?
    fn is_unfinished(&self) -> bool {
        ["", "queued", "running", "canceling"].contains(&self.state.as_str())
    }
}

impl Deref for Job {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.shown
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.shown, formatter)
    }
}

impl fmt::Display for Job {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.shown, formatter)
    }
}

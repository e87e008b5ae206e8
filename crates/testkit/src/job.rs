//! Handles for jobs.

use std::{fmt, ops::Deref, time::Instant};

use reqwest::Method;
use serde_json::Value;

use crate::{
    client::Client,
    wait::{PATIENCE, POLL},
};

/// A job of a service, and its JSON as it was last read: `job["state"]`.
///
/// Methods that read the job again return a new handle.
#[derive(Clone)]
pub struct Job {
    client: Client,
    shown: Value,
}

impl Job {
    pub(crate) const fn new(client: Client, shown: Value) -> Self {
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
        self.client.job(&self.get(&format!("?wait={}", PATIENCE.as_secs())).await)
    }

    /// Cancels it; returns it when it has ended.
    pub async fn cancel(&self) -> Self {
        let path = self.path(&format!("/cancel?wait={}", PATIENCE.as_secs()));
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
        loop {
            let job = self.read().await;
            if job["state"] == state {
                return job;
            }
            // A job with a retry policy ends for a moment.
            let may_change = job["finished_at"].is_null() || !job["request"]["retry"].is_null();
            assert!(may_change, "the job ended, and is not {state}: {job:#}");
            assert!(begun.elapsed() < PATIENCE, "the job is not {state} but {job:#}");
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until its run has begun a task.
    ///
    /// # Panics
    ///
    /// If it ended before.
    pub async fn until_task(&self, task: &str) {
        let begun = Instant::now();
        // The job is read before its events: when it has ended, all of them are there.
        loop {
            let job = self.read().await;
            if job.events().await.iter().any(|event| event["task"] == task) {
                return;
            }
            assert!(job["finished_at"].is_null(), "the job ended before `{task}`: {job:#}");
            assert!(begun.elapsed() < PATIENCE, "the job did not begin `{task}`: {job:#}");
            tokio::time::sleep(POLL).await;
        }
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

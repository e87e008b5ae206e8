//! The JSON of a request: one flat object, in the database and in the HTTP API.
//!
//! The order of its members is that of the first version, which had no work apart from a playbook: rows of that
//! version are read and written to the byte. The JSON of another kind of work has a member that no other kind has: a
//! plan of a range has `plan`.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

use super::JobRequest;
use crate::{
    ContentRef, ExtraVars, HostPattern, Inventories, Isolation, Labels, PlanId, PlaybookWork, Priority,
    ProjectName, RangeGoal, RangeId, RangeWork, Resources, RetryPolicy, SecretVars, Step, Tags, TaskName,
    Work,
};

/// A request for a playbook. What is usual is left out, except for members that the first version always wrote.
#[derive(Serialize, Deserialize)]
struct Flat<'a> {
    // First, so that the beginning of the JSON names what is run.
    #[serde(flatten)]
    content: Cow<'a, ContentRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project: Option<Cow<'a, ProjectName>>,
    inventory: Cow<'a, Inventories>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<Cow<'a, HostPattern>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tags: Option<Cow<'a, Tags>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    skip_tags: Option<Cow<'a, Tags>>,
    #[serde(default, skip_serializing_if = "ExtraVars::is_empty")]
    extra_vars: Cow<'a, ExtraVars>,
    #[serde(default)]
    check: bool,
    #[serde(default)]
    diff: bool,
    #[serde(default)]
    verbosity: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forks: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout_s: Option<u64>,
    #[serde(default, skip_serializing_if = "Priority::is_default")]
    priority: Priority,
    #[serde(default, skip_serializing_if = "has_no_labels")]
    labels: Cow<'a, Labels>,
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    resources: Cow<'a, Resources>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry: Option<Cow<'a, RetryPolicy>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start_at_task: Option<Cow<'a, TaskName>>,
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    before: Cow<'a, [Step]>,
    #[serde(default, skip_serializing_if = "SecretVars::is_empty")]
    secret_vars: Cow<'a, SecretVars>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    isolation: Option<Isolation>,
}

/// A request for a plan of a range.
#[derive(Serialize, Deserialize)]
struct FlatRange<'a> {
    range: Cow<'a, str>,
    range_id: RangeId,
    plan: PlanId,
    goal: RangeGoal,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout_s: Option<u64>,
    #[serde(default, skip_serializing_if = "Priority::is_default")]
    priority: Priority,
    #[serde(default, skip_serializing_if = "has_no_labels")]
    labels: Cow<'a, Labels>,
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    resources: Cow<'a, Resources>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry: Option<Cow<'a, RetryPolicy>>,
}

fn has_no_labels(labels: &Labels) -> bool {
    labels.is_empty()
}

impl Serialize for JobRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { work, timeout_s, priority, labels, resources, retry } = self;
        let work = match work {
            Work::Playbook(work) => work,
            Work::Range(work) => {
                let flat = FlatRange {
                    range: Cow::Borrowed(&work.name),
                    range_id: work.range,
                    plan: work.plan,
                    goal: work.goal,
                    timeout_s: *timeout_s,
                    priority: *priority,
                    labels: Cow::Borrowed(labels),
                    resources: Cow::Borrowed(resources),
                    retry: retry.as_ref().map(Cow::Borrowed),
                };
                return flat.serialize(serializer);
            }
        };
        let flat = Flat {
            content: Cow::Borrowed(&work.content),
            project: work.project.as_ref().map(Cow::Borrowed),
            inventory: Cow::Borrowed(&work.inventory),
            limit: work.limit.as_ref().map(Cow::Borrowed),
            tags: work.tags.as_ref().map(Cow::Borrowed),
            skip_tags: work.skip_tags.as_ref().map(Cow::Borrowed),
            extra_vars: Cow::Borrowed(&work.extra_vars),
            check: work.check,
            diff: work.diff,
            verbosity: work.verbosity,
            forks: work.forks,
            timeout_s: *timeout_s,
            priority: *priority,
            labels: Cow::Borrowed(labels),
            resources: Cow::Borrowed(resources),
            retry: retry.as_ref().map(Cow::Borrowed),
            start_at_task: work.start_at_task.as_ref().map(Cow::Borrowed),
            before: Cow::Borrowed(&work.before),
            secret_vars: Cow::Borrowed(&work.secret_vars),
            isolation: work.isolation,
        };
        flat.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JobRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if value.get("plan").is_some() {
            return FlatRange::deserialize(value).map(FlatRange::into_request).map_err(D::Error::custom);
        }
        let flat = Flat::deserialize(value).map_err(D::Error::custom)?;
        let work = PlaybookWork {
            content: flat.content.into_owned(),
            project: flat.project.map(Cow::into_owned),
            inventory: flat.inventory.into_owned(),
            limit: flat.limit.map(Cow::into_owned),
            tags: flat.tags.map(Cow::into_owned),
            skip_tags: flat.skip_tags.map(Cow::into_owned),
            extra_vars: flat.extra_vars.into_owned(),
            check: flat.check,
            diff: flat.diff,
            verbosity: flat.verbosity,
            forks: flat.forks,
            start_at_task: flat.start_at_task.map(Cow::into_owned),
            before: flat.before.into_owned(),
            secret_vars: flat.secret_vars.into_owned(),
            isolation: flat.isolation,
        };
        Ok(Self {
            work: Work::Playbook(work),
            timeout_s: flat.timeout_s,
            priority: flat.priority,
            labels: flat.labels.into_owned(),
            resources: flat.resources.into_owned(),
            retry: flat.retry.map(Cow::into_owned),
        })
    }
}

impl FlatRange<'_> {
    fn into_request(self) -> JobRequest {
        JobRequest {
            work: Work::Range(RangeWork {
                name: self.range.into_owned(),
                range: self.range_id,
                plan: self.plan,
                goal: self.goal,
            }),
            timeout_s: self.timeout_s,
            priority: self.priority,
            labels: self.labels.into_owned(),
            resources: self.resources.into_owned(),
            retry: self.retry.map(Cow::into_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_shows_what_is_not_usual_and_reads_it_back() {
        let plain = r#"{"playbook":"ping","inventory":"hosts.yml","check":false,"diff":false,"verbosity":0}"#;
        let request: JobRequest = serde_json::from_str(plain).expect("a request");
        assert_eq!(serde_json::to_string(&request).expect("JSON"), plain);

        let full = plain
            .replace('}', r#","priority":-7,"labels":{"team":"red"},"resources":["vm:pve1/1000"],"#)
            + r#""retry":{"on":["lost"],"max_attempts":2},"start_at_task":"Install"}"#;
        let request: JobRequest = serde_json::from_str(&full).expect("a request");
        assert_eq!(request.priority.get(), -7);
        assert_eq!(serde_json::to_string(&request).expect("JSON"), full);
        assert!(serde_json::from_str::<JobRequest>(&full.replace("-7", "101")).is_err());
    }
}

//! Job requests.

use model::{
    ContentRef, Find, JobRequest, Labels, LockMode, RangeWork, ResourceLock, Resources, RetryPolicy, Step,
    Work,
};
use serde_json::{Map, Value};

use super::words;

/// The three fields for content, of which one is set.
#[derive(Default)]
pub(super) struct Content {
    pub(super) playbook: Option<String>,
    pub(super) bundle: Option<String>,
    pub(super) scenario: Option<String>,
}

pub(super) fn content(content: &ContentRef) -> Content {
    match content {
        ContentRef::Playbook(name) => Content { playbook: Some(name.to_string()), ..Content::default() },
        ContentRef::Bundle(name) => Content { bundle: Some(name.to_string()), ..Content::default() },
        ContentRef::Scenario(name) => Content { scenario: Some(name.to_string()), ..Content::default() },
    }
}

pub(super) fn request(request: &JobRequest) -> api::Request {
    let work = match &request.work {
        Work::Playbook(work) => work,
        Work::Range(work) => return range(request, work),
    };
    let Content { playbook, bundle, scenario } = content(&work.content);
    api::Request {
        playbook,
        bundle,
        scenario,
        project: work.project.as_ref().map(|name| name.to_string().into()),
        inventory: Some(inventories(&work.inventory)),
        limit: work.limit.as_ref().map(ToString::to_string),
        tags: work.tags.as_ref().map(ToString::to_string),
        skip_tags: work.skip_tags.as_ref().map(ToString::to_string),
        extra_vars: work.extra_vars.as_map().clone(),
        check: work.check,
        diff: work.diff,
        verbosity: work.verbosity,
        forks: work.forks,
        timeout_s: request.timeout_s,
        priority: Some(request.priority.get()).filter(|priority| *priority != 0),
        labels: labels(&request.labels),
        resources: resources(&request.resources),
        retry: request.retry.as_ref().map(retry),
        start_at_task: work.start_at_task.as_ref().map(ToString::to_string),
        before: work.before.iter().map(step).collect(),
        secret_vars: work.secret_vars.names().map(str::to_owned).collect(),
        isolation: work.isolation.map(words::isolation),
        ..api::Request::default()
    }
}

fn range(request: &JobRequest, work: &RangeWork) -> api::Request {
    api::Request {
        range: Some(work.name.clone()),
        range_id: Some(work.range.to_string()),
        plan: Some(work.plan.to_string()),
        goal: Some(words::range_goal(work.goal)),
        timeout_s: request.timeout_s,
        priority: Some(request.priority.get()).filter(|priority| *priority != 0),
        labels: labels(&request.labels),
        resources: resources(&request.resources),
        retry: request.retry.as_ref().map(retry),
        ..api::Request::default()
    }
}

fn inventories(inventories: &model::Inventories) -> api::Inventories {
    let mut names: Vec<api::ContentName> = inventories.iter().map(|name| name.as_str().into()).collect();
    match names.len() {
        1 => api::Inventories::One(names.remove(0)),
        _ => api::Inventories::Several(names),
    }
}

fn labels(labels: &Labels) -> Option<api::Labels> {
    let all = || labels.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    (!labels.is_empty()).then(|| api::Labels(all()))
}

fn resources(resources: &Resources) -> Option<api::Resources> {
    let lock = |lock: &ResourceLock| {
        let resource: api::Resource = lock.resource.as_str().into();
        match lock.mode {
            LockMode::Exclusive => api::ResourceLock::Exclusive(resource),
            LockMode::Shared => {
                api::ResourceLock::Named(api::NamedLock { name: resource, mode: api::LockMode::Shared })
            }
        }
    };
    let all = || resources.iter().map(lock).collect();
    (!resources.is_empty()).then(|| api::Resources(all()))
}

fn retry(policy: &RetryPolicy) -> api::RetryPolicy {
    api::RetryPolicy {
        on: policy.on().iter().copied().map(words::retry_on).collect(),
        max_attempts: policy.max_attempts(),
    }
}

fn step(step: &Step) -> api::Step {
    let Content { playbook, bundle, scenario } = content(&step.content);
    api::Step {
        playbook,
        bundle,
        scenario,
        limit: step.limit.as_ref().map(ToString::to_string),
        tags: step.tags.as_ref().map(ToString::to_string),
        extra_vars: step.extra_vars.as_map().clone(),
        secret_vars: step.secret_vars.names().map(str::to_owned).collect(),
        find: step.find.as_ref().map(find),
    }
}

fn find(find: &Find) -> Map<String, Value> {
    match serde_json::to_value(find) {
        Ok(Value::Object(find)) => find,
        // A struct of strings always serializes to an object.
        Ok(_) | Err(_) => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The JSON of a request is the same in the database and in replies.
    #[test]
    fn a_request_is_shown_as_it_is_stored() {
        for text in [
            r#"{"playbook":"ping","inventory":"hosts.yml","check":false,"diff":false,"verbosity":0}"#,
            r#"{"bundle":"a/b","project":"p","inventory":["a","b"],"limit":"web*","tags":"x,y","skip_tags":"z",
               "extra_vars":{"b":1,"a":{"c":[null]}},"check":true,"diff":true,"verbosity":5,"forks":7,"timeout_s":9,
               "priority":-7,"labels":{"team":"red"},"resources":[{"name":"host:web-1","mode":"shared"},"vm:pve1/1000"],
               "retry":{"on":["lost","failed"],"max_attempts":2},"start_at_task":"Install",
               "before":[{"scenario":"s","limit":"h","tags":"t","extra_vars":{"x":true},"secret_vars":["q"],
                          "find":{"list":"l","by":"b","value":"v","take":{"member":"m","variable":"w"}}}],
               "secret_vars":["token"],"isolation":"sandbox"}"#,
        ] {
            let stored: Value = serde_json::from_str(text).expect("JSON");
            let model: JobRequest = serde_json::from_value(stored.clone()).expect("a request");
            let shown = serde_json::to_string(&request(&model)).expect("JSON");
            assert_eq!(shown, serde_json::to_string(&model).expect("JSON"));
            let read: api::Request = serde_json::from_str(&shown).expect("the same type");
            assert_eq!(serde_json::to_value(read).expect("JSON"), stored);
        }
    }
}

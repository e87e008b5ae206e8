//! Validates the body of `POST /v1/jobs` (`api::NewJob`), and converts it to a request.
//!
//! The fields are taken one by one, because serde stops at the first fault, and the response must contain all
//! faults.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    ContentName, ContentRef, ExtraVars, Inventories, Isolation, JobRequest, Labels, PlaybookWork, Priority,
    ProjectName, ResourceLock, Resources, SecretVars, Tags, extra_vars::BadExtraVars, redact::SHORTEST_VALUE,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::fields::{Fields, whole};
use crate::http::problem::{Fault, FaultCode, Problem, ProblemCode, fault};

/// Restrictions on requests.
#[derive(Debug)]
pub(super) struct Rules<'a> {
    /// Whether `ansible_*` variables are allowed.
    pub(super) allow_connection_vars: bool,
    /// Variables that requests cannot set.
    pub(super) protected_vars: &'a BTreeSet<String>,
    /// The minimum isolation of runs.
    pub(super) least_isolation: Isolation,
}

/// Parses the body. Invalid names are a bad request (400), and all other faults make the request unprocessable
/// (422), with all faults in one response. Also returns whether the request names its inventories; if it does not,
/// it contains the default ones until they are resolved.
pub(super) fn read(
    body: Option<Value>,
    default_inventory: &Inventories,
    rules: &Rules<'_>,
) -> Result<(JobRequest, bool), Problem> {
    let mut fields = Fields::of_body(body)?;
    let content = content(&mut fields)?;
    let project = project(&mut fields)?;
    let inventory = inventories(&mut fields)?;
    let limit = fields.text("limit", str::parse);
    let (tags, skip_tags) = (tags(&mut fields, "tags"), tags(&mut fields, "skip_tags"));
    let extra_vars = extra_vars(&mut fields, rules);
    let secret_vars = secret_vars(&mut fields, rules, &extra_vars);
    let check = fields.flag("check").unwrap_or(false);
    let diff = fields.flag("diff").unwrap_or(false);
    let verbosity = fields.number("verbosity", 0..=api::MAX_VERBOSITY).unwrap_or(0);
    let forks = fields.number("forks", 1..=api::MAX_FORKS);
    let timeout_s = fields.number("timeout_s", 1..=api::MAX_TIMEOUT_S);
    let (priority, labels, resources) = (priority(&mut fields), labels(&mut fields), resources(&mut fields));
    let retry = typed(&mut fields, "retry", "an object such as {\"on\": [\"lost\"], \"max_attempts\": 3}");
    let start_at_task = fields.text("start_at_task", str::parse);
    let isolation = isolation(&mut fields, rules.least_isolation);
    fields.finish(api::NewJob::fields())?;
    // This cannot happen without a fault, because missing content is one.
    let Some(content) = content else { return Err(Problem::invalid(vec![no_content()])) };
    let names_inventory = inventory.is_some();
    let inventory = inventory.unwrap_or_else(|| default_inventory.clone());
    let work = PlaybookWork {
        project,
        limit,
        tags,
        skip_tags,
        extra_vars,
        secret_vars,
        check,
        diff,
        verbosity: u8::try_from(verbosity).unwrap_or(u8::MAX),
        forks: forks.and_then(|forks| u16::try_from(forks).ok()),
        start_at_task,
        isolation,
        ..PlaybookWork::new(content, inventory)
    };
    let request = JobRequest { timeout_s, priority, labels, resources, retry, ..JobRequest::new(work) };
    Ok((request, names_inventory))
}

/// Exactly one of `playbook`, `bundle` and `scenario`.
fn content(fields: &mut Fields) -> Result<Option<ContentRef>, Problem> {
    let playbook = name(fields, "playbook")?.map(ContentRef::Playbook);
    let bundle = name(fields, "bundle")?.map(ContentRef::Bundle);
    let scenario = name(fields, "scenario")?.map(ContentRef::Scenario);
    let mut given = [playbook, bundle, scenario].into_iter().flatten();
    let content = given.next();
    if given.next().is_some() {
        let message = "more than one of `playbook`, `bundle`, and `scenario`: use exactly one".to_owned();
        return Ok(fields.fault("playbook", FaultCode::TooMany, message));
    }
    if content.is_none() && fields.faults.is_empty() {
        fields.faults.push(no_content());
    }
    Ok(content)
}

fn no_content() -> Fault {
    fault("playbook", FaultCode::Missing, "nothing to run: set one of `playbook`, `bundle`, and `scenario`")
}

fn name(fields: &mut Fields, field: &str) -> Result<Option<ContentName>, Problem> {
    match fields.take(field) {
        None => Ok(None),
        Some(Value::String(text)) => match text.parse() {
            Ok(name) => Ok(Some(name)),
            Err(error) => Err(bad_name(field, &error)),
        },
        Some(other) => Ok(fields.wrong_type(field, "a name", &other)),
    }
}

/// One name, or a list of names.
fn inventories(fields: &mut Fields) -> Result<Option<Inventories>, Problem> {
    const FIELD: &str = "inventory";
    let Some(Value::Array(items)) = fields.peek(FIELD) else {
        return Ok(name(fields, FIELD)?.map(Inventories::from));
    };
    let mut names: Vec<ContentName> = Vec::with_capacity(items.len());
    for item in items.clone() {
        match item {
            Value::String(text) => names.push(text.parse().map_err(|error| bad_name(FIELD, &error))?),
            other => {
                fields.take(FIELD);
                return Ok(fields.wrong_type(FIELD, "a name, or a list of names", &other));
            }
        }
    }
    fields.take(FIELD);
    match Inventories::new(names) {
        Ok(inventories) => Ok(Some(inventories)),
        Err(error) => Ok(fields.fault(FIELD, FaultCode::InvalidValue, error.to_string())),
    }
}

fn project(fields: &mut Fields) -> Result<Option<ProjectName>, Problem> {
    match fields.take("project") {
        None => Ok(None),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|error| bad_project(&error)),
        Some(other) => Ok(fields.wrong_type("project", "a name", &other)),
    }
}

/// The error of every route for an invalid project name.
pub(super) fn bad_project(error: &model::names::BadProjectName) -> Problem {
    let fault = fault("project", FaultCode::BadName, error.to_string());
    Problem::faults(ProblemCode::BadName, vec![fault])
}

/// The error of every route for an invalid name.
pub(super) fn bad_name(field: &str, error: &model::names::BadName) -> Problem {
    Problem::faults(ProblemCode::BadName, vec![fault(field, FaultCode::BadName, error.to_string())])
        .hint("a name is the path of the content below its root, as the catalog lists it")
}

/// A comma-separated string, or a list of strings.
fn tags(fields: &mut Fields, field: &str) -> Option<Tags> {
    let value = fields.take(field)?;
    let list: Option<Vec<&str>> = match &value {
        Value::String(text) => Some(vec![text]),
        Value::Array(items) if items.is_empty() => return None,
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    };
    match list.map(|list| Tags::from_list(&list)) {
        Some(Ok(tags)) => Some(tags),
        Some(Err(error)) => fields.fault(field, FaultCode::InvalidValue, error.to_string()),
        None => fields.wrong_type(field, "a string or a list of strings", &value),
    }
}

fn priority(fields: &mut Fields) -> Priority {
    let Some(value) = fields.take("priority") else { return Priority::default() };
    let number = whole(&value).and_then(|number| i8::try_from(number).ok());
    number.and_then(|number| Priority::try_from(number).ok()).unwrap_or_else(|| {
        let _: Option<()> = fields.wrong_type("priority", "a whole number from -100 to 100", &value);
        Priority::default()
    })
}

fn labels(fields: &mut Fields) -> Labels {
    let labels: Option<BTreeMap<String, String>> = typed(fields, "labels", "an object of texts");
    Labels::try_from(labels.unwrap_or_default()).unwrap_or_else(|error| {
        let _: Option<()> = fields.fault("labels", FaultCode::InvalidValue, error.to_string());
        Labels::default()
    })
}

fn resources(fields: &mut Fields) -> Resources {
    let wanted = "a list of texts such as `vm:pve1/1000`, or of objects with `name` and `mode`,";
    let list: Option<Vec<ResourceLock>> = typed(fields, "resources", wanted);
    Resources::try_from(list.unwrap_or_default()).unwrap_or_else(|error| {
        let _: Option<()> = fields.fault("resources", FaultCode::InvalidValue, error.to_string());
        Resources::default()
    })
}

/// A field whose type reads itself.
/// The members of an object with every `7.0` as `7`.
fn with_whole_numbers(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, member)| {
                let number = if member.is_f64() { whole(&member) } else { None };
                (name, number.map_or(member, Value::from))
            })
            .collect(),
        other => other,
    }
}

fn typed<T: DeserializeOwned>(fields: &mut Fields, name: &str, wanted: &str) -> Option<T> {
    let value = with_whole_numbers(fields.take(name)?);
    match serde_json::from_value(value) {
        Ok(value) => Some(value),
        Err(error) => fields.fault(name, FaultCode::InvalidValue, format!("{error}: {wanted} is wanted")),
    }
}

fn isolation(fields: &mut Fields, least: Isolation) -> Option<Isolation> {
    let asked = fields.text("isolation", str::parse::<Isolation>)?;
    if asked < least {
        let message = format!(
            "`{asked}` is less than `{least}`, which `runs.isolation` sets: a job can only request more"
        );
        return fields.fault("isolation", FaultCode::InvalidValue, message);
    }
    Some(asked)
}

fn extra_vars(fields: &mut Fields, rules: &Rules<'_>) -> ExtraVars {
    let vars = variables(fields, "extra_vars", rules);
    checked(fields, "extra_vars", ExtraVars::check(vars, rules.allow_connection_vars))
}

/// Reads secret variables. Faults do not contain their values.
fn secret_vars(fields: &mut Fields, rules: &Rules<'_>, extra_vars: &ExtraVars) -> SecretVars {
    let vars = variables(fields, "secret_vars", rules);
    let vars = checked(fields, "secret_vars", SecretVars::check(vars, rules.allow_connection_vars));
    for name in vars.names().filter(|name| extra_vars.as_map().contains_key(*name)) {
        let message = "this variable is also in `extra_vars`: set it once".to_owned();
        let _: Option<()> = fields.fault(&format!("secret_vars.{name}"), FaultCode::GivenTwice, message);
    }
    if let Some(name) = vars.too_short() {
        let message = format!(
            "a secret string must have at least {SHORTEST_VALUE} bytes: a shorter one cannot be masked in output"
        );
        let _: Option<()> = fields.fault(&format!("secret_vars.{name}"), FaultCode::TooShort, message);
    }
    vars
}

fn variables(fields: &mut Fields, field: &str, rules: &Rules<'_>) -> Map<String, Value> {
    let vars = match fields.take(field) {
        None => Map::new(),
        Some(Value::Object(vars)) => vars,
        Some(other) => {
            let _: Option<()> = fields.wrong_type(field, "an object", &other);
            Map::new()
        }
    };
    for name in vars.keys().filter(|name| rules.protected_vars.contains(*name)) {
        let message = format!(
            "`{name}` may not be set by a request: it decides where a stored token goes, and is taken from the \
             inventory, the vault file or the settings"
        );
        let _: Option<()> = fields.fault(&format!("{field}.{name}"), FaultCode::ProtectedVariable, message);
    }
    vars
}

fn checked<T: Default>(fields: &mut Fields, field: &str, vars: Result<T, BadExtraVars>) -> T {
    vars.unwrap_or_else(|error| {
        let field = format!("{field}.{}", error.key());
        let _: Option<()> = fields.fault(&field, FaultCode::InvalidVariable, error.to_string());
        T::default()
    })
}

#[cfg(test)]
mod tests {

    use super::*;

    fn rules() -> Rules<'static> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        Rules { allow_connection_vars: false, protected_vars: &NONE, least_isolation: Isolation::Process }
    }

    fn variables(name: &str, value: &str) -> Map<String, Value> {
        [(name.to_owned(), Value::from(value))].into_iter().collect()
    }

    #[test]
    fn every_field_that_a_client_can_set_is_read() {
        let job = api::NewJob {
            bundle: Some("linux/install".into()),
            project: Some("range".into()),
            inventory: Some(api::Inventories::Several(vec!["a".into(), "b".into()])),
            limit: Some("web*".into()),
            tags: Some(api::Tags::Text("x,y".to_owned())),
            skip_tags: Some(api::Tags::List(vec!["z".to_owned()])),
            extra_vars: variables("release", "1.2.3"),
            secret_vars: variables("password", "correct horse"),
            check: Some(true),
            diff: Some(true),
            verbosity: Some(3),
            forks: Some(7),
            timeout_s: Some(60),
            priority: Some(-5),
            labels: Some(api::Labels([("team".to_owned(), "red".to_owned())].into())),
            resources: Some(api::Resources(vec![
                api::ResourceLock::Exclusive("vm:pve1/1000".into()),
                api::ResourceLock::Named(api::NamedLock {
                    name: "host:web-1".into(),
                    mode: api::LockMode::Shared,
                }),
            ])),
            retry: Some(api::RetryPolicy { on: vec![api::RetryOn::Lost], max_attempts: 2 }),
            start_at_task: Some(api::TaskName("Install".to_owned())),
            isolation: Some(api::Isolation::Sandbox),
            ..api::NewJob::default()
        };
        let body = serde_json::to_value(&job).expect("JSON");
        let given: BTreeSet<_> = body.as_object().expect("an object").keys().cloned().collect();
        let mut known: BTreeSet<_> = api::NewJob::fields().iter().cloned().collect();
        known.retain(|name| !["playbook", "scenario"].contains(&name.as_str()));
        assert_eq!(given, known, "the test sets every field, and one kind of content");
        let default = "hosts".parse::<Inventories>().expect("a name");
        let (request, names_inventory) = read(Some(body), &default, &rules()).expect("a request");
        assert!(names_inventory);
        let shown = serde_json::to_value(&request).expect("JSON");
        for name in known.iter().filter(|name| *name != "skip_tags") {
            assert!(shown.get(name).is_some(), "`{name}` is lost: {shown:#}");
        }
    }

    #[test]
    fn one_kind_of_content_is_enough_and_more_are_too_many() {
        let of = |job: &api::NewJob| {
            let default = "hosts".parse::<Inventories>().expect("a name");
            read(serde_json::to_value(job).ok(), &default, &rules())
                .map(|(request, _)| request.work.as_playbook().map(|work| work.content.kind()))
        };
        let playbook = api::NewJob { playbook: Some("ping".into()), ..api::NewJob::default() };
        let both = api::NewJob { scenario: Some("ping".into()), ..playbook.clone() };
        let scenario = api::NewJob { playbook: None, ..both.clone() };
        assert_eq!(of(&playbook).expect("a request"), Some(model::ContentKind::Playbook));
        assert_eq!(of(&scenario).expect("a request"), Some(model::ContentKind::Scenario));
        assert!(of(&both).is_err() && of(&api::NewJob::default()).is_err());
    }
}

//! Converts a row and its validated values to a job request.

use actix_web::http::StatusCode;
use model::{
    ContentName, ContentRef, ExtraVars, Find, HostPattern, Inventories, JobRequest, PlaybookWork, Resource,
    Resources, SecretVars, Step, Tags, Take, resource::MAX_RESOURCES,
};
use serde_json::{Map, Value};

use super::{
    ErrorReply,
    field::{Field, Kind, When},
    python,
    route::{Limit, Lookup, Named, Plan, Route},
};

/// The playbook that runs all actions.
const GENERIC: &str = "generic";
/// The hosts of all actions.
pub(super) const ACTION_HOSTS: &str = "proxmox";
/// The variable that passes the host that acts for the node to a bundle.
const ACTING_HOST: &str = "proxmox_controller_host";

/// Data for planning in addition to the request.
#[derive(Debug)]
pub(super) struct PlanContext<'a> {
    pub(super) inventory: &'a Inventories,
    /// The node to use if the request has an empty one.
    pub(super) default_node: Option<&'a str>,
    /// The name in the path.
    pub(super) name: Option<&'a str>,
    /// The host that acts for the node of the request, if the group of actions has several hosts.
    pub(super) host: Option<&'a str>,
    /// Whether the playbook of all actions leaves that host when it is limited to it.
    pub(super) limits_actions: bool,
}

impl PlanContext<'_> {
    /// The limit of an action: a single host of the group, so that the action runs once.
    fn action_hosts(&self) -> Option<&str> {
        self.host.filter(|_| self.limits_actions)
    }
}

type Values = Map<String, Value>;

/// The job request of a row with these values.
pub(super) fn plan(
    route: &Route,
    values: &Values,
    known: &PlanContext<'_>,
) -> Result<JobRequest, ErrorReply> {
    let mut vars = variables(route.fields, values);
    let (content, limit, before) = match &route.plan {
        Plan::Ping => (ContentRef::Playbook(name("ping")?), limit_of(values, "hosts")?, Vec::new()),
        Plan::Named(kind) => {
            let name = name(known.name.unwrap_or_default())?;
            let content = match kind {
                Named::Bundle => ContentRef::Bundle(name),
                Named::Scenario => ContentRef::Scenario(name),
            };
            (content, limit_of(values, "hosts")?, Vec::new())
        }
        Plan::Action { action, lookup } => {
            vars.insert("proxmox_vm_action".into(), (*action).into());
            vars.insert("hosts".into(), ACTION_HOSTS.into());
            let before = look_up(*lookup, values, known)?;
            (generic()?, Some(pattern(known.action_hosts().unwrap_or(ACTION_HOSTS))?), before)
        }
        Plan::Bundle { bundle, limit, constant } => {
            if let Some((name, value)) = constant {
                vars.insert((*name).into(), (*value).into());
            }
            if *limit == Limit::Node {
                vars.extend(acting_host(known));
            }
            let limit = match limit {
                Limit::Hosts => limit_of(values, "hosts")?,
                Limit::Node => limit_of(values, "proxmox_node")?,
            };
            (ContentRef::Bundle(name(bundle)?), limit, Vec::new())
        }
        Plan::CreateMachines { bundle, machines } => {
            // A variable instead of a limit, because other plays of the bundle may target the machines themselves.
            vars.extend(acting_host(known));
            let before = create_each(bundle, machines, route, values, known)?;
            (ContentRef::Bundle(name(bundle)?), None, before)
        }
        Plan::Find { .. } => {
            vars.insert("proxmox_vm_action".into(), "vm_list".into());
            (generic()?, known.action_hosts().map(pattern).transpose()?, Vec::new())
        }
    };
    let secret_vars = secret_vars(&mut vars, route.fields)?;
    let work = PlaybookWork {
        limit,
        extra_vars: extra_vars(vars)?,
        secret_vars,
        before,
        ..PlaybookWork::new(content, known.inventory.clone())
    };
    Ok(JobRequest {
        labels: [("operation", route.operation)]
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect::<std::collections::BTreeMap<_, _>>()
            .try_into()
            .map_err(|error| ErrorReply::failed(&error))?,
        resources: locks(route, values, known.default_node),
        ..JobRequest::new(work)
    })
}

/// The fields as Ansible variables.
fn variables(fields: &[Field], values: &Values) -> Values {
    let is_empty = |value: &Value| matches!(value, Value::String(text) if text.is_empty());
    let with_node = values.get("proxmox_node").is_some_and(|node| !is_empty(node));
    let mut vars = Map::new();
    for field in fields {
        let (Some(variable), Some(value)) = (field.variable, values.get(field.name)) else { continue };
        let applies = match variable.when {
            When::Given => true,
            When::NotEmpty => !is_empty(value),
            When::WithNode => with_node,
        };
        if applies {
            vars.insert(variable.name.into(), renamed(&field.kind, value));
        }
    }
    vars
}

/// Renames the fields of objects to their Ansible variables.
fn renamed(kind: &Kind, value: &Value) -> Value {
    match (kind, value) {
        (Kind::List(Kind::Object(fields)), Value::Array(items)) => items
            .iter()
            .map(|item| item.as_object().map_or(Value::Null, |item| variables(fields, item).into()))
            .collect(),
        _ => value.clone(),
    }
}

/// The host that acts for the node, as a variable for plays that select one of their hosts.
fn acting_host(known: &PlanContext<'_>) -> Option<(String, Value)> {
    known.host.map(|host| (ACTING_HOST.to_owned(), host.into()))
}

fn look_up(lookup: Lookup, values: &Values, known: &PlanContext<'_>) -> Result<Vec<Step>, ErrorReply> {
    let (list, member, variable) = match lookup {
        Lookup::No => return Ok(Vec::new()),
        Lookup::Exists => ("vm_list", "vm_name", None),
        Lookup::Name => ("vm_list", "vm_name", Some("vm_name")),
        Lookup::Container => ("lxc_list", "lxc_name", Some("lxc_name")),
    };
    let mut vars = Map::from_iter([("proxmox_vm_action".to_owned(), Value::from(list))]);
    let node = values.get("proxmox_node").filter(|node| node.as_str().is_some_and(|node| !node.is_empty()));
    vars.extend(node.map(|node| ("proxmox_node".to_owned(), node.clone())));
    let wanted = values.get("vm_id").and_then(Value::as_str).unwrap_or_default();
    let find = Find {
        list: list.to_owned(),
        by: "vm_id".to_owned(),
        value: wanted.to_owned(),
        take: variable.map(|variable| Take { member: member.to_owned(), variable: variable.to_owned() }),
    };
    let extra_vars = extra_vars(vars)?;
    let secret_vars = SecretVars::default();
    let limit = known.action_hosts().map(pattern).transpose()?;
    Ok(vec![Step { content: generic()?, limit, tags: None, extra_vars, secret_vars, find: Some(find) }])
}

/// One run for each machine of the set, in the order of the request.
fn create_each(
    bundle: &str,
    machines: &[&str],
    route: &Route,
    values: &Values,
    known: &PlanContext<'_>,
) -> Result<Vec<Step>, ErrorReply> {
    let empty = Map::new();
    let given = values.get("vms").and_then(Value::as_object).unwrap_or(&empty);
    let wrong = |detail: String| Err(ErrorReply::new(StatusCode::BAD_REQUEST, detail));
    if given.is_empty() {
        return wrong("Field vms must not be empty".to_owned());
    }
    if let Some(missing) = machines.iter().find(|machine| !given.contains_key(**machine)) {
        return wrong(format!("Missing required vm key {missing}"));
    }
    if let Some(other) = given.keys().find(|key| !machines.contains(&key.as_str())) {
        return wrong(format!("Unauthorized vm key {other}"));
    }
    let fields = route.fields.iter().find_map(|field| match field.kind {
        Kind::Map(fields) => Some(fields),
        _ => None,
    });
    let content = ContentRef::Playbook(name(&format!("bundles/{bundle}/init"))?);
    given
        .iter()
        .map(|(machine, members)| {
            let mut vars = variables(route.fields, values);
            vars.extend(acting_host(known));
            vars.extend(variables(fields.unwrap_or_default(), members.as_object().unwrap_or(&empty)));
            let tags: Tags = machine.parse().map_err(|error| ErrorReply::failed(&error))?;
            let secret_vars = secret_vars(&mut vars, route.fields.iter().chain(fields.unwrap_or_default()))?;
            let extra_vars = extra_vars(vars)?;
            let content = content.clone();
            Ok(Step { content, limit: None, tags: Some(tags), extra_vars, secret_vars, find: None })
        })
        .collect()
}

/// The resources that other jobs cannot use in the meantime.
fn locks(route: &Route, values: &Values, default_node: Option<&str>) -> Resources {
    let node = values.get("proxmox_node").and_then(Value::as_str).filter(|node| !node.is_empty());
    let node = node.or(default_node).unwrap_or("default");
    let mut ids = Vec::new();
    for value in route.locks.iter().filter_map(|field| values.get(*field)) {
        machine_ids(value, &mut ids);
    }
    let of_machine = |id: &String| format!("vm:{node}/{}", without_zeros(id)).parse::<Resource>().ok();
    let of_set = set_of(route).and_then(|set| format!("vms:{node}/{set}").parse().ok());
    let mut resources: Vec<Resource> = ids.iter().filter_map(of_machine).chain(of_set).collect();
    resources.sort();
    resources.dedup();
    resources.truncate(MAX_RESOURCES);
    // The resources are unique and within the limit.
    resources.try_into().unwrap_or_default()
}

/// Removes leading zeros: `01000` is machine 1000.
fn without_zeros(id: &str) -> &str {
    let stripped = id.trim_start_matches('0');
    if stripped.is_empty() { id } else { stripped }
}

/// The set of machines of a bundle, if the request does not name machines. Two such requests never run
/// concurrently.
fn set_of(route: &Route) -> Option<&'static str> {
    let bundle = match &route.plan {
        Plan::Bundle { bundle, limit: Limit::Node, .. } if route.locks.is_empty() => bundle,
        Plan::CreateMachines { bundle, .. } => bundle,
        Plan::Bundle { .. } | Plan::Ping | Plan::Named(_) | Plan::Action { .. } | Plan::Find { .. } => {
            return None;
        }
    };
    bundle.rsplit('-').next()
}

/// Collects machine IDs: single values, lists, and fields of objects in lists or maps.
fn machine_ids(value: &Value, ids: &mut Vec<String>) {
    match value {
        Value::String(id) => ids.push(id.clone()),
        Value::Number(id) => ids.push(id.to_string()),
        Value::Array(items) => items.iter().for_each(|item| machine_ids(item, ids)),
        Value::Object(members) => {
            let own = ["id", "vm_id"].iter().find_map(|name| members.get(*name));
            match own {
                Some(id) => machine_ids(id, ids),
                None => members.values().for_each(|member| machine_ids(member, ids)),
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// Moves the variables of secret fields out of the other variables.
fn secret_vars<'a>(
    vars: &mut Values,
    fields: impl IntoIterator<Item = &'a Field>,
) -> Result<SecretVars, ErrorReply> {
    let secret = fields.into_iter().filter(|field| field.secret).filter_map(|field| field.variable);
    let taken =
        secret.filter_map(|variable| Some((variable.name.to_owned(), vars.shift_remove(variable.name)?)));
    SecretVars::check(taken.collect(), false).map_err(bad_vars)
}

pub(super) fn generic() -> Result<ContentRef, ErrorReply> {
    Ok(ContentRef::Playbook(name(GENERIC)?))
}

fn limit_of(values: &Values, field: &str) -> Result<Option<HostPattern>, ErrorReply> {
    let text = values.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.map(pattern).transpose()
}

fn pattern(text: &str) -> Result<HostPattern, ErrorReply> {
    text.parse().map_err(|error: model::host_pattern::BadHostPattern| {
        ErrorReply::new(StatusCode::BAD_REQUEST, error.to_string())
    })
}

fn extra_vars(vars: Values) -> Result<ExtraVars, ErrorReply> {
    ExtraVars::check(vars, false).map_err(bad_vars)
}

fn bad_vars(error: model::extra_vars::BadExtraVars) -> ErrorReply {
    ErrorReply::new(StatusCode::BAD_REQUEST, error.to_string())
}

fn name(text: &str) -> Result<ContentName, ErrorReply> {
    text.parse().map_err(|_| bad_name(text))
}

/// The error of v0 for an invalid name.
pub(super) fn bad_name(text: &str) -> ErrorReply {
    let detail = format!(":: err - INVALID ACTION NAME FORMAT {}", python::repr(text));
    ErrorReply::new(StatusCode::BAD_REQUEST, detail)
}

/// Whether a name has only the characters that the reference service accepts. Other names are accepted if there is
/// content with that name; otherwise the error is that of the reference service.
pub(super) fn is_recorded_name(name: &ContentName) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte);
    name.as_str().bytes().all(is_plain)
}

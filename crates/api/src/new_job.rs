//! The body of `POST /v1/jobs`.

use std::{collections::BTreeMap, sync::LazyLock};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ContentName, HostPattern, Isolation, LockMode, ProjectName, Resource, RetryOn};

/// The most `-v`.
pub const MAX_VERBOSITY: u64 = 5;
/// The most hosts at once that a request may ask for.
pub const MAX_FORKS: u64 = 500;
/// The longest time limit that a request may ask for: a week.
pub const MAX_TIMEOUT_S: u64 = 7 * 24 * 3600;
/// The fewest attempts of a retry policy.
pub const MIN_ATTEMPTS: u32 = 2;
/// The most attempts of a retry policy.
pub const MAX_ATTEMPTS: u32 = 10;

/// Names of variables; `ansible_*` and Ansible's own are reserved.
fn variables(schema: &mut Schema) {
    let names = serde_json::json!({
        "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "not": { "pattern": "^(ansible_|__ansible)" },
    });
    schema.insert("propertyNames".to_owned(), names);
}

/// What to run, against what, and how. One of `playbook`, `bundle` and `scenario` must be given; `null` counts as not given
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("oneOf" = [{"required": ["playbook"]}, {"required": ["bundle"]}, {"required": ["scenario"]}]))]
pub struct NewJob {
    /// The playbook to run
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playbook: Option<ContentName>,
    /// The bundle to run
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<ContentName>,
    /// The scenario to run
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario: Option<ContentName>,
    /// The project that has the content. Otherwise the content of `paths.playbooks` is meant, or that of the only project
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// One or several. Otherwise the setting `ansible.default_inventory`, or that of the project
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Inventories>,
    /// The hosts to run on; otherwise all that the content names
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<HostPattern>,
    /// Only tasks with one of these tags
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    /// No tasks with one of these tags
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_tags: Option<Tags>,
    /// Variables, which win over those of the playbook. Data, never templates. At most 10,000 values, 32 levels deep; `ansible_*` only where a setting allows it
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schemars(transform = variables, extend("examples" = [{"release": "1.2.3"}]))]
    pub extra_vars: Map<String, Value>,
    /// Variables whose values are never shown: kept encrypted until the job ends, masked in everything that it prints. Otherwise as `extra_vars`; no name may be in both, and a text has at least 4 bytes
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schemars(
        transform = variables,
        extend("additionalProperties" = {"anyOf": [{"type": "string", "minLength": 4}, {"type": "integer"}, {"type": "boolean"}]}),
        extend("examples" = [{"admin_password": "correct horse"}])
    )]
    pub secret_vars: Map<String, Value>,
    /// Ansible's check mode
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    pub check: Option<bool>,
    /// Ansible's diff mode
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    pub diff: Option<bool>,
    /// How many `-v`
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = MAX_VERBOSITY), extend("default" = 0))]
    pub verbosity: Option<u8>,
    /// How many hosts at once; otherwise as Ansible is configured
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_FORKS))]
    pub forks: Option<u16>,
    /// The longest the run may take, in seconds; otherwise the setting `runs.timeout_s`
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_TIMEOUT_S))]
    pub timeout_s: Option<u64>,
    /// Higher goes first; one point is worth 60 s of waiting
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -100, max = 100), extend("default" = 0))]
    pub priority: Option<i8>,
    /// To find the job by
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    /// What the job needs while it runs
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// When to queue the job again by itself; otherwise never
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryPolicy>,
    /// Ansible's `--start-at-task`: the name of a task
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_at_task: Option<TaskName>,
    /// How far its runs are kept from their machine, at least
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
}

impl NewJob {
    /// The names of its fields, in their order.
    #[must_use]
    pub fn fields() -> &'static [String] {
        static FIELDS: LazyLock<Vec<String>> = LazyLock::new(|| {
            let schema = SchemaGenerator::default().into_root_schema_for::<NewJob>();
            let properties = schema.get("properties").and_then(Value::as_object);
            properties.map_or_else(Vec::new, |properties| properties.keys().cloned().collect())
        });
        &FIELDS
    }
}

/// One inventory, or several in the order in which Ansible reads them
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Inventories {
    /// One.
    #[schemars(description = "")]
    One(ContentName),
    /// Several.
    #[schemars(description = "")]
    Several(#[schemars(length(min = 1, max = 16))] Vec<ContentName>),
}

/// A text with commas, or a list of texts; at most 4096 bytes together, 200 of each
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Tags {
    /// Joined by commas.
    Text(String),
    /// One by one.
    List(Vec<String>),
}

impl JsonSchema for Tags {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Tags".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        const TAG: &str = "[A-Za-z0-9_.:/][A-Za-z0-9_.:/-]*";
        json_schema!({
            "description": "A text with commas, or a list of texts; at most 4096 bytes together, 200 of each",
            "oneOf": [
                { "type": "string", "maxLength": 4096, "pattern": format!("^{TAG}(,{TAG})*$") },
                {
                    "type": "array",
                    "maxItems": 20,
                    "items": { "type": "string", "maxLength": 200, "pattern": format!("^{TAG}$") },
                },
            ],
            "examples": ["install,configure"],
        })
    }
}

/// To find jobs by
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend(
    "maxProperties" = 32,
    "propertyNames" = {"pattern": "^[A-Za-z0-9_.-]{1,63}$"},
    "additionalProperties" = {"type": "string", "maxLength": 255, "pattern": "^[^\\x00-\\x1f\\x7f-\\x9f]*$"},
    "examples" = [{"team": "red"}]
))]
pub struct Labels(pub BTreeMap<String, String>);

/// What a job needs while it runs, for itself or shared with others: two jobs that name the same one run together only if both share it
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("maxItems" = 64, "examples" = [["vm:pve1/1000", "host:web-1"]]))]
pub struct Resources(pub Vec<ResourceLock>);

/// A resource, and how it is locked
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum ResourceLock {
    /// Exclusively.
    #[schemars(description = "")]
    Exclusive(Resource),
    /// As it says.
    #[schemars(description = "")]
    Named(NamedLock),
}

/// A resource with the mode of its lock
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct NamedLock {
    /// The resource
    pub name: Resource,
    /// How it is locked
    pub mode: LockMode,
}

/// After which ends a job is queued again by itself, and how many attempts there may be
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"on": ["lost"], "max_attempts": 3}]))]
pub struct RetryPolicy {
    /// The ends
    #[schemars(length(min = 1))]
    pub on: Vec<RetryOn>,
    /// The first one included
    #[schemars(range(min = MIN_ATTEMPTS, max = MAX_ATTEMPTS))]
    pub max_attempts: u32,
}

/// The name of a task
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend(
    "minLength" = 1,
    "maxLength" = 1000,
    "pattern" = "^[^\\x00-\\x1f\\x7f-\\x9f]*$",
    "not" = {"pattern": "^\\s*$"}
))]
pub struct TaskName(pub String);

//! The body of `POST /v1/jobs`.

use std::{collections::BTreeMap, sync::LazyLock};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ContentName, HostPattern, Isolation, LockMode, ProjectName, Resource, RetryOn};

/// Maximum number of `-v` options.
pub const MAX_VERBOSITY: u64 = 5;
/// Maximum number of parallel hosts in a request.
pub const MAX_FORKS: u64 = 500;
/// Maximum time limit in a request: a week.
pub const MAX_TIMEOUT_S: u64 = 7 * 24 * 3600;
/// Minimum number of attempts of a retry policy.
pub const MIN_ATTEMPTS: u32 = 2;
/// Maximum number of attempts of a retry policy.
pub const MAX_ATTEMPTS: u32 = 10;

/// Names of variables; `ansible_*` and Ansible's own are reserved.
fn variables(schema: &mut Schema) {
    let names = serde_json::json!({
        "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "not": { "pattern": "^(ansible_|__ansible)" },
    });
    schema.insert("propertyNames".to_owned(), names);
}

/// A job request. Exactly one of `playbook`, `bundle`, and `scenario` is required; `null` is the same as a missing field
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("oneOf" = [{"required": ["playbook"]}, {"required": ["bundle"]}, {"required": ["scenario"]}]))]
pub struct NewJob {
    /// Playbook to run
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playbook: Option<ContentName>,
    /// Bundle to run
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<ContentName>,
    /// Scenario to run
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario: Option<ContentName>,
    /// Project that contains the content. The default is the content of `paths.playbooks`, or the only project
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// One or several; `range/ID` and `range/NAME` contain the machines of a range. The default is `ansible.default_inventory`, or that of the project
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Inventories>,
    /// Host pattern; the default is all hosts of the plays
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<HostPattern>,
    /// Only tasks with one of these tags
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    /// No tasks with one of these tags
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_tags: Option<Tags>,
    /// Variables, which take precedence over those of the playbook. Data, never templates. At most 10,000 values, 32 levels deep; `ansible_*` only if a setting allows it
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schemars(transform = variables, extend("examples" = [{"release": "1.2.3"}]))]
    pub extra_vars: Map<String, Value>,
    /// Secret variables. Values are encrypted until the job ends, are never returned by the API, and are masked in all output. Same limits as `extra_vars`; in addition, a variable can't appear in both, and a string must be at least 4 bytes long
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
    /// Number of `-v` options
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = MAX_VERBOSITY), extend("default" = 0))]
    pub verbosity: Option<u8>,
    /// Number of hosts that Ansible works on in parallel; the default is Ansible's configuration
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_FORKS))]
    pub forks: Option<u16>,
    /// Maximum duration of the run in seconds; the default is `runs.timeout_s`
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_TIMEOUT_S))]
    pub timeout_s: Option<u64>,
    /// Higher values run first; one point equals 60 s of waiting time
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -100, max = 100), extend("default" = 0))]
    pub priority: Option<i8>,
    /// Labels for searching
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    /// Resources that the job needs while it runs
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// When to queue the job again automatically; the default is never
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryPolicy>,
    /// Ansible's `--start-at-task`: the name of a task
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_at_task: Option<TaskName>,
    /// Minimum isolation level of its runs
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
}

impl NewJob {
    /// Names of the fields, in order.
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

/// A string with commas, or a list of strings; at most 4096 bytes in total, 200 per string
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Tags {
    /// Joined by commas.
    Text(String),
    /// As a list.
    List(Vec<String>),
}

impl JsonSchema for Tags {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Tags".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        const TAG: &str = "[A-Za-z0-9_.:/][A-Za-z0-9_.:/-]*";
        json_schema!({
            "description": "A string with commas, or a list of strings; at most 4096 bytes in total, 200 per string",
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

/// Labels for searching jobs
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend(
    "maxProperties" = 32,
    "propertyNames" = {"pattern": "^[A-Za-z0-9_.-]{1,63}$"},
    "additionalProperties" = {"type": "string", "maxLength": 255, "pattern": "^[^\\x00-\\x1f\\x7f-\\x9f]*$"},
    "examples" = [{"team": "red"}]
))]
pub struct Labels(pub BTreeMap<String, String>);

/// Resources that a job needs while it runs, exclusively or shared: two jobs that need the same resource run concurrently only if both share it
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("maxItems" = 64, "examples" = [["vm:pve1/1000", "host:web-1"]]))]
pub struct Resources(pub Vec<ResourceLock>);

/// A resource and its lock mode
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum ResourceLock {
    /// Exclusively.
    #[schemars(description = "")]
    Exclusive(Resource),
    /// With the given mode.
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
    /// Lock mode
    pub mode: LockMode,
}

/// The outcomes after which a job is queued again automatically, and the maximum number of attempts
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"on": ["lost"], "max_attempts": 3}]))]
pub struct RetryPolicy {
    /// Outcomes that are retried
    #[schemars(length(min = 1))]
    pub on: Vec<RetryOn>,
    /// Maximum number of attempts, including the first one
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

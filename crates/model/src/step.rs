//! Steps that a job runs before its content, in order.
//!
//! Most jobs have one step, their content. A job that needs a value first, or prepares machines one by one, has more. They
//! share a private directory and a supervisor, so all of them are executed even if the service ends meanwhile.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ContentRef, ExtraVars, HostPattern, Report, SecretVars, Tags};

/// One run before the content itself. Check mode, verbosity and forks are those of the job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The content to run, in the same root as the job's content.
    #[serde(flatten)]
    pub content: ContentRef,
    /// Only these hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<HostPattern>,
    /// Only tasks with these tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    /// Its variables.
    #[serde(default, skip_serializing_if = "ExtraVars::is_empty")]
    pub extra_vars: ExtraVars,
    /// Its secret variables. They have other names than the other variables.
    #[serde(default, skip_serializing_if = "SecretVars::is_empty")]
    pub secret_vars: SecretVars,
    /// A value to find in its results. The step fails if it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub find: Option<Find>,
}

/// Finds an object in the lists that a step printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Find {
    /// The variable that was printed: objects, or lists of objects.
    pub list: String,
    /// The field that identifies the objects.
    pub by: String,
    /// The expected value. A number and its text are equal.
    pub value: String,
    /// What is taken of the object, and the variable of all later steps that it becomes; `None` only looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take: Option<Take>,
}

/// The part of a found object that is passed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Take {
    /// The member.
    pub member: String,
    /// The variable.
    pub variable: String,
}

impl Find {
    /// The first object that matches.
    #[must_use]
    pub fn in_report<'a>(&self, report: &'a Report) -> Option<&'a Value> {
        let printed = report.results.get(&self.list).and_then(Value::as_array).into_iter().flatten();
        let objects = printed.flat_map(|value| match value {
            Value::Array(items) => items.as_slice(),
            other => std::slice::from_ref(other),
        });
        objects.into_iter().find(|object| object.get(&self.by).is_some_and(|value| self.is_wanted(value)))
    }

    fn is_wanted(&self, value: &Value) -> bool {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match (text.trim().parse::<i64>(), self.value.trim().parse::<i64>()) {
            (Ok(found), Ok(wanted)) => found == wanted,
            _ => text == self.value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_are_found_in_lists_and_alone_by_number_or_text() {
        let mut report = Report::default();
        report.results.insert(
            "vm_list".into(),
            json!([[{"vm_id": 100, "vm_name": "a"}, {"vm_id": "0200", "vm_name": "b"}], {"vm_id": "x"}]),
        );
        let find = |value: &str| Find {
            list: "vm_list".into(),
            by: "vm_id".into(),
            value: value.into(),
            take: None,
        };
        for (value, is_there) in [("100", true), ("200", true), ("x", true), ("1", false), ("10", false)] {
            assert_eq!(find(value).in_report(&report).is_some(), is_there, "{value}");
        }
        assert!(Find { list: "other".into(), ..find("100") }.in_report(&report).is_none());
    }
}

//! One method of one path, as every document tells of it: OpenAPI, the gateway's configuration, the tables.
//!
//! v0 operations come from its rows, one for each spelling; all others from the rows of [`super::own`].

use serde::Serialize;
use serde_json::{Map, Value};

use super::{own, v0};
use crate::http::v0::route::Permission;

/// An operation.
#[derive(Debug)]
pub(super) struct Operation {
    pub method: &'static str,
    /// With `{name}` for what is variable.
    pub path: &'static str,
    /// Unique.
    pub id: String,
    /// One sentence.
    pub summary: &'static str,
    /// More sentences, or none.
    pub about: String,
    pub tag: &'static str,
    /// What a caller must be; `None` where anybody may call.
    pub permission: Option<Permission>,
    /// OpenAPI's parameter objects.
    pub parameters: Vec<Value>,
    /// OpenAPI's request body object.
    pub body: Option<Value>,
    /// OpenAPI's response objects, by status.
    pub responses: Map<String, Value>,
    /// Is the reply sent as it comes to be? Then a gateway must not hold it back.
    pub streams: bool,
}

/// A route in the list of all routes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The HTTP method.
    pub method: &'static str,
    /// The path, with `{name}` for what is variable.
    pub path: &'static str,
    /// Its name in OpenAPI.
    pub operation: String,
    /// `viewer`, `operator` or `admin`; `None` where anybody may call.
    pub permission: Option<&'static str>,
    /// What it does.
    pub summary: &'static str,
}

/// Every operation: v0, then ours.
pub(super) fn all() -> Vec<Operation> {
    v0::operations().chain(own::operations()).collect()
}

/// Every route, in the order of the documents.
#[must_use]
pub fn routes() -> Vec<Listed> {
    let listed = |operation: Operation| Listed {
        method: operation.method,
        path: operation.path,
        operation: operation.id,
        permission: operation.permission.map(Permission::as_str),
        summary: operation.summary,
    };
    all().into_iter().map(listed).collect()
}

/// A reference to a schema of the document.
pub(super) fn schema(name: &str) -> Value {
    serde_json::json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A reference to a response of the document.
pub(super) fn response(name: &str) -> Value {
    serde_json::json!({ "$ref": format!("#/components/responses/{name}") })
}

/// The parameter for a name of content in a path.
pub(super) fn name_parameter(content: &str) -> Value {
    serde_json::json!({
        "name": "name",
        "in": "path",
        "required": true,
        "description": format!(
            "The name of a {content}. It may have several segments, and their slashes stand as they are: \
             `linux/install/docker`. OpenAPI has no way to say so; a client that escapes them (`%2F`) is understood, too."
        ),
        "schema": schema("ContentName"),
        "example": "ping",
    })
}

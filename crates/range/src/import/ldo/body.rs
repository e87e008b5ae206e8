//! The body of a request as the orchestrator defines it, read with all faults at once.

use serde_json::{Map, Value};

use crate::{
    Faults,
    document::{Cores, MemoryMb, Role},
    fault::{At, FaultCode, quote},
    read::{Read as _, kind_of, optional, required, wrong_type},
};

const ROOT: At<'_> = At::Root;
/// The orchestrator's defaults for a node.
const USUAL: (Cores, MemoryMb) = (Cores(2), MemoryMb(2048));

/// A node of the body.
pub(super) struct Node {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) template: i64,
    pub(super) role: Role,
    pub(super) cores: Cores,
    pub(super) memory: MemoryMb,
}

/// A link of the body.
pub(super) struct Edge {
    pub(super) id: Option<String>,
    pub(super) source: String,
    pub(super) target: String,
}

/// Id, name and creator of the range, nodes, links.
pub(super) type Parts = (String, String, Option<String>, Vec<Node>, Vec<Edge>);

pub(super) fn read(body: &Value, faults: &mut Faults) -> Option<Parts> {
    let fields = mapping(body, &ROOT, faults)?;
    let metadata = object(fields, "range_metadata", &ROOT, faults);
    let head = metadata.and_then(|metadata| {
        let at = ROOT.field("range_metadata");
        let id = text(metadata, "id", &at, faults).and_then(|id| uuid(&id, &at.field("id"), faults));
        let name = text(metadata, "name", &at, faults);
        let created_by = nullable_text(metadata, "created_by", &at, faults);
        Some((id?, name?, created_by))
    });
    let nodes = list(fields, "nodes", faults, node);
    let edges = list(fields, "links", faults, edge);
    let (id, name, created_by) = head?;
    Some((id, name, created_by, nodes?, edges?))
}

fn mapping<'a>(value: &'a Value, at: &At<'_>, faults: &mut Faults) -> Option<&'a Map<String, Value>> {
    value.as_object().or_else(|| wrong_type(value, "a mapping", at, faults))
}

fn object<'a>(
    fields: &'a Map<String, Value>,
    name: &str,
    at: &At<'_>,
    faults: &mut Faults,
) -> Option<&'a Map<String, Value>> {
    match fields.get(name) {
        Some(value) => mapping(value, &at.field(name), faults),
        None => {
            faults.add(&at.field(name), FaultCode::Missing, format!("required field `{name}` is missing"));
            None
        }
    }
}

fn text(fields: &Map<String, Value>, name: &str, at: &At<'_>, faults: &mut Faults) -> Option<String> {
    required(fields.get(name), name, at, faults)
}

fn nullable_text(
    fields: &Map<String, Value>,
    name: &str,
    at: &At<'_>,
    faults: &mut Faults,
) -> Option<String> {
    let value = fields.get(name).filter(|value| !value.is_null())?;
    String::read(value, &at.field(name), faults)
}

fn list<T>(
    fields: &Map<String, Value>,
    name: &str,
    faults: &mut Faults,
    read: impl Fn(&Map<String, Value>, &At<'_>, &mut Faults) -> Option<T>,
) -> Option<Vec<T>> {
    let at = ROOT.field(name);
    match fields.get(name) {
        Some(Value::Array(items)) => {
            let read = |(place, item)| read(mapping(item, &at.item(place), faults)?, &at.item(place), faults);
            Some(items.iter().enumerate().filter_map(read).collect())
        }
        Some(other) => wrong_type(other, "a list", &at, faults),
        None => {
            faults.add(&at, FaultCode::Missing, format!("required field `{name}` is missing"));
            None
        }
    }
}

fn node(fields: &Map<String, Value>, at: &At<'_>, faults: &mut Faults) -> Option<Node> {
    let id = text(fields, "id", at, faults);
    let label = text(fields, "label", at, faults);
    let template = whole(fields, "template_id", at, faults);
    let role = text(fields, "role", at, faults).and_then(|role| role_of(&role, &at.field("role"), faults));
    let none = Map::new();
    let resources = match fields.get("resources") {
        Some(_) => object(fields, "resources", at, faults),
        None => Some(&none),
    };
    let (cores, memory) = resources.map_or(USUAL, |resources| {
        let at = at.field("resources");
        let cores = optional(resources.get("cores"), "cores", || USUAL.0, &at, faults);
        (cores, optional(resources.get("memory"), "memory", || USUAL.1, &at, faults))
    });
    Some(Node { id: id?, label: label?, template: template?, role: role?, cores, memory })
}

fn edge(fields: &Map<String, Value>, at: &At<'_>, faults: &mut Faults) -> Option<Edge> {
    let id = nullable_text(fields, "id", at, faults);
    let source = text(fields, "source", at, faults);
    let target = text(fields, "target", at, faults);
    if let Some(kind) = fields.get("connection_type")
        && !matches!(kind.as_str(), Some("vlan_bridge" | "direct_link"))
    {
        let message = "the connection type is unknown";
        faults
            .add(&at.field("connection_type"), FaultCode::Invalid, message)
            .hint("use `vlan_bridge` or `direct_link`");
    }
    Some(Edge { id, source: source?, target: target? })
}

/// A whole number, also as a text.
fn whole(fields: &Map<String, Value>, name: &str, at: &At<'_>, faults: &mut Faults) -> Option<i64> {
    let at_field = at.field(name);
    let Some(value) = fields.get(name) else {
        faults.add(&at_field, FaultCode::Missing, format!("required field `{name}` is missing"));
        return None;
    };
    let found = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
    if found.is_none() {
        faults.add(
            &at_field,
            FaultCode::WrongType,
            format!("expected a whole number, found {}", kind_of(value)),
        );
    }
    found
}

fn role_of(role: &str, at: &At<'_>, faults: &mut Faults) -> Option<Role> {
    match role {
        "jumpbox_main" => Some(Role::Jumpbox),
        "jumpbox_local" => Some(Role::LocalJumpbox),
        "service" => Some(Role::Service),
        _ => {
            let hint = "use `jumpbox_main`, `jumpbox_local` or `service`";
            faults.add(at, FaultCode::Invalid, format!("unknown role `{}`", quote(role))).hint(hint);
            None
        }
    }
}

/// A UUID in its usual form.
fn uuid(id: &str, at: &At<'_>, faults: &mut Faults) -> Option<String> {
    let plain = id.strip_prefix("urn:uuid:").unwrap_or(id);
    let plain = plain.strip_prefix('{').and_then(|plain| plain.strip_suffix('}')).unwrap_or(plain);
    let digits: String = plain.chars().filter(|c| *c != '-').collect::<String>().to_ascii_lowercase();
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        faults.add(at, FaultCode::Invalid, format!("`{}` is not a UUID", quote(id)));
        return None;
    }
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    Some(parts.join("-"))
}

//! The graph of the Local Deployments Orchestrator as a range document.
//!
//! Its body is read as leniently as the service that it is from does: unknown fields are ignored, whole numbers may be texts. Its rule
//! is kept, a connected tree with a main jumpbox, and so are the cases that it let pass by mistake refused: two main
//! jumpboxes, links to unknown nodes, duplicate links and duplicate ids. Each fault names the ids.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    Faults,
    document::{
        Allow, Cores, Count, Document, Instances, Link, Machine, MachineKind, MemoryMb, Name, Nic, OnFailure,
        Role, Rule, TopologyKind,
        names::{ALL, ANY, UPLINK},
        topology::Ends,
    },
    fault::{At, FaultCode, quote, words},
    graph::{Graph, forest},
    layout::number,
    read::{Named, Read as _, kind_of, optional, required, wrong_type},
};

words! {
    /// What a topology has wrong.
    TopologyFault {
        /// There is no node.
        Empty = "empty",
        /// Two nodes have the same id.
        DuplicateNode = "duplicate_node",
        /// Two links have the same id.
        DuplicateLinkId = "duplicate_link_id",
        /// A link names a node that does not exist.
        UnknownNode = "unknown_node",
        /// A link connects a node with itself.
        SelfLink = "self_link",
        /// Two nodes are linked twice, in one direction or both.
        DuplicateLink = "duplicate_link",
        /// Links form a circle.
        Circle = "circle",
        /// Nodes are not connected with the others.
        Disconnected = "disconnected",
        /// No node is the main jumpbox.
        NoMainJumpbox = "no_main_jumpbox",
        /// More than one node is the main jumpbox.
        SeveralMainJumpboxes = "several_main_jumpboxes",
    }
}

/// A fault of the topology.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LdoFault {
    /// What is wrong.
    pub code: TopologyFault,
    /// The ids of the nodes or links concerned.
    pub ids: Vec<String>,
    /// The same as text.
    pub message: String,
}

/// Why a graph is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The body does not have its form.
    #[error("{0}")]
    Form(Faults),
    /// The topology is not a tree with one main jumpbox.
    #[error("invalid topology: {}", .0.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; "))]
    Topology(Vec<LdoFault>),
}

/// A graph as a range document.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The id of the range, a UUID.
    pub id: String,
    /// The name of the range as the client wrote it.
    pub name: String,
    /// Who created it, if the client says so.
    pub created_by: Option<String>,
    /// The machine of each node, by its id, in the order of the nodes.
    pub machines: Vec<(String, Name)>,
    /// The links in the order in which the orchestrator numbers their bridges, as places in the document: by nodes, and for each
    /// node by its neighbors.
    pub bridges: Vec<usize>,
    /// The document, of kind `tree`.
    pub document: Document,
}

struct Node {
    id: String,
    label: String,
    template: i64,
    role: Role,
    cores: Cores,
    memory: MemoryMb,
}

struct Edge {
    id: Option<String>,
    source: String,
    target: String,
}

const ROOT: At<'_> = At::Root;
/// What the orchestrator gives a node that asks for nothing.
const USUAL: (Cores, MemoryMb) = (Cores(2), MemoryMb(2048));

/// Reads a graph.
///
/// # Errors
/// If the body does not have its form, or the topology is refused.
pub fn import(body: &Value, platform: &Name) -> Result<Imported, Refused> {
    let mut faults = Faults::default();
    let parts = read(body, &mut faults);
    let (id, name, created_by, nodes, edges) = match parts {
        Some(parts) if faults.is_empty() => parts,
        _ => return Err(Refused::Form(faults)),
    };
    let pairs = check(&nodes, &edges).map_err(Refused::Topology)?;
    let names = machine_names(&nodes);
    let document = document(&name, platform, &nodes, &edges, &names);
    let bridges = bridge_order(nodes.len(), &pairs);
    let machines = nodes.into_iter().map(|node| node.id).zip(names).collect();
    Ok(Imported { id, name, created_by, machines, bridges, document })
}

type Parts = (String, String, Option<String>, Vec<Node>, Vec<Edge>);

fn read(body: &Value, faults: &mut Faults) -> Option<Parts> {
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

/// The pairs of nodes that are linked, if the topology is a tree with one main jumpbox.
fn check(nodes: &[Node], edges: &[Edge]) -> Result<Vec<(u32, u32)>, Vec<LdoFault>> {
    let mut faults = Vec::new();
    let mut add = |code: TopologyFault, ids: Vec<&str>, message: String| {
        let ids = ids.into_iter().map(str::to_owned).collect();
        faults.push(LdoFault { code, ids, message });
    };
    if nodes.is_empty() {
        add(TopologyFault::Empty, Vec::new(), "there are no nodes".to_owned());
    }
    let mut places: HashMap<&str, u32> = HashMap::with_capacity(nodes.len());
    for node in nodes {
        // A node counts once, by its first place.
        let next = number(places.len());
        if places.contains_key(node.id.as_str()) {
            add(
                TopologyFault::DuplicateNode,
                vec![&node.id],
                format!("two nodes have the id `{}`", quote(&node.id)),
            );
        }
        places.entry(&node.id).or_insert(next);
    }
    let main: Vec<&str> =
        nodes.iter().filter(|node| node.role == Role::Jumpbox).map(|node| node.id.as_str()).collect();
    match main.as_slice() {
        [_] => {}
        [] => add(TopologyFault::NoMainJumpbox, Vec::new(), "no node has the role `jumpbox_main`".to_owned()),
        several => {
            let message = format!("several nodes have the role `jumpbox_main`: {}", several.join(", "));
            add(TopologyFault::SeveralMainJumpboxes, several.to_vec(), message);
        }
    }
    let mut link_ids = HashSet::new();
    let (mut pairs, mut seen) = (Vec::with_capacity(edges.len()), HashSet::new());
    for edge in edges {
        if let Some(id) = edge.id.as_deref().filter(|id| !link_ids.insert(*id)) {
            add(TopologyFault::DuplicateLinkId, vec![id], format!("two links have the id `{}`", quote(id)));
        }
        let (source, target) = (edge.source.as_str(), edge.target.as_str());
        for end in [source, target] {
            if !places.contains_key(end) {
                let message = format!("a link names the unknown node `{}`", quote(end));
                add(TopologyFault::UnknownNode, vec![end], message);
            }
        }
        let (Some(a), Some(b)) = (places.get(source), places.get(target)) else { continue };
        if a == b {
            add(TopologyFault::SelfLink, vec![source], format!("`{}` is linked with itself", quote(source)));
        } else if !seen.insert((a.min(b), a.max(b))) {
            let message = format!("`{}` and `{}` are linked twice", quote(source), quote(target));
            add(TopologyFault::DuplicateLink, vec![source, target], message);
        } else {
            pairs.push((*a, *b));
        }
    }
    let mut ids = vec![""; places.len()];
    places.iter().for_each(|(id, place)| ids[*place as usize] = id);
    let (kept, closing) = forest(places.len(), &pairs);
    let kept: Vec<(u32, u32)> = kept.into_iter().map(|place| pairs[place]).collect();
    let graph = Graph::undirected(places.len(), &kept);
    for (a, b) in closing.into_iter().take(MAX_CIRCLES).map(|place| pairs[place]) {
        let circle: Vec<&str> = graph.path(a, b).into_iter().map(|node| ids[node as usize]).collect();
        let message = format!("links form a circle: {}", circle.join(", "));
        add(TopologyFault::Circle, circle, message);
    }
    let parts = graph.parts();
    let first = main.first().and_then(|id| places.get(id)).map_or(0, |place| *place as usize);
    let lost: Vec<&str> =
        parts.iter().zip(&ids).filter(|(part, _)| **part != parts[first]).map(|(_, id)| *id).collect();
    if !lost.is_empty() {
        let message = format!("nodes are not connected with `{}`: {}", ids[first], lost.join(", "));
        add(TopologyFault::Disconnected, lost, message);
    }
    if faults.is_empty() { Ok(pairs) } else { Err(faults) }
}

/// The most circles that are reported.
const MAX_CIRCLES: usize = 10;

/// A label as a name: other characters become `-`, letters are lowercase.
fn plain_name(label: &str) -> String {
    let plain: String =
        label.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    let joined = parts.join("-");
    joined[..joined.len().min(MAX_LABEL_BYTES)].trim_end_matches('-').to_owned()
}

/// Room for a number at the end.
const MAX_LABEL_BYTES: usize = 50;

/// A name for each node, from its label; equal ones get numbers.
fn machine_names(nodes: &[Node]) -> Vec<Name> {
    let mut used: HashSet<String> = [UPLINK, ANY, ALL].map(str::to_owned).into();
    let mut next: HashMap<String, u32> = HashMap::new();
    let name = |node: &Node| {
        let plain = plain_name(&node.label);
        let plain = if plain.is_empty() { "node".to_owned() } else { plain };
        let mut name = plain.clone();
        while !used.insert(name.clone()) {
            let count = next.entry(plain.clone()).or_insert(1);
            *count += 1;
            name = format!("{plain}-{count}");
        }
        Name::unchecked(&name)
    };
    nodes.iter().map(name).collect()
}

fn document(name: &str, platform: &Name, nodes: &[Node], edges: &[Edge], names: &[Name]) -> Document {
    let of_id: HashMap<&str, &Name> = nodes.iter().map(|node| node.id.as_str()).zip(names).collect();
    let mut machines = Named::with_capacity(nodes.len());
    for (node, name) in nodes.iter().zip(names) {
        let uplink =
            (node.role == Role::Jumpbox).then(|| Nic { name: Name::unchecked(UPLINK), address: None });
        let machine = Machine {
            template: Some(Name::unchecked(&node.template.to_string())),
            kind: MachineKind::Guest,
            role: node.role,
            networks: uplink.into_iter().collect(),
            cores: Some(node.cores),
            memory_mb: Some(node.memory),
            disk_gb: None,
            needs: Vec::new(),
            groups: Vec::new(),
            description: Some(node.label.clone()),
        };
        machines.insert(name.clone(), machine);
    }
    let mut network_names: HashSet<String> = names.iter().map(|name| name.as_str().to_owned()).collect();
    let links = edges.iter().filter_map(|edge| {
        let ends = [(*of_id.get(edge.source.as_str())?).clone(), (*of_id.get(edge.target.as_str())?).clone()];
        let usual = format!("{}-{}", ends[0], ends[1]);
        let mut own = usual.clone();
        // `a-b` and `c` linked, beside `a` and `b-c`.
        let mut count = 1;
        while own.len() > MAX_LABEL_BYTES + 10 || !network_names.insert(own.clone()) {
            count += 1;
            own = format!("link-{}-{count}", &usual[..usual.len().min(MAX_LABEL_BYTES / 2)]);
        }
        let name = (own != usual).then(|| Name::unchecked(&own));
        Some(Link { between: Ends(ends), name, cidr: None })
    });
    let links = links.collect();
    let any = || Name::unchecked(ANY);
    let plain = plain_name(name);
    Document {
        name: Name::unchecked(if plain.is_empty() { "range" } else { &plain }),
        description: Some(name.to_owned()),
        kind: TopologyKind::Tree,
        platform: platform.clone(),
        instances: Instances { count: Count(1), name: None },
        variables: Named::new(),
        networks: Named::new(),
        machines,
        links,
        // The orchestrator filters nothing.
        rules: vec![Rule { from: any(), to: any(), allow: vec![Allow::Any] }],
        ready: Named::new(),
        tasks: Vec::new(),
        verify: false,
        ttl: None,
        on_failure: OnFailure::Rollback,
    }
}

/// Edges as networkx lists those of a graph: by nodes in their order, for each by its neighbors in the order of links, each edge once.
fn bridge_order(nodes: usize, pairs: &[(u32, u32)]) -> Vec<usize> {
    let mut links_of: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for (place, (a, b)) in pairs.iter().enumerate() {
        links_of[*a as usize].push(place);
        links_of[*b as usize].push(place);
    }
    let mut seen = vec![false; pairs.len()];
    links_of.into_iter().flatten().filter(|place| !std::mem::replace(&mut seen[*place], true)).collect()
}

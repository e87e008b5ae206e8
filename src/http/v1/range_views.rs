//! `/v1/ranges/{id}/`: machines, networks, inventory, reachability, and graph of a range.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use jiff::Timestamp;
use range::Reachability;
use serde_json::json;

use super::{
    job::BAD_QUERY,
    query::Parameters,
    range::found,
    range_reply::{RANGE_ID, RANGE_TAG, UNKNOWN_RANGE},
    view,
};
use crate::http::{
    api::Api,
    endpoint::{Access, Doc, Endpoint, MakeSchema, Parameter, Reply, Schemas, Verb},
    problem::{FaultCode, Problem, ProblemCode, fault},
};

/// The most rows of a reply with the matrix of reachability.
const MAX_ROWS: usize = 100_000;
const YAML: &str = "application/yaml";

pub(super) fn endpoints() -> Vec<Endpoint> {
    let view = |operation: &'static str, summary: &'static str| {
        Doc::new(operation, RANGE_TAG, summary).parameters([RANGE_ID]).problems([UNKNOWN_RANGE, BAD_QUERY])
    };
    let json = |about: &'static str, schema: MakeSchema| [Reply::json(200, about, schema)];
    let path = |rest: &str| format!("/v1/ranges/{{id}}/{rest}");
    let machine = |name: &'static str| {
        Parameter::query(name, |_| json!({"type": "string"}), "Only rows with this machine there")
    };
    vec![
        Endpoint::new(
            Verb::Get,
            path("machines"),
            Access::VIEWER,
            machines,
            view("list_range_machines", "Lists the machines of a range that exist.")
                .replies(json("The machines", Schemas::of::<api::RangeMachines>)),
        ),
        Endpoint::new(
            Verb::Get,
            path("networks"),
            Access::VIEWER,
            networks,
            view("list_range_networks", "Lists the networks of a range that exist.")
                .replies(json("The networks", Schemas::of::<api::RangeNetworks>)),
        ),
        Endpoint::new(
            Verb::Get,
            path("inventory"),
            Access::VIEWER,
            inventory,
            view("show_range_inventory", "Returns the Ansible inventory of a range as YAML.")
                .about("A job uses it as `\"inventory\": \"range/NAME\"`, or with the ID of the range.")
                .replies([Reply::empty(200, "The inventory").body(YAML, Some(|_| json!({"type": "object"})))])
                .problems([(ProblemCode::PlatformUnavailable, "")]),
        ),
        Endpoint::new(
            Verb::Get,
            path("reachability"),
            Access::VIEWER,
            reachability,
            view(
                "show_reachability",
                "Returns which machine of a range reaches which, as its document implies.",
            )
            .about("Names are those of the document: all instances are alike.")
            .parameters([machine("from"), machine("to")])
            .replies(json("The matrix", Schemas::of::<api::Reachability>)),
        ),
        Endpoint::new(
            Verb::Get,
            path("drift"),
            Access::VIEWER,
            drift,
            view("show_drift", "Returns what differs between the records of a range and its platform.")
                .about("`POST /v1/ranges/{id}/actions/repair` corrects it.")
                .replies(json("The differences", Schemas::of::<api::Drift>))
                .problems([(ProblemCode::PlatformUnavailable, "")]),
        ),
        Endpoint::new(
            Verb::Get,
            path("graph"),
            Access::VIEWER,
            graph,
            view(
                "show_range_graph",
                "Returns machines and networks of a range as a graph with their states.",
            )
            .replies(json("Nodes and edges", Schemas::of::<api::Graph>)),
        ),
    ]
}

async fn machines(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    let range = found(&api, &id, &query).await?;
    let recorded = api.engine.ranges().recorded(&range).await?;
    let items = recorded.machines.values().map(view::machine).collect();
    Ok(HttpResponse::Ok().json(api::RangeMachines { items }))
}

async fn networks(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    let range = found(&api, &id, &query).await?;
    let recorded = api.engine.ranges().recorded(&range).await?;
    Ok(HttpResponse::Ok().json(api::RangeNetworks { items: view::networks(&recorded) }))
}

async fn inventory(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    let range = found(&api, &id, &query).await?;
    let text = api.engine.ranges().inventory(&range).await?;
    Ok(HttpResponse::Ok().content_type(YAML).body(text))
}

async fn reachability(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    let range = found(&api, &id, &query).await?;
    let document = api.engine.ranges().typed_document(&range)?;
    let (from, to) = (query.get("from"), query.get("to"));
    for (parameter, name) in [("from", from), ("to", to)] {
        let is_uplink = |name: &String| parameter == "to" && name == range::document::names::UPLINK;
        let Some(name) =
            name.filter(|name| !document.machines.contains_key(name.as_str()) && !is_uplink(name))
        else {
            continue;
        };
        let message = format!("the document has no machine `{}`", name.escape_debug());
        return Err(Problem::invalid(vec![fault(parameter, FaultCode::UnknownName, message)]));
    }
    let machines = document.machines.len();
    let rows = machines * if from.is_some() || to.is_some() { 2 } else { machines };
    if rows > MAX_ROWS {
        let message = format!("the matrix has {rows} rows, and a reply at most {MAX_ROWS}: select a machine");
        return Err(Problem::invalid(vec![fault("from", FaultCode::TooLarge, message)]));
    }
    let matrix = Reachability::new(&document);
    let items = matrix.rows_of(from.map(String::as_str), to.map(String::as_str));
    let items = items.map(view::reachability_row).collect();
    let verified = api.engine.ranges().recorded(&range).await?.verified.into_iter().collect();
    Ok(HttpResponse::Ok().json(api::Reachability { items, verified }))
}

async fn drift(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    let range = found(&api, &id, &query).await?;
    let observed_at = view::time(Timestamp::now());
    let differences = api.engine.ranges().drift(&range).await?;
    let items = differences.into_iter().map(view::difference).collect();
    Ok(HttpResponse::Ok().json(api::Drift { observed_at, items }))
}

async fn graph(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    let range = found(&api, &id, &query).await?;
    let ranges = api.engine.ranges();
    let (recorded, last) = (ranges.recorded(&range).await?, ranges.last_plan(&range).await?);
    Ok(HttpResponse::Ok().json(view::graph(&recorded, last.as_ref())))
}

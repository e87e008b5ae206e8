//! Lists of ranges, machines, and differences as tables for people.

use api::{Drift, Graph, Range, RangeChange, RangeMachine};

use super::{
    paint::{Color, Paint},
    plan_text::counts,
};

/// A table: a header, and columns as wide as their widest cell.
fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let rows = rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
    std::iter::once(line(header.to_vec())).chain(rows).collect()
}

fn or_dash(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned()
}

/// All ranges.
pub(super) fn ranges(ranges: &[Range]) -> String {
    if ranges.is_empty() {
        return "There are no ranges.\n".to_owned();
    }
    let row = |range: &Range| {
        vec![
            range.name.clone(),
            range.state.to_string(),
            range.platform.clone(),
            range.machines.to_string(),
            range.networks.to_string(),
            range.updated_at.to_string(),
            or_dash(range.expires_at.as_ref().map(|time| time.0.as_str())),
        ]
    };
    let header = ["name", "state", "platform", "machines", "networks", "changed", "expires"];
    table(&header, &ranges.iter().map(row).collect::<Vec<_>>())
}

/// One range in detail.
pub(super) fn range(range: &Range, machines: &[RangeMachine], paint: Paint) -> String {
    let state = match range.state {
        api::RangeState::Ready => paint.text(Color::Green, range.state.as_str()),
        api::RangeState::Changing => paint.text(Color::Yellow, range.state.as_str()),
        api::RangeState::Incomplete | api::RangeState::Left => paint.text(Color::Red, range.state.as_str()),
        api::RangeState::Empty => range.state.to_string(),
    };
    let mut text = format!("{}  {state}\n", paint.text(Color::Bold, &range.name));
    let mut field = |name: &str, value: &str| text += &format!("  {name:11} {value}\n");
    if let Some(description) = &range.description {
        field("description", description);
    }
    field("id", &range.id);
    field("platform", &range.platform);
    field("created", &range.created_at.0);
    field("changed", &format!("{} (version {})", range.updated_at, range.version));
    if let Some(time) = &range.expires_at {
        field("expires", &time.0);
    }
    if let Some(job) = &range.job {
        field("job", &job.0);
    }
    if !machines.is_empty() {
        text += &format!("\n{}", self::machines(machines));
    }
    text
}

/// All machines of a range.
pub(super) fn machines(machines: &[RangeMachine]) -> String {
    if machines.is_empty() {
        return "No machine exists.\n".to_owned();
    }
    let row = |machine: &RangeMachine| {
        let networks: Vec<String> = machine
            .networks
            .iter()
            .map(|nic| match &nic.address {
                Some(address) => format!("{} {address}", nic.network),
                None => nic.network.clone(),
            })
            .collect();
        vec![
            machine.name.clone(),
            machine.stage.to_string(),
            machine.role.clone(),
            or_dash(machine.template.as_deref().or(Some(&machine.kind))),
            networks.join(", "),
            or_dash(machine.upstream.as_deref()),
        ]
    };
    let header = ["machine", "stage", "role", "template", "networks", "reached through"];
    table(&header, &machines.iter().map(row).collect::<Vec<_>>())
}

/// How a range differs from its records.
pub(super) fn drift(drift: &Drift, paint: Paint) -> String {
    if drift.items.is_empty() {
        return "No differences: what is observed is what is recorded.\n".to_owned();
    }
    let mut text = String::new();
    for item in &drift.items {
        let kind = paint.text(Color::Red, &format!("{:16}", item.kind));
        text += &format!("{kind}  {}: {} recorded, {} observed\n", item.name, item.recorded, item.observed);
        text +=
            &format!("                  {}\n", paint.text(Color::Dim, &format!("repair: {}", item.repair)));
    }
    let count = drift.items.len();
    text += &format!(
        "{count} {}. `rangehand range repair` corrects them.\n",
        if count == 1 { "difference" } else { "differences" }
    );
    text
}

/// The graph in the language of Graphviz, for `dot -Tsvg`.
pub(super) fn dot(graph: &Graph, name: &str) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut text = format!("graph {} {{\n", quoted(name));
    for node in &graph.nodes {
        let shape = if node.kind == "machine" { "box" } else { "ellipse" };
        let label = format!("{}\n{}", node.label, node.state);
        text += &format!(
            "  {} [shape={shape}, label={}];\n",
            quoted(&node.id),
            quoted(&label).replace('\n', "\\n")
        );
    }
    for edge in &graph.edges {
        let label = edge
            .address
            .as_deref()
            .map_or_else(String::new, |address| format!(" [label={}]", quoted(address)));
        text += &format!("  {} -- {}{label};\n", quoted(&edge.source), quoted(&edge.target));
    }
    text + "}\n"
}

/// One line about a change whose plan is not shown.
pub(super) fn plan_line(change: &RangeChange) -> String {
    // Machines that are started or stopped are not counted, and their steps are shown while the job runs.
    if change.job.is_some() && change.plan == api::PlanSummary::default() {
        return format!("Range `{}`.", change.range.name);
    }
    format!("Range `{}`. {}", change.range.name, counts(&change.plan, 0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["a".to_owned(), "ready".to_owned()], vec!["longer".to_owned(), "x".to_owned()]];
        assert_eq!(table(&["name", "state"], &rows), "name    state\na       ready\nlonger  x\n");
    }

    #[test]
    fn differences_have_their_fields_and_a_next_step() {
        let found: Drift = serde_json::from_value(json!({
            "observed_at": "2026-11-20T11:30:15Z",
            "items": [{
                "kind": "machine_stopped", "name": "web", "instance": "", "recorded": "ready", "observed": "stopped",
                "repair": "the machine is started",
            }],
        }))
        .expect("drift");
        let wanted = "machine_stopped   web: ready recorded, stopped observed\n                  repair: the machine is started\n1 difference. `rangehand range repair` corrects them.\n";
        assert_eq!(drift(&found, Paint::OFF), wanted);
    }

    #[test]
    fn names_are_quoted_in_a_graph() {
        let graph: Graph = serde_json::from_value(json!({
            "nodes": [{"id": "m\"1", "kind": "machine", "label": "web", "instance": "", "state": "ready"}],
            "edges": [{"source": "m\"1", "target": "n", "address": "10.0.0.1"}],
        }))
        .expect("a graph");
        let wanted = "graph \"lab\" {\n  \"m\\\"1\" [shape=box, label=\"web\\nready\"];\n  \"m\\\"1\" -- \"n\" [label=\"10.0.0.1\"];\n}\n";
        assert_eq!(dot(&graph, "lab"), wanted);
    }
}

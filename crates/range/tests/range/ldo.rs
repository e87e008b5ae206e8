//! Graphs of the Local Deployments Orchestrator: sixteen topologies with their right answers, and its body.

use range::{
    FaultCode, PlatformRules,
    document::{Name, Role, TopologyKind},
    import::ldo::{Imported, Refused, import},
};
use serde_json::{Value, json};

fn read(body: &Value) -> Result<Imported, Refused> {
    import(body, &Name::parse("simulated").unwrap())
}

/// A body from short forms: `[id, role]` and `[source, target, id]`.
fn body(nodes: &Value, links: &Value) -> Value {
    let node = |node: &Value| json!({"id": node[0], "label": node[0], "template_id": 100, "role": node[1]});
    let link = |link: &Value| json!({"source": link[0], "target": link[1], "id": link[2]});
    json!({
        "range_metadata": {"id": "00000000-0000-4000-8000-000000000001", "name": "Range"},
        "nodes": nodes.as_array().unwrap().iter().map(node).collect::<Vec<_>>(),
        "links": links.as_array().unwrap().iter().map(link).collect::<Vec<_>>(),
    })
}

#[test]
fn the_sixteen_topologies_have_their_right_answers() {
    let topologies: Value = serde_json::from_str(include_str!("../fixtures/ldo/topologies.json")).unwrap();
    let topologies = topologies.as_array().unwrap();
    assert_eq!(topologies.len(), 16);
    for topology in topologies {
        let what = topology["name"].as_str().unwrap();
        match read(&body(&topology["nodes"], &topology["links"])) {
            Ok(imported) => {
                assert_eq!(topology["faults"], json!([]), "{what}: accepted");
                let link = |place: &usize| json!(imported.document.links[*place].between);
                let bridges: Vec<Value> = imported.bridges.iter().map(link).collect();
                assert_eq!(json!(bridges), topology["bridges"], "{what}");
                let written = serde_json::to_value(&imported.document).unwrap();
                range::read_value(&written, &PlatformRules::default())
                    .unwrap_or_else(|faults| panic!("{what}: {faults}"));
            }
            Err(Refused::Topology(faults)) => {
                let found: Vec<Value> = faults.iter().map(|fault| json!([fault.code, fault.ids])).collect();
                assert_eq!(json!(found), topology["faults"], "{what}");
            }
            Err(Refused::Form(faults)) => panic!("{what}: {faults}"),
        }
    }
}

#[test]
fn a_body_becomes_a_tree_with_an_open_uplink_at_the_main_jumpbox() {
    let golden: Value = serde_json::from_str(include_str!("../fixtures/ldo/body.json")).unwrap();
    let imported = read(&golden).unwrap();
    assert_eq!(imported.id, "6b0b7c9e-1111-4222-8333-444455556666");
    assert_eq!((imported.name.as_str(), imported.created_by.as_deref()), ("Blue Team Lab", Some("alice")));
    let names: Vec<(&str, &str)> =
        imported.machines.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
    assert_eq!(
        names,
        [("n-1", "jump-box"), ("n-2", "web-01"), ("n-3", "web-01-2"), ("n-4", "node"), ("n-5", "uplink-2")]
    );
    let document = &imported.document;
    assert_eq!((document.kind, document.name.as_str()), (TopologyKind::Tree, "blue-team-lab"));
    let jumpbox = &document.machines["jump-box"];
    assert_eq!((jumpbox.role, jumpbox.networks.len()), (Role::Jumpbox, 1));
    assert_eq!((jumpbox.cores.unwrap().0, jumpbox.memory_mb.unwrap().0), (4, 4096));
    let web = &document.machines["web-01"];
    assert_eq!((web.role, web.cores.unwrap().0, web.memory_mb.unwrap().0), (Role::LocalJumpbox, 2, 2048));
    assert_eq!(web.template.as_ref().unwrap().as_str(), "9000");
    let desired = range::expand(
        document,
        &range::Values::default(),
        &range::Leases::default(),
        &PlatformRules::default(),
    )
    .unwrap();
    // As the orchestrator orders interfaces: those of links first, the outside last.
    let nics: Vec<&str> = desired.machines[0].nics.iter().map(|nic| nic.network.as_str()).collect();
    assert_eq!(nics, ["jump-box-web-01", "web-01-2-jump-box", "uplink"]);
}

#[test]
fn every_fault_of_the_form_is_reported_at_once() {
    let faults = match read(&json!({
        "range_metadata": {"id": "x", "created_by": 7},
        "nodes": [{"id": 1, "label": "a", "template_id": "one", "role": "boss", "resources": {"cores": 0}}, 3],
        "links": [{"source": "a", "connection_type": "wire"}],
        "extra": true
    })) {
        Err(Refused::Form(faults)) => faults,
        other => panic!("{other:?}"),
    };
    let found: Vec<(&str, FaultCode)> =
        faults.list().iter().map(|fault| (fault.path.as_str(), fault.code)).collect();
    assert_eq!(
        found,
        [
            ("range_metadata.id", FaultCode::Invalid),
            ("range_metadata.name", FaultCode::Missing),
            ("range_metadata.created_by", FaultCode::WrongType),
            ("nodes[0].id", FaultCode::WrongType),
            ("nodes[0].template_id", FaultCode::WrongType),
            ("nodes[0].role", FaultCode::Invalid),
            ("nodes[0].resources.cores", FaultCode::OutOfRange),
            ("nodes[1]", FaultCode::WrongType),
            ("links[0].target", FaultCode::Missing),
            ("links[0].connection_type", FaultCode::Invalid),
        ]
    );
    assert!(matches!(read(&json!([])), Err(Refused::Form(_))));
    assert!(matches!(read(&json!({})), Err(Refused::Form(_))));
}

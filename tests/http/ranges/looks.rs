//! What is returned about a range: machines, networks, reachability, graph, platforms.

use serde_json::{Value, json};

use super::{created, destroyed, lab, service};

fn named<'a>(reply: &'a Value, name: &str) -> &'a Value {
    let items = reply["items"].as_array().expect("items");
    items.iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("no {name}: {reply:#}"))
}

#[tokio::test]
async fn machines_and_networks_are_listed_with_their_addresses() {
    let app = service();
    created(&app, &lab()).await;
    let machines = app.get("/v1/ranges/lab/machines", 200).await;
    let web = named(&machines, "web");
    assert_eq!(web["networks"], json!([{"network": "dmz", "address": "10.0.1.10/24"}]), "{web:#}");
    assert_eq!(
        (&web["stage"], &web["gateway"], &web["role"]),
        (&json!("ready"), &json!("10.0.1.1"), &json!("service"))
    );
    let networks = app.get("/v1/ranges/lab/networks", 200).await;
    let dmz = named(&networks, "dmz");
    assert_eq!((&dmz["cidr"], &dmz["machines"]), (&json!("10.0.1.0/24"), &json!(["gw", "web"])), "{dmz:#}");
    destroyed(&app, "lab").await;
}

#[tokio::test]
async fn the_inventory_is_yaml_with_all_machines_in_their_groups() {
    let app = service();
    created(&app, &lab()).await;
    let response = app.send(reqwest::Method::GET, "/v1/ranges/lab/inventory", None).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"application/yaml".parse().expect("a header"))
    );
    let text = response.text().await.expect("text");
    let inventory: Value = serde_saphyr::from_str(&text).expect("YAML");
    let web = &inventory["all"]["hosts"]["web"];
    assert_eq!(
        (&web["ansible_host"], &web["range_role"]),
        (&json!("10.0.1.10"), &json!("service")),
        "{text}"
    );
    destroyed(&app, "lab").await;
}

#[tokio::test]
async fn the_matrix_has_what_rules_allow_and_can_be_filtered() {
    let app = service();
    created(&app, &lab()).await;
    let matrix = app.get("/v1/ranges/lab/reachability", 200).await;
    assert_eq!(
        matrix["items"].as_array().map(Vec::len),
        Some(9),
        "3 pairs in both directions, and the uplink"
    );
    let one = app.get("/v1/ranges/lab/reachability?from=web&to=db", 200).await;
    let row =
        json!({"from": "web", "to": "db", "verdict": "allowed", "network": "inside", "allow": ["tcp/5432"]});
    assert_eq!(one["items"], json!([row]));
    let back = app.get("/v1/ranges/lab/reachability?from=db&to=web", 200).await;
    assert_eq!(back["items"][0]["verdict"], "refused");
    let problem = app.get("/v1/ranges/lab/reachability?from=nowhere", 422).await;
    assert_eq!(problem["errors"][0]["field"], "from", "{problem:#}");
    destroyed(&app, "lab").await;
}

#[tokio::test]
async fn the_graph_connects_machines_with_networks() {
    let app = service();
    created(&app, &lab()).await;
    let graph = app.get("/v1/ranges/lab/graph", 200).await;
    let ids: Vec<&str> =
        graph["nodes"].as_array().expect("nodes").iter().filter_map(|node| node["id"].as_str()).collect();
    assert_eq!(ids, ["machine/db", "machine/gw", "machine/web", "network/dmz", "network/inside", "uplink"]);
    let edge = json!({"source": "machine/web", "target": "network/dmz", "address": "10.0.1.10"});
    assert!(graph["edges"].as_array().expect("edges").contains(&edge), "{graph:#}");
    assert!(
        graph["nodes"].as_array().expect("nodes").iter().all(|node| node["state"] != "planned"),
        "{graph:#}"
    );
    destroyed(&app, "lab").await;
}

#[tokio::test]
async fn platforms_are_listed_with_what_they_accept() {
    let app = service();
    let list = app.get("/v1/platforms", 200).await;
    assert_eq!(named(&list, "simulated")["kind"], "simulated");
    let one = app.get("/v1/platforms/simulated", 200).await;
    assert_eq!(one["accepts"]["kinds"], json!(["guest", "namespace"]), "{one:#}");
    let problem = app.get("/v1/platforms/nowhere", 404).await;
    assert_eq!(problem["code"], "unknown_platform");
}

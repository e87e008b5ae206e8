//! networkx as an oracle that is not of our making: which graphs are trees, that plans are in a topological order, and how long the
//! longest path is.
//!
//! `RANGEHAND_TEST_NETWORKX` names a Python that has networkx; `./test.sh` makes one.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{RngSeed, TestRunner},
};
use range::{
    FaultCode, Leases, PlatformRules, Recorded, Values, apply_to,
    document::text::Format,
    graph::{Graph, NoNodes, is_tree},
    plan::{Estimates, Inputs, Plan, plan},
};
use serde_json::{Value, json};

use crate::random::documents;

/// Asks networkx; `None` where it is not there, which is refused on CI.
#[expect(clippy::print_stderr, reason = "a run without the oracle should say so")]
fn ask(question: &str, input: &Value) -> Option<Value> {
    let Some(python) = std::env::var_os("RANGEHAND_TEST_NETWORKX") else {
        assert!(std::env::var_os("CI").is_none(), "RANGEHAND_TEST_NETWORKX is not set");
        eprintln!("SKIPPED: RANGEHAND_TEST_NETWORKX is not set: run ./test.sh");
        return None;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/range/oracle.py");
    let mut oracle = Command::new(python)
        .args([script, question])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = oracle.stdin.take().unwrap();
    let text = input.to_string();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = oracle.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "the oracle failed");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn runner() -> TestRunner {
    TestRunner::new(ProptestConfig {
        rng_seed: RngSeed::Fixed(2),
        failure_persistence: None,
        max_global_rejects: 100_000,
        ..ProptestConfig::default()
    })
}

fn sample<T: std::fmt::Debug>(strategy: &impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let mut runner = runner();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Graphs: the kind of change, and the numbers that it is made with.
#[derive(Debug, Clone)]
struct Sample {
    nodes: usize,
    edges: Vec<(u32, u32)>,
}

/// Trees, trees with an edge more or less, and arbitrary graphs, with parallel edges and edges from a node to itself.
fn graphs() -> impl Strategy<Value = Sample> {
    let parents = proptest::collection::vec(any::<prop::sample::Index>(), 0..12);
    let extra = proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..4);
    (parents, extra, 0..4_u8, any::<bool>(), any::<bool>()).prop_map(|(parents, extra, kind, cut, empty)| {
        let nodes = parents.len() + usize::from(!(empty && parents.is_empty()));
        let mut edges: Vec<(u32, u32)> = (1..nodes)
            .map(|node| (u32::try_from(parents[node - 1].index(node)).unwrap(), u32::try_from(node).unwrap()))
            .collect();
        if kind > 0 && cut && !edges.is_empty() {
            edges.remove(edges.len() / 2);
        }
        if nodes > 0 {
            let node = |index: &prop::sample::Index| u32::try_from(index.index(nodes)).unwrap();
            edges.extend(extra.iter().take(usize::from(kind)).map(|(a, b)| (node(a), node(b))));
        }
        Sample { nodes, edges }
    })
}

#[test]
fn trees_are_trees_as_networkx_says() {
    let samples = sample(&graphs(), 500);
    let input: Vec<Value> =
        samples.iter().map(|graph| json!({"nodes": graph.nodes, "edges": graph.edges})).collect();
    let Some(answers) = ask("is_tree", &json!(input)) else { return };
    let mut counts = [0, 0, 0];
    for (graph, answer) in samples.iter().zip(answers.as_array().unwrap()) {
        let own = is_tree(graph.nodes, &graph.edges);
        let multi = match own {
            Err(NoNodes) => Value::Null,
            Ok(is_tree) => json!(is_tree),
        };
        assert_eq!(answer["multi"], multi, "{graph:?}");
        let mut once: Vec<(u32, u32)> = graph.edges.iter().map(|(a, b)| (*a.min(b), *a.max(b))).collect();
        once.sort_unstable();
        once.dedup();
        assert_eq!(
            answer["simple"],
            is_tree(graph.nodes, &once).map_or(Value::Null, Value::from),
            "{graph:?}"
        );
        counts[match own {
            Err(NoNodes) => 0,
            Ok(false) => 1,
            Ok(true) => 2,
        }] += 1;
        assert_eq!(document_is_tree(graph), own == Ok(true), "{graph:?}");
        let parts = Graph::undirected(graph.nodes, &graph.edges).parts();
        assert_eq!(answer["parts"], json!(parts.iter().max().map_or(0, |last| last + 1)), "{graph:?}");
    }
    assert!(counts.iter().all(|count| *count > 10), "too few of a kind: {counts:?}");
}

/// Does a document of kind `tree` with this topology pass?
fn document_is_tree(graph: &Sample) -> bool {
    let machine = |node: usize| {
        let role = if node == 0 { "jumpbox" } else { "service" };
        (format!("m{node}"), json!({"kind": "namespace", "role": role}))
    };
    let link = |(place, (a, b)): (usize, &(u32, u32))| json!({"between": [format!("m{a}"), format!("m{b}")], "name": format!("l{place}")});
    let document = json!({
        "name": "t", "platform": "p", "kind": "tree",
        "machines": (0..graph.nodes).map(machine).collect::<serde_json::Map<_, _>>(),
        "links": graph.edges.iter().enumerate().map(link).collect::<Vec<_>>(),
    });
    match range::read_value(&document, &PlatformRules::default()) {
        Ok(_) => true,
        Err(faults) => {
            let expected = [FaultCode::NotATree, FaultCode::NotAllowed, FaultCode::Jumpbox];
            assert!(faults.list().iter().all(|fault| expected.contains(&fault.code)), "{faults}");
            false
        }
    }
}

#[test]
fn plans_are_in_the_order_of_networkx_and_as_long_as_its_longest_path() {
    let rules = PlatformRules::default();
    let pairs = (documents(rules.clone()), documents(rules.clone()));
    let mut plans: Vec<Plan> = Vec::new();
    for (first, second) in sample(&pairs, 60) {
        let inputs = Inputs { rules: &rules, estimates: &Estimates::default(), prices: None };
        let before = range::expand(&first, &Values::default(), &Leases::default(), &rules).unwrap();
        let create = plan(&before, &Recorded::default(), &inputs);
        let after = range::expand(&second, &Values::default(), &before.leases(&first), &rules).unwrap();
        let change = plan(&after, &apply_to(Recorded::default(), &create), &inputs);
        plans.extend([create, change]);
    }
    let step = |step: &range::plan::Step| json!({"id": step.id, "needs": step.needs, "ms": step.estimate.ms});
    let input: Vec<Value> = plans.iter().map(|plan| plan.steps.iter().map(step).collect()).collect();
    let Some(answers) = ask("plans", &json!(input)) else { return };
    for (plan, answer) in plans.iter().zip(answers.as_array().unwrap()) {
        let ids: Vec<u32> = plan.steps.iter().map(|step| step.id).collect();
        assert_eq!(answer["order"], json!(ids));
        assert_eq!(answer["longest"], plan.duration_ms);
    }
}

#[test]
fn cycles_are_found_where_networkx_finds_them() {
    let samples = sample(&graphs(), 200);
    let input: Vec<Value> =
        samples.iter().map(|graph| json!({"nodes": graph.nodes, "edges": graph.edges})).collect();
    let Some(answers) = ask("cycles", &json!(input)) else { return };
    for (sample, answer) in samples.iter().zip(answers.as_array().unwrap()) {
        let graph = Graph::new(sample.nodes, &sample.edges);
        assert_eq!(answer["order"], json!(graph.order()), "{sample:?}");
        let cycles = graph.cycles();
        assert_eq!(answer["parts_with_cycles"], cycles.len(), "{sample:?}");
        for cycle in cycles {
            let closed: Vec<u32> = cycle.iter().chain(cycle.first()).copied().collect();
            assert!(
                closed.windows(2).all(|pair| sample.edges.contains(&(pair[0], pair[1]))),
                "{sample:?}: {cycle:?}"
            );
        }
    }
}

#[test]
fn a_large_document_of_a_random_tree_is_accepted_and_not_with_an_edge_more_or_less() {
    let parents = proptest::collection::vec(any::<prop::sample::Index>(), 300);
    for parents in sample(&parents, 3) {
        let mut edges: Vec<(u32, u32)> = (1..=300)
            .map(|node| (u32::try_from(parents[node - 1].index(node)).unwrap(), u32::try_from(node).unwrap()))
            .collect();
        let graph = |edges: &[(u32, u32)]| Sample { nodes: 301, edges: edges.to_vec() };
        assert!(document_is_tree(&graph(&edges)));
        assert!(!document_is_tree(&graph(&edges[1..])), "an edge less");
        let missing = (0..300)
            .flat_map(|a| (a + 1..300).map(move |b| (a, b)))
            .find(|edge| !edges.contains(edge))
            .unwrap();
        edges.push(missing);
        assert!(!document_is_tree(&graph(&edges)), "an edge more");
    }
    // The same through the text of a document.
    let yaml = "name: t\nplatform: p\nkind: tree\nmachines: {j: {kind: namespace, role: jumpbox}, a: {kind: namespace}}\nlinks: [[j, a]]";
    assert!(range::read_text(yaml, Format::Yaml, &PlatformRules::default()).is_ok());
}

//! What `./bench.sh plan` measures: a plan of 5,000 machines in a tree, from the value of the document to the digest.
//!
//! `plan time ROUNDS [MACHINES]` prints the milliseconds of each part in the median round, and the most memory that the process had.
//! `plan graph [MACHINES]` prints the links of the machines and the needs of the steps, for a peer to work on.

#![expect(clippy::print_stdout, reason = "what a program prints is its result")]
#![expect(clippy::disallowed_methods, reason = "a program that measures uses the clock")]

use std::{env, error::Error, fs, time::Instant};

use range::{
    Desired, Document, Leases, Plan, PlatformRules, Recorded, Values,
    plan::{Estimates, Inputs, plan},
};
use serde_json::{Map, Value, json};

/// A tree of routers, each machine linked with one of those before it.
fn document(machines: usize) -> Value {
    let machine = |machine: usize| {
        let (role, networks) =
            if machine == 0 { ("jumpbox", json!(["uplink"])) } else { ("router", json!([])) };
        let described = json!({
            "template": "debian-12", "role": role, "networks": networks, "cores": 2, "memory_mb": 2048, "groups": [format!("g{}", machine % 7)],
        });
        (format!("m{machine}"), described)
    };
    let link = |machine: usize| json!([format!("m{}", parent(machine)), format!("m{machine}")]);
    json!({
        "name": "large", "platform": "simulated", "kind": "tree",
        "machines": (0..machines).map(machine).collect::<Map<_, _>>(),
        "links": (1..machines).map(link).collect::<Vec<_>>(),
        "rules": [{"from": "any", "to": "any", "allow": ["any"]}],
        "tasks": [{"name": "base", "bundle": "base", "on": "group g1"}],
    })
}

const fn parent(machine: usize) -> usize {
    (machine.wrapping_mul(2_654_435_761) >> 7) % machine
}

struct Round {
    /// Form and checks, expansion, plan: milliseconds.
    parts: [f64; 3],
    plan: Plan,
}

fn round(value: &Value, rules: &PlatformRules) -> Result<Round, Box<dyn Error>> {
    let mut parts = [0.0; 3];
    let mut begin = Instant::now();
    let mut lap = |part: usize| {
        parts[part] = begin.elapsed().as_secs_f64() * 1000.0;
        begin = Instant::now();
    };
    let document: Document = range::read_value(value, rules)?;
    lap(0);
    let desired: Desired = range::expand(&document, &Values::default(), &Leases::default(), rules)?;
    lap(1);
    let plan = plan(
        &desired,
        &Recorded::default(),
        &Inputs { rules, estimates: &Estimates::default(), prices: None },
    );
    lap(2);
    Ok(Round { parts, plan })
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let number = |place: usize, usual: usize| words.get(place).map_or(Ok(usual), |word| word.parse());
    let rules = PlatformRules::default();
    match words.first().map(String::as_str) {
        Some("graph") => {
            let machines = number(1, 5_000)?;
            let plan = round(&document(machines), &rules)?.plan;
            let needs: Vec<(u32, u32)> =
                plan.steps.iter().flat_map(|step| step.needs.iter().map(|need| (*need, step.id))).collect();
            let links: Vec<(usize, usize)> =
                (1..machines).map(|machine| (parent(machine), machine)).collect();
            println!(
                "{}",
                json!({"machines": machines, "links": links, "steps": plan.steps.len(), "needs": needs})
            );
        }
        Some("time") => {
            let value = document(number(2, 5_000)?);
            let mut rounds = Vec::new();
            for _ in 0..number(1, 5)? {
                rounds.push(round(&value, &rules)?.parts);
            }
            rounds.sort_by(|a, b| a.iter().sum::<f64>().total_cmp(&b.iter().sum()));
            let [check, expand, plan] = rounds[rounds.len() / 2];
            let status = fs::read_to_string("/proc/self/status")?;
            let most = status.lines().find_map(|line| {
                line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok()
            });
            println!(
                "{}",
                json!({"total_ms": check + expand + plan, "check_ms": check, "expand_ms": expand, "plan_ms": plan, "memory_mb": most.map(|kib| kib / 1000.0)})
            );
        }
        _ => return Err("use `plan time ROUNDS [MACHINES]` or `plan graph [MACHINES]`".into()),
    }
    Ok(())
}

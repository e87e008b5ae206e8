//! Makes and removes machines as network namespaces on this machine, and says in JSON how long that took: for `./bench.sh`.
//!
//! `namespaces DIRECTORY N AT_ONCE`: N machines with two interfaces each, on networks of 20; so many calls at the same time. With
//! `grid` instead of N, 33 x 33 machines with a link between each two neighbors.

#![expect(clippy::print_stdout, reason = "a program that prints its measurements")]

use std::{
    error::Error,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use platform::{
    Login, MachineWanted, Owner, Platform, ThingKind, Wanted,
    local::{Local, Options},
};
use range::{
    document::{Cidr, MachineKind, Role},
    expand::spec::{MachineSpec, NetworkSpec, NicSpec},
};
use serde_json::json;
use tokio::task::JoinSet;

const MEMBERS: usize = 20;
const SIDE: usize = 33;

type Anything = Result<(), Box<dyn Error + Send + Sync>>;

fn main() -> Anything {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: namespaces DIRECTORY N|grid AT_ONCE");
    let (run, size, at_once) = (PathBuf::from(next()?), next()?, next()?.parse()?);
    let topology = if size == "grid" { grid()? } else { bus(size.parse()?)? };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(run, topology, at_once))
}

struct Topology {
    networks: Vec<Arc<NetworkSpec>>,
    machines: Vec<Arc<MachineSpec>>,
}

async fn measure(run: PathBuf, topology: Topology, at_once: usize) -> Anything {
    let state = run.join("state");
    let local = Arc::new(Local::new(Options::new(run, state)));
    let owner = Owner::new("bench", "namespaces")?;
    let begun = Instant::now();
    let networks = topology.networks.iter().cloned().map(Wanted::Network);
    ensure(&local, &owner, networks, at_once).await?;
    let machines = topology
        .machines
        .iter()
        .map(|spec| Wanted::Machine(MachineWanted { spec: Arc::clone(spec), login: Login::default() }));
    ensure(&local, &owner, machines, at_once).await?;
    let up = begun.elapsed();
    let observed = local.observe(&owner).await?;
    let observe = begun.elapsed() - up;
    let is_whole = observed.machines.len() == topology.machines.len()
        && observed.machines.iter().flat_map(|machine| &machine.nics).all(|nic| nic.network.is_some());
    let begun = Instant::now();
    for machine in &topology.machines {
        local.remove(&owner.thing(ThingKind::Machine, &machine.name)).await?;
    }
    for network in &topology.networks {
        local.remove(&owner.thing(ThingKind::Network, &network.name)).await?;
    }
    let down = begun.elapsed();
    let is_empty = local.observe(&owner).await?.is_empty();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let report = json!({
        "up_ms": ms(up), "observe_ms": ms(observe), "down_ms": ms(down),
        "machines": topology.machines.len(), "is_whole": is_whole, "is_empty": is_empty,
    });
    println!("{report}");
    Ok(())
}

async fn ensure(
    local: &Arc<Local>,
    owner: &Owner,
    wanted: impl Iterator<Item = Wanted>,
    at_once: usize,
) -> Anything {
    let mut running = JoinSet::new();
    for wanted in wanted {
        if running.len() >= at_once
            && let Some(done) = running.join_next().await
        {
            done??;
        }
        let (local, owner) = (Arc::clone(local), owner.clone());
        running.spawn(async move { local.ensure(&owner, &wanted).await });
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    Ok(())
}

/// Machines with one interface on a network of 20 and one on another.
fn bus(count: usize) -> Result<Topology, Box<dyn Error + Send + Sync>> {
    let segments = count.div_ceil(MEMBERS);
    let mut networks = Vec::new();
    for (letter, second) in [("a", 100), ("b", 110)] {
        for segment in 0..segments {
            networks.push(network(&format!("{letter}{segment}"), &subnet(second, segment, 0, 24))?);
        }
    }
    let mut machines = Vec::new();
    for at in 0..count {
        let (segment, host) = (at / MEMBERS, at % MEMBERS + 10);
        let nics = [("a", 100), ("b", 110)]
            .map(|(letter, second)| (format!("{letter}{segment}"), subnet(second, segment, host, 24)));
        machines.push(machine(&format!("m{at}"), &nics, &subnet(100, segment, 1, 24))?);
    }
    Ok(Topology { networks, machines })
}

/// Machines in a square, each linked with its neighbors.
fn grid() -> Result<Topology, Box<dyn Error + Send + Sync>> {
    let mut networks = Vec::new();
    let mut nics = vec![Vec::new(); SIDE * SIDE];
    let mut link = |a: usize, b: usize| -> Anything {
        let number = networks.len();
        let base = (number % 64) * 4;
        let name = format!("l{number}");
        networks.push(network(&name, &subnet(120, number / 64, base, 30))?);
        for (end, host) in [(a, 1), (b, 2)] {
            nics[end].push((name.clone(), subnet(120, number / 64, base + host, 30)));
        }
        Ok(())
    };
    for at in 0..SIDE * SIDE {
        if at % SIDE + 1 < SIDE {
            link(at, at + 1)?;
        }
        if at / SIDE + 1 < SIDE {
            link(at, at + SIDE)?;
        }
    }
    let machines = nics.iter().enumerate().map(|(at, nics)| machine(&format!("m{at}"), nics, &nics[0].1));
    Ok(Topology { machines: machines.collect::<Result<_, _>>()?, networks })
}

fn subnet(second: usize, third: usize, host: usize, prefix: u8) -> String {
    format!("10.{}.{}.{host}/{prefix}", second + third / 256, third % 256)
}

fn network(name: &str, subnet: &str) -> Result<Arc<NetworkSpec>, Box<dyn Error + Send + Sync>> {
    Ok(Arc::new(NetworkSpec {
        name: name.to_owned(),
        instance: String::new(),
        network: name.to_owned(),
        cidr: Cidr(subnet.parse()?),
        gateway: None,
        isolated: false,
        link: false,
    }))
}

fn machine(
    name: &str,
    nics: &[(String, String)],
    gateway: &str,
) -> Result<Arc<MachineSpec>, Box<dyn Error + Send + Sync>> {
    let nic = |(network, address): &(String, String)| {
        Ok::<_, Box<dyn Error + Send + Sync>>(NicSpec {
            network: network.clone(),
            address: Some(address.parse()?),
        })
    };
    let gateway: ipnet::IpNet = gateway.parse()?;
    // The first machine of a link is the gateway of the second one.
    let own = nics.first().is_some_and(|(_, address)| *address == gateway.to_string());
    Ok(Arc::new(MachineSpec {
        name: name.to_owned(),
        instance: String::new(),
        machine: name.to_owned(),
        kind: MachineKind::Namespace,
        template: None,
        role: Role::Service,
        cores: None,
        memory_mb: None,
        disk_gb: None,
        nics: nics.iter().map(nic).collect::<Result<_, _>>()?,
        gateway: if own { None } else { Some(gateway.addr()) },
        upstream: None,
        groups: Vec::new(),
        ready: None,
        needs: Vec::new(),
    }))
}

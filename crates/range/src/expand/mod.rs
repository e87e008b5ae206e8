//! From a checked document to concrete networks, machines, routers and tasks of all instances.
//!
//! A fixed subnet is the same in every instance, because each instance has networks of its own; one without is taken from the pool of
//! the platform. Addresses are the same each time: the gateway has `.1`, machines have `.10` and up in the order of the
//! document, a fixed address wins, and what is leased already is kept.

mod addresses;
pub mod spec;
mod subnets;
mod tasks;
mod values;

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

pub use self::values::Values;
use self::{
    spec::{Desired, MachineSpec, NetworkSpec, NicSpec, RouteSpec, RouterSpec, concrete},
    subnets::Subnets,
};
use crate::{
    Faults,
    document::{Cidr, Document, names::UPLINK},
    fault::{At, FaultCode},
    layout::{Layout, number},
    platform_rules::PlatformRules,
    routing::Routing,
    selection::Selection,
};

/// Subnets and addresses that are held.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Leases {
    /// The subnets of this range from the pool, by concrete network.
    pub subnets: BTreeMap<String, Cidr>,
    /// The addresses of this range: by concrete network, then by concrete machine.
    pub addresses: BTreeMap<String, BTreeMap<String, IpAddr>>,
    /// Subnets that others hold.
    pub taken: Vec<IpNet>,
}

/// Expands a checked document.
///
/// # Errors
/// Faults that only the expansion finds: missing values of variables, an exhausted pool, a network with too few addresses.
pub fn expand(
    document: &Document,
    values: &Values,
    leases: &Leases,
    rules: &PlatformRules,
) -> Result<Desired, Faults> {
    let mut faults = Faults::default();
    let layout = Layout::new(document);
    let routing = Routing::new(&layout);
    let selection = Selection::new(&layout);
    let instances: Vec<String> =
        (1..=document.instances.count.0).map(|n| document.instances.name_of(n).unwrap_or_default()).collect();
    let variables = values::of_instances(document, &instances, values, &mut faults);
    let mut desired = Desired {
        name: document.name.as_str().to_owned(),
        platform: document.platform.as_str().to_owned(),
        on_failure: document.on_failure,
        ttl: document.ttl,
        verify: document.verify,
        instances,
        networks: Vec::new(),
        machines: Vec::new(),
        routers: Vec::new(),
        tasks: Vec::new(),
    };
    let fixed = || layout.segments.iter().filter_map(|segment| segment.cidr.as_ref()).map(|cidr| &cidr.0);
    let of_document = Subnets::new(&rules.pool, fixed());
    // A lease that the document made unusable is left out.
    let is_usable = |cidr: &Cidr| !of_document.overlaps(&cidr.0);
    let own: BTreeMap<&str, Cidr> = leases
        .subnets
        .iter()
        .filter(|(_, cidr)| is_usable(cidr))
        .map(|(network, cidr)| (network.as_str(), *cidr))
        .collect();
    let held = own.values().map(|cidr| &cidr.0);
    let mut subnets = Subnets::new(&rules.pool, fixed().chain(&leases.taken).chain(held));
    let targets = tasks::targets(document, &selection);
    for (name, variables) in desired.instances.clone().iter().zip(variables) {
        let mut instance =
            Instance { layout: &layout, routing: &routing, name, leases, addresses: Vec::new() };
        let networks = instance.networks(&mut subnets, &own, &rules.pool, &mut faults);
        let machines = instance.machines(&networks);
        let rule_set = Arc::new(tasks::rule_set(&layout, &networks, &machines));
        desired.routers.extend(instance.routers(&networks, &machines, &rule_set));
        desired.tasks.extend(tasks::of_instance(document, name, &machines, &targets, &variables));
        desired.networks.extend(networks);
        desired.machines.extend(machines);
    }
    faults.result(desired)
}

impl Desired {
    /// The leases that the range needs: to be stored before a plan is carried out.
    #[must_use]
    pub fn leases(&self, document: &Document) -> Leases {
        let mut leases = Leases::default();
        let is_fixed =
            |network: &str| document.networks.get(network).is_some_and(|network| network.cidr.is_some());
        let fixed_links: std::collections::HashSet<String> = document
            .links
            .iter()
            .filter(|link| link.cidr.is_some())
            .map(crate::document::Link::network_name)
            .collect();
        for network in &self.networks {
            if !is_fixed(&network.network) && !fixed_links.contains(&network.network) {
                leases.subnets.insert(network.name.clone(), network.cidr);
            }
        }
        for machine in &self.machines {
            for nic in &machine.nics {
                if let Some(address) = nic.address {
                    let network = leases.addresses.entry(nic.network.clone()).or_default();
                    network.insert(machine.name.clone(), address.addr());
                }
            }
        }
        leases
    }
}

/// One instance while it is made.
struct Instance<'a> {
    layout: &'a Layout<'a>,
    routing: &'a Routing,
    name: &'a str,
    leases: &'a Leases,
    /// The addresses of the members of each segment.
    addresses: Vec<Vec<Option<IpAddr>>>,
}

impl Instance<'_> {
    fn machine_name(&self, machine: u32) -> String {
        let found = self.layout.document.machines.get_index(machine as usize);
        concrete(self.name, found.map_or("", |(name, _)| name.as_str()))
    }

    fn networks(
        &mut self,
        subnets: &mut Subnets<'_>,
        own: &BTreeMap<&str, Cidr>,
        pool: &crate::platform_rules::Pool,
        faults: &mut Faults,
    ) -> Vec<Arc<NetworkSpec>> {
        let mut networks = Vec::with_capacity(self.layout.segments.len());
        for (place, segment) in self.layout.segments.iter().enumerate() {
            let name = concrete(self.name, &segment.name);
            let bits = if segment.link.is_some() { pool.link_bits } else { pool.network_bits };
            let leased = own.get(name.as_str()).copied();
            let leased = leased.filter(|cidr| cidr.0.max_prefix_len() - cidr.0.prefix_len() == bits);
            let Some(cidr) = segment.cidr.or(leased).or_else(|| subnets.first_free(bits)) else {
                let message = format!("the pool has no free subnet for the network `{name}`");
                faults
                    .add(&At::Root, FaultCode::Exhausted, message)
                    .hint("fix a `cidr`, or destroy ranges that are not needed");
                return networks;
            };
            let gateway = self.routing.gateway[place];
            let leases = self.leases.addresses.get(&name);
            let addresses = addresses::assign(self.layout, segment, cidr, gateway, leases, |machine| {
                self.machine_name(machine)
            });
            if addresses.iter().any(Option::is_none) {
                let message = format!("the subnet {cidr} of `{name}` has too few addresses");
                faults.add(&At::Root, FaultCode::Exhausted, message);
            }
            let of_gateway = segment.members.iter().position(|(machine, _)| Some(*machine) == gateway);
            networks.push(Arc::new(NetworkSpec {
                name,
                instance: self.name.to_owned(),
                network: segment.name.to_string(),
                cidr,
                gateway: of_gateway.and_then(|place| addresses[place]),
                isolated: segment.isolated,
                link: segment.link.is_some(),
            }));
            self.addresses.push(addresses);
        }
        networks
    }

    fn machines(&self, networks: &[Arc<NetworkSpec>]) -> Vec<Arc<MachineSpec>> {
        let document = self.layout.document;
        // Members come in the order of their machines' interfaces, so each list is read once, from its beginning.
        let mut addresses: Vec<Vec<Option<IpAddr>>> =
            self.layout.nics.iter().map(|nics| vec![None; nics.len()]).collect();
        for (segment, assigned) in self.layout.segments.iter().zip(&self.addresses) {
            for ((machine, nic), address) in segment.members.iter().zip(assigned) {
                addresses[*machine as usize][*nic as usize] = *address;
            }
        }
        let mut machines = Vec::with_capacity(document.machines.len());
        for (place, (name, machine)) in document.machines.iter().enumerate() {
            let nic = |(nic, address): (&crate::layout::LaidNic, &Option<IpAddr>)| match nic.segment {
                None => Some(NicSpec { network: UPLINK.to_owned(), address: None }),
                Some(segment) => {
                    let network = networks.get(segment as usize)?;
                    let prefix = network.cidr.0.prefix_len();
                    let address = address.and_then(|address| IpNet::new(address, prefix).ok());
                    Some(NicSpec { network: network.name.clone(), address })
                }
            };
            let way_out = self.routing.way_out(self.layout, number(place));
            let needs = machine.needs.iter().map(|need| tasks::need(document, self.name, need)).collect();
            machines.push(Arc::new(MachineSpec {
                name: concrete(self.name, name.as_str()),
                instance: self.name.to_owned(),
                machine: name.as_str().to_owned(),
                kind: machine.kind,
                template: machine.template.as_ref().map(|template| template.as_str().to_owned()),
                role: machine.role,
                cores: machine.cores.map(|cores| cores.0),
                memory_mb: machine.memory_mb.map(|memory| memory.0),
                disk_gb: machine.disk_gb.map(|disk| disk.0),
                nics: self.layout.nics[place].iter().zip(&addresses[place]).filter_map(nic).collect(),
                gateway: way_out.and_then(|segment| networks.get(segment as usize)?.gateway),
                upstream: self
                    .routing
                    .upstream(self.layout, number(place))
                    .map(|machine| self.machine_name(machine)),
                groups: machine.groups.iter().map(|group| group.as_str().to_owned()).collect(),
                ready: document.ready.get(name).copied(),
                needs,
            }));
        }
        machines
    }

    /// A route for each network that lies below another router: it leads to that router's address on the network that both share.
    fn routers(
        &self,
        networks: &[Arc<NetworkSpec>],
        machines: &[Arc<MachineSpec>],
        rules: &Arc<spec::RuleSet>,
    ) -> Vec<Arc<RouterSpec>> {
        let mut routes: Vec<Vec<RouteSpec>> = vec![Vec::new(); machines.len()];
        for (place, network) in networks.iter().enumerate() {
            let mut below = self.routing.gateway[place];
            while let Some(router) = below {
                let Some(shared) = self.routing.up[router as usize] else { break };
                let members = &self.layout.segments[shared as usize].members;
                let via = members.iter().position(|(machine, _)| *machine == router);
                let via = via.and_then(|via| *self.addresses.get(shared as usize)?.get(via)?);
                below = self.routing.gateway[shared as usize];
                if let (Some(above), Some(via)) = (below, via) {
                    routes[above as usize].push(RouteSpec { to: network.cidr, via });
                }
            }
        }
        let forwards = |(place, _): &(usize, &Arc<MachineSpec>)| self.layout.forwards(number(*place));
        let router = |(place, machine): (usize, &Arc<MachineSpec>)| {
            Arc::new(RouterSpec {
                name: machine.name.clone(),
                instance: self.name.to_owned(),
                nat: self.layout.has_uplink(number(place)),
                routes: std::mem::take(&mut routes[place]),
                rules: Arc::clone(rules),
            })
        };
        machines.iter().enumerate().filter(forwards).map(router).collect()
    }
}

//! What differs between the recorded and the desired state of one thing, and what it takes to change it.

use std::{borrow::Cow, fmt::Display};

use super::step::Change;
use crate::{
    document::Ready,
    expand::spec::{MachineSpec, NetworkSpec, RouterSpec, TaskSpec, VariableValue},
    platform_rules::PlatformRules,
};

/// What it takes to change something, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    /// It is changed while it runs.
    InPlace,
    /// It is stopped, changed and started.
    Restart,
    /// It is removed and created again.
    Replace,
}

/// The changes of one thing.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) list: Vec<Change>,
    pub(super) effect: Option<Effect>,
}

impl Changes {
    /// The last change of the thing did not complete, so it is made again.
    pub(super) fn complete(&mut self) {
        self.add("last change", "incomplete", "complete", Effect::InPlace);
    }

    fn add(&mut self, field: &'static str, from: impl Display, to: impl Display, effect: Effect) {
        self.list.push(Change { field: field.into(), from: from.to_string(), to: to.to_string() });
        self.effect = self.effect.max(Some(effect));
    }

    /// Adds a change unless both are the same.
    fn compare<T: PartialEq>(
        &mut self,
        field: &'static str,
        (from, to): (&T, &T),
        effect: Effect,
        shown: impl Fn(&T) -> String,
    ) {
        if from != to {
            self.add(field, shown(from), shown(to), effect);
        }
    }

    /// The reason for the step, from the changes that have this effect.
    pub(super) fn reason(&self) -> Cow<'static, str> {
        let shown: Vec<String> = self
            .list
            .iter()
            .map(|change| format!("`{}` changes from {} to {}", change.field, change.from, change.to))
            .collect();
        shown.join("; ").into()
    }
}

fn optional<T: Display>(value: &Option<T>) -> String {
    value.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string)
}

fn list<T>(items: &[T], shown: impl Fn(&T) -> String) -> String {
    if items.is_empty() { "none".to_owned() } else { items.iter().map(shown).collect::<Vec<_>>().join(", ") }
}

pub(super) fn of_network(from: &NetworkSpec, to: &NetworkSpec, rules: &PlatformRules) -> Changes {
    let mut changes = Changes::default();
    if from == to {
        return changes;
    }
    let subnet = if rules.changes_subnets { Effect::InPlace } else { Effect::Replace };
    changes.compare("cidr", (&from.cidr, &to.cidr), subnet, ToString::to_string);
    changes.compare("gateway", (&from.gateway, &to.gateway), Effect::InPlace, optional);
    changes.compare("isolated", (&from.isolated, &to.isolated), Effect::InPlace, ToString::to_string);
    changes.compare("link", (&from.link, &to.link), Effect::InPlace, ToString::to_string);
    changes.compare("network", (&from.network, &to.network), Effect::InPlace, Clone::clone);
    changes.compare("instance", (&from.instance, &to.instance), Effect::InPlace, Clone::clone);
    changes
}

pub(super) fn of_machine(from: &MachineSpec, to: &MachineSpec) -> Changes {
    let mut changes = Changes::default();
    if from == to {
        return changes;
    }
    let number = |value: &Option<u32>| {
        value.map_or_else(|| "that of the template".to_owned(), |value| value.to_string())
    };
    changes.compare("kind", (&from.kind, &to.kind), Effect::Replace, ToString::to_string);
    changes.compare("template", (&from.template, &to.template), Effect::Replace, optional);
    // A disk can grow, but not shrink.
    let disk =
        if from.disk_gb > to.disk_gb && to.disk_gb.is_some() { Effect::Replace } else { Effect::InPlace };
    changes.compare("disk_gb", (&from.disk_gb, &to.disk_gb), disk, number);
    changes.compare("cores", (&from.cores, &to.cores), Effect::Restart, number);
    changes.compare("memory_mb", (&from.memory_mb, &to.memory_mb), Effect::Restart, number);
    let nics = |nics: &Vec<crate::expand::spec::NicSpec>| {
        list(nics, |nic| match nic.address {
            Some(address) => format!("{} {address}", nic.network),
            None => nic.network.clone(),
        })
    };
    changes.compare("networks", (&from.nics, &to.nics), Effect::Restart, nics);
    changes.compare("gateway", (&from.gateway, &to.gateway), Effect::Restart, optional);
    changes.compare("role", (&from.role, &to.role), Effect::InPlace, ToString::to_string);
    changes.compare("upstream", (&from.upstream, &to.upstream), Effect::InPlace, optional);
    changes
        .compare("groups", (&from.groups, &to.groups), Effect::InPlace, |groups| list(groups, Clone::clone));
    let ready = |ready: &Option<Ready>| match ready {
        None => "that of the template".to_owned(),
        Some(ready) => serde_json::to_string(ready).unwrap_or_default(),
    };
    changes.compare("ready", (&from.ready, &to.ready), Effect::InPlace, ready);
    let needs = |needs: &Vec<crate::expand::spec::NeedSpec>| {
        list(needs, |need| {
            need.stage.map_or_else(|| need.name.clone(), |stage| format!("{}.{stage}", need.name))
        })
    };
    changes.compare("needs", (&from.needs, &to.needs), Effect::InPlace, needs);
    changes.compare("machine", (&from.machine, &to.machine), Effect::InPlace, Clone::clone);
    changes.compare("instance", (&from.instance, &to.instance), Effect::InPlace, Clone::clone);
    changes
}

pub(super) fn of_router(from: &RouterSpec, to: &RouterSpec) -> Changes {
    let mut changes = Changes::default();
    if from == to {
        return changes;
    }
    changes.compare("nat", (&from.nat, &to.nat), Effect::InPlace, ToString::to_string);
    changes.compare("routes", (&from.routes, &to.routes), Effect::InPlace, |routes| {
        list(routes, |route| format!("{} via {}", route.to, route.via))
    });
    changes.compare("rules", (&from.rules.rules, &to.rules.rules), Effect::InPlace, |rules| {
        list(rules, |rule| {
            format!("{} to {}: {}", rule.from.name, rule.to.name, list(&rule.allow, ToString::to_string))
        })
    });
    changes.compare("isolated", (&from.rules.isolated, &to.rules.isolated), Effect::InPlace, |subnets| {
        list(subnets, ToString::to_string)
    });
    changes.compare("inside", (&from.rules.inside, &to.rules.inside), Effect::InPlace, |subnets| {
        list(subnets, ToString::to_string)
    });
    changes.compare("instance", (&from.instance, &to.instance), Effect::InPlace, Clone::clone);
    changes
}

/// What makes a task run again on all of its machines. Which machines those are does not: it runs on new ones alone.
pub(super) fn of_task(from: &TaskSpec, to: &TaskSpec) -> Changes {
    let mut changes = Changes::default();
    changes.compare(
        "content",
        (&(from.kind, &from.content), &(to.kind, &to.content)),
        Effect::InPlace,
        |(kind, content)| format!("{kind} {content}"),
    );
    // Values are not shown: they may be long, and a reader needs their names.
    let names = |vars: &serde_json::Map<String, serde_json::Value>| {
        list(&vars.keys().collect::<Vec<_>>(), |name| (*name).clone())
    };
    changes.compare("vars", (&from.vars, &to.vars), Effect::InPlace, names);
    if from.variables != to.variables {
        let differs = |name: &&String| from.variables.get(*name) != to.variables.get(*name);
        let mut names: Vec<&String> =
            from.variables.keys().chain(to.variables.keys()).filter(differs).collect();
        names.sort();
        names.dedup();
        let shown = |values: &std::collections::BTreeMap<String, VariableValue>| {
            list(&names, |name| match values.get(*name) {
                None => format!("{name} none"),
                Some(VariableValue::Secret(_)) => format!("{name} (secret)"),
                Some(VariableValue::Value(value)) => format!("{name} {value}"),
            })
        };
        changes.add("variables", shown(&from.variables), shown(&to.variables), Effect::InPlace);
    }
    changes
}

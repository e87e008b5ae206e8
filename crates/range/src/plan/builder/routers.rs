//! Routers: routes and rules of machines that forward packets.

use std::{collections::HashSet, sync::Arc};

use super::draft::{Builder, Draft, no_undo, undo};
use crate::plan::{
    changes,
    step::{Action, StepKind, UndoKind, Work},
};

impl<'a> Builder<'a> {
    /// Routes and rules of every router; those of a machine that is removed go with it.
    pub(super) fn routers(&mut self) {
        let mut wanted = HashSet::with_capacity(self.desired.routers.len());
        for router in &self.desired.routers {
            wanted.insert(router.name.as_str());
            let steps = self.of(&router.name);
            let recorded = self.recorded.routers.get(&router.name).filter(|_| steps.remove.is_none());
            let (action, reason, changes, before) = match recorded {
                None if steps.ensure.is_none() => {
                    let reason = "the rules of the router are not in place";
                    (Action::Create, reason.into(), Vec::new(), None)
                }
                None => (Action::Create, "the router has no rules yet".into(), Vec::new(), None),
                Some(recorded) if recorded == router => {
                    self.kept.routers.push(router.name.clone());
                    continue;
                }
                Some(recorded) => {
                    let changes = changes::of_router(recorded, router);
                    (Action::Update, changes.reason(), changes.list, Some(Arc::clone(recorded)))
                }
            };
            let undo = match before {
                Some(_) => undo(UndoKind::Restore),
                None if steps.ensure.is_some() => no_undo("the machine itself is removed"),
                None => undo(UndoKind::Remove),
            };
            let id = self.add(Draft {
                kind: StepKind::RulesEnsure,
                name: router.name.clone(),
                instance: router.instance.clone(),
                action,
                reason,
                changes,
                undo,
                work: Work::EnsureRules { router: Arc::clone(router), before },
            });
            let place = self.place_of(&router.name);
            self.at(place).rules = Some(id);
            self.need(id, steps.available());
        }
        for (name, router) in &self.recorded.routers {
            let steps = self.of(name);
            if wanted.contains(name.as_str())
                || steps.remove.is_some()
                || !self.recorded.machines.contains_key(name)
            {
                continue;
            }
            let id = self.add(Draft {
                kind: StepKind::RulesRemove,
                name: name.clone(),
                instance: router.instance.clone(),
                action: Action::Delete,
                reason: "the machine does not forward packets any more".into(),
                changes: Vec::new(),
                undo: undo(UndoKind::Restore),
                work: Work::RemoveRules { router: Arc::clone(router) },
            });
            self.need(id, steps.available());
        }
    }
}

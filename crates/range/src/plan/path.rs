//! Puts steps in order, lets machines boot meanwhile, and finds the critical path.

use super::step::{Step, StepKind};
use crate::{graph::Graph, layout::number};

/// Orders steps so that needs come first, the earlier step first where there is a choice, and renumbers them.
///
/// The needs of a plan form no cycle: those of the document were checked, removals wait for removals and changes only, and what
/// is created waits for removals. Should there be one all the same, the steps stay as they are, and the saga refuses them.
pub(super) fn ordered(mut steps: Vec<Step>) -> Vec<Step> {
    let count = steps.iter().map(|step| step.needs.len()).sum();
    let mut edges = Vec::with_capacity(count);
    for step in &mut steps {
        step.needs.sort_unstable();
        step.needs.dedup();
        edges.extend(step.needs.iter().map(|need| (*need, step.id)));
    }
    let Some(order) = Graph::new(steps.len(), &edges).order() else { return steps };
    let mut place = vec![0_u32; steps.len()];
    for (at, old) in (0..).zip(&order) {
        place[*old as usize] = at;
    }
    for step in &mut steps {
        step.id = place[step.id as usize];
        step.needs.iter_mut().for_each(|need| *need = place[*need as usize]);
        step.needs.sort_unstable();
    }
    // Each step is moved once; to sort them would move them often.
    let mut steps: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    order.iter().filter_map(|old| steps[*old as usize].take()).collect()
}

/// Shortens waits for machines that boot while the wait has not begun, because it needs other steps, too. Steps are in order.
pub(super) fn boot_meanwhile(steps: &mut [Step]) {
    let mut ends = vec![0_u64; steps.len()];
    for place in 0..steps.len() {
        let end = |need: &u32| ends.get(*need as usize).copied().unwrap_or_default();
        let step = &steps[place];
        let begin = step.needs.iter().map(end).max().unwrap_or_default();
        let mut takes = step.estimate.ms;
        if step.kind == StepKind::MachineWait {
            let is_start = |need: &&u32| {
                let need = steps.get(**need as usize);
                need.is_some_and(|need| need.kind == StepKind::MachineStart && need.name == step.name)
            };
            if let Some(started) = step.needs.iter().find(is_start).map(end) {
                takes = started.saturating_add(takes).saturating_sub(begin);
            }
        }
        ends[place] = begin.saturating_add(takes);
        steps[place].estimate.ms = takes;
    }
}

/// Sets the remaining time of each step; returns the critical path and its duration. With unlimited steps at once a plan takes as long as
/// that.
pub(super) fn critical(steps: &mut [Step]) -> (Vec<u32>, u64) {
    let mut next: Vec<Option<u32>> = vec![None; steps.len()];
    let mut after = vec![0_u64; steps.len()];
    for place in (0..steps.len()).rev() {
        let remaining = steps[place].estimate.ms.saturating_add(after[place]);
        steps[place].remaining_ms = remaining;
        for need in &steps[place].needs {
            let need = *need as usize;
            // Of equal ones the earlier step: its place is the smaller, and it comes later here.
            if need < place && remaining >= after[need] {
                after[need] = remaining;
                next[need] = Some(number(place));
            }
        }
    }
    let first = steps
        .iter()
        .filter(|step| step.needs.is_empty())
        .max_by_key(|step| (step.remaining_ms, std::cmp::Reverse(step.id)));
    let duration = first.map_or(0, |step| step.remaining_ms);
    let mut path = Vec::new();
    let mut at = first.map(|step| step.id);
    while let Some(step) = at {
        path.push(step);
        at = next[step as usize];
    }
    (path, duration)
}

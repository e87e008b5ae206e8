//! Puts steps in order and finds the critical path.

use super::step::Step;
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

//! The steps of a plan as a graph: what each needs, how long it takes, and which limits it counts against.

use std::{collections::VecDeque, time::Duration};

/// A separate limit for a group of steps, such as the calls of one platform, or copies on one storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Its name, shown as the reason why a step waits.
    pub name: String,
    /// How many of its steps may run at once; 0 is taken as 1.
    pub limit: usize,
}

/// A step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The kind of the step, such as `machine.ensure`.
    pub kind: String,
    /// The machine, network or task that the step is about.
    pub subject: String,
    /// The ownership tag by which what the step makes is found on its platform.
    pub tag: String,
    /// The steps that must be done before.
    pub needs: Vec<u32>,
    /// The classes that it counts against.
    pub classes: Vec<usize>,
    /// How long it will take.
    pub estimate: Duration,
    /// How long a single call may take. Then its result is unknown.
    pub limit: Duration,
}

/// Why steps form no graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadGraph {
    /// A need that is no step of the plan.
    #[error("step {step} needs step {need}, which does not exist")]
    UnknownNeed {
        /// The step.
        step: u32,
        /// What it needs.
        need: u32,
    },
    /// A class that was not declared.
    #[error("step {step} counts against class {class}, which does not exist")]
    UnknownClass {
        /// The step.
        step: u32,
        /// The class.
        class: usize,
    },
    /// Steps that need each other.
    #[error("steps need each other: {0:?}")]
    Cycle(Vec<u32>),
    /// More steps than there are numbers.
    #[error("the plan has too many steps")]
    TooMany,
}

/// The steps of a plan, checked.
#[derive(Debug, Clone)]
pub struct Graph {
    steps: Vec<Step>,
    classes: Vec<Class>,
    dependents: Vec<Vec<u32>>,
    /// An order in which needs come first.
    order: Vec<u32>,
    /// From the begin of a step to the end of the plan, as far as it depends on this step.
    remaining: Vec<Duration>,
    /// From the begin of the plan to the end of a step.
    elapsed: Vec<Duration>,
    /// Which steps count against the same classes.
    groups: Vec<usize>,
    group_classes: Vec<Vec<usize>>,
}

impl Graph {
    /// Checks steps.
    ///
    /// # Errors
    /// If a need or a class does not exist, or steps need each other.
    pub fn new(mut steps: Vec<Step>, classes: Vec<Class>) -> Result<Self, BadGraph> {
        let count = u32::try_from(steps.len()).map_err(|_| BadGraph::TooMany)?;
        let mut dependents = vec![Vec::new(); steps.len()];
        for (at, step) in (0_u32..).zip(&mut steps) {
            step.needs.sort_unstable();
            step.needs.dedup();
            step.classes.sort_unstable();
            step.classes.dedup();
            if let Some(need) = step.needs.iter().find(|need| **need >= count) {
                return Err(BadGraph::UnknownNeed { step: at, need: *need });
            }
            if let Some(class) = step.classes.iter().find(|class| **class >= classes.len()) {
                return Err(BadGraph::UnknownClass { step: at, class: *class });
            }
            for need in &step.needs {
                dependents[*need as usize].push(at);
            }
        }
        let order = order(&steps, &dependents)?;
        let mut remaining = vec![Duration::ZERO; steps.len()];
        let mut elapsed = vec![Duration::ZERO; steps.len()];
        let longest = |times: &[Duration], of: &[u32]| {
            of.iter().map(|step| times[*step as usize]).max().unwrap_or_default()
        };
        for step in order.iter().rev().map(|step| *step as usize) {
            remaining[step] = steps[step].estimate.saturating_add(longest(&remaining, &dependents[step]));
        }
        for step in order.iter().map(|step| *step as usize) {
            elapsed[step] = steps[step].estimate.saturating_add(longest(&elapsed, &steps[step].needs));
        }
        let mut group_classes: Vec<Vec<usize>> = steps.iter().map(|step| step.classes.clone()).collect();
        group_classes.sort_unstable();
        group_classes.dedup();
        let group = |step: &Step| group_classes.binary_search(&step.classes).unwrap_or_default();
        let groups = steps.iter().map(group).collect();
        Ok(Self { steps, classes, dependents, order, remaining, elapsed, groups, group_classes })
    }

    /// The steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// A step.
    #[must_use]
    pub fn step(&self, step: u32) -> &Step {
        &self.steps[step as usize]
    }

    /// The classes.
    #[must_use]
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The steps that need a step.
    #[must_use]
    pub fn dependents(&self, step: u32) -> &[u32] {
        &self.dependents[step as usize]
    }

    /// All steps in an order in which needs come first.
    #[must_use]
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// The time from the begin of a step to the end of the plan, as far as it depends on this step.
    #[must_use]
    pub fn remaining(&self, step: u32) -> Duration {
        self.remaining[step as usize]
    }

    /// The time from the begin of the plan to the end of a step, if nothing but needs makes steps wait.
    #[must_use]
    pub fn elapsed(&self, step: u32) -> Duration {
        self.elapsed[step as usize]
    }

    /// How long the plan takes if nothing but needs makes steps wait.
    #[must_use]
    pub fn critical_path(&self) -> Duration {
        self.remaining.iter().max().copied().unwrap_or_default()
    }

    pub(crate) fn group(&self, step: u32) -> usize {
        self.groups[step as usize]
    }

    pub(crate) fn group_classes(&self) -> &[Vec<usize>] {
        &self.group_classes
    }
}

fn order(steps: &[Step], dependents: &[Vec<u32>]) -> Result<Vec<u32>, BadGraph> {
    let mut open: Vec<usize> = steps.iter().map(|step| step.needs.len()).collect();
    let mut free: VecDeque<u32> =
        (0..).zip(&open).filter(|(_, open)| **open == 0).map(|(step, _)| step).collect();
    let mut order = Vec::with_capacity(steps.len());
    while let Some(step) = free.pop_front() {
        order.push(step);
        for dependent in &dependents[step as usize] {
            let open = &mut open[*dependent as usize];
            *open -= 1;
            if *open == 0 {
                free.push_back(*dependent);
            }
        }
    }
    if order.len() == steps.len() { Ok(order) } else { Err(BadGraph::Cycle(cycle(steps, &open))) }
}

/// Steps that need each other, in order. Each step with open needs has one that has open needs itself, so a walk along them ends in a
/// cycle.
fn cycle(steps: &[Step], open: &[usize]) -> Vec<u32> {
    let mut path: Vec<u32> =
        (0..).zip(open).filter(|(_, open)| **open > 0).map(|(step, _)| step).take(1).collect();
    while let Some(last) = path.last() {
        let needs = &steps[*last as usize].needs;
        let Some(next) = needs.iter().find(|need| open[**need as usize] > 0).copied() else { break };
        if let Some(begin) = path.iter().position(|step| *step == next) {
            path.drain(..begin);
            break;
        }
        path.push(next);
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(needs: &[u32], seconds: u64) -> Step {
        Step {
            kind: "test".to_owned(),
            subject: String::new(),
            tag: String::new(),
            needs: needs.to_vec(),
            classes: Vec::new(),
            estimate: Duration::from_secs(seconds),
            limit: Duration::from_secs(60),
        }
    }

    #[test]
    fn steps_that_need_each_other_are_refused_with_their_cycle() {
        let refused = |steps: Vec<Step>| Graph::new(steps, Vec::new()).expect_err("refused");
        assert_eq!(refused(vec![step(&[0], 1)]), BadGraph::Cycle(vec![0]));
        let steps = vec![step(&[], 1), step(&[0, 3], 1), step(&[1], 1), step(&[2], 1), step(&[3], 1)];
        let BadGraph::Cycle(cycle) = refused(steps.clone()) else { panic!("a cycle") };
        assert_eq!(cycle.len(), 3);
        for (at, from) in cycle.iter().enumerate() {
            let to = cycle[(at + 1) % cycle.len()];
            assert!(steps[to as usize].needs.contains(from), "{cycle:?}");
        }
        assert_eq!(refused(vec![step(&[7], 1)]), BadGraph::UnknownNeed { step: 0, need: 7 });
        let classed = Step { classes: vec![0], ..step(&[], 1) };
        assert_eq!(refused(vec![classed]), BadGraph::UnknownClass { step: 0, class: 0 });
    }

    #[test]
    fn the_remaining_time_of_a_step_is_that_of_the_longest_path_behind_it() {
        let steps = vec![step(&[], 1), step(&[0], 10), step(&[0], 2), step(&[1, 2], 4)];
        let graph = Graph::new(steps, Vec::new()).expect("a graph");
        let remaining: Vec<u64> = (0..4).map(|step| graph.remaining(step).as_secs()).collect();
        assert_eq!(remaining, [15, 14, 6, 4]);
        let elapsed: Vec<u64> = (0..4).map(|step| graph.elapsed(step).as_secs()).collect();
        assert_eq!(elapsed, [1, 11, 3, 15]);
        assert_eq!(graph.critical_path(), Duration::from_secs(15));
    }
}

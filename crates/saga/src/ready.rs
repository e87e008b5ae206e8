//! The steps that nothing but limits keeps from running: the one with the most work behind it comes first.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use crate::graph::Graph;

/// Steps in the order in which they begin, and how much of each limit is in use.
///
/// Steps that count against the same classes are in one heap, so a full class costs one look per heap and not one per step.
#[derive(Debug)]
pub(crate) struct Ready {
    heaps: Vec<BinaryHeap<(Duration, Reverse<u32>)>>,
    at_once: usize,
    running: usize,
    used: Vec<usize>,
}

impl Ready {
    pub(crate) fn new(graph: &Graph, at_once: usize) -> Self {
        let heaps = graph.group_classes().iter().map(|_| BinaryHeap::new()).collect();
        Self { heaps, at_once: at_once.max(1), running: 0, used: vec![0; graph.classes().len()] }
    }

    pub(crate) fn push(&mut self, graph: &Graph, step: u32, priority: Duration) {
        self.heaps[graph.group(step)].push((priority, Reverse(step)));
    }

    /// Takes the first step that all limits allow; it counts against them until [`Self::release`].
    pub(crate) fn take(&mut self, graph: &Graph) -> Option<u32> {
        if self.is_full() {
            return None;
        }
        let mut first: Option<(Duration, Reverse<u32>, usize)> = None;
        for (group, (heap, classes)) in self.heaps.iter().zip(graph.group_classes()).enumerate() {
            let is_free = || classes.iter().all(|class| !self.is_class_full(graph, *class));
            if let Some((priority, step)) = heap.peek()
                && first.is_none_or(|(best, at, _)| (*priority, *step) > (best, at))
                && is_free()
            {
                first = Some((*priority, *step, group));
            }
        }
        let (_, Reverse(step), group) = first?;
        self.heaps[group].pop();
        self.running += 1;
        graph.step(step).classes.iter().for_each(|class| self.used[*class] += 1);
        Some(step)
    }

    pub(crate) fn release(&mut self, graph: &Graph, step: u32) {
        self.running -= 1;
        graph.step(step).classes.iter().for_each(|class| self.used[*class] -= 1);
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        self.heaps.iter_mut().for_each(|heap| heap.retain(|(_, Reverse(step))| keep(*step)));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.heaps.iter().all(BinaryHeap::is_empty)
    }

    pub(crate) const fn running(&self) -> usize {
        self.running
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.running >= self.at_once
    }

    pub(crate) fn is_class_full(&self, graph: &Graph, class: usize) -> bool {
        self.used[class] >= graph.classes()[class].limit.max(1)
    }
}

//! A range of networks and machines on the world, how its steps are carried out there, and what must be true in the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use model::JournalEntry;
use saga::{
    Actions, Answer, Backoff, Class, Error, Event, Failure, Found, Goal, Graph, MemoryJournal, OnFailure,
    Options, Outcome, Saga, Step, Undo,
};

use crate::{
    dying::{Crash, FailingJournal},
    world::{Effect, Fault, LATE, Thing, Verb, World, WorldError},
};

pub(crate) const AT_ONCE: usize = 4;
pub(crate) const COPIES: usize = 2;
const FOREIGN: [&str; 3] = ["range-2/net-0", "range-2/machine-0", "foreign-bridge"];

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Makes a thing that sits on those of its needs.
    Make,
    /// Sets something on the thing of another step.
    Set(u32),
}

pub(crate) fn options() -> Options {
    Options {
        at_once: AT_ONCE,
        tries: 4,
        backoff: Backoff { first: Duration::from_secs(1), most: Duration::from_secs(10) },
        settle: LATE,
        on_failure: OnFailure::Rollback,
    }
}

pub(crate) fn keeping() -> Options {
    Options { on_failure: OnFailure::Keep, ..options() }
}

/// Steps with what they do, and by their needs.
#[derive(Debug, Clone)]
pub(crate) struct Shape(pub(crate) Vec<(Kind, Vec<u32>)>);

impl Shape {
    /// Three networks, four machines on them, each started, and a task for two of them.
    pub(crate) fn range() -> Self {
        let mut steps = vec![(Kind::Make, Vec::new()); 3];
        for machine in 0..4_u32 {
            let made = u32::try_from(steps.len()).expect("few");
            steps.push((Kind::Make, vec![machine % 3, (machine + 1) % 3]));
            steps.push((Kind::Set(made), vec![made]));
        }
        steps.push((Kind::Set(3), vec![4, 6]));
        steps.push((Kind::Set(7), vec![8, 10, 11]));
        Self(steps)
    }

    pub(crate) fn graph(&self) -> Graph {
        let step = |(at, (kind, needs)): (usize, &(Kind, Vec<u32>))| Step {
            kind: if *kind == Kind::Make { "make" } else { "set" }.to_owned(),
            subject: format!("thing-{at}"),
            tag: tag(at),
            needs: needs.clone(),
            classes: if *kind == Kind::Make && !needs.is_empty() { vec![0] } else { Vec::new() },
            estimate: Duration::from_secs(2),
            limit: Duration::from_mins(2),
        };
        let steps = self.0.iter().enumerate().map(step).collect();
        let copies = Class { name: "copies on storage".to_owned(), limit: COPIES };
        Graph::new(steps, vec![copies]).expect("a graph")
    }
}

pub(crate) fn tag(step: impl std::fmt::Display) -> String {
    format!("range-1/thing-{step}")
}

/// Carries out the steps on the world, as the side that drives a platform does.
pub(crate) struct Driver {
    pub(crate) world: World,
    shape: Shape,
    /// Does the world return operations for what it makes?
    submits: bool,
    running: Mutex<BTreeSet<u32>>,
    pub(crate) canceled: Mutex<Vec<u32>>,
    pub(crate) most_at_once: AtomicUsize,
}

/// Counts a step as running as long as its call lives.
struct Running<'a>(&'a Driver, u32);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.lock().expect("no panic").remove(&self.1);
    }
}

impl Driver {
    pub(crate) fn new(shape: Shape, submits: bool) -> Self {
        let world = World::with_foreign_things(&FOREIGN);
        Self {
            world,
            shape,
            submits,
            running: Mutex::default(),
            canceled: Mutex::default(),
            most_at_once: AtomicUsize::new(0),
        }
    }

    fn kind(&self, step: u32) -> &Kind {
        &self.shape.0[step as usize].0
    }

    fn enter(&self, step: u32) -> Running<'_> {
        let mut running = self.running.lock().expect("no panic");
        assert!(running.insert(step), "two calls at once for step {step}");
        self.most_at_once.fetch_max(running.len(), Ordering::Relaxed);
        assert!(running.len() <= AT_ONCE, "more than {AT_ONCE} steps at once: {running:?}");
        let is_copy = |step: &&u32| {
            let (kind, needs) = &self.shape.0[**step as usize];
            *kind == Kind::Make && !needs.is_empty()
        };
        assert!(running.iter().filter(is_copy).count() <= COPIES, "too many copies at once: {running:?}");
        Running(self, step)
    }

    /// Tags of the things that a thing sits on.
    fn below(&self, step: u32) -> Vec<String> {
        let is_thing = |need: &&u32| *self.kind(**need) == Kind::Make;
        self.shape.0[step as usize].1.iter().filter(is_thing).map(tag).collect()
    }

    async fn make(&self, step: u32, found: Option<&Found>) -> Result<Answer, WorldError> {
        let name = tag(step);
        if found == Some(&Found::Wrong) {
            let effect = Effect::Correct { tag: name.clone() };
            return self.world.request(Verb::Correct, &name, effect).await.map(|()| Answer::Done(None));
        }
        let effect = Effect::Create { tag: name.clone(), on: self.below(step), whole: true };
        if self.submits {
            return self.world.submit(Verb::Create, &name, effect).await.map(Answer::Accepted);
        }
        self.world.request(Verb::Create, &name, effect).await.map(|()| Answer::Done(None))
    }

    async fn remove(&self, step: u32, entry: &JournalEntry) -> Result<Undo, WorldError> {
        let name = tag(step);
        if let Some(handle) = &entry.handle {
            let ended = self.world.operation(handle, &name).await;
            if let Err(error @ (WorldError::Busy | WorldError::NoAnswer)) = ended {
                return Err(error);
            }
        }
        for (id, _) in self.world.find(&name).await? {
            match self.world.request(Verb::Delete, &name, Effect::Delete { id }).await {
                Ok(()) | Err(WorldError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Undo::Undone)
    }
}

fn failure(error: WorldError) -> Failure {
    match error {
        WorldError::Refused(why) => Failure::Refused { why },
        WorldError::Busy => Failure::Retry { after: None, why: "the platform is busy".to_owned() },
        WorldError::NoAnswer => Failure::Unknown { why: "no answer".to_owned() },
        WorldError::Missing => Failure::Gone { why: "what it is about does not exist".to_owned() },
        WorldError::NotFound => Failure::Gone { why: "it does not exist".to_owned() },
    }
}

impl Actions for Driver {
    async fn perform(&self, step: u32, found: Option<&Found>) -> Result<Answer, Failure> {
        let _running = self.enter(step);
        match self.kind(step) {
            Kind::Make => self.make(step, found).await.map_err(failure),
            Kind::Set(on) => {
                let effect = Effect::Set { on: tag(on), tag: tag(step) };
                let done = self.world.request(Verb::Set, &tag(step), effect).await;
                done.map(|()| Answer::Done(Some(format!("set by {step}")))).map_err(failure)
            }
        }
    }

    async fn wait(&self, step: u32, handle: &str) -> Result<Option<String>, Failure> {
        let _running = self.enter(step);
        match self.world.operation(handle, &tag(step)).await {
            Ok(()) => Ok(None),
            Err(WorldError::Missing) => {
                Err(Failure::Refused { why: "what it sits on does not exist".to_owned() })
            }
            Err(error) => Err(failure(error)),
        }
    }

    async fn look_up(&self, step: u32) -> Result<Found, Failure> {
        let _running = self.enter(step);
        let of = match self.kind(step) {
            Kind::Make => tag(step),
            Kind::Set(on) => tag(on),
        };
        let found = self.world.find(&of).await.map_err(failure)?;
        Ok(match (self.kind(step), found.first()) {
            (Kind::Make, Some((_, thing))) if thing.whole => Found::Right(None),
            (Kind::Make, Some(_)) => Found::Wrong,
            (Kind::Set(_), Some((_, thing))) if thing.set.contains(&tag(step)) => Found::Right(None),
            _ => Found::Absent,
        })
    }

    async fn undo(&self, step: u32, entry: &JournalEntry) -> Result<Undo, Failure> {
        let _running = self.enter(step);
        match self.kind(step) {
            Kind::Make => self.remove(step, entry).await.map_err(failure),
            Kind::Set(on) => {
                let effect = Effect::Unset { on: tag(on), tag: tag(step) };
                let done = self.world.request(Verb::Unset, &tag(step), effect).await;
                done.map(|()| Undo::Undone).map_err(failure)
            }
        }
    }

    fn remedy(&self, step: u32) -> String {
        format!("remove `{}` by hand", tag(step))
    }

    fn cancel(&self, step: u32) {
        self.canceled.lock().expect("no panic").push(step);
    }
}

/// A range on a world, with its journal.
pub(crate) struct Lab {
    pub(crate) driver: Driver,
    pub(crate) journal: MemoryJournal,
    pub(crate) options: Options,
    seed: Mutex<u32>,
}

impl Lab {
    pub(crate) fn new(options: Options) -> Self {
        Self::of(Shape::range(), options, false)
    }

    pub(crate) fn of(shape: Shape, options: Options, submits: bool) -> Self {
        let driver = Driver::new(shape, submits);
        Self { driver, journal: MemoryJournal::default(), options, seed: Mutex::new(1) }
    }

    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.driver.shape.0.len()).expect("few")
    }

    pub(crate) fn write_verb(&self, step: u32) -> Verb {
        if *self.driver.kind(step) == Kind::Make { Verb::Create } else { Verb::Set }
    }

    pub(crate) fn undo_verb(&self, step: u32) -> Verb {
        if *self.driver.kind(step) == Kind::Make { Verb::Delete } else { Verb::Unset }
    }

    pub(crate) fn script(&self, verb: Verb, step: u32, fault: Fault) {
        self.driver.world.script(verb, &tag(step), fault);
    }

    pub(crate) fn saga(&self) -> Saga {
        let mut seed = self.seed.lock().expect("no panic");
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut state = *seed;
        Saga::new(self.driver.shape.graph(), self.options, move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state
        })
    }

    /// A new holder takes the plan over and runs it to its end.
    pub(crate) async fn run(&self, goal: Goal) -> Outcome {
        let journal = self.journal.take_over();
        let run = self.saga().run(goal, &journal, &self.driver, |_| {}).await;
        // The way to the next holder is through the journal it shares.
        run.expect("the journal answers")
    }

    /// The same with a holder that dies; `None` if it did.
    pub(crate) async fn run_and_die(&self, goal: Goal, write: usize, is_written: bool) -> Option<Outcome> {
        let journal = FailingJournal::at(&self.journal, write, is_written);
        match self.saga().run(goal, &journal, &self.driver, |_| {}).await {
            Ok(outcome) => Some(outcome),
            Err(Error::Journal(Crash::Died)) => None,
            Err(error) => panic!("{error:?}"),
        }
    }

    /// The same with a cancel right after a step is done.
    pub(crate) async fn run_and_cancel_after(&self, done: u32) -> Outcome {
        let (journal, mut saga) = (self.journal.take_over(), self.saga());
        let handle = saga.handle();
        let report = |event: &Event| {
            if let Event::Moved { step, to: model::StepState::Done, .. } = event
                && *step == done
            {
                handle.cancel();
            }
        };
        saga.run(Goal::Continue, &journal, &self.driver, report).await.expect("the journal answers")
    }

    /// The things of this range, by tag. Asserts that foreign things are unchanged, and that nothing exists twice.
    pub(crate) async fn owned(&self) -> BTreeMap<String, Thing> {
        let (mut owned, mut foreign) = (BTreeMap::new(), Vec::new());
        for thing in self.driver.world.settled().await {
            if thing.tag.starts_with("range-1/") {
                let before = owned.insert(thing.tag.clone(), thing);
                assert_eq!(before, None, "exists twice");
            } else {
                assert!(thing.whole && thing.set.is_empty(), "{thing:?}");
                foreign.push(thing.tag);
            }
        }
        assert_eq!(foreign, FOREIGN);
        owned
    }

    /// All that the steps make exists, as it should be.
    pub(crate) async fn assert_complete(&self) {
        let owned = self.owned().await;
        for step in 0..self.count() {
            match self.driver.kind(step) {
                Kind::Make => {
                    assert!(owned.get(&tag(step)).is_some_and(|thing| thing.whole), "{step}: {owned:?}")
                }
                Kind::Set(on) => assert!(owned[&tag(on)].set.contains(&tag(step)), "{step}: {owned:?}"),
            }
        }
        assert_eq!(owned.len(), self.driver.shape.0.iter().filter(|(kind, _)| *kind == Kind::Make).count());
    }

    pub(crate) async fn assert_nothing_is_left(&self) {
        assert_eq!(self.owned().await, BTreeMap::new());
    }
}

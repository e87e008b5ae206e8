//! A platform in memory: things with tags that sit on other things, requests that take time, and faults by script.
//!
//! A request takes effect on the server at its own time, whether or not the client still waits for the reply. Names are not
//! unique, so a request that is repeated blindly creates two things. A thing can't be created before what it sits on, nor can
//! that be removed first.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Mutex,
    time::Duration,
};

use tokio::time::{Instant, sleep, sleep_until};

/// How long a request takes without a fault.
pub(crate) const LATENCY: Duration = Duration::from_secs(2);
/// The maximum delay of the effect of a request that got no reply.
pub(crate) const LATE: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Verb {
    Create,
    Correct,
    Set,
    Unset,
    Find,
    Delete,
    Operation,
}

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Refused, without effect.
    Refuse,
    /// Locked or throttled, without effect.
    Busy,
    /// Carried out, and answered as if it were locked.
    BusyButDone,
    /// No answer, without effect.
    Silence,
    /// No answer, and carried out.
    SilenceButDone,
    /// No answer, and carried out later.
    SilenceButLate,
    /// No answer at all, ever; carried out.
    HangButDone,
    /// Half of it is carried out, then an error.
    Half,
    /// An operation that takes far longer than an answer.
    Slow,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WorldError {
    Refused(String),
    Busy,
    NoAnswer,
    Missing,
    NotFound,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thing {
    pub(crate) tag: String,
    pub(crate) on: Vec<String>,
    pub(crate) whole: bool,
    pub(crate) set: BTreeSet<String>,
}

#[derive(Debug, Clone)]
pub(crate) enum Effect {
    Create { tag: String, on: Vec<String>, whole: bool },
    Correct { tag: String },
    Set { on: String, tag: String },
    Unset { on: String, tag: String },
    Delete { id: u64 },
}

type Result_ = Result<(), WorldError>;

#[derive(Default)]
struct Server {
    things: BTreeMap<u64, Thing>,
    next: u64,
    /// Effects to come, by time and number; then their results.
    due: BTreeMap<(Instant, u64), Effect>,
    results: HashMap<u64, Result_>,
    operations: HashMap<String, (Instant, u64)>,
    /// Operations that end with an error although a half was carried out.
    broken: BTreeSet<u64>,
    faults: HashMap<(Verb, String), VecDeque<Fault>>,
    requests: Vec<(Verb, String)>,
}

/// The platform.
#[derive(Default)]
pub(crate) struct World {
    server: Mutex<Server>,
}

impl Server {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Applies all effects that are due, in order.
    fn catch_up(&mut self) {
        while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= Instant::now()) {
            let ((_, number), effect) = entry.remove_entry();
            let result = self.apply(effect);
            self.results.insert(number, result);
        }
    }

    fn find(&self, tag: &str) -> Vec<u64> {
        self.things.iter().filter(|(_, thing)| thing.tag == tag).map(|(id, _)| *id).collect()
    }

    fn first(&mut self, tag: &str) -> Result<&mut Thing, WorldError> {
        let id = self.find(tag).first().copied();
        id.and_then(|id| self.things.get_mut(&id)).ok_or(WorldError::Missing)
    }

    fn apply(&mut self, effect: Effect) -> Result_ {
        match effect {
            Effect::Create { tag, on, whole } => {
                for below in &on {
                    self.first(below)?;
                }
                let id = self.number();
                self.things.insert(id, Thing { tag, on, whole, set: BTreeSet::new() });
            }
            Effect::Correct { tag } => self.first(&tag)?.whole = true,
            Effect::Set { on, tag } => {
                self.first(&on)?.set.insert(tag);
            }
            Effect::Unset { on, tag } => {
                self.first(&on)?.set.remove(&tag);
            }
            Effect::Delete { id } => {
                let thing = self.things.get(&id).ok_or(WorldError::NotFound)?;
                let (tag, is_last) = (thing.tag.clone(), self.find(&thing.tag).len() == 1);
                if is_last && self.things.values().any(|other| other.on.contains(&tag)) {
                    return Err(WorldError::Refused(format!("`{tag}` is in use")));
                }
                self.things.remove(&id);
            }
        }
        Ok(())
    }
}

impl World {
    /// Adds things that don't belong to the range.
    pub(crate) fn with_foreign_things(tags: &[&str]) -> Self {
        let world = Self::default();
        for tag in tags {
            let foreign = Effect::Create { tag: (*tag).to_owned(), on: Vec::new(), whole: true };
            world.lock().apply(foreign).expect("made");
        }
        world
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Server> {
        self.server.lock().expect("no request panics")
    }

    /// The next request of this kind about this tag goes wrong, after those scripted before.
    pub(crate) fn script(&self, verb: Verb, tag: &str, fault: Fault) {
        self.lock().faults.entry((verb, tag.to_owned())).or_default().push_back(fault);
    }

    pub(crate) fn forget_script(&self) {
        self.lock().faults.clear();
    }

    /// What exists once nothing is on its way any more.
    pub(crate) async fn settled(&self) -> Vec<Thing> {
        sleep(LATENCY + LATE).await;
        let mut server = self.lock();
        server.catch_up();
        server.things.values().cloned().collect()
    }

    /// All requests that arrived.
    pub(crate) fn requests(&self) -> Vec<(Verb, String)> {
        self.lock().requests.clone()
    }

    fn arrive(&self, verb: Verb, tag: &str) -> Option<Fault> {
        let mut server = self.lock();
        server.requests.push((verb, tag.to_owned()));
        server.faults.get_mut(&(verb, tag.to_owned())).and_then(VecDeque::pop_front)
    }

    fn schedule(&self, effect: Effect, at: Instant) -> u64 {
        let mut server = self.lock();
        let number = server.number();
        server.due.insert((at, number), effect);
        number
    }

    /// A request that is answered once it is carried out.
    pub(crate) async fn request(&self, verb: Verb, tag: &str, effect: Effect) -> Result_ {
        let now = Instant::now();
        let (half, end) = (now + LATENCY / 2, now + LATENCY);
        let number = match self.arrive(verb, tag) {
            None | Some(Fault::Slow) => self.schedule(effect, half),
            Some(Fault::Refuse) => {
                sleep_until(end).await;
                return Err(WorldError::Refused(format!("{verb:?} of `{tag}` is refused")));
            }
            Some(fault) => {
                let at = match fault {
                    Fault::BusyButDone | Fault::SilenceButDone | Fault::HangButDone | Fault::Half => {
                        Some(half)
                    }
                    Fault::SilenceButLate => Some(end + LATE - Duration::from_secs(1)),
                    Fault::Busy | Fault::Silence | Fault::Refuse | Fault::Slow => None,
                };
                if let Some(at) = at {
                    self.schedule(if fault == Fault::Half { halved(effect) } else { effect }, at);
                }
                if fault == Fault::HangButDone {
                    std::future::pending::<()>().await;
                }
                sleep_until(end).await;
                return Err(match fault {
                    Fault::Busy | Fault::BusyButDone => WorldError::Busy,
                    Fault::Half => WorldError::Refused(format!("{verb:?} of `{tag}` broke off")),
                    _ => WorldError::NoAnswer,
                });
            }
        };
        sleep_until(end).await;
        let mut server = self.lock();
        server.catch_up();
        server.results.remove(&number).expect("it is due")
    }

    /// A request that is answered at once with the name of an operation.
    pub(crate) async fn submit(&self, verb: Verb, tag: &str, effect: Effect) -> Result<String, WorldError> {
        let fault = self.arrive(verb, tag);
        let takes = if fault == Some(Fault::Slow) { LATE * 3 } else { LATENCY };
        let (answered, end) = (Instant::now() + LATENCY / 10, Instant::now() + takes);
        let effect = match fault {
            Some(Fault::Refuse | Fault::Busy | Fault::Silence) => None,
            Some(Fault::Half) => Some(halved(effect)),
            _ => Some(effect),
        };
        // "Busy" is no promise to do it later.
        let at = if fault == Some(Fault::BusyButDone) { answered } else { end };
        let number = effect.map(|effect| self.schedule(effect, at));
        sleep_until(answered).await;
        match (fault, number) {
            (None | Some(Fault::Half | Fault::Slow), Some(number)) => {
                if fault == Some(Fault::Half) {
                    self.lock().broken.insert(number);
                }
                let name = format!("operation-{number}");
                self.lock().operations.insert(name.clone(), (end, number));
                Ok(name)
            }
            (Some(Fault::Busy | Fault::BusyButDone), _) => Err(WorldError::Busy),
            (Some(Fault::Refuse), _) => Err(WorldError::Refused(format!("`{tag}` is refused"))),
            _ => Err(WorldError::NoAnswer),
        }
    }

    /// Waits for the end of an operation.
    pub(crate) async fn operation(&self, name: &str, tag: &str) -> Result_ {
        match self.arrive(Verb::Operation, tag) {
            Some(Fault::Busy | Fault::BusyButDone) => return Err(WorldError::Busy),
            Some(Fault::Refuse) => return Err(WorldError::NotFound),
            Some(_) => {
                sleep(LATENCY).await;
                return Err(WorldError::NoAnswer);
            }
            None => {}
        }
        let (end, number) = *self.lock().operations.get(name).ok_or(WorldError::NotFound)?;
        sleep_until(end).await;
        let mut server = self.lock();
        server.catch_up();
        if server.broken.contains(&number) {
            return Err(WorldError::Refused(format!("operation of `{tag}` broke off")));
        }
        server.results.get(&number).cloned().expect("it is due")
    }

    /// What exists under a tag.
    pub(crate) async fn find(&self, tag: &str) -> Result<Vec<(u64, Thing)>, WorldError> {
        let fault = self.arrive(Verb::Find, tag);
        sleep(LATENCY / 2).await;
        match fault {
            None => {}
            Some(Fault::Busy | Fault::BusyButDone) => return Err(WorldError::Busy),
            Some(Fault::Refuse) => return Err(WorldError::Refused(format!("no access to `{tag}`"))),
            Some(_) => return Err(WorldError::NoAnswer),
        }
        let mut server = self.lock();
        server.catch_up();
        let found = server.find(tag);
        Ok(found.into_iter().map(|id| (id, server.things[&id].clone())).collect())
    }
}

fn halved(effect: Effect) -> Effect {
    match effect {
        Effect::Create { tag, on, .. } => Effect::Create { tag, on, whole: false },
        other => other,
    }
}

//! Drives background tasks: activates each by its timer and by nudges, and records the results.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    error::TaskError,
    status::{Background, Cause, Recorder},
    task::{Schedule, Task},
};
use crate::nudge::Nudge;

/// Tasks that are registered but not started.
#[derive(Default)]
pub(crate) struct Driver {
    loops: Vec<Pin<Box<dyn Future<Output = ()> + Send>>>,
    recorders: Vec<Arc<Recorder>>,
}

impl Driver {
    /// Registers a task; returns the handle that nudges it.
    pub(crate) fn register<T: Task>(&mut self, task: T, schedule: Schedule) -> Nudge {
        let recorder = self.recorder(Recorder::new(T::ABOUT, schedule.period));
        let nudge = Nudge::default();
        self.loops.push(Box::pin(drive(Arc::new(task), schedule, nudge.clone(), recorder)));
        nudge
    }

    /// Registers a loop that records its activations itself.
    pub(crate) fn recorder(&mut self, recorder: Recorder) -> Arc<Recorder> {
        let recorder = Arc::new(recorder);
        self.recorders.push(Arc::clone(&recorder));
        recorder
    }

    /// The status of the tasks.
    pub(crate) fn background(&self) -> Background {
        Background::new(self.recorders.clone())
    }

    /// Starts all tasks. They are aborted when the returned set is dropped.
    pub(crate) fn start(self) -> JoinSet<()> {
        self.loops.into_iter().collect()
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("recorders", &self.recorders).finish_non_exhaustive()
    }
}

async fn drive<T: Task>(task: Arc<T>, schedule: Schedule, nudge: Nudge, recorder: Arc<Recorder>) {
    let mut cause = if schedule.at_start { Cause::Start } else { next(schedule, &nudge).await };
    loop {
        let started = recorder.begin(cause);
        let result = activate(&task).await;
        recorder.end(&started, result.map_err(|error| logged(T::ABOUT.name, &error)));
        sleep(schedule.min_gap).await;
        cause = next(schedule, &nudge).await;
    }
}

/// Waits for a nudge or the timer.
async fn next(schedule: Schedule, nudge: &Nudge) -> Cause {
    match timeout(schedule.period, nudge.received()).await {
        Ok(()) => Cause::Nudge,
        Err(_) => Cause::Timer,
    }
}

/// Runs one activation in its own runtime task, so that a panic ends the activation but not the loop. Dropping the
/// loop aborts it.
async fn activate<T: Task>(task: &Arc<T>) -> Result<u64, TaskError> {
    let mut activation = JoinSet::new();
    let task = Arc::clone(task);
    activation.spawn(async move { task.activate().await });
    match activation.join_next().await {
        Some(Ok(result)) => result,
        Some(Err(_)) | None => Err(TaskError::Panicked),
    }
}

fn logged(name: &'static str, error: &TaskError) -> String {
    // Failures of single items have already been logged.
    if !matches!(error, TaskError::Items { .. }) {
        let error = error as &(dyn std::error::Error + Send + Sync);
        tracing::warn!(background.task = name, error, "a background task failed; it is activated again");
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::{Mutex, mpsc};

    use super::{
        super::{status::TaskStatus, task::About},
        *,
    };

    /// How long an activation may take before a test gives up on it.
    const LIMIT: Duration = Duration::from_secs(30);
    /// Longer than any test runs, so that the timer never fires.
    const NEVER: Duration = Duration::from_secs(3600);

    /// A task that takes its results from a queue. `None` makes it panic.
    struct Scripted(Mutex<mpsc::Receiver<Option<Result<u64, TaskError>>>>);

    impl Task for Scripted {
        const ABOUT: About = About { name: "scripted", summary: "Takes its results from a queue" };

        async fn activate(&self) -> Result<u64, TaskError> {
            let result = self.0.lock().await.recv().await.expect("a result");
            result.expect("this activation panics")
        }
    }

    struct Running {
        results: mpsc::Sender<Option<Result<u64, TaskError>>>,
        nudge: Nudge,
        background: Background,
        _loops: JoinSet<()>,
    }

    impl Running {
        fn new(schedule: Schedule) -> Self {
            let (results, receiver) = mpsc::channel(4);
            let mut driver = Driver::default();
            let nudge = driver.register(Scripted(Mutex::new(receiver)), schedule);
            let background = driver.background();
            Self { results, nudge, background, _loops: driver.start() }
        }

        /// The status after this number of activations.
        async fn after(&self, activations: u64) -> TaskStatus {
            let ended = async {
                loop {
                    let status = self.background.tasks().remove(0);
                    if status.activations == activations {
                        return status;
                    }
                    tokio::task::yield_now().await;
                }
            };
            timeout(LIMIT, ended).await.expect("the activation ends")
        }

        async fn result(&self, result: Option<Result<u64, TaskError>>) {
            self.results.send(result).await.expect("the task is running");
        }
    }

    #[tokio::test]
    async fn a_nudge_activates_a_task_without_waiting_for_its_timer() {
        let running = Running::new(Schedule::every(NEVER));
        assert!(running.after(0).await.last.is_none(), "nothing activated it yet");
        running.nudge.send();
        running.result(Some(Ok(3))).await;
        let last = running.after(1).await.last.expect("an activation");
        assert_eq!((last.cause, last.result), (Cause::Nudge, Ok(3)));
    }

    #[tokio::test]
    async fn a_task_that_fails_shows_why_and_is_activated_again() {
        let running = Running::new(Schedule::from_start(NEVER));
        running.result(Some(Err(TaskError::Io(std::io::Error::other("no disk"))))).await;
        let status = running.after(1).await;
        let last = status.last.expect("an activation");
        assert_eq!((last.cause, last.result), (Cause::Start, Err("a file could not be used".to_owned())));
        running.nudge.send();
        running.result(Some(Ok(0))).await;
        let status = running.after(2).await;
        assert_eq!((status.failures, status.last.expect("an activation").result), (1, Ok(0)));
    }

    #[tokio::test]
    async fn a_panic_ends_an_activation_and_not_the_loop() {
        let running = Running::new(Schedule::from_start(NEVER));
        running.result(None).await;
        let last = running.after(1).await.last.expect("an activation");
        assert!(last.result.is_err_and(|error| error.contains("panicked")));
        running.nudge.send();
        running.result(Some(Ok(1))).await;
        assert_eq!(running.after(2).await.last.expect("an activation").result, Ok(1));
    }

    #[tokio::test]
    async fn the_timer_activates_a_task_that_is_never_nudged() {
        let running = Running::new(Schedule::every(Duration::from_millis(1)));
        running.result(Some(Ok(0))).await;
        assert_eq!(running.after(1).await.last.expect("an activation").cause, Cause::Timer);
    }
}

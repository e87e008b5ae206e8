//! From a started ansible-runner to the outcome of its run.
//!
//! ```text
//!   stdout --lines--.                          .-> spool
//!   stderr --lines--+--> one channel --> loop -+-> extractor
//!   children -ends--+                          '-> last lines
//!   SIGTERM --------'
//! running --leader ended | stop | limit | spool failed--> ending the tree --no process left--> outcome
//! ```
//! The channel is bounded: when events come faster than the disk takes them, ansible-runner waits.

use std::{
    collections::VecDeque,
    fs,
    io::{self, BufReader, Read},
    path::PathBuf,
    process::Child,
    sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TryRecvError},
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use model::{Code, Draft, Ending, EventKind, Outcome, Phase, Reason};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::{
    RunDirectory,
    diagnose::{Evidence, diagnose},
    event::Translator,
    extract::Extractor,
    log_text,
    process::{self, Ended, NoneLeft, TreeKill},
    run_spec::Limits,
    spool,
    stream::{self, Item},
};

/// How many lines of output a reason shows.
const LAST_LINES: usize = 50;
/// How much of a line a reason shows, in bytes.
const LAST_LINE_BYTES: usize = 1000;
/// The longest line of ansible-runner's own error output that is kept.
const STDERR_LINE_BYTES: usize = 64 * 1024;
/// How long what a playbook left running may take to end after SIGTERM when the playbook itself is done.
const LEFTOVER_GRACE: Duration = Duration::from_secs(1);
/// After so many events what ansible-runner keeps of them is swept.
const SWEEP_EVERY: u64 = 256;
/// How long to wait for the end of the output when no process is left that could hold it open.
const OUTPUT_END_LIMIT: Duration = Duration::from_secs(5);

/// What can happen.
enum Input {
    Item(Item),
    Stderr(String),
    OutputEnd,
    ChildEnded { pid: i32, code: Option<i32> },
    Stop,
    TreeEnded(Ended),
}

/// Why the loop began to end the tree.
enum Cause {
    Exit(Option<i32>),
    Stop,
    Signal,
    Total,
    Idle,
    Spool(io::Error),
}

/// Requests to stop that arrived; made before the run is prepared, so that none is lost.
pub struct Stop(Signals);

/// Begins to take SIGTERM and SIGINT as requests to stop.
///
/// # Errors
/// When the handlers cannot be installed.
pub fn stop_requests() -> io::Result<Stop> {
    Signals::new([SIGTERM, SIGINT]).map(Stop)
}

/// The reason of a run whose events could not be kept.
#[must_use]
pub fn spool_failed(error: &io::Error) -> Reason {
    let message =
        format!("the events could not be written: {error}\nhint: is the disk of the state directory full?");
    Reason::new(Some(Phase::Run), Code::SpoolFailed, message)
}

/// Drives one run.
pub struct RunLoop<'a> {
    translator: Translator,
    spool: &'a mut spool::Writer,
    extractor: Extractor,
    last_lines: VecDeque<String>,
    limits: Limits,
    begun: Instant,
    last_heard: Instant,
    started_at: Timestamp,
    /// How many of the leader's streams are still open.
    open_streams: usize,
    /// What this run is to ansible-runner.
    ident: String,
    /// Where ansible-runner keeps its own copy of each event, which nobody reads.
    kept_events: PathBuf,
    /// Where a request to stop is left.
    directory: RunDirectory,
}

/// What a run loop is told besides its limits.
#[derive(Debug)]
pub struct Run {
    /// Cleans what is kept.
    pub translator: Translator,
    /// What this run is to ansible-runner.
    pub ident: String,
    /// ansible-runner's directory of the events of this run.
    pub kept_events: PathBuf,
    /// Where a request to stop is left.
    pub directory: RunDirectory,
    /// When the supervisor began: the total limit counts from there.
    pub begun: Instant,
}

impl<'a> RunLoop<'a> {
    /// For a run that has just been started.
    #[must_use]
    pub fn new(run: Run, spool: &'a mut spool::Writer, limits: Limits) -> Self {
        Self {
            translator: run.translator,
            spool,
            extractor: Extractor::new(limits.result_bytes),
            last_lines: VecDeque::with_capacity(LAST_LINES),
            limits,
            begun: run.begun,
            last_heard: Instant::now(),
            started_at: Timestamp::now(),
            open_streams: 0,
            ident: run.ident,
            kept_events: run.kept_events,
            directory: run.directory,
        }
    }

    /// Goes on until no process of the run is left.
    #[must_use]
    pub fn run(mut self, mut child: Child, stop: Stop) -> Outcome {
        let (sender, inputs) = mpsc::sync_channel(256);
        let leader = i32::try_from(child.id()).unwrap_or(i32::MAX);
        let none_left = NoneLeft::default();
        self.open_streams = read_streams(&mut child, &sender, &self.ident, self.limits.event_bytes);
        listen(&sender, stop, none_left.clone());
        let cause = self.until_something_ends_it(&inputs, leader);
        let grace = if matches!(cause, Cause::Exit(_)) { LEFTOVER_GRACE } else { self.limits.grace };
        end_tree(sender, grace.min(self.limits.grace), none_left);
        let (ended, late_failure) = self.until_the_tree_is_gone(&inputs);
        let cause = match (cause, late_failure) {
            (Cause::Exit(_) | Cause::Stop | Cause::Signal | Cause::Total | Cause::Idle, Some(error)) => {
                Cause::Spool(error)
            }
            (cause, _) => cause,
        };
        self.outcome(cause, ended)
    }

    fn until_something_ends_it(&mut self, inputs: &Receiver<Input>, leader: i32) -> Cause {
        loop {
            let input = match inputs.try_recv() {
                Ok(input) => input,
                Err(TryRecvError::Disconnected) => return Cause::Exit(None),
                // Nothing more for now: show what there is, then wait.
                Err(TryRecvError::Empty) => {
                    if let Err(error) = self.spool.flush() {
                        return Cause::Spool(error);
                    }
                    match inputs.recv_timeout(self.time_left()) {
                        Ok(input) => input,
                        Err(RecvTimeoutError::Disconnected) => return Cause::Exit(None),
                        Err(RecvTimeoutError::Timeout) => {
                            if self.begun.elapsed() >= self.limits.total {
                                return Cause::Total;
                            }
                            if self.limits.idle.is_some_and(|idle| self.last_heard.elapsed() >= idle) {
                                return Cause::Idle;
                            }
                            continue;
                        }
                    }
                }
            };
            match input {
                Input::ChildEnded { pid, code } if pid == leader => return Cause::Exit(code),
                Input::Stop => {
                    return if self.directory.is_asked_to_stop() { Cause::Stop } else { Cause::Signal };
                }
                other => {
                    if let Err(error) = self.keep(other) {
                        return Cause::Spool(error);
                    }
                }
            }
            // A run that never pauses has a limit too.
            if self.begun.elapsed() >= self.limits.total {
                return Cause::Total;
            }
        }
    }

    /// Keeps taking output while the tree ends; gives what became of it, and whether the spool failed.
    fn until_the_tree_is_gone(&mut self, inputs: &Receiver<Input>) -> (Ended, Option<io::Error>) {
        let mut tree = None;
        let mut failure = None;
        let mut give_up: Option<Instant> = None;
        while tree.is_none() || self.open_streams > 0 {
            let wait = give_up.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
            match inputs.recv_timeout(wait) {
                Ok(Input::TreeEnded(ended)) => {
                    tree = Some(ended);
                    give_up = Some(Instant::now() + OUTPUT_END_LIMIT);
                }
                // Whoever keeps writing although no process of the run is left does not belong to it.
                Ok(_) if give_up.is_some_and(|at| Instant::now() > at) => break,
                Ok(other) => {
                    let kept = self.keep(other);
                    failure = failure.or(kept.err());
                }
                Err(_) => break,
            }
        }
        (tree.unwrap_or_default(), failure)
    }

    fn time_left(&self) -> Duration {
        let total = self.limits.total.saturating_sub(self.begun.elapsed());
        match self.limits.idle {
            Some(idle) => total.min(idle.saturating_sub(self.last_heard.elapsed())),
            None => total,
        }
    }

    fn keep(&mut self, input: Input) -> io::Result<()> {
        let draft = match input {
            Input::Item(item) => self.translator.draft(item, Timestamp::now()),
            Input::Stderr(text) => self.translator.text(EventKind::RUNNER_STDERR, &text, Timestamp::now()),
            Input::OutputEnd => {
                self.open_streams -= 1;
                return Ok(());
            }
            Input::ChildEnded { .. } | Input::Stop | Input::TreeEnded(_) => return Ok(()),
        };
        self.last_heard = Instant::now();
        self.extractor.take(&draft);
        self.remember_lines(&draft);
        self.spool.append(draft)?;
        if self.spool.events().is_multiple_of(SWEEP_EVERY) {
            self.sweep_kept_events();
        }
        Ok(())
    }

    /// ansible-runner writes each event to a file of its own, too, and never reads it again: they would fill the
    /// memory that holds their directory. Those that end in `-partial.json` are still to be read by it.
    fn sweep_kept_events(&self) {
        for entry in fs::read_dir(&self.kept_events).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.ends_with(".json") && !name.ends_with("-partial.json") {
                // It may be gone already; the directory goes with the run in any case.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn remember_lines(&mut self, draft: &Draft) {
        let Some(stdout) = &draft.stdout else { return };
        // Only the end is wanted: an event may print a hundred thousand lines.
        let mut lines: Vec<&str> = stdout.rsplit('\n').take(LAST_LINES).collect();
        lines.reverse();
        for line in lines {
            if self.last_lines.len() == LAST_LINES {
                self.last_lines.pop_front();
            }
            let line = log_text::plain(line);
            let end = line.floor_char_boundary(LAST_LINE_BYTES);
            self.last_lines.push_back(line[..end].to_owned());
        }
    }

    fn outcome(self, cause: Cause, ended: Ended) -> Outcome {
        let last_lines = Vec::from(self.last_lines);
        let no_host_was_touched = self.extractor.no_host_was_touched();
        let report = self.extractor.finish();
        let rc = if let Cause::Exit(rc) = cause { rc } else { None };
        let (ending, mut reason) = match cause {
            Cause::Exit(rc) => {
                diagnose(&Evidence { rc, report: &report, no_host_was_touched, last_lines: &last_lines })
            }
            Cause::Stop => (Ending::Canceled, by_request(ended)),
            Cause::Signal => (Ending::Failed, by_signal()),
            Cause::Total => {
                (Ending::TimedOut, by_limit(Code::TotalTimeout, "took longer than", self.limits.total))
            }
            Cause::Idle => {
                let idle = self.limits.idle.unwrap_or_default();
                (Ending::TimedOut, by_limit(Code::IdleTimeout, "printed nothing for", idle))
            }
            Cause::Spool(error) => (Ending::Failed, spool_failed(&error)),
        };
        let ending = if ended.survivors > 0
            && (ending == Ending::Canceled || ended.survivors > ended.not_ours)
        {
            reason.message =
                format!("{} processes of the run could not be ended; {}", ended.survivors, reason.message);
            Ending::Failed
        } else {
            ending
        };
        if ending != Ending::Succeeded {
            reason.last_lines = last_lines;
        }
        Outcome {
            ending,
            reason,
            rc,
            report,
            events: 0,
            processes_killed: ended.signaled,
            started_at: Some(self.started_at),
            finished_at: Timestamp::now(),
        }
    }
}

fn by_request(ended: Ended) -> Reason {
    let message = format!(
        "ended by request: {} processes were ended here; what was already begun on other hosts may go on",
        ended.signaled
    );
    Reason::new(Some(Phase::Run), Code::Canceled, message)
}

fn by_signal() -> Reason {
    let message = "the supervisor was told to end by somebody else than the service, as when the machine shuts down; \
                   the run was ended";
    Reason::new(Some(Phase::Run), Code::Interrupted, message)
}

fn by_limit(code: Code, what: &str, limit: Duration) -> Reason {
    let message = format!(
        "the run {what} {} s and was ended; what was already begun on other hosts may go on",
        limit.as_secs_f64()
    );
    Reason::new(Some(Phase::Run), code, message)
}

/// Starts the threads that read the leader's streams; gives how many there are, each of which tells its end.
fn read_streams(child: &mut Child, sender: &SyncSender<Input>, ident: &str, event_bytes: usize) -> usize {
    let mut streams = 0;
    if let Some(stdout) = child.stdout.take() {
        let ident = ident.to_owned();
        let item = move |line| Input::Item(stream::parse(line, &ident));
        read_lines(stdout, event_bytes, sender.clone(), item);
        streams += 1;
    }
    if let Some(stderr) = child.stderr.take() {
        let text = |line| match stream::parse(line, "") {
            Item::Text(text) => Input::Stderr(text),
            other => Input::Item(other),
        };
        read_lines(stderr, STDERR_LINE_BYTES, sender.clone(), text);
        streams += 1;
    }
    streams
}

/// Starts the threads that hear of children's ends and of requests to stop.
fn listen(sender: &SyncSender<Input>, stop: Stop, none_left: NoneLeft) {
    let ends = sender.clone();
    thread::spawn(move || {
        // A closed channel means that nobody is interested any more; reaping goes on all the same.
        process::reap_children(&none_left, |pid, code| drop(ends.send(Input::ChildEnded { pid, code })));
    });
    let stops = sender.clone();
    let Stop(mut signals) = stop;
    thread::spawn(move || signals.forever().take_while(|_| stops.send(Input::Stop).is_ok()).for_each(drop));
}

fn read_lines(
    source: impl Read + Send + 'static,
    limit: usize,
    sender: SyncSender<Input>,
    input: impl Fn(stream::Line) -> Input + Send + 'static,
) {
    thread::spawn(move || {
        let mut source = BufReader::with_capacity(64 * 1024, source);
        while let Ok(Some(line)) = stream::next_line(&mut source, limit) {
            if sender.send(input(line)).is_err() {
                return;
            }
        }
        // As above: nobody may be there to hear it.
        let _ = sender.send(Input::OutputEnd);
    });
}

/// Ends the tree from a thread of its own, so that its last words are still read.
fn end_tree(sender: SyncSender<Input>, grace: Duration, none_left: NoneLeft) {
    thread::spawn(move || {
        let ended = TreeKill::default().end(grace, &none_left);
        // As above: nobody may be there to hear it.
        let _ = sender.send(Input::TreeEnded(ended));
    });
}

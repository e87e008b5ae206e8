//! From a started ansible-runner to the outcome of its run.
//!
//! ```text
//!   stdout --lines--.                          .-> spool
//!   stderr --lines--+--> one channel --> loop -+-> extractor
//!   children -ends--+                          '-> last lines
//!   SIGTERM --------'
//! running --leader ended | stop | limits | spool failed--> ending the tree --no process left--> outcome
//! ```
//! The channel is bounded: when events come faster than the disk takes them, ansible-runner waits.

use std::{
    collections::VecDeque,
    ffi::OsStr,
    io,
    os::unix::ffi::OsStrExt,
    path::Path,
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError},
    },
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use model::{
    Complaint, Draft, Ending, EventKind, Executor, Phase, PlaybookDetail, PlaybookOutcome, WarningCode,
};
use process::{
    Ended, Excess, Keepers, Limits, NoneLeft, Stop, TreeGroup, TreeKill, log_text,
    untrusted::UntrustedDirectory, usage,
};
use serde_json::json;

use crate::{
    events::{
        diagnose::{Evidence, Selection},
        event::Translator,
        extract::Extractor,
        prompts, spool,
    },
    run::{
        cause::Cause,
        directory::RunDirectory,
        inputs::{Input, Leader, listen, read_streams},
        workspace,
    },
};

/// How many lines of output a reason shows.
const LAST_LINES: usize = 50;
/// How much of a line a reason shows, in bytes.
const LAST_LINE_BYTES: usize = 1000;
/// How long what a playbook left running may take to end after SIGTERM when the playbook itself is done.
const LEFTOVER_GRACE: Duration = Duration::from_secs(1);
/// How many names of processes a warning shows.
const SHOWN_PROCESSES: usize = 20;
/// After so many events what ansible-runner keeps of them is swept.
const SWEEP_EVERY: u64 = 256;
/// How long to wait for the end of the output when no process is left that could hold it open.
const OUTPUT_END_LIMIT: Duration = Duration::from_secs(5);

/// Drives one step of a run.
pub(crate) struct RunLoop<'a> {
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
    /// Marks the events of a process that was given an identifier for them; ansible-runner makes up its own.
    ident: Option<String>,
    /// Contains ansible-runner's own copy of each event, which is never read.
    own: UntrustedDirectory,
    /// Where a request to stop is left.
    directory: RunDirectory,
    /// Which of the run's steps it is, from 1.
    step: u32,
    /// The control groups of what the run started.
    groups: Arc<TreeGroup>,
    /// A child that waits for the steps that come.
    spared: Option<i32>,
    /// What runs Ansible.
    executor: Executor,
    /// Which tasks were asked for.
    selection: Selection,
}

/// The inputs of a run loop besides its limits.
#[derive(Debug)]
pub(crate) struct Run {
    /// Cleans what is kept.
    pub(crate) translator: Translator,
    /// Marks the events of a process that was given an identifier for them; ansible-runner makes up its own.
    pub(crate) ident: Option<String>,
    /// The run's directory that contains ansible-runner's artifacts.
    pub(crate) own: UntrustedDirectory,
    /// Where a request to stop is left.
    pub(crate) directory: RunDirectory,
    /// When the supervisor began: the total limit counts from there.
    pub(crate) begun: Instant,
    /// Which of the run's steps it is, from 1.
    pub(crate) step: u32,
    /// The control groups of what the run started.
    pub(crate) groups: Arc<TreeGroup>,
    /// A child that waits for the steps that come; none of what is ended.
    pub(crate) spared: Option<i32>,
    /// What runs Ansible.
    pub(crate) executor: Executor,
    /// Which tasks were asked for.
    pub(crate) selection: Selection,
}

impl<'a> RunLoop<'a> {
    /// For a step that has just been started.
    #[must_use]
    pub(crate) fn new(run: Run, spool: &'a mut spool::Writer, limits: Limits) -> Self {
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
            own: run.own,
            directory: run.directory,
            step: run.step,
            groups: run.groups,
            spared: run.spared,
            executor: run.executor,
            selection: run.selection,
        }
    }

    /// Runs until no process of the run is left. Returns whether that is certain.
    #[must_use]
    pub(crate) fn run(mut self, mut leader: Leader, stop: Stop) -> (PlaybookOutcome, bool) {
        let (sender, inputs) = mpsc::sync_channel(256);
        let none_left = NoneLeft::default();
        self.open_streams = read_streams(&mut leader, &sender, self.ident.as_deref(), self.limits);
        listen(&sender, stop, none_left.clone(), self.spared);
        self.watch_usage(&sender);
        let cause = self.until_something_ends_it(&inputs, leader.pid);
        // A limit that the kernel enforces may have ended the leader before it was noticed.
        let cause = match (cause, self.groups.excess()) {
            (Cause::Exit(_), Some(excess)) => Cause::Excess(excess),
            (cause, _) => cause,
        };
        let grace = match cause {
            Cause::Exit(_) => LEFTOVER_GRACE.min(self.limits.grace),
            // A run that uses up a resource gets no time to use more.
            Cause::Excess(_) => Duration::ZERO,
            _ => self.limits.grace,
        };
        let running = match cause {
            Cause::Exit(_) => process::left_running(self.spared, &leader.keepers),
            _ => Vec::new(),
        };
        self.end_tree(sender, grace, leader.keepers, none_left);
        let (ended, late_failure) = self.until_the_tree_has_ended(&inputs);
        let late_failure = late_failure.or(self.warn_of_ended(&running, ended).err());
        let cause = match (cause, late_failure) {
            (cause, None) | (cause @ Cause::Spool(_), _) => cause,
            (_, Some(error)) => Cause::Spool(error),
        };
        (self.outcome(cause, ended), ended.is_proven)
    }

    fn watch_usage(&self, sender: &SyncSender<Input>) {
        let sender = sender.clone();
        let report = move |excess: Option<Excess>| match excess {
            Some(excess) => sender.send(Input::Excess(excess)).is_ok(),
            None => !matches!(sender.try_send(Input::Nothing), Err(TrySendError::Disconnected(_))),
        };
        usage::watch(self.groups.clone(), self.limits, report);
    }

    /// Ends the tree from a thread of its own, so that its last words are still read.
    fn end_tree(&self, sender: SyncSender<Input>, grace: Duration, keepers: Keepers, none_left: NoneLeft) {
        let (groups, spared) = (self.groups.clone(), self.spared);
        thread::spawn(move || {
            let ended = TreeKill::sparing(spared).keeping(keepers).end(grace, &none_left, || groups.kill());
            // A closed channel means that the run loop has ended.
            let _ = sender.send(Input::TreeEnded(ended));
        });
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
                Input::OutputLimit => return Cause::Output,
                Input::Excess(excess) => return Cause::Excess(excess),
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

    /// Reads output until the tree has ended. Returns what was terminated, and an error of the spool.
    fn until_the_tree_has_ended(&mut self, inputs: &Receiver<Input>) -> (Ended, Option<io::Error>) {
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
                // A process that still writes although no process of the run is left does not belong to the run.
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

    fn warn_of_ended(&mut self, running: &[String], ended: Ended) -> io::Result<()> {
        if running.is_empty() || ended.signaled == 0 {
            return Ok(());
        }
        let shown = &running[..running.len().min(SHOWN_PROCESSES)];
        let message = format!(
            "background processes were still running when the playbook ended, and were terminated: {} ({})\n\
             hint: start what is to stay by a service manager such as systemd",
            running.len(),
            shown.join(", ")
        );
        let more = json!({ "processes": running.len(), "names": shown });
        self.spool.append(Draft::warning(Timestamp::now(), WarningCode::ProcessesEnded, message, more))
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
            Input::ChildEnded { .. }
            | Input::OutputLimit
            | Input::Excess(_)
            | Input::Nothing
            | Input::Stop
            | Input::TreeEnded(_) => {
                return Ok(());
            }
        };
        self.last_heard = Instant::now();
        self.extractor.take(&draft);
        self.remember_lines(&draft);
        let warning = prompts::unanswered(&draft);
        self.spool.append(draft)?;
        if let Some(warning) = warning {
            self.spool.append(warning)?;
        }
        if self.spool.events().is_multiple_of(SWEEP_EVERY) {
            self.sweep_kept_events();
        }
        Ok(())
    }

    /// ansible-runner writes each event to a file of its own, too, and never reads it again: they would fill the
    /// memory that holds their directory. Those that end in `-partial.json` are still to be read by it.
    fn sweep_kept_events(&self) {
        let Ok(artifacts) = self.own.directory(Path::new(workspace::ARTIFACTS)) else { return };
        for ident in UntrustedDirectory::directories(&artifacts) {
            let ident = Path::new(OsStr::from_bytes(ident.to_bytes()));
            let path = Path::new(workspace::ARTIFACTS).join(ident).join("job_events");
            let Ok(events) = self.own.directory(&path) else { continue };
            UntrustedDirectory::remove_files(&events, |name| {
                name.ends_with(b".json") && !name.ends_with(b"-partial.json")
            });
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

    /// Has what Ansible complained of beside its tasks among the warnings of the run.
    fn warn_of(spool: &mut spool::Writer, complaints: &[String]) {
        for complaint in complaints {
            let message = format!("Ansible reported: {complaint}");
            let draft = Draft::own(Timestamp::now(), &Complaint { phase: Phase::Run, message });
            if let Err(error) = spool.append(draft) {
                tracing::warn!(%error, "a warning could not be kept");
            }
        }
    }

    fn outcome(self, cause: Cause, ended: Ended) -> PlaybookOutcome {
        let last_lines = Vec::from(self.last_lines);
        let findings = self.extractor.finish();
        Self::warn_of(self.spool, &findings.complaints);
        let rc = if let Cause::Exit(rc) = cause { rc } else { None };
        let evidence =
            Evidence { rc, findings: &findings, selection: &self.selection, last_lines: &last_lines };
        let (ending, mut reason) = cause.verdict(&evidence, self.limits, ended);
        if ending != Ending::Succeeded {
            reason.last_lines = last_lines;
        }
        PlaybookOutcome {
            ending,
            reason,
            detail: PlaybookDetail {
                rc,
                step: self.step,
                executor: Some(self.executor),
                // The supervisor knows.
                isolation: None,
                protections: Vec::new(),
                report: findings.report,
                emitted: 0,
                events: 0,
                // The kernel may have been faster. Processes that it killed were killed because of the run's limits.
                processes_killed: u32::try_from(self.groups.ended_by_kernel())
                    .unwrap_or(u32::MAX)
                    .saturating_add(ended.signaled),
            },
            started_at: Some(self.started_at),
            finished_at: Timestamp::now(),
        }
    }
}

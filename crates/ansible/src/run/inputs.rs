//! The inputs of a run loop: lines of the leader's streams, exits of children, and requests to stop. Each has a thread, and
//! all use one channel.

use std::{
    fs::File,
    io::{BufReader, Read},
    os::fd::OwnedFd,
    process::Child,
    sync::mpsc::SyncSender,
    thread,
};

use process::{
    Ended, Excess, Keepers, Limits, NoneLeft, Stop,
    output_limit::{Budget, Counted},
};

use crate::events::stream::{self, Events, Item};

/// The longest line of ansible-runner's own error output that is kept.
const STDERR_LINE_BYTES: usize = 64 * 1024;

/// One input.
pub(crate) enum Input {
    Item(Item),
    Stderr(String),
    OutputEnd,
    OutputLimit,
    Excess(Excess),
    /// Ignored. Sent to check whether the receiver still exists.
    Nothing,
    ChildEnded {
        pid: i32,
        code: Option<i32>,
    },
    Stop,
    TreeEnded(Ended),
}

/// The process that runs Ansible, or that starts it, and its streams.
#[derive(Debug)]
pub(crate) struct Leader {
    pub(crate) pid: i32,
    /// Events, and output that belongs to no event.
    pub(crate) output: Option<File>,
    /// Lines that belong to no event, from a terminal.
    pub(crate) terminal: Option<File>,
    /// The error output of ansible-runner.
    pub(crate) errors: Option<File>,
    /// The processes that keep the sandbox that it has joined.
    pub(crate) keepers: Keepers,
}

impl From<Child> for Leader {
    fn from(mut child: Child) -> Self {
        let file = |stream: OwnedFd| File::from(stream);
        Self {
            pid: i32::try_from(child.id()).unwrap_or(i32::MAX),
            output: child.stdout.take().map(|stream| file(stream.into())),
            terminal: None,
            errors: child.stderr.take().map(|stream| file(stream.into())),
            keepers: Keepers::default(),
        }
    }
}

/// Starts a thread for each stream of the leader, and returns the number of streams. Each thread reports the end of its stream.
pub(crate) fn read_streams(
    leader: &mut Leader,
    sender: &SyncSender<Input>,
    ident: Option<&str>,
    limits: Limits,
) -> usize {
    let mut streams = 0;
    let budget = Budget::new(limits.output_bytes);
    let ident = ident.map(str::to_owned);
    let events = ident.map_or(Events::LikeTheFirst(None), Events::With);
    for (stream, mut events) in [(leader.output.take(), events), (leader.terminal.take(), Events::Never)] {
        let Some(stream) = stream else { continue };
        let item = move |line| Input::Item(events.parse(line));
        read_lines(budget.count(stream), limits.event_bytes, sender.clone(), item);
        streams += 1;
    }
    if let Some(stderr) = leader.errors.take() {
        let text = |line| match Events::Never.parse(line) {
            Item::Text(text) => Input::Stderr(text),
            other => Input::Item(other),
        };
        read_lines(budget.count(stderr), STDERR_LINE_BYTES, sender.clone(), text);
        streams += 1;
    }
    streams
}

/// Starts the threads that wait for exits of children and for requests to stop.
pub(crate) fn listen(sender: &SyncSender<Input>, stop: Stop, none_left: NoneLeft, spared: Option<i32>) {
    let ends = sender.clone();
    thread::spawn(move || {
        // A closed channel means that the run loop has ended. Reaping continues anyway.
        let report = |pid, code| drop(ends.send(Input::ChildEnded { pid, code }));
        process::reap_children(&none_left, spared, report);
    });
    let stops = sender.clone();
    thread::spawn(move || stop.each(|| stops.send(Input::Stop).is_ok()));
}

fn read_lines(
    source: Counted<impl Read + Send + 'static>,
    limit: usize,
    sender: SyncSender<Input>,
    mut input: impl FnMut(stream::Line) -> Input + Send + 'static,
) {
    thread::spawn(move || {
        let mut source = BufReader::with_capacity(64 * 1024, source);
        while let Ok(Some(line)) = stream::next_line(&mut source, limit) {
            if sender.send(input(line)).is_err() {
                return;
            }
        }
        // As above: the run loop may have ended.
        if source.get_ref().is_over() {
            let _ = sender.send(Input::OutputLimit);
        }
        let _ = sender.send(Input::OutputEnd);
    });
}

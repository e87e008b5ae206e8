//! The inspector process: starts the program, confined, and terminates all that it started.

use std::{
    ffi::OsString,
    fs,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use process::{
    MARKER, NoneLeft, Sandbox, Stop, TreeGroup, TreeKill,
    cgroup::Group,
    confine::{self, Confinement},
    home,
    output_limit::Budget,
    sandbox::Needs,
    usage,
};

use super::{Answer, Ending, spec::Spec};
use crate::toolchain::private_places;

/// How long to wait for the end of the output when no process is left that could hold it open.
const OUTPUT_END_LIMIT: Duration = Duration::from_secs(5);

/// Does what the first line of standard input requests, and answers on standard output. Exits at the end of standard input.
#[must_use]
pub fn main() -> ExitCode {
    let answer = begin().unwrap_or_else(|error| Answer::of(Ending::Failed(error.to_string())));
    // Without a service there is no reader.
    match answer.write(io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn begin() -> io::Result<Answer> {
    // Fails only for the leader of a process group, as when started from a shell by hand: no harm.
    let _ = rustix::process::setsid();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let stop = Stop::requests()?;
    let mut requests = BufReader::new(io::stdin());
    let mut line = Vec::new();
    requests.read_until(b'\n', &mut line)?;
    if line.last() != Some(&b'\n') {
        return Ok(Answer::of(Ending::CallerGone));
    }
    let spec: Spec = serde_json::from_slice(&line).map_err(io::Error::from)?;
    // Created before this process enters its group: groups below one with processes can't have limits.
    let groups = Arc::new(TreeGroup::make(&spec.id, spec.limits.memory_bytes, spec.limits.processes));
    // Without groups, the marker in the environment identifies the remaining processes if this process is killed.
    let group = Group::plan(&spec.id).and_then(|group| group.enter().map(|()| group)).ok();
    let answer = inspect(&spec, &groups, requests, stop);
    groups.remove();
    if let Some(Err(error)) = group.map(|group| group.leave()) {
        tracing::warn!(%error, "the control group of an inspection cannot be removed");
    }
    answer
}

/// What can happen.
enum Input {
    ChildEnded { pid: i32, code: Option<i32> },
    Ending(Ending),
    Printed { is_error: bool, text: Vec<u8> },
    Nothing,
}

fn inspect(
    spec: &Spec,
    groups: &Arc<TreeGroup>,
    requests: impl Read + Send + 'static,
    stop: Stop,
) -> io::Result<Answer> {
    let begun = Instant::now();
    let mut child = command(spec, groups.groups())?.spawn()?;
    let pid = i32::try_from(child.id()).unwrap_or(i32::MAX);
    // Without a bound: who reaps is never kept waiting while the tree is ended.
    let (sender, inputs) = mpsc::channel();
    let none_left = NoneLeft::default();
    listen(&sender, requests, stop, &none_left);
    read(&mut child, &sender, spec.limits.output_bytes);
    let usage = sender.clone();
    usage::watch(groups.clone(), spec.limits, move |excess| {
        let input = excess.map_or(Input::Nothing, |excess| Input::Ending(excess.into()));
        usage.send(input).is_ok()
    });
    drop(sender);
    let mut printed = [None, None];
    let ending = first_ending(&inputs, pid, begun, spec.limits.total, &mut printed);
    // A limit that the kernel enforces may have ended the program before it was noticed.
    let ending = match (ending, groups.excess()) {
        (Ending::Exit(_), Some(excess)) => excess.into(),
        (ending, _) => ending,
    };
    let ended = TreeKill::default().end(Duration::ZERO, &none_left, || groups.kill());
    let give_up = Instant::now() + OUTPUT_END_LIMIT;
    while printed.iter().any(Option::is_none) {
        match inputs.recv_timeout(give_up.saturating_duration_since(Instant::now())) {
            Ok(Input::Printed { is_error, text }) => printed[usize::from(is_error)] = Some(text),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    let [stdout, stderr] = printed.map(Option::unwrap_or_default);
    Ok(Answer { ending, survivors: ended.survivors, stdout, stderr })
}

/// What ends the inspection first.
fn first_ending(
    inputs: &Receiver<Input>,
    leader: i32,
    begun: Instant,
    limit: Duration,
    printed: &mut [Option<Vec<u8>>; 2],
) -> Ending {
    loop {
        match inputs.recv_timeout(limit.saturating_sub(begun.elapsed())) {
            Ok(Input::ChildEnded { pid, code }) if pid == leader => return Ending::Exit(code),
            Ok(Input::Ending(ending)) => return ending,
            Ok(Input::Printed { is_error, text }) => printed[usize::from(is_error)] = Some(text),
            Ok(Input::ChildEnded { .. } | Input::Nothing) => {}
            Err(RecvTimeoutError::Timeout) => return Ending::Clock,
            Err(RecvTimeoutError::Disconnected) => return Ending::Exit(None),
        }
        // One that never pauses has a limit, too.
        if begun.elapsed() >= limit {
            return Ending::Clock;
        }
    }
}

/// Starts the threads that wait for the ends of children, for the service, and for requests to stop.
fn listen(
    sender: &Sender<Input>,
    mut requests: impl Read + Send + 'static,
    stop: Stop,
    none_left: &NoneLeft,
) {
    // A closed channel means that the answer is complete. Reaping continues anyway.
    let (ends, none_left) = (sender.clone(), none_left.clone());
    thread::spawn(move || {
        let report = |pid, code| drop(ends.send(Input::ChildEnded { pid, code }));
        process::reap_children(&none_left, None, report);
    });
    let gone = sender.clone();
    thread::spawn(move || {
        // An error is an end as well.
        let _ = io::copy(&mut requests, &mut io::sink());
        gone.send(Input::Ending(Ending::CallerGone))
    });
    let stops = sender.clone();
    thread::spawn(move || stop.each(|| stops.send(Input::Ending(Ending::CallerGone)).is_ok()));
}

/// Starts the threads that keep what the program prints; what is beyond the limit is not read.
fn read(child: &mut Child, sender: &Sender<Input>, limit: u64) {
    let budget = Budget::new(limit);
    let stdout = child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>);
    let stderr = child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>);
    for (stream, is_error) in [(stdout, false), (stderr, true)] {
        let Some(stream) = stream else { continue };
        let (sender, mut stream) = (sender.clone(), budget.count(stream));
        thread::spawn(move || {
            let mut text = Vec::new();
            // An error ends the text at that point. The ending reports how the program ended.
            let _ = stream.read_to_end(&mut text);
            if stream.is_over() {
                // Before the stream is closed: closing it can end the program.
                let _ = sender.send(Input::Ending(Ending::Output));
            }
            let _ = sender.send(Input::Printed { is_error, text });
        });
    }
}

/// The program within its limits and, if it is to be in one, its sandbox, in which nothing of the content can be written.
fn command(spec: &Spec, groups: &[PathBuf]) -> io::Result<Command> {
    let isolation = &spec.isolation;
    let confinement = Confinement {
        view: None,
        read_only: isolation.sandbox.as_ref().map(|sandbox| sandbox.protected(false)).unwrap_or_default(),
        groups: groups.to_vec(),
        // bubblewrap sees to that itself, and may need a privilege to make the sandbox.
        no_new_privileges: isolation.no_new_privileges && isolation.sandbox.is_none(),
        open_files: isolation.open_files,
        file_bytes: isolation.file_bytes,
        sandbox: isolation.sandbox.is_some(),
    };
    let home = spec.own.join("home");
    let (mut command, home) = match &isolation.sandbox {
        None if isolation.private_home => {
            fs::create_dir(&home)?;
            let real = spec.environment.iter().find(|(name, _)| name == "HOME");
            home::fill(&home, real.map(|(_, home)| Path::new(home)))?;
            (confine::command(&confinement, &spec.program)?, Some(home))
        }
        None => (confine::command(&confinement, &spec.program)?, None),
        Some(sandbox) => {
            let mut command = confine::command(&confinement, &sandbox.program)?;
            // When this process is killed, so is the first process of the sandbox, and with it all others.
            command.arg("--die-with-parent").args(sandboxed(sandbox, spec)?).arg(&spec.program);
            // The home of a sandbox is empty, or read-only where a setting names what it is in.
            (command, None)
        }
    };
    command
        .args(&spec.arguments)
        .current_dir(&spec.directory)
        .env_clear()
        .envs(private_places(&spec.own))
        .envs(spec.environment.iter().map(|(name, value)| (name, value)))
        .envs(spec.more.iter().map(|(name, value)| (name, value)))
        .envs(home.map(|home| ("HOME", home)))
        .env(MARKER, &spec.id)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command)
}

/// The arguments of bubblewrap for the sandbox of runs, with nothing writable outside of it. The directory of the inspection is in
/// memory there, too, with its input files.
fn sandboxed(sandbox: &Sandbox, spec: &Spec) -> io::Result<Vec<OsString>> {
    let readable = [&*sandbox.readable, &*sandbox.writable, &*spec.seen].concat();
    let is_seen = |hidden: &PathBuf| readable.iter().any(|seen| hidden.starts_with(seen));
    let holds_content = |hidden: &PathBuf| spec.seen.iter().any(|seen| seen.starts_with(hidden));
    let hidden = spec.hidden.iter().filter(|hidden| is_seen(hidden) && !holds_content(hidden));
    let hidden: Vec<&Path> = hidden.chain([&spec.own]).map(PathBuf::as_path).collect();
    let given = fs::read_dir(&spec.own)?.map(|entry| entry.map(|entry| entry.path()));
    let needs = Needs {
        program: &spec.program,
        environment: &spec.environment,
        own: &[],
        hidden: &hidden,
        covered: &given.collect::<io::Result<Vec<_>>>()?,
        directory: &spec.directory,
        scratch: None,
    };
    // An inspection connects to no host.
    Ok(Sandbox { ssh_keys: false, readable, writable: Vec::new(), ..sandbox.clone() }.arguments(&needs))
}

//! The holder itself: accepts calls, does them as the local platform does, and ends when it is not needed any more.

use std::{
    fs, io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use process::descriptors;
use rustix::{
    fs::{FlockOperation, flock},
    mount::{MountFlags, mount},
};
use serde::Serialize;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    time::Instant,
};

use super::{
    super::{Local, options::Options},
    start::socket,
    wire::{Call, MAX_LINE, Reply},
};
use crate::{error::Error, platform::Platform};

/// How long the holder stays without ranges and callers.
const IDLE: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Is the holder, until it is not needed any more.
///
/// # Errors
/// If it cannot prepare its directory or its socket.
pub(in super::super) fn hold(options: Options) -> Result<(), Error> {
    let failed = |error: io::Error| Error::refused(format!("the holder cannot start: {error}"));
    let lock = fs::File::create(options.run.join("holder.lock")).map_err(failed)?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        // Another one was started at the same time.
        return Ok(());
    }
    let inner = options.run.join("inner");
    prepare(&inner).map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let path = socket(&options.run);
    let run = inner.join("ranges");
    let local = Arc::new(Local::new(Options { run: run.clone(), ..options }));
    runtime.block_on(serve(local, &path, &run)).map_err(failed)
}

/// Mounts a directory for the holder that no other process sees.
fn prepare(inner: &Path) -> io::Result<()> {
    fs::create_dir_all(inner)?;
    mount("rangehand", inner, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(c"mode=0700"))?;
    Ok(())
}

async fn serve(local: Arc<Local>, path: &Path, run: &Path) -> io::Result<()> {
    let _ = fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    let connections = Arc::new(AtomicUsize::new(0));
    let mut last = Instant::now();
    loop {
        match tokio::time::timeout(LOOK_AGAIN, listener.accept()).await {
            Ok(accepted) => {
                let (stream, _) = accepted?;
                last = Instant::now();
                let (local, connections) = (Arc::clone(&local), Arc::clone(&connections));
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    // A caller that disconnects finds what was done by its next call.
                    let _ = answer(&local, stream).await;
                    connections.fetch_sub(1, Ordering::SeqCst);
                });
            }
            Err(_) => {
                if connections.load(Ordering::SeqCst) > 0 || run.exists() {
                    last = Instant::now();
                }
                if last.elapsed() > IDLE {
                    return fs::remove_file(path);
                }
            }
        }
    }
}

async fn answer(local: &Local, stream: UnixStream) -> io::Result<()> {
    let mut stream = BufReader::new(stream.take(MAX_LINE));
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let mut stream = stream.into_inner().into_inner();
    if line.is_empty() {
        return Ok(());
    }
    let call: Call = serde_json::from_str(&line)?;
    let (reply, descriptor) = match call {
        Call::Connect(machine, port) => match local.connect(&machine, port).await {
            Ok(socket) => (Ok(serde_json::Value::Null), Some(socket)),
            Err(error) => (Err(error), None),
        },
        call => (carry_out(local, call).await, None),
    };
    let mut text = serde_json::to_vec(&reply)?;
    text.push(b'\n');
    stream.write_all(&text).await?;
    if let Some(descriptor) = descriptor {
        stream.writable().await?;
        descriptors::pass(&stream, &descriptor)?;
    }
    Ok(())
}

async fn carry_out(local: &Local, call: Call) -> Reply {
    match call {
        Call::Observe(owner) => value(local.observe(&owner).await),
        Call::Ensure(owner, wanted) => value(local.ensure(&owner, &wanted).await),
        Call::Power(machine, power) => value(local.power(&machine, power).await),
        Call::Access(machine) => value(local.access(&machine).await),
        Call::Snapshot(machine, action) => value(local.snapshot(&machine, &action).await),
        Call::Remove(thing) => value(local.remove(&thing).await),
        Call::Wait(awaited) => value(local.wait(&awaited).await),
        Call::Connect(..) => Err(Error::refused("a connection has no text")),
    }
}

fn value(result: Result<impl Serialize, Error>) -> Reply {
    serde_json::to_value(result?).map_err(|error| Error::refused(error.to_string()))
}

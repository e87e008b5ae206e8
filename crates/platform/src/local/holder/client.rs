//! The local platform as ordinary users have it: every call goes to the holder, which is started with the first thing that is made.

use std::{
    io::{self, Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
};

use process::descriptors;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    super::{check::Way, connect_command::connect_command, describe::describe, options::Options},
    start::{socket, start},
    wire::{Call, MAX_LINE, Reply},
};
use crate::{
    description::Description,
    error::Error,
    observed::{Observed, Power},
    owner::{Owner, Thing},
    platform::{Access, Answer, Awaited, Ensured, Platform, Progress, SnapshotAction},
    wanted::Wanted,
};

/// This machine as a platform, for an ordinary user.
#[derive(Debug)]
pub struct Held {
    options: Options,
    /// One call at a time starts the holder.
    starting: tokio::sync::Mutex<()>,
}

impl Held {
    /// The platform with these options. The holder is started when something is made.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, starting: tokio::sync::Mutex::default() }
    }

    /// Calls the holder; `None` if there is none.
    async fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<Option<T>, Error> {
        let Ok(mut stream) = tokio::net::UnixStream::connect(socket(&self.options.run)).await else {
            return Ok(None);
        };
        let lost = |error: io::Error| Error::Unknown { what: format!("the holder did not answer: {error}") };
        let mut text = serde_json::to_vec(call).map_err(|error| Error::refused(error.to_string()))?;
        text.push(b'\n');
        stream.write_all(&text).await.map_err(lost)?;
        let mut reply = String::new();
        stream.take(MAX_LINE).read_to_string(&mut reply).await.map_err(lost)?;
        read(&reply).map(Some)
    }

    /// Calls the holder, and starts it if there is none.
    async fn ask_or_start<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        if let Some(found) = self.ask(call).await? {
            return Ok(found);
        }
        {
            let _one = self.starting.lock().await;
            start(&self.options).await?;
        }
        self.ask(call).await?.ok_or_else(|| Error::retry("the holder has ended"))
    }

    async fn about<T: DeserializeOwned>(&self, machine: &Thing, call: &Call) -> Result<T, Error> {
        self.ask(call).await?.ok_or_else(|| Error::gone(format!("{machine} does not exist")))
    }
}

impl Platform for Held {
    fn describe(&self) -> Answer<'_, Description> {
        Box::pin(async { Ok(describe(&self.options, Way::User)) })
    }

    fn observe<'a>(&'a self, owner: &'a Owner) -> Answer<'a, Observed> {
        Box::pin(async { Ok(self.ask(&Call::Observe(owner.clone())).await?.unwrap_or_default()) })
    }

    fn ensure<'a>(&'a self, owner: &'a Owner, wanted: &'a Wanted) -> Answer<'a, Ensured> {
        Box::pin(async { self.ask_or_start(&Call::Ensure(owner.clone(), wanted.clone())).await })
    }

    fn power<'a>(&'a self, machine: &'a Thing, power: Power) -> Answer<'a, Progress> {
        Box::pin(async move { self.about(machine, &Call::Power(machine.clone(), power)).await })
    }

    fn access<'a>(&'a self, machine: &'a Thing) -> Answer<'a, Access> {
        Box::pin(async {
            let access: Access = self.about(machine, &Call::Access(machine.clone())).await?;
            Ok(Access { connect: connect_command(&self.options, machine), ..access })
        })
    }

    fn snapshot<'a>(&'a self, machine: &'a Thing, action: &'a SnapshotAction) -> Answer<'a, Progress> {
        Box::pin(async { self.about(machine, &Call::Snapshot(machine.clone(), action.clone())).await })
    }

    fn remove<'a>(&'a self, thing: &'a Thing) -> Answer<'a, Progress> {
        Box::pin(async { Ok(self.ask(&Call::Remove(thing.clone())).await?.unwrap_or(Progress::Done)) })
    }

    fn wait<'a>(&'a self, awaited: &'a Awaited) -> Answer<'a, ()> {
        Box::pin(async {
            let found = self.ask(&Call::Wait(awaited.clone())).await?;
            found.ok_or_else(|| Error::gone("what is waited for does not exist"))
        })
    }
}

/// A connection to a port of a machine, from the holder with this directory.
pub(in super::super) fn fetch_connection(run: &Path, machine: &Thing, port: u16) -> Result<OwnedFd, Error> {
    let failed = |error: io::Error| Error::retry(format!("the holder passes no connection: {error}"));
    let mut stream = UnixStream::connect(socket(run)).map_err(failed)?;
    let call = serde_json::to_string(&Call::Connect(machine.clone(), port))
        .map_err(|error| Error::refused(error.to_string()))?;
    stream.write_all(format!("{call}\n").as_bytes()).map_err(failed)?;
    // Without a buffer: the byte after the line carries the socket.
    let mut reply = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte).map_err(failed)? == 1 && byte[0] != b'\n' {
        reply.push(byte[0]);
    }
    read::<()>(&String::from_utf8_lossy(&reply))?;
    let passed = descriptors::receive(&stream).map_err(failed)?;
    passed.ok_or_else(|| failed(io::Error::other("it passed none")))
}

fn read<T: DeserializeOwned>(reply: &str) -> Result<T, Error> {
    let lost = |error: serde_json::Error| Error::Unknown {
        what: format!("the holder ended while it worked: {error}"),
    };
    let reply: Reply = serde_json::from_str(reply).map_err(lost)?;
    serde_json::from_value(reply?).map_err(lost)
}

//! What the local platform needs a process of its own for: to connect `ssh` with a machine.
//!
//! ```text
//! PROGRAM connect RUN OWNER MACHINE PORT    as `ProxyCommand` with `ProxyUseFdpass yes`: passes the connected socket to `ssh`
//! ```

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::{home::Home, ready};
use crate::{error::Error, owner::Owner};

const USAGE: &str = "usage: connect RUN OWNER MACHINE PORT";

/// Carries out one command.
///
/// # Errors
/// If the arguments are wrong, or the command fails.
pub fn run(arguments: &[String]) -> Result<(), Error> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["connect", run, owner, machine, port] => {
            let owner = Owner::parse(owner).ok_or_else(|| Error::refused(USAGE))?;
            let port = port.parse().map_err(|_| Error::refused(USAGE))?;
            let socket = connect(PathBuf::from(run), &owner, machine, port)?;
            pass(&socket).map_err(|error| Error::refused(format!("cannot pass the socket to `ssh`: {error}")))
        }
        _ => Err(Error::refused(USAGE)),
    }
}

fn connect(run: PathBuf, owner: &Owner, machine: &str, port: u16) -> Result<OwnedFd, Error> {
    let range = Home::new(run).range(owner);
    let dir = range.machine(machine)?;
    let gone = || Error::gone(format!("there is no machine `{machine}` in range `{}`", owner.range()));
    let wanted = if range.exists()? { dir.wanted()? } else { None };
    Ok(ready::connect(&dir, &wanted.ok_or_else(gone)?.spec, port)?.into())
}

/// Passes a descriptor over the standard output, which is a socket.
fn pass(socket: &OwnedFd) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [socket.as_fd()];
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("no space for a descriptor"));
    }
    sendmsg(io::stdout(), &[IoSlice::new(b"\0")], &mut control, SendFlags::empty())?;
    Ok(())
}

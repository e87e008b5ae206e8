//! What the local platform needs processes of its own for, as commands of a program.
//!
//! ```text
//! PROGRAM connect RUN OWNER MACHINE PORT    as `ProxyCommand` with `ProxyUseFdpass yes`: passes the connected socket to `ssh`
//! PROGRAM hold OPTIONS                      is the holder of an ordinary user; OPTIONS is JSON
//! ```

use std::{
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use process::descriptors;

use super::{holder, home::Home, options::Options, ready};
use crate::{
    error::Error,
    owner::{Owner, Thing, ThingKind},
};

const USAGE: &str = "usage: connect RUN OWNER MACHINE PORT | hold OPTIONS";

/// Carries out one command.
///
/// # Errors
/// If the arguments are wrong, or the command fails.
pub fn run(arguments: &[String]) -> Result<(), Error> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["connect", run, owner, machine, port] => {
            let owner = Owner::parse(owner).ok_or_else(|| Error::refused(USAGE))?;
            let port = port.parse().map_err(|_| Error::refused(USAGE))?;
            let socket = connect(Path::new(run), &owner.thing(ThingKind::Machine, machine), port)?;
            descriptors::pass(io::stdout(), &socket)
                .map_err(|error| Error::refused(format!("cannot pass the socket to `ssh`: {error}")))
        }
        ["hold", options] => {
            let options: Options = serde_json::from_str(options)
                .map_err(|error| Error::refused(format!("the options of the holder are invalid: {error}")))?;
            holder::hold(options)
        }
        _ => Err(Error::refused(USAGE)),
    }
}

fn connect(run: &Path, machine: &Thing, port: u16) -> Result<OwnedFd, Error> {
    if holder::socket(run).exists() {
        return holder::fetch_connection(run, machine, port);
    }
    let range = Home::new(PathBuf::from(run)).range(&machine.owner);
    let dir = range.machine(&machine.name)?;
    let wanted = if range.exists()? { dir.wanted()? } else { None };
    let wanted = wanted.ok_or_else(|| Error::gone(format!("{machine} does not exist")))?;
    Ok(ready::connect(&dir, &wanted.spec, port)?.into())
}

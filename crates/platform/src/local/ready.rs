//! Connections to machines from where nothing else leads to them, and whether they are ready.

use std::{
    io::{self, Read},
    net::{IpAddr, SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use range::{
    document::{Probe, Ready},
    expand::spec::MachineSpec,
};

use super::{console, home::MachineDir, machine, process};
use crate::{error::Error, observed::Power};

/// How long one connection may take: it never leaves this machine.
const CONNECT: Duration = Duration::from_secs(2);
/// The least and the most time between two looks.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));
/// A machine is found ready at most this part of its time too late.
const LATE: u32 = 20;
pub(super) const SSH: u16 = 22;
const WINRM: u16 = 5985;

/// Connects to a machine from within its own namespace, in which the calling thread ends.
pub(super) fn connect(dir: &MachineDir, spec: &MachineSpec, port: u16) -> Result<TcpStream, Error> {
    machine::enter(dir)?;
    let address = SocketAddr::new(address(spec), port);
    TcpStream::connect_timeout(&address, CONNECT).map_err(|error| {
        Error::retry(format!("cannot connect to port {port} of machine `{}`: {error}", spec.name))
    })
}

/// The address by which a machine is reached: the first that it has.
pub(super) fn address(spec: &MachineSpec) -> IpAddr {
    let first = spec.nics.iter().find_map(|nic| nic.address);
    first.map_or(IpAddr::from([127, 0, 0, 1]), |address| address.addr())
}

/// Waits until the machine is ready. The calling thread ends in its namespace.
pub(super) fn wait(
    dir: &MachineDir,
    spec: &MachineSpec,
    ready: Option<Ready>,
    within: Duration,
) -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        if dir.wanted()?.is_none() {
            return Err(Error::gone(format!("machine `{}` does not exist", spec.name)));
        }
        if process::power(dir) == Power::Off {
            return Err(with_console(dir, format!("machine `{}` ended before it was ready", spec.name)));
        }
        let why = match probe(dir, spec, ready) {
            Ok(()) => return Ok(()),
            Err(why) => why,
        };
        let pause = (begun.elapsed() / LATE).clamp(LOOK_AGAIN.0, LOOK_AGAIN.1);
        if begun.elapsed() + pause > within {
            let (name, seconds) = (&spec.name, within.as_secs());
            return Err(with_console(dir, format!("machine `{name}` is not ready after {seconds} s: {why}")));
        }
        thread::sleep(pause);
    }
}

/// A failure, with the last lines that the machine printed.
fn with_console(dir: &MachineDir, what: String) -> Error {
    Error::refused_with(what, format!("the last lines of its console: {}", console::last_lines(dir)))
}

fn probe(dir: &MachineDir, spec: &MachineSpec, ready: Option<Ready>) -> Result<(), String> {
    let tcp = ready.and_then(|ready| ready.tcp).and_then(|port| u16::try_from(port.0).ok());
    match (tcp, ready.and_then(|ready| ready.by)) {
        (Some(port), _) => open(dir, spec, port).map(drop),
        (None, Some(Probe::None | Probe::Agent)) => Ok(()),
        (None, Some(Probe::Winrm)) => open(dir, spec, WINRM).map(drop),
        (None, Some(Probe::Ssh) | None) => {
            let mut banner = [0; 4];
            open(dir, spec, SSH)?.read_exact(&mut banner).map_err(|error| format!("port {SSH}: {error}"))?;
            if banner == *b"SSH-" { Ok(()) } else { Err(format!("port {SSH} is not that of an SSH server")) }
        }
    }
}

fn open(dir: &MachineDir, spec: &MachineSpec, port: u16) -> Result<TcpStream, String> {
    let stream = connect(dir, spec, port).map_err(|error| error.to_string())?;
    let limit: io::Result<()> = stream.set_read_timeout(Some(CONNECT));
    limit.map_err(|error| error.to_string())?;
    Ok(stream)
}

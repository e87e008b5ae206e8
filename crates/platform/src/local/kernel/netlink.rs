//! A netlink socket that sends requests in batches: one system call for many.
//!
//! The socket stays in the network namespace in which it was opened, whichever thread uses it later.

use std::{io, os::fd::OwnedFd};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use rustix::{
    io::Errno,
    net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with},
};

/// The most requests in one system call: their acknowledgments must fit into the default receive buffer.
const MOST_AT_ONCE: usize = 64;
/// The length of a message is a multiple of this.
const ALIGN: usize = 4;
/// Set in the replies of a dump during which something changed.
const DUMP_INTERRUPTED: u16 = 0x10;
/// How often a dump is repeated while things change.
const MOST_DUMPS: usize = 20;

/// A socket to the routing part of the kernel.
#[derive(Debug)]
pub(in super::super) struct Netlink {
    fd: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

/// A request to change something.
#[derive(Debug)]
pub(in super::super) struct Request {
    pub(super) message: RouteNetlinkMessage,
    /// Besides those of every request.
    pub(super) flags: u16,
    /// What it does, for messages.
    pub(super) what: String,
    /// Errors that mean that there is nothing to do.
    pub(super) fine: &'static [Errno],
}

/// A request that the kernel refused.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what}")]
pub(in super::super) struct Failure {
    pub(in super::super) what: String,
    #[source]
    pub(in super::super) error: io::Error,
}

impl Failure {
    pub(in super::super) fn new(what: impl Into<String>, error: impl Into<io::Error>) -> Self {
        Self { what: what.into(), error: error.into() }
    }

    /// Is it this error of the kernel?
    pub(in super::super) fn is(&self, errno: Errno) -> bool {
        Errno::from_io_error(&self.error) == Some(errno)
    }
}

impl Netlink {
    /// Opens a socket in the namespace of the calling thread.
    pub(in super::super) fn open() -> Result<Self, Failure> {
        let kind = SocketFlags::CLOEXEC;
        let fd = socket_with(AddressFamily::NETLINK, SocketType::RAW, kind, None)
            .map_err(|error| Failure::new("open a netlink socket", error))?;
        Ok(Self { fd, sequence: 0, buffer: vec![0; 64 * 1024] })
    }

    /// Sends the requests. All of them are carried out, in order, as far as the kernel can.
    ///
    /// # Errors
    /// The first failure.
    pub(in super::super) fn run(&mut self, requests: Vec<Request>) -> Result<(), Failure> {
        let mut failed = None;
        let mut requests = requests.into_iter().peekable();
        while requests.peek().is_some() {
            let batch: Vec<Request> = requests.by_ref().take(MOST_AT_ONCE).collect();
            let error = self.batch(batch)?;
            failed = failed.or(error);
        }
        failed.map_or(Ok(()), Err)
    }

    fn batch(&mut self, requests: Vec<Request>) -> Result<Option<Failure>, Failure> {
        let first = self.sequence.wrapping_add(1);
        let mut bytes = Vec::new();
        let mut waiting = Vec::new();
        for request in requests {
            self.push(&mut bytes, request.message, request.flags | NLM_F_ACK);
            waiting.push((request.what, request.fine));
        }
        send(&self.fd, &bytes, SendFlags::empty())
            .map_err(|error| Failure::new("send netlink requests", error))?;
        let mut failed: Option<(usize, Failure)> = None;
        let mut open = waiting.len();
        while open > 0 {
            for message in self.receive()? {
                let at = message.header.sequence_number.wrapping_sub(first) as usize;
                let NetlinkPayload::Error(error) = message.payload else { continue };
                let Some((what, fine)) = waiting.get(at) else { continue };
                open -= 1;
                if error.raw_code() == 0 {
                    continue;
                }
                let error = error.to_io();
                let is_fine = Errno::from_io_error(&error).is_some_and(|error| fine.contains(&error));
                let is_first = failed.as_ref().is_none_or(|(before, _)| at < *before);
                if !is_fine && is_first {
                    failed = Some((at, Failure::new(what.clone(), error)));
                }
            }
        }
        Ok(failed.map(|(_, failure)| failure))
    }

    /// Asks for one thing.
    pub(super) fn get(
        &mut self,
        message: RouteNetlinkMessage,
        what: &str,
    ) -> Result<RouteNetlinkMessage, Failure> {
        let mut bytes = Vec::new();
        self.push(&mut bytes, message, 0);
        send(&self.fd, &bytes, SendFlags::empty()).map_err(|error| Failure::new(what, error))?;
        loop {
            for message in self.receive()? {
                if message.header.sequence_number != self.sequence {
                    continue;
                }
                match message.payload {
                    NetlinkPayload::InnerMessage(found) => return Ok(found),
                    NetlinkPayload::Error(error) => return Err(Failure::new(what, error.to_io())),
                    _ => {}
                }
            }
        }
    }

    /// Asks for all things of a kind.
    pub(super) fn dump(
        &mut self,
        message: &RouteNetlinkMessage,
        what: &str,
    ) -> Result<Vec<RouteNetlinkMessage>, Failure> {
        for _ in 0..MOST_DUMPS {
            if let Some(found) = self.dump_once(message.clone(), what)? {
                return Ok(found);
            }
        }
        Err(Failure::new(what, io::Error::from(io::ErrorKind::Interrupted)))
    }

    fn dump_once(
        &mut self,
        message: RouteNetlinkMessage,
        what: &str,
    ) -> Result<Option<Vec<RouteNetlinkMessage>>, Failure> {
        let mut bytes = Vec::new();
        self.push(&mut bytes, message, NLM_F_DUMP);
        send(&self.fd, &bytes, SendFlags::empty()).map_err(|error| Failure::new(what, error))?;
        let (mut found, mut is_whole) = (Vec::new(), true);
        loop {
            for message in self.receive()? {
                if message.header.sequence_number != self.sequence {
                    continue;
                }
                is_whole &= message.header.flags & DUMP_INTERRUPTED == 0;
                match message.payload {
                    NetlinkPayload::InnerMessage(one) => found.push(one),
                    NetlinkPayload::Done(_) => return Ok(is_whole.then_some(found)),
                    NetlinkPayload::Error(error) => return Err(Failure::new(what, error.to_io())),
                    _ => {}
                }
            }
        }
    }

    fn push(&mut self, bytes: &mut Vec<u8>, message: RouteNetlinkMessage, flags: u16) {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = flags | NLM_F_REQUEST;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
        message.finalize();
        let (start, length) = (bytes.len(), message.buffer_len());
        bytes.resize(start + length.next_multiple_of(ALIGN), 0);
        message.serialize(&mut bytes[start..start + length]);
    }

    fn receive(&mut self) -> Result<Vec<NetlinkMessage<RouteNetlinkMessage>>, Failure> {
        let failed = |error: io::Error| Failure::new("read netlink replies", error);
        let (length, _) = loop {
            match recv(&self.fd, &mut self.buffer[..], RecvFlags::empty()) {
                Err(Errno::INTR) => {}
                received => break received.map_err(|error| failed(error.into()))?,
            }
        };
        let mut rest = &self.buffer[..length];
        let mut messages = Vec::new();
        while let Some(header) = rest.first_chunk::<4>() {
            let length = u32::from_ne_bytes(*header) as usize;
            let invalid = || failed(io::Error::from(io::ErrorKind::InvalidData));
            let message = rest.get(..length).filter(|_| length > 0).ok_or_else(invalid)?;
            messages
                .push(NetlinkMessage::deserialize(message).map_err(|error| failed(io::Error::other(error)))?);
            rest = rest.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
        }
        Ok(messages)
    }
}

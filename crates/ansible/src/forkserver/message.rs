//! Messages over a pair of sockets, with open files attached.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair, sockopt,
    },
};
use serde::{Serialize, de::DeserializeOwned};

/// The longest message that is read: answers are short, except for error messages.
const ANSWER_BYTES: usize = 64 * 1024;
/// The most files that come with a message: the namespaces of a sandbox.
const MOST_FILES: usize = 8;
/// Enough for the program and for environments.
const BUFFER_BYTES: usize = 1 << 20;

/// A pair of connected sockets. A child inherits the second only as one of its standard streams.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (first, second) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    for end in [&first, &second] {
        // As much as the kernel allows; what does not fit is refused when it is sent.
        let _ = sockopt::set_socket_send_buffer_size(end, BUFFER_BYTES);
    }
    Ok((first, second))
}

/// How long to wait for an answer.
pub(super) fn set_answer_limit(socket: impl AsFd, limit: Duration) -> io::Result<()> {
    Ok(sockopt::set_socket_timeout(socket, sockopt::Timeout::Recv, Some(limit))?)
}

/// Sends bytes as they are.
pub(super) fn send_bytes(socket: impl AsFd, bytes: &[u8], files: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FILES))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    sendmsg(socket, &[IoSlice::new(bytes)], &mut beside, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Sends a message with files attached.
pub(super) fn send(socket: impl AsFd, message: &impl Serialize, files: &[BorrowedFd<'_>]) -> io::Result<()> {
    send_bytes(socket, &secrecy::zeroize::Zeroizing::new(serde_json::to_vec(message)?), files)
}

/// Receives the next message, and its files. A closed peer is an error.
pub(super) fn receive<T: DeserializeOwned>(socket: impl AsFd) -> io::Result<(T, Vec<OwnedFd>)> {
    receive_with(socket, RecvFlags::empty())
}

/// The same without waiting; `None` when there is none yet.
pub(super) fn receive_if_there<T: DeserializeOwned>(
    socket: impl AsFd,
) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    match receive_with(socket, RecvFlags::DONTWAIT) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        other => other.map(Some),
    }
}

fn receive_with<T: DeserializeOwned>(socket: impl AsFd, flags: RecvFlags) -> io::Result<(T, Vec<OwnedFd>)> {
    let flags = flags | RecvFlags::CMSG_CLOEXEC;
    let mut bytes = vec![0; ANSWER_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FILES))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        match recvmsg(&socket, &mut [IoSliceMut::new(&mut bytes)], &mut beside, flags) {
            Err(Errno::INTR) => {}
            other => break other?,
        }
    };
    let files = beside.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => Some(files),
        _ => None,
    });
    let files = files.flatten().collect();
    if received.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((serde_json::from_slice(&bytes[..received.bytes])?, files))
}

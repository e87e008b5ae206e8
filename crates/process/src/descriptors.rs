//! Open files that one process passes to another over a Unix socket, each with one byte.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

/// Passes a descriptor over a socket.
///
/// # Errors
/// When the other side has closed the socket, or the socket is no Unix socket.
pub fn pass(over: impl AsFd, descriptor: impl AsFd) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor.as_fd()];
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("no space for a descriptor"));
    }
    sendmsg(over, &[IoSlice::new(b"\0")], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// The descriptor that the other side passes; `None` if it closes the socket, or sends a byte without one.
///
/// # Errors
/// When nothing can be received within the time limit of the socket.
pub fn receive(from: impl AsFd) -> io::Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(from, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    Ok(control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    }))
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::{Read, Write},
        os::unix::net::UnixStream,
    };

    use super::*;

    #[test]
    fn a_passed_file_is_the_same_file_and_a_closed_socket_passes_none() {
        let (near, far) = UnixStream::pair().expect("sockets");
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        pass(&far, &writer).expect("passed");
        drop(writer);
        let received = receive(&near).expect("received").expect("a descriptor");
        File::from(received).write_all(b"through").expect("written");
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("read");
        assert_eq!(text, "through");
        (&far).write_all(b"x").expect("written");
        assert!(receive(&near).expect("a byte").is_none());
        drop(far);
        assert!(receive(&near).expect("the end").is_none());
    }
}

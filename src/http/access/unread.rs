//! Replies that wait for their client to read them.
//!
//! The HTTP library copies each piece of a body into the buffer of its connection, and asks for the next one when there is
//! room. A body is handed to it in slices, so that this buffer stays small, and the rest of the piece counts for its client.
//! A client that does not read at all loses its connection by a limit of TCP (`app.rs`), one that reads too slowly here.

use std::{
    error::Error,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    dev::ServiceResponse,
    web::Bytes,
};

use super::held::{Most, Room};

/// The longest slice. A reply that is not longer is not counted: it fits into the buffer of its connection.
const SLICE: usize = 32 << 10;
/// How many bytes of a piece must be read in each second after the deadline.
const BYTES_A_SECOND: usize = 16 << 10;

/// How much may be unread, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Unread {
    /// In bytes.
    pub most: Most,
    /// After what time a client that does not read loses its connection.
    pub deadline: Duration,
}

/// A body in slices.
struct Slices {
    body: BoxBody,
    size: BodySize,
    /// What was not handed out of the last piece.
    left: Bytes,
    piece: Piece,
    room: Room,
    deadline: Duration,
}

/// The piece that is being sent.
struct Piece {
    begun: Instant,
    bytes: usize,
}

impl Unread {
    /// The same response, its body counted in this room; `None` where there is none for it. A response to a change is sent
    /// all the same: the caller must know what was done.
    pub(super) fn count<B>(
        self,
        response: ServiceResponse<B>,
        mut room: Room,
        may_refuse: bool,
    ) -> Option<ServiceResponse<BoxBody>>
    where
        B: MessageBody + 'static,
    {
        let size = response.response().body().size();
        match size {
            BodySize::None => return Some(response.map_into_boxed_body()),
            BodySize::Sized(bytes) => {
                let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
                if bytes <= SLICE {
                    return Some(response.map_into_boxed_body());
                }
                if !room.take_first(bytes, self.most) {
                    if may_refuse {
                        return None;
                    }
                    room.set(bytes);
                }
            }
            BodySize::Stream => {}
        }
        let piece = Piece { begun: Instant::now(), bytes: 0 };
        Some(response.map_body(|_, body| {
            let body = body.boxed();
            BoxBody::new(Slices { body, size, left: Bytes::new(), piece, room, deadline: self.deadline })
        }))
    }
}

impl MessageBody for Slices {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = &mut *self;
        if this.left.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_next(context)) {
                Some(Ok(piece)) => {
                    this.piece = Piece { begun: Instant::now(), bytes: piece.len() };
                    this.left = piece;
                }
                other => return Poll::Ready(other),
            }
        } else if this.piece.is_late(this.left.len(), this.deadline) {
            let error = io::Error::new(io::ErrorKind::TimedOut, "the client reads too slowly");
            return Poll::Ready(Some(Err(error.into())));
        }
        let slice = this.left.split_to(this.left.len().min(SLICE));
        this.room.set(this.left.len());
        Poll::Ready(Some(Ok(slice)))
    }
}

impl Piece {
    /// Whether more of it should have been read by now, of which so much is left.
    fn is_late(&self, left: usize, deadline: Duration) -> bool {
        let read = self.bytes.saturating_sub(left);
        let seconds = u64::try_from(read / BYTES_A_SECOND).unwrap_or(u64::MAX);
        self.begun.elapsed() > deadline.saturating_add(Duration::from_secs(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_late_when_less_was_read_than_the_least_rate_asks_for() {
        let begun =
            Instant::now().checked_sub(Duration::from_secs(100)).expect("the machine runs for longer");
        let piece = Piece { begun, bytes: 10 << 20 };
        let read = |bytes: usize| piece.is_late((10 << 20) - bytes, Duration::from_secs(60));
        assert!(read(0) && read(30 * BYTES_A_SECOND));
        assert!(!read(50 * BYTES_A_SECOND));
    }
}

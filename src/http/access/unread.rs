//! Limits on response data that clients have not read.
//!
//! The HTTP library copies each chunk of a body into the buffer of its connection, and polls for the next one when
//! there is space. A body is passed on in slices, so that this buffer stays small, and the rest of the chunk is
//! attributed to the client. The connection of a client that does not read at all is closed by a TCP timeout
//! (`app.rs`), and that of one that reads too slowly is closed here.

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

use super::held::{Quota, Reservation};

/// Maximum length of a slice. A response that is not longer is not counted, because it fits into the buffer of its
/// connection.
const SLICE: usize = 32 << 10;
/// Minimum read rate of a chunk, in bytes per second, after the deadline.
const BYTES_A_SECOND: usize = 16 << 10;

/// Limits on the amount of unread data, and the time that it can stay unread.
#[derive(Debug, Clone, Copy)]
pub struct Unread {
    /// Maximum amounts, in bytes.
    pub quota: Quota,
    /// Time after which the connection of a client that does not read is closed.
    pub deadline: Duration,
}

/// A body that is sent in slices.
struct Slices {
    body: BoxBody,
    size: BodySize,
    /// The rest of the current chunk.
    left: Bytes,
    piece: Piece,
    reservation: Reservation,
    deadline: Duration,
}

/// The chunk that is being sent.
struct Piece {
    begun: Instant,
    bytes: usize,
}

impl Unread {
    /// Returns the response with its body counted in `room`, or `None` if the limit is reached. A response to a
    /// change is always sent, because the caller must know the result.
    pub(super) fn count<B>(
        self,
        response: ServiceResponse<B>,
        mut reservation: Reservation,
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
                if !reservation.take_first(bytes, self.quota) {
                    if may_refuse {
                        return None;
                    }
                    reservation.set(bytes);
                }
            }
            BodySize::Stream => {}
        }
        let piece = Piece { begun: Instant::now(), bytes: 0 };
        Some(response.map_body(|_, body| {
            let body = body.boxed();
            BoxBody::new(Slices {
                body,
                size,
                left: Bytes::new(),
                piece,
                reservation,
                deadline: self.deadline,
            })
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
        this.reservation.set(this.left.len());
        Poll::Ready(Some(Ok(slice)))
    }
}

impl Piece {
    /// Whether the client reads too slowly, given the number of bytes that are left.
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
    fn a_piece_is_late_when_less_was_read_than_the_minimum_rate_requires() {
        let begun =
            Instant::now().checked_sub(Duration::from_secs(100)).expect("the machine runs for longer");
        let piece = Piece { begun, bytes: 10 << 20 };
        let read = |bytes: usize| piece.is_late((10 << 20) - bytes, Duration::from_secs(60));
        assert!(read(0) && read(30 * BYTES_A_SECOND));
        assert!(!read(50 * BYTES_A_SECOND));
    }
}

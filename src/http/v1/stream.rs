//! Events as they happen: server-sent events and lines of JSON, of one job or of all.
//!
//! Both give events after a number, in order, then the end. Server-sent events carry the number as `id`, so a
//! browser that reconnects sends it back as `Last-Event-ID` and misses nothing; they are unnamed, so `onmessage`
//! gets them all, and the stream of a job ends with one named `end` that holds the job.
//!
//! The next batch is read when the last one has gone to the client: a slow client costs one batch of memory and
//! nobody's time. It is never ahead of what it was told and skips nothing, so nothing needs to be synchronized anew.

use std::{io, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web::Bytes,
};
use engine::{Engine, Following, FollowingAll, Next, Shutdown, WatcherKind, Watching};
use futures_util::stream;
use serde::Serialize;

use super::view;
use crate::http::access::Seat;

/// How often a quiet stream of server-sent events shows that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How events are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// `text/event-stream`
    ServerSent,
    /// `application/x-ndjson`
    Lines,
}

impl Framing {
    /// What the request wants: `?format=sse|ndjson`, or its `Accept` header; `None` for a page.
    pub(super) fn wanted(request: &HttpRequest, format: Option<&str>) -> Option<Self> {
        let accepts = |media: &str| {
            let values = request.headers().get_all(header::ACCEPT);
            values.filter_map(|value| value.to_str().ok()).any(|value| value.contains(media))
        };
        match format {
            Some("sse") => Some(Self::ServerSent),
            Some("ndjson") => Some(Self::Lines),
            Some(_) => None,
            None if accepts("text/event-stream") => Some(Self::ServerSent),
            None if accepts("application/x-ndjson") => Some(Self::Lines),
            None => None,
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::ServerSent => "text/event-stream",
            Self::Lines => "application/x-ndjson",
        }
    }

    const fn watcher(self) -> WatcherKind {
        match self {
            Self::ServerSent => WatcherKind::ServerSent,
            Self::Lines => WatcherKind::Lines,
        }
    }

    fn events<'a, E: Serialize + 'a>(
        self,
        events: impl Iterator<Item = (u64, E)>,
    ) -> Result<String, serde_json::Error> {
        let mut text = String::new();
        for (id, event) in events {
            let line = serde_json::to_string(&event)?;
            text += &match self {
                Self::ServerSent => format!("id: {id}\ndata: {line}\n\n"),
                Self::Lines => line + "\n",
            };
        }
        Ok(text)
    }

    /// Lines of JSON are a record of events and nothing else, so only server-sent events show life and the end.
    fn quiet(self) -> &'static str {
        match self {
            Self::ServerSent => ": still here\n\n",
            Self::Lines => "",
        }
    }

    fn end(self, job: &model::Job) -> Result<String, serde_json::Error> {
        match self {
            Self::ServerSent => {
                Ok(format!("event: end\ndata: {}\n\n", serde_json::to_string(&view::job(job))?))
            }
            Self::Lines => Ok(String::new()),
        }
    }
}

/// What is followed.
pub(super) enum Source {
    /// The events of a job, to its end.
    Job(Box<Following>),
    /// Those of all jobs.
    All(Box<FollowingAll>),
}

/// How it is to be sent.
pub(super) struct Sending {
    pub framing: Framing,
    /// Does it go on when there are no more events for now?
    pub follow: bool,
    /// At most so many events.
    pub limit: Option<u64>,
    /// The name of the file that a browser is to make of it.
    pub file_name: Option<String>,
}

/// A stream on its way.
struct Stream {
    source: Source,
    framing: Framing,
    follow: bool,
    left: u64,
    shutdown: Shutdown,
    has_ended: bool,
    _watching: Watching,
    _seat: Seat,
}

impl Stream {
    /// The next piece; `None` at the end.
    async fn next(&mut self) -> io::Result<Option<String>> {
        if self.has_ended || self.left == 0 {
            return Ok(None);
        }
        let at_most = if self.follow { HEARTBEAT } else { Duration::ZERO };
        let mut shutdown = self.shutdown.clone();
        tokio::select! {
            piece = self.piece(at_most) => piece.map_err(io::Error::other),
            () = shutdown.requested(), if self.follow => match self.framing {
                // A browser connects again, with the number of the last event that it has.
                Framing::ServerSent => Ok(None),
                // A record that ends well must be whole, so this one is broken off.
                Framing::Lines => Err(io::Error::other("the service is stopping, or the caller is no longer authorized")),
            },
        }
    }

    async fn piece(&mut self, at_most: Duration) -> Result<Option<String>, Failed> {
        let framing = self.framing;
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let (text, count) = match &mut self.source {
            Source::Job(following) => match following.next(at_most).await? {
                Next::Events(events) => {
                    let count = events.len();
                    let items = events.into_iter().take(left).map(|event| (event.seq, view::event(event)));
                    (framing.events(items)?, count)
                }
                Next::End(job) => {
                    self.has_ended = true;
                    (framing.end(&job)?, 0)
                }
                Next::Quiet => return Ok(self.follow.then(|| framing.quiet().to_owned())),
            },
            Source::All(following) => match following.next(at_most).await? {
                Next::Events(events) => {
                    let count = events.len();
                    let items = events.into_iter().take(left).map(|placed| (placed.0, view::placed(placed)));
                    (framing.events(items)?, count)
                }
                Next::Quiet | Next::End(_) => return Ok(self.follow.then(|| framing.quiet().to_owned())),
            },
        };
        self.left = self.left.saturating_sub(count as u64);
        Ok(Some(text))
    }
}

/// Why a stream broke off; its status has been sent long ago.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Engine(#[from] engine::JobError),
    #[error("an event is no JSON")]
    Json(#[from] serde_json::Error),
}

/// Sends events until the job has ended (`follow`) or until there are no more for now.
pub(super) fn response(source: Source, sending: Sending, seat: Seat, engine: &Engine) -> HttpResponse {
    let Sending { framing, follow, limit, file_name } = sending;
    let begun = Stream {
        source,
        framing,
        follow,
        left: limit.unwrap_or(u64::MAX),
        shutdown: seat.until(),
        has_ended: false,
        _watching: engine.metrics().watching(framing.watcher()),
        _seat: seat,
    };
    let pieces = stream::try_unfold(begun, |mut stream| async move {
        let piece = stream.next().await?;
        Ok::<_, io::Error>(piece.map(|text| (Bytes::from(text), stream)))
    });
    let mut response = HttpResponse::Ok();
    if let Some(name) = file_name {
        response.insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")));
    }
    response
        .insert_header((header::CONTENT_TYPE, framing.media_type()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // A proxy that buffers would turn a live stream into a late one.
        .insert_header((header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")))
        .streaming(pieces)
}

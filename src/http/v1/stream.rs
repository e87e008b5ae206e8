//! Streams events of one job or of all jobs, as server-sent events or JSON lines.
//!
//! Both formats send the events after a number, in order. Server-sent events contain the number as `id`, so a
//! browser that reconnects sends it as `Last-Event-ID` and misses nothing. They are unnamed, so `onmessage`
//! receives all of them. The stream of a job ends with an event named `end` that contains the job.
//!
//! The next batch is read after the previous one was sent, so a slow client costs one batch of memory and delays no
//! other client. No events are skipped, so a client never has to resynchronize.

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
use crate::http::access::WatcherSlot;

/// Interval of keep-alive comments in a quiet stream of server-sent events.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The format of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// `text/event-stream`
    ServerSent,
    /// `application/x-ndjson`
    Lines,
}

impl Framing {
    /// The requested format: `?format=sse|ndjson`, or the `Accept` header; `None` for a page.
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

    /// JSON lines contain only events, so only server-sent events have keep-alive comments and an end event.
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

/// The source of a stream.
pub(super) enum Source {
    /// The events of a job, to its end.
    Job(Box<Following>),
    /// The events of all jobs.
    All(Box<FollowingAll>),
}

/// The format and the limits of a stream.
pub(super) struct Sending {
    pub framing: Framing,
    /// Whether the stream waits for further events.
    pub follow: bool,
    /// Maximum number of events.
    pub limit: Option<u64>,
    /// The file name of a download.
    pub file_name: Option<String>,
}

/// A stream that is being sent.
struct Stream {
    source: Source,
    framing: Framing,
    follow: bool,
    left: u64,
    shutdown: Shutdown,
    has_ended: bool,
    _watching: Watching,
    _slot: WatcherSlot,
}

impl Stream {
    /// The next chunk; `None` at the end.
    async fn next(&mut self) -> io::Result<Option<String>> {
        if self.has_ended || self.left == 0 {
            return Ok(None);
        }
        let at_most = if self.follow { HEARTBEAT } else { Duration::ZERO };
        let mut shutdown = self.shutdown.clone();
        tokio::select! {
            piece = self.piece(at_most) => piece.map_err(io::Error::other),
            () = shutdown.requested(), if self.follow => match self.framing {
                // The browser reconnects with the number of its last event.
                Framing::ServerSent => Ok(None),
                // A response that ends normally must be complete, so this one is aborted.
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

/// Why a stream was aborted after its status had been sent.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Engine(#[from] engine::JobError),
    #[error("an event is no JSON")]
    Json(#[from] serde_json::Error),
}

/// Sends events until the job has ended (`follow`), or until there are no more at present.
pub(super) fn response(source: Source, sending: Sending, slot: WatcherSlot, engine: &Engine) -> HttpResponse {
    let Sending { framing, follow, limit, file_name } = sending;
    let begun = Stream {
        source,
        framing,
        follow,
        left: limit.unwrap_or(u64::MAX),
        shutdown: slot.until(),
        has_ended: false,
        _watching: engine.metrics().watching(framing.watcher()),
        _slot: slot,
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
        // Prevents proxies from buffering, which would delay the stream.
        .insert_header((header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")))
        .streaming(pieces)
}

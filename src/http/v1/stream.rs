//! A job's events as they happen: server-sent events and lines of JSON.
//!
//! Both give events after a number, in order, then the end. Server-sent events carry the number as `id`, so a
//! browser that reconnects sends it back as `Last-Event-ID` and misses nothing; they are unnamed, so `onmessage`
//! gets them all, and the stream ends with one named `end` that holds the job.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web::Bytes,
};
use engine::{Following, Next, Shutdown};
use futures_util::stream;
use model::Event;
use serde_json::json;

use super::job_view::JobView;
use crate::http::problem::Problem;

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

    fn events(self, events: &[Event]) -> Result<String, serde_json::Error> {
        let mut text = String::new();
        for event in events {
            let line = serde_json::to_string(event)?;
            text += &match self {
                Self::ServerSent => format!("id: {}\ndata: {line}\n\n", event.seq),
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
                Ok(format!("event: end\ndata: {}\n\n", serde_json::to_string(&json!(JobView::from(job)))?))
            }
            Self::Lines => Ok(String::new()),
        }
    }
}

/// Where a stream stands.
enum Place {
    Following(Box<Following>),
    Ended,
}

/// Sends events until the job has ended (`follow`) or until there are no more for now.
pub(super) fn response(
    following: Following,
    framing: Framing,
    follow: bool,
    shutdown: Shutdown,
) -> HttpResponse {
    let begun = (Place::Following(Box::new(following)), shutdown);
    let pieces = stream::try_unfold(begun, move |(place, mut shutdown)| async move {
        let Place::Following(mut following) = place else { return Ok(None) };
        let patience = if follow { HEARTBEAT } else { Duration::ZERO };
        let next = tokio::select! {
            next = following.next(patience) => next.map_err(Problem::from)?,
            () = shutdown.requested() => return Ok(None),
        };
        let (text, place) = match next {
            Next::Events(events) => (framing.events(&events), Place::Following(following)),
            Next::Quiet if follow => (Ok(framing.quiet().to_owned()), Place::Following(following)),
            Next::Quiet => return Ok(None),
            Next::End(job) => (framing.end(&job), Place::Ended),
        };
        let text = text.map_err(|error| Problem::internal(&error))?;
        Ok::<_, Problem>(Some((Bytes::from(text), (place, shutdown))))
    });
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, framing.media_type()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // A proxy that buffers would turn a live stream into a late one.
        .insert_header((header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")))
        .streaming(pieces)
}

//! `/v1/jobs/{id}/log`: the output of Ansible, as plain text, with ANSI colors, or as an HTML page.
//!
//! It is sent in chunks, each of which is read after the previous one was sent, because a log can be larger than
//! memory.

use std::{io, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::header::{self, HeaderName, HeaderValue},
    web::{Bytes, Data, Path},
};
use ansi_to_html::{Converter, Esc};
use engine::{LogQuery, LogReader, NextText, Shutdown, WatcherKind, Watching, colored, plain_lines};
use futures_util::stream;
use model::JobId;
use serde_json::json;

use super::{
    events::{FLAG, TAG},
    job::{BAD_QUERY, JOB_ID, UNKNOWN_JOB, job_id},
    query::{self, Parameters},
};
use crate::http::{
    access::WatcherSlot,
    api::Api,
    endpoint::{Access, Doc, Endpoint, MakeSchema, Parameter, Reply, Verb},
    problem::Problem,
};

/// How long one wait for new lines lasts before it is repeated.
const WAIT_LIMIT: Duration = Duration::from_secs(60);
/// The current number of lines of the log.
const LINES: HeaderName = HeaderName::from_static("x-log-lines");
/// The first line after this part, if it exists already.
const NEXT: HeaderName = HeaderName::from_static("x-log-next");

const LINE: MakeSchema = |_| json!({"type": "integer", "minimum": 1, "maximum": i64::MAX});

pub(super) fn endpoint() -> Endpoint {
    let doc = Doc::new("job_log", TAG, "Returns the output of Ansible.")
        .parameters([
            JOB_ID,
            Parameter::query(
                "format",
                |_| json!({"enum": ["text", "ansi", "html"], "default": "text"}),
                "Without colours, with them, or as a page",
            ),
            Parameter::query(
                "from",
                |_| json!({"type": "integer", "minimum": 1, "maximum": i64::MAX, "default": 1}),
                "The first line",
            ),
            Parameter::query("limit", LINE, "At most so many lines"),
            Parameter::query("follow", FLAG, "Continue until the job has finished"),
        ])
        .replies([Reply::text(200, "The log", "text/plain").body("text/html", None).headers(&[
            ("X-Log-Lines", "How many lines there were when the reply began"),
            ("X-Log-Next", "The first line after this piece, when it was there already"),
        ])])
        .problems([UNKNOWN_JOB, BAD_QUERY])
        .streams();
    Endpoint::new(Verb::Get, "/v1/jobs/{id}/log", Access::VIEWER, log, doc).job("id")
}

/// The format of lines.
#[derive(Debug, Clone, Copy)]
enum Format {
    Text,
    Ansi,
    Html,
}

impl Format {
    fn read(query: &Parameters) -> Result<Self, Problem> {
        Ok(match query::word(query, "format", &["text", "ansi", "html"])? {
            Some("html") => Self::Html,
            Some("ansi") => Self::Ansi,
            _ => Self::Text,
        })
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Text | Self::Ansi => "text/plain; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
        }
    }

    fn begin(self, id: JobId) -> String {
        match self {
            Self::Text | Self::Ansi => String::new(),
            Self::Html => format!(
                "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Log of job {id}</title>\n\
                 <style>body {{ background: #111; color: #ddd }} pre {{ white-space: pre-wrap }}</style>\n</head>\n\
                 <body>\n<pre>\n"
            ),
        }
    }

    /// Formats the output of an event, with its last line end.
    fn text(self, text: &str) -> String {
        match self {
            Self::Text => plain_lines(text).flat_map(|line| [line, "\n".to_owned()]).collect(),
            Self::Ansi => colored(text) + "\n",
            Self::Html => html(text) + "\n",
        }
    }

    const fn end(self) -> &'static str {
        match self {
            Self::Text | Self::Ansi => "",
            Self::Html => "</pre>\n</body>\n</html>\n",
        }
    }
}

/// Converts ANSI colors to HTML elements, and escapes everything else. If there is an invalid color, the text is
/// not colored.
fn html(text: &str) -> String {
    Converter::new().convert(&colored(text)).unwrap_or_else(|_| {
        let plain: Vec<String> = plain_lines(text).collect();
        Esc(plain.join("\n")).to_string()
    })
}

async fn log(
    api: Data<Api>,
    id: Path<String>,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let format = Format::read(&query)?;
    let wanted = LogQuery {
        from: query::number(&query, "from", 1..=i64::MAX)?.map(i64::unsigned_abs),
        limit: query::number(&query, "limit", 1..=i64::MAX)?.map(i64::unsigned_abs),
        follow: query::flag(&query, "follow")?.unwrap_or(false),
    };
    let id = job_id(&id)?;
    let slot = api.guard.slot(&request, &api.shutdown)?;
    let reader = api.engine.events().log(id, wanted).await?;
    let mut response = HttpResponse::Ok();
    headers(&mut response, format, &reader);
    let begun = Sending {
        begin: Some(format.begin(id)),
        reader,
        format,
        follow: wanted.follow,
        shutdown: slot.until(),
        has_ended: false,
        _watching: api.engine.metrics().watching(WatcherKind::Log),
        _slot: slot,
    };
    Ok(response.streaming(stream::try_unfold(begun, |mut sending| async move {
        let piece = sending.next().await?;
        Ok::<_, io::Error>(piece.map(|text| (Bytes::from(text), sending)))
    })))
}

fn headers(response: &mut HttpResponseBuilder, format: Format, reader: &LogReader) {
    response
        .insert_header((header::CONTENT_TYPE, format.media_type()))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")))
        .insert_header((LINES, reader.lines));
    if let Format::Html = format {
        // All output is escaped. This is a second line of defense.
        let policy = "default-src 'none'; style-src 'unsafe-inline'";
        response.insert_header((header::CONTENT_SECURITY_POLICY, policy));
    }
    if let Some(next) = reader.next {
        response.insert_header((NEXT, next));
    }
}

/// A log that is being sent.
struct Sending {
    /// The header before the first line, until it was sent.
    begin: Option<String>,
    reader: LogReader,
    format: Format,
    follow: bool,
    shutdown: Shutdown,
    has_ended: bool,
    _watching: Watching,
    _slot: WatcherSlot,
}

impl Sending {
    /// The next chunk; `None` at the end.
    async fn next(&mut self) -> io::Result<Option<String>> {
        if let Some(begin) = self.begin.take() {
            return Ok(Some(begin));
        }
        if self.has_ended {
            return Ok(None);
        }
        loop {
            let next = tokio::select! {
                next = self.reader.next(WAIT_LIMIT) => next.map_err(io::Error::other)?,
                // A response that ends normally must be complete, so this one is aborted.
                () = self.shutdown.requested(), if self.follow => return Err(io::Error::other("the service is stopping, or the caller is no longer authorized")),
            };
            match next {
                NextText::Texts(texts) => {
                    return Ok(Some(texts.iter().map(|text| self.format.text(text)).collect()));
                }
                NextText::Quiet => {}
                NextText::End => {
                    self.has_ended = true;
                    return Ok(Some(self.format.end().to_owned()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_elements_and_everything_else_is_escaped() {
        let text = "\u{1b}[0;31mfatal: <b>&\"it's\"\nsecond\u{1b}[0m done";
        let shown = html(text);
        assert!(shown.contains("&lt;b&gt;&amp;") && !shown.contains("<b>"), "{shown}");
        assert!(shown.contains("<span style='color:var(--red,#a00)'>"), "{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown}");
        assert_eq!(shown.lines().count(), 2);
        let broken = html("\u{1b}[38;5;999m<script>\u{1b}[0m");
        assert!(broken.contains("&lt;script&gt;") && !broken.contains('<'), "{broken}");
    }
}

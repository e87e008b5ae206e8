//! Events and logs: by pages, as streams, over a WebSocket.

use super::{Parameter, Reply, Row, header, json_of, query};

const TAG: &str = "streams";

const UNKNOWN_JOB: (u16, &str) = (404, "`unknown_job`");
const BAD_QUERY: (u16, &str) =
    (422, "`invalid_request`: a parameter that is unknown or has a wrong value; `errors` has all of them");

const FOLLOW: &str = r#"{"type": "boolean"}"#;
const FLAG: &str = r#"{"type": "boolean", "default": false}"#;

const OF_EVENTS: &[Parameter] = &[
    query(
        "after",
        r#"{"type": "integer", "minimum": 0, "maximum": 9223372036854775807, "default": 0}"#,
        "Only events after this number",
    ),
    query(
        "limit",
        r#"{"type": "integer", "minimum": 1, "maximum": 1000}"#,
        "At most so many. A page has 100 without it and 1000 at most; a stream may ask for any number",
    ),
    query(
        "format",
        r#"{"enum": ["json", "sse", "ndjson"]}"#,
        "A page, server-sent events or lines of JSON; otherwise what `Accept` says",
    ),
    query(
        "follow",
        FOLLOW,
        "Go on as events come; without it a stream ends with the last event there is. `true` for `sse`, else `false`",
    ),
    query("download", FLAG, "Lines of JSON as a file"),
    query("host", r#"{"type": "string"}"#, "Only events about this host"),
    query("task", r#"{"type": "string"}"#, "Only events of this task, by its whole name"),
    query("kind", r#"{"type": "string", "pattern": "^[A-Za-z0-9_]{1,64}$"}"#, "Only events of this kind"),
    query("changed", FLAG, "Only events that tell of a change; with `failed`: of either"),
    query("failed", FLAG, "Only events that tell of a failure that was not ignored"),
    header(
        "Last-Event-ID",
        r#"{"type": "integer", "minimum": 0}"#,
        "Wins over `after`: what a browser sends when it connects again",
    ),
];

/// What a stream of events is, beside a page.
const ABOUT: &str = "A page, unless a stream is asked for. Server-sent events carry the number as `id`; a quiet stream sends a comment \
    every 15 s; after the last event of a job that has ended comes `event: end` with the job. Lines of JSON hold events \
    and nothing else.";

pub(super) const ROWS: &[Row] = &[
    Row::new("GET", "/v1/jobs/{id}/events", "job_events", TAG, "Gives the numbered record of a job.")
        .about(ABOUT)
        .takes(OF_EVENTS)
        .replies(&[Reply {
            status: "200",
            about: "Events",
            bodies: &[
                json_of("EventPage"),
                ("text/event-stream", None),
                ("application/x-ndjson", None),
            ],
            headers: &[],
        }])
        .problems(&[UNKNOWN_JOB, BAD_QUERY])
        .streams(),
    Row::new("GET", "/v1/events", "all_events", TAG, "Gives the events of all jobs in the order in which they were stored.")
        .about("As for one job; here numbers are positions over all jobs, and a stream that follows has no end.")
        .takes(OF_EVENTS)
        .replies(&[Reply {
            status: "200",
            about: "Events",
            bodies: &[
                json_of("PlacedEventPage"),
                ("text/event-stream", None),
                ("application/x-ndjson", None),
            ],
            headers: &[],
        }])
        .problems(&[BAD_QUERY])
        .streams(),
    Row::new("GET", "/v1/jobs/{id}/log", "job_log", TAG, "Gives what Ansible printed.")
        .takes(&[
            query("format", r#"{"enum": ["text", "ansi", "html"], "default": "text"}"#, "Without colours, with them, or as a page"),
            query("from", r#"{"type": "integer", "minimum": 1, "maximum": 9223372036854775807, "default": 1}"#, "The first line"),
            query("limit", r#"{"type": "integer", "minimum": 1, "maximum": 9223372036854775807}"#, "At most so many lines"),
            query("follow", FLAG, "Go on until the job has ended"),
        ])
        .replies(&[Reply {
            status: "200",
            about: "The log",
            bodies: &[("text/plain", None), ("text/html", None)],
            headers: &[
                ("X-Log-Lines", "How many lines there were when the reply began"),
                ("X-Log-Next", "The first line after this piece, when it was there already"),
            ],
        }])
        .problems(&[UNKNOWN_JOB, BAD_QUERY])
        .streams(),
    Row::new("GET", "/ws/{job_id}", "watch_job", TAG, "A WebSocket: the log of a job as it is written, in CloudLaunch's frames.")
        .about(
            "Each frame is a JSON text: `{\"type\":\"log\",\"data\":line}` for every line so far, `{\"type\":\"status\",\"data\":\"running\"}`, \
             every new line, `{\"type\":\"ping\"}` after 15 s without one; at the end `status` (`succeeded` or `failed`), `result` (what \
             was printed, if anything), `error` (why it did not succeed), `{\"type\":\"done\"}` and close 1000. An unknown id gets an \
             error frame and close 4004, a service that stops closes with 1012. What a client sends is not read.",
        )
        .replies(&[
            Reply { status: "101", about: "The connection is a WebSocket now", bodies: &[], headers: &[] },
            Reply { status: "400", about: "No WebSocket was asked for", bodies: &[], headers: &[] },
        ])
        .streams(),
    Row::new("GET", "/ws/vm-status", "watch_vms", TAG, "A WebSocket: the machines of a Proxmox node and what changes among them.")
        .about(
            "`?node=NAME` names the node, otherwise it is the one of the inventory. Frames are JSON texts: \
             `{\"type\":\"full\",\"vms\":[...]}` first, then `{\"type\":\"diff\",\"changes\":{vmid: {...}}}` whenever something changed, \
             `{\"type\":\"error\",\"error\":text}` when the node could not be asked. A bad name of a node closes with 1008, a missing \
             inventory or token with 1000 after an error frame, a service that stops with 1012. What a client sends is not read.",
        )
        .takes(&[query("node", r#"{"type": "string", "pattern": "^[A-Za-z0-9-]+$"}"#, "The node")])
        .replies(&[
            Reply { status: "101", about: "The connection is a WebSocket now", bodies: &[], headers: &[] },
            Reply { status: "403", about: "Pages of this origin may not watch", bodies: &[], headers: &[] },
            Reply { status: "404", about: "No WebSocket was asked for", bodies: &[], headers: &[] },
        ])
        .streams(),
];

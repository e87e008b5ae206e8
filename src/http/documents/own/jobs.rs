//! `/v1/jobs` and `/v1/queue`.

use super::{Parameter, Permission, Reply, Row, WAIT, header, json_of, json_reply, query};

const TAG: &str = "jobs";

const UNKNOWN_JOB: (u16, &str) = (404, "`unknown_job`");
const BAD_QUERY: (u16, &str) =
    (422, "`invalid_request`: a parameter that is unknown or has a wrong value; `errors` has all of them");
const LOCATION: &[(&str, &str)] = &[("Location", "The address of the job")];

const IDEMPOTENCY_KEY: Parameter = header(
    "Idempotency-Key",
    r#"{"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]*$"}"#,
    "Under one key the same request gives the same job, however often it is sent",
);
const DRY_RUN: Parameter = query(
    "dry_run",
    r#"{"type": "boolean", "default": false}"#,
    "Only tell what would run again, change nothing",
);

const ACCEPTED: Reply = Reply {
    status: "202",
    about: "Accepted and stored; the job, which has not ended",
    bodies: &[json_of("Job")],
    headers: LOCATION,
};
const ENDED: Reply = Reply {
    status: "200",
    about: "With `wait`: the job has ended, well or not: see `state`",
    bodies: &[json_of("Job")],
    headers: LOCATION,
};

pub(super) const ROWS: &[Row] = &[
    Row::new("POST", "/v1/jobs", "submit_job", TAG, "Runs a playbook, a bundle or a scenario.")
        .about("When the reply is there, the job is stored and survives a crash.")
        .by(Some(Permission::Operator))
        .takes(&[WAIT, IDEMPOTENCY_KEY])
        .body("NewJob", r#"{"bundle": "ping", "limit": "localhost"}"#)
        .replies(&[ENDED, ACCEPTED])
        .problems(&[
            (400, "`bad_name`: a name that is none; `leaves_root`: a link that leads out of its root; `malformed_json`"),
            (404, "`unknown_playbook`, `unknown_bundle`, `unknown_scenario`, `unknown_project`"),
            (409, "`idempotency_key_used`: for another request"),
            (422, "`invalid_request`: fields or parameters are wrong; `errors` has all of them"),
        ]),
    Row::new("GET", "/v1/jobs", "list_jobs", TAG, "Lists jobs, newest first.")
        .takes(&[
            query("before", r##"{"$ref": "#/components/schemas/JobId"}"##, "Only jobs older than this one: `next` of a page"),
            query("limit", r#"{"type": "integer", "minimum": 1, "maximum": 500, "default": 50}"#, "At most so many"),
            query("state", r##"{"$ref": "#/components/schemas/State"}"##, "Only jobs in this state"),
            query("parent", r##"{"$ref": "#/components/schemas/JobId"}"##, "Only the children of this job"),
            query("kind", r#"{"enum": ["playbook", "bundle", "scenario"]}"#, "Only jobs that run this"),
            query("name", r##"{"$ref": "#/components/schemas/ContentName"}"##, "Only jobs that run content of this name"),
            query(
                "label",
                r#"{"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,63}(=[A-Za-z0-9_. -]{0,255})?$"}"#,
                "`key`: only jobs with this label; `key=value`: only where it has this value",
            ),
            query("created_after", r##"{"$ref": "#/components/schemas/Time"}"##, "Only jobs accepted at this time or later"),
            query("created_before", r##"{"$ref": "#/components/schemas/Time"}"##, "Only jobs accepted before this time"),
        ])
        .replies(&[json_reply("200", "A page", &[json_of("JobPage")])])
        .problems(&[(404, "`unknown_job`: there is no job `before`"), BAD_QUERY]),
    Row::new("GET", "/v1/jobs/{id}", "show_job", TAG, "Shows a job.")
        .about("One that waits also says why, one that runs how far it has come.")
        .takes(&[WAIT])
        .replies(&[json_reply("200", "The job", &[json_of("Job")])])
        .problems(&[UNKNOWN_JOB, BAD_QUERY]),
    Row::new("DELETE", "/v1/jobs/{id}", "delete_job", TAG, "Forgets a job that has ended, with its runs and events.")
        .by(Some(Permission::Admin))
        .replies(&[json_reply("204", "Forgotten", &[])])
        .problems(&[UNKNOWN_JOB, (409, "`not_finished`"), BAD_QUERY]),
    Row::new("GET", "/v1/jobs/{id}/result", "show_result", TAG, "Shows what a job that has ended amounted to.")
        .takes(&[WAIT])
        .replies(&[json_reply("200", "The result", &[json_of("Result")])])
        .problems(&[UNKNOWN_JOB, (409, "`not_finished`"), BAD_QUERY]),
    Row::new("POST", "/v1/jobs/{id}/cancel", "cancel_job", TAG, "Ends a job with all its processes.")
        .about("Asking again is no error.")
        .by(Some(Permission::Operator))
        .takes(&[WAIT])
        .replies(&[
            json_reply("200", "It is `canceled`; or, with `wait`, it has ended", &[json_of("Job")]),
            json_reply("202", "Its processes are being ended", &[json_of("Job")]),
        ])
        .problems(&[UNKNOWN_JOB, (409, "`wrong_state`: it has ended otherwise"), BAD_QUERY]),
    Row::new("POST", "/v1/jobs/{id}/retry", "retry_job", TAG, "Does a job that has ended once more.")
        .by(Some(Permission::Operator))
        .takes(&[WAIT])
        .replies(&[ENDED, ACCEPTED])
        .problems(&[UNKNOWN_JOB, (409, "`wrong_state`: it has not ended"), BAD_QUERY]),
    Row::new("POST", "/v1/jobs/{id}/resume", "resume_job", TAG, "Goes on where a job failed.")
        .about("A new attempt begins at the task that failed first, on the hosts that failed.")
        .by(Some(Permission::Operator))
        .takes(&[DRY_RUN, WAIT])
        .replies(&[
            Reply {
                status: "200",
                about: "With `dry_run`: what would run again. With `wait`: the job, which has ended",
                bodies: &[json_of("JobOrPreview")],
                headers: LOCATION,
            },
            ACCEPTED,
        ])
        .problems(&[
            UNKNOWN_JOB,
            (409, "`nothing_to_resume`: the last run succeeded; `wrong_state`: it has not ended"),
            BAD_QUERY,
        ]),
    Row::new("GET", "/v1/jobs/{id}/timing", "show_timing", TAG, "Shows how long tasks and hosts took.")
        .replies(&[json_reply("200", "Of the last attempt, as far as it has come", &[json_of("Timing")])])
        .problems(&[UNKNOWN_JOB, BAD_QUERY]),
    Row::new("GET", "/v1/jobs/{id}/artifacts", "list_artifacts", TAG, "Lists the files that a job left in its content.")
        .replies(&[json_reply("200", "Of the last attempt; empty until it has ended", &[json_of("Artifacts")])])
        .problems(&[UNKNOWN_JOB, BAD_QUERY]),
    Row::new("GET", "/v1/jobs/{id}/artifacts/{path}", "download_artifact", TAG, "Downloads a file that a job left.")
        .replies(&[Reply {
            status: "200",
            about: "The file",
            bodies: &[("application/octet-stream", None)],
            headers: &[("Content-Disposition", "`attachment`, with the name of the file")],
        }])
        .problems(&[
            (404, "`unknown_job`, `unknown_artifact`"),
            (409, "`artifact_elsewhere`: another node has it"),
            BAD_QUERY,
        ]),
    Row::new("GET", "/v1/queue", "show_queue", TAG, "Shows who is at work, who waits, and why.")
        .takes(&[query(
            "limit",
            r#"{"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}"#,
            "At most so many that wait",
        )])
        .replies(&[json_reply("200", "The queue", &[json_of("Queue")])])
        .problems(&[BAD_QUERY]),
];

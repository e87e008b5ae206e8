//! `/metrics`: metrics in the Prometheus text format, version 0.0.4.
//!
//! The engine collects the metrics, and this file formats them. A metric that was renamed is exported under both
//! names for one release.

use std::fmt::{Display, Write as _};

use actix_web::{HttpResponse, http::header, web::Data};
use engine::{Figures, TaskStatus};
use model::JobState;

use super::{
    api::Api,
    endpoint::{Access, Doc, Endpoint, Reply, Verb},
    health::TAG,
    problem::Problem,
};

/// A metric that was renamed.
#[derive(Debug)]
pub(crate) struct RenamedMetric {
    /// The name that is deprecated.
    pub(crate) old: &'static str,
    /// The name of the metric.
    pub(crate) new: &'static str,
}

/// Every metric that was renamed. Remove a row one release after it was added.
pub(crate) const RENAMED: &[RenamedMetric] =
    &[RenamedMetric { old: "rangehand_runs_at_work", new: "rangehand_runs_running" }];

pub(super) fn endpoint() -> Endpoint {
    let doc = Doc::new("metrics", TAG, "Metrics for Prometheus, text format 0.0.4.").replies([Reply::text(
        200,
        "Metrics",
        "text/plain",
    )]);
    Endpoint::new(Verb::Get, "/metrics", Access::Metrics, show, doc).any_origin()
}

async fn show(api: Data<Api>) -> Result<HttpResponse, Problem> {
    let text = write(&api.engine.metrics().figures().await?, resident_bytes());
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body(text))
}

fn write(figures: &Figures, resident_bytes: Option<u64>) -> String {
    let mut page = Page::default();
    page.family(
        "rangehand_events_total",
        "counter",
        "Events of finished runs by stage; delivered: to watchers, including active ones.",
    );
    for (stage, count) in figures.events {
        page.labelled("rangehand_events_total", "stage", stage, count);
    }
    let mismatches =
        "Runs and watchers whose numbers of emitted, spooled, stored, and delivered events differ.";
    page.single("rangehand_event_mismatch_total", "counter", mismatches, figures.mismatches);
    page.family("rangehand_jobs", "gauge", "Jobs by state.");
    for (state, count) in &figures.jobs {
        page.labelled("rangehand_jobs", "state", state.as_str(), count);
    }
    let waiting = figures.jobs.iter().filter(|(state, _)| *state == JobState::Queued).map(|(_, count)| count);
    page.single("rangehand_queue_waiting", "gauge", "Queued jobs.", waiting.sum::<u64>());
    page.single("rangehand_runs_running", "gauge", "Active runs on this node.", figures.capacity.running);
    page.single(
        "rangehand_runs_capacity",
        "gauge",
        "Maximum number of concurrent runs on this node.",
        figures.capacity.max,
    );
    page.family("rangehand_watchers", "gauge", "Open streams.");
    for (kind, count) in &figures.watchers {
        page.labelled("rangehand_watchers", "kind", kind.as_str(), count);
    }
    page.background(&figures.background);
    if let Some(bytes) = resident_bytes {
        let help = "Resident memory of this process.";
        page.single("process_resident_memory_bytes", "gauge", help, bytes);
    }
    page.0
}

/// The text so far. Writing to a `String` cannot fail.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn labelled(&mut self, name: &str, label: &str, value: &str, count: impl Display) {
        let _ = writeln!(self.0, "{name}{{{label}=\"{value}\"}} {count}");
    }

    /// Writes a sample of each family for each task.
    fn background(&mut self, tasks: &[TaskStatus]) {
        let name = "rangehand_background_task_activations_total";
        self.family(name, "counter", "Activations of background tasks that ended.");
        for task in tasks {
            self.labelled(name, "task", task.name, task.activations);
        }
        let name = "rangehand_background_task_failures_total";
        self.family(name, "counter", "Activations of background tasks that failed.");
        for task in tasks {
            self.labelled(name, "task", task.name, task.failures);
        }
        let name = "rangehand_background_task_failing";
        self.family(name, "gauge", "1 if the last activation of a background task failed.");
        let last = || tasks.iter().filter_map(|task| Some((task.name, task.last.as_ref()?)));
        for (task, last) in last() {
            self.labelled(name, "task", task, u8::from(last.result.is_err()));
        }
        let name = "rangehand_background_task_last_activation_timestamp_seconds";
        self.family(name, "gauge", "When the last activation of a background task began, since 1970.");
        for (task, last) in last() {
            self.labelled(name, "task", task, last.started_at.as_second());
        }
        let name = "rangehand_background_task_last_duration_seconds";
        self.family(name, "gauge", "How long the last activation of a background task took.");
        for (task, last) in last() {
            self.labelled(name, "task", task, last.duration.as_secs_f64());
        }
    }

    /// Writes a metric without labels, and again under its old name if it was renamed.
    fn single(&mut self, name: &str, kind: &str, help: &str, count: impl Display) {
        self.family(name, kind, help);
        let _ = writeln!(self.0, "{name} {count}");
        for RenamedMetric { old, new } in RENAMED.iter().filter(|metric| metric.new == name) {
            self.family(old, kind, &format!("Deprecated: use {new}."));
            let _ = writeln!(self.0, "{old} {count}");
        }
    }
}

/// Resident memory from `/proc/self/statm`, whose second number is a count of pages; `None` if there is no such
/// file.
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_metric_is_exported_under_both_names() {
        for RenamedMetric { old, new } in RENAMED {
            let mut page = Page::default();
            page.single(new, "gauge", "About.", 7);
            let wanted = format!(
                "# HELP {new} About.\n# TYPE {new} gauge\n{new} 7\n\
                 # HELP {old} Deprecated: use {new}.\n# TYPE {old} gauge\n{old} 7\n"
            );
            assert_eq!(page.0, wanted);
        }
    }
}

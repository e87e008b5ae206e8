//! Background tasks.

use engine::{Activation, TaskStatus};

use super::{time::time, words};

pub(in crate::http) fn background_task(task: TaskStatus) -> api::BackgroundTask {
    api::BackgroundTask {
        name: task.name.to_owned(),
        summary: task.summary.to_owned(),
        period_s: task.period.as_secs_f64(),
        activations: task.activations,
        failures: task.failures,
        running_since: task.running_since.map(time),
        last: task.last.map(activation),
    }
}

fn activation(last: Activation) -> api::Activation {
    let (items, error) = match last.result {
        Ok(items) => (Some(items), None),
        Err(error) => (None, Some(error)),
    };
    api::Activation {
        activated_by: words::activation_cause(last.cause),
        started_at: time(last.started_at),
        duration_s: last.duration.as_secs_f64(),
        items,
        error,
    }
}

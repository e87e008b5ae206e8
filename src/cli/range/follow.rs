//! Follows the job of a range until it ends, and shows the progress of its plan.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use api::{Job, Plan, ProblemCode, State, StepState};
use reqwest::Method;
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{
    client::Client,
    failure::{Ended, Failure},
    look::path,
    paint::{Color, duration},
    progress_text,
    reconnect::Connectivity,
    session::{Session, ask, can_ask, notice, write},
};

/// How long a request waits for the end of the job: the progress is shown as often.
const WAIT: Duration = Duration::from_secs(1);
/// Reading the plan takes at most this part of the time: plans can have thousands of steps.
const SHARE: u32 = 10;

/// What is known of the progress.
struct Seen {
    begun: Instant,
    states: Vec<StepState>,
    /// The plan as it was read last.
    plan: Option<Plan>,
    running: HashMap<u32, Instant>,
    /// Lines of the picture that is on the terminal.
    drawn: usize,
    next: Instant,
}

/// Shows the progress until the job has ended. `plan` is the plan as far as it's known.
pub(super) async fn follow(
    session: &mut Session<'_>,
    range: &str,
    job: &str,
    plan: Option<Plan>,
) -> Result<Ended, Failure> {
    let begun = Instant::now();
    // Also receives what arrives while the progress is shown.
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut seen = Seen { begun, states: Vec::new(), plan, running: HashMap::new(), drawn: 0, next: begun };
    let mut connection = Connectivity::default();
    loop {
        let pause = connection.pause();
        let found = tokio::select! {
            found = async {
                tokio::time::sleep(pause).await;
                next(&session.client, job).await
            } => found,
            _ = interrupts.recv() => {
                // What is printed now is below the picture.
                seen.drawn = 0;
                match interrupted(session, &mut interrupts, range, job).await? {
                    Some(ended) => return Ok(ended),
                    None => continue,
                }
            }
        };
        if found.is_ok() && connection.answered() {
            seen.drawn = 0;
            notice("connected again")?;
        }
        let looked = match found {
            Ok(found) => look(session, &mut seen, range, &found).await,
            Err(failure) => Err(failure),
        };
        match looked {
            Ok(Some(ended)) => return Ok(ended),
            Ok(None) => {}
            Err(failure) => {
                let is_known = failure.is_transient();
                let is_new = connection.failed(failure).inspect_err(|_| {
                    // A terminal that fails is reported by the failure itself.
                    let _ = if is_known { notice(&hint(range, job)) } else { Ok(()) };
                })?;
                if is_new {
                    seen.drawn = 0;
                    notice("connection to the service lost, trying again")?;
                }
            }
        }
    }
}

/// What the user can do while the job continues without this program.
fn hint(range: &str, job: &str) -> String {
    format!(
        "Job {job} continues in the service: `rangehand range follow {range}` follows it, `rangehand range cancel {range}` cancels it."
    )
}

/// Shows how far the job has come, and how it ended if it has.
async fn look(
    session: &mut Session<'_>,
    seen: &mut Seen,
    range: &str,
    found: &Job,
) -> Result<Option<Ended>, Failure> {
    let has_ended = !matches!(found.state, State::Queued | State::Running | State::Canceling);
    if has_ended || Instant::now() >= seen.next {
        let has_succeeded = found.state == State::Succeeded;
        if let Some(plan) = read(session, seen, range, &found.id.0, has_succeeded).await? {
            show(session, seen, plan)?;
        }
    }
    if has_ended { ended(session, seen, found).map(Some) } else { Ok(None) }
}

/// The job after some time, or when it has ended.
async fn next(client: &Client, job: &str) -> Result<Job, Failure> {
    let path = format!("/v1/jobs/{job}");
    match client.get(&format!("{path}?wait={}", WAIT.as_secs())).await {
        // The setting `server.wait_max_s` can forbid requests to wait.
        Err(failure) if failure.is(ProblemCode::InvalidRequest) => {
            tokio::time::sleep(WAIT).await;
            client.get(&path).await
        }
        found => found,
    }
}

/// Reads the plan with the states of its steps.
async fn read(
    session: &Session<'_>,
    seen: &mut Seen,
    range: &str,
    job: &str,
    has_succeeded: bool,
) -> Result<Option<Plan>, Failure> {
    if session.json {
        return Ok(None);
    }
    let asked = Instant::now();
    let read: Option<Plan> = match session.client.get(&path(range, "/plan")).await {
        Ok(plan) => Some(plan),
        // A range that was destroyed has no plan any more.
        Err(failure) if failure.is(ProblemCode::UnknownRange) => seen.plan.take().filter(|_| has_succeeded),
        Err(failure) => return Err(failure),
    };
    seen.next = Instant::now() + asked.elapsed() * SHARE;
    let is_of_job = |plan: &Plan| plan.job.as_ref().is_none_or(|of| of.0 == job);
    let mut plan = read.filter(is_of_job);
    if has_succeeded {
        for step in plan.iter_mut().flat_map(|plan| &mut plan.steps) {
            step.state = Some(StepState::Done);
        }
    }
    Ok(plan)
}

/// Shows what has changed.
fn show(session: &mut Session<'_>, seen: &mut Seen, plan: Plan) -> Result<(), Failure> {
    let now = Instant::now();
    for step in &plan.steps {
        match step.state {
            Some(StepState::Started | StepState::Undoing) => drop(seen.running.entry(step.id).or_insert(now)),
            _ => drop(seen.running.remove(&step.id)),
        }
    }
    let elapsed = |id: u32| seen.running.get(&id).map_or(Duration::ZERO, |begun| now - *begun);
    if session.draws {
        let lines = progress_text::picture(&plan, seen.begun.elapsed(), &elapsed, session.paint);
        write(&over(seen.drawn, &lines), session.out)?;
        seen.drawn = lines.len();
    } else {
        for line in progress_text::lines(&seen.states, &plan, seen.begun.elapsed()) {
            session.line(&line)?;
        }
    }
    seen.states = plan.steps.iter().map(|step| step.state.unwrap_or(StepState::Pending)).collect();
    seen.plan = Some(plan);
    Ok(())
}

/// Lines in place of those that were drawn before: the cursor goes up, and each line is erased.
fn over(drawn: usize, lines: &[String]) -> String {
    let up = if drawn > 0 { format!("\u{1b}[{drawn}A") } else { String::new() };
    let lines: String = lines.iter().map(|line| format!("\u{1b}[2K{line}\n")).collect();
    format!("{up}{lines}\u{1b}[J")
}

/// Prints how the job ended.
fn ended(session: &mut Session<'_>, seen: &Seen, job: &Job) -> Result<Ended, Failure> {
    let took = duration(u64::try_from(seen.begun.elapsed().as_millis()).unwrap_or(u64::MAX));
    let has_succeeded = job.state == State::Succeeded;
    session.print(job, |paint| match has_succeeded {
        true => format!("{} in {took}.\n", paint.text(Color::Green, "Done")),
        false => {
            let state = paint.text(Color::Red, job.state.as_str());
            format!("Job {} is {state} after {took}: {}\n", job.id, job.reason.message)
        }
    })?;
    Ok(if has_succeeded { Ended::Done } else { Ended::Failed })
}

/// Has the service cancel a job.
pub(super) async fn cancel(session: &mut Session<'_>, job: &str) -> Result<(), Failure> {
    let _: Job = session.client.call(Method::POST, &format!("/v1/jobs/{job}/cancel"), &json!({})).await?;
    session.line("Canceling: steps that are running end first.")?;
    Ok(())
}

/// After Ctrl-C: asks what to do with the job, which runs in the service. Without a terminal, and at a second Ctrl-C, it continues
/// there.
async fn interrupted(
    session: &mut Session<'_>,
    interrupts: &mut Signal,
    range: &str,
    job: &str,
) -> Result<Option<Ended>, Failure> {
    let answer = match can_ask() && !session.json {
        true => tokio::select! {
            answer = ask("\nThe job runs in the service. [c]ancel it, [d]etach from it, or continue watching [Enter]? ") => answer?,
            _ = interrupts.recv() => "d".to_owned(),
        },
        false => "d".to_owned(),
    };
    match answer.to_ascii_lowercase().as_str() {
        "c" | "cancel" => match cancel(session, job).await {
            Err(failure) if failure.is_transient() => {
                notice("The service does not respond, so the job was not canceled.")?;
                Ok(None)
            }
            canceled => canceled.map(|()| None),
        },
        "d" | "detach" => {
            let text = format!("Detached. {}", hint(range, job));
            if session.json {
                notice(&text)?
            } else {
                session.line(&text)?
            }
            Ok(Some(Ended::Detached))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_replaces_the_one_before() {
        let lines = ["a".to_owned(), "b".to_owned()];
        assert_eq!(over(0, &lines), "\u{1b}[2Ka\n\u{1b}[2Kb\n\u{1b}[J");
        assert_eq!(over(3, &lines[..1]), "\u{1b}[3A\u{1b}[2Ka\n\u{1b}[J");
    }
}

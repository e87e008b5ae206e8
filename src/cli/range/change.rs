//! Commands that change a range: the plan is shown, what is destroyed is confirmed, and the job is followed.

use api::{NewRange, Plan, Range, RangeChange};
use clap::Args;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{
    document::Source,
    failure::{Ended, Failure},
    follow::{self, follow},
    look::{found, path},
    plan_text,
    session::{Session, ask, can_ask},
    tables,
};

/// Arguments of `apply`.
#[derive(Debug, Args)]
pub(super) struct Apply {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    way: Way,
}

/// Arguments of `destroy`.
#[derive(Debug, Args)]
pub(super) struct Destroy {
    /// Name or ID of the range
    range: String,
    #[command(flatten)]
    way: Way,
}

/// Arguments of an action on a range.
#[derive(Debug, Args)]
pub(super) struct Act {
    /// Name or ID of the range
    range: String,
    #[command(flatten)]
    way: Way,
}

/// Arguments of an action on machines.
#[derive(Debug, Args)]
pub(super) struct ActOnMachines {
    #[command(flatten)]
    act: Act,
    /// Only machines of this instance
    #[arg(long, conflicts_with = "machines")]
    instance: Option<String>,
    /// Only this machine; can be repeated
    #[arg(long = "machine", value_name = "NAME")]
    machines: Vec<String>,
}

/// How a change is carried out.
#[derive(Debug, Clone, Copy, Args)]
struct Way {
    /// Do not ask before machines or networks are destroyed
    #[arg(long, short)]
    yes: bool,
    /// Do not wait until the job has ended
    #[arg(long)]
    detach: bool,
}

/// What applying a document would do.
pub(super) async fn planned(session: &Session<'_>, new: &NewRange) -> Result<Plan, Failure> {
    let name = name_of(new)?;
    let path = match found(session, name).await? {
        Some(_) => path(name, "/plan"),
        None => "/v1/ranges?dry_run=true".to_owned(),
    };
    session.client.call(Method::POST, &path, new).await
}

fn name_of(new: &NewRange) -> Result<&str, Failure> {
    let missing = || Failure::Usage("the document has no `name`".to_owned());
    new.document.get("name").and_then(Value::as_str).ok_or_else(missing)
}

pub(super) async fn apply(session: &mut Session<'_>, apply: &Apply) -> Result<Ended, Failure> {
    let mut new = apply.source.read()?;
    let name = name_of(&new)?.to_owned();
    let exists = found(session, &name).await?.is_some();
    let plan = planned(session, &new).await?;
    session.line(plan_text::plan(&plan, session.paint).trim_end())?;
    if !confirmed(&plan, apply.way.yes).await? {
        session.line("Nothing was changed.")?;
        return Ok(Ended::Failed);
    }
    new.confirm = plan.destroyed.iter().map(|lost| lost.name.clone()).collect();
    new.digest = Some(plan.digest.clone());
    let (method, path) = match exists {
        true => (Method::PUT, path(&name, "")),
        false => (Method::POST, "/v1/ranges".to_owned()),
    };
    let change: RangeChange = session.client.call(method, &path, &new).await?;
    accepted(session, change, Some(plan), apply.way).await
}

pub(super) async fn destroy(session: &mut Session<'_>, destroy: &Destroy) -> Result<Ended, Failure> {
    let address = path(&destroy.range, "");
    let plan: Plan = session.client.delete(&address, &[("dry_run", "true".to_owned())]).await?;
    session.line(plan_text::plan(&plan, session.paint).trim_end())?;
    if !confirmed(&plan, destroy.way.yes).await? {
        session.line("Nothing was changed.")?;
        return Ok(Ended::Failed);
    }
    let query = [("digest", plan.digest.clone())];
    let change: RangeChange = session.client.delete(&address, &query).await?;
    accepted(session, change, Some(plan), destroy.way).await
}

/// An action on machines, and the snapshot that it's about.
pub(super) async fn act_on_machines(
    session: &mut Session<'_>,
    chosen: &ActOnMachines,
    action: &str,
    snapshot: Option<&String>,
) -> Result<Ended, Failure> {
    let fields = [
        ("name", snapshot.map(|name| json!(name))),
        ("instance", chosen.instance.as_ref().map(|name| json!(name))),
        ("machines", Some(json!(chosen.machines)).filter(|_| !chosen.machines.is_empty())),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    send(session, &chosen.act, action, fields.collect()).await
}

/// An action on the range as a whole, with a field in its body or none.
pub(super) async fn act(
    session: &mut Session<'_>,
    act: &Act,
    action: &str,
    field: Option<(&str, &String)>,
) -> Result<Ended, Failure> {
    let fields = field.into_iter().map(|(name, value)| (name.to_owned(), json!(value)));
    send(session, act, action, fields.collect()).await
}

async fn send(
    session: &mut Session<'_>,
    act: &Act,
    action: &str,
    body: Map<String, Value>,
) -> Result<Ended, Failure> {
    let path = path(&act.range, &format!("/actions/{action}"));
    let change: RangeChange = session.client.call(Method::POST, &path, &body).await?;
    session.line(&tables::plan_line(&change))?;
    accepted(session, change, None, act.way).await
}

/// The job of the last plan of a range.
async fn last_job(session: &Session<'_>, range: &str) -> Result<String, Failure> {
    let found: Range = session.client.get(&path(range, "")).await?;
    let missing = || Failure::Usage(format!("the range `{range}` has no job"));
    found.job.map(|job| job.0).ok_or_else(missing)
}

/// Follows the job of the last plan. One that has ended is reported.
pub(super) async fn follow_last(session: &mut Session<'_>, range: &str) -> Result<Ended, Failure> {
    let job = last_job(session, range).await?;
    follow(session, range, &job, None).await
}

/// Cancels the job of the last plan.
pub(super) async fn cancel(session: &mut Session<'_>, act: &Act) -> Result<Ended, Failure> {
    let job = last_job(session, &act.range).await?;
    follow::cancel(session, &job).await?;
    if act.way.detach {
        return Ok(Ended::Done);
    }
    // A job that was canceled has not succeeded, which is what was asked for.
    match follow(session, &act.range, &job, None).await? {
        Ended::Failed => Ok(Ended::Done),
        ended => Ok(ended),
    }
}

/// Does the user want what the plan destroys to be destroyed?
async fn confirmed(plan: &Plan, yes: bool) -> Result<bool, Failure> {
    if yes || plan.destroyed.is_empty() {
        return Ok(true);
    }
    if !can_ask() {
        let count = plan.destroyed.len();
        let things = if count == 1 { "machine or network" } else { "machines or networks" };
        let message = format!(
            "the plan destroys {count} {things}, and there is no terminal to ask on\nhint: `--yes` confirms"
        );
        return Err(Failure::Usage(message));
    }
    let answer = ask("\nDestroy what is listed above? Only `yes` is accepted: ").await?;
    Ok(answer == "yes")
}

/// Follows the job of a change, unless the user does not want to wait.
async fn accepted(
    session: &mut Session<'_>,
    change: RangeChange,
    plan: Option<Plan>,
    way: Way,
) -> Result<Ended, Failure> {
    let RangeChange { range, job, .. } = &change;
    let Some(job) = job else {
        // The plan was shown, and is empty.
        session.print(&change, |_| String::new())?;
        return Ok(Ended::Done);
    };
    if way.detach {
        let text = format!("Job {}. `rangehand range follow {}` follows it.\n", job.id, range.name);
        session.print(&change, |_| text)?;
        return Ok(Ended::Done);
    }
    follow(session, &range.name, &job.id.0, plan).await
}

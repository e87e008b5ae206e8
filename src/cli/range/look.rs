//! Commands that change nothing.

use std::io::Write;

use api::{Drift, Graph, Plan, ProblemCode, Range, RangeMachines, RangePage};

use super::{
    failure::{Ended, Failure},
    paint::Paint,
    plan_text,
    session::{Session, json, write},
    tables,
};

/// Prints a plan.
pub(super) fn show_plan(
    plan: &Plan,
    is_json: bool,
    exit_code: bool,
    out: &mut dyn Write,
) -> Result<Ended, Failure> {
    match is_json {
        true => json(plan, out)?,
        false => write(&plan_text::plan(plan, Paint::for_stdout()), out)?,
    }
    Ok(if exit_code && !plan.steps.is_empty() { Ended::Differs } else { Ended::Done })
}

/// The path of a range, and this after it.
pub(super) fn path(range: &str, rest: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let encoded: String = range
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    format!("/v1/ranges/{encoded}{rest}")
}

pub(super) async fn list(session: &mut Session<'_>) -> Result<Ended, Failure> {
    let page: RangePage = session.client.get("/v1/ranges").await?;
    session.print(&page, |_| tables::ranges(&page.items))?;
    Ok(Ended::Done)
}

pub(super) async fn show(session: &mut Session<'_>, range: &str) -> Result<Ended, Failure> {
    let shown: Range = session.client.get(&path(range, "")).await?;
    if session.json {
        session.print(&shown, |_| String::new())?;
        return Ok(Ended::Done);
    }
    let machines: RangeMachines = session.client.get(&path(range, "/machines")).await?;
    session.print(&shown, |paint| tables::range(&shown, &machines.items, paint))?;
    Ok(Ended::Done)
}

pub(super) async fn machines(session: &mut Session<'_>, range: &str) -> Result<Ended, Failure> {
    let machines: RangeMachines = session.client.get(&path(range, "/machines")).await?;
    session.print(&machines, |_| tables::machines(&machines.items))?;
    Ok(Ended::Done)
}

pub(super) async fn inventory(session: &mut Session<'_>, range: &str) -> Result<Ended, Failure> {
    let text = session.client.text(&path(range, "/inventory")).await?;
    write(&text, session.out)?;
    Ok(Ended::Done)
}

pub(super) async fn graph(session: &mut Session<'_>, range: &str) -> Result<Ended, Failure> {
    let graph: Graph = session.client.get(&path(range, "/graph")).await?;
    session.print(&graph, |_| tables::dot(&graph, range))?;
    Ok(Ended::Done)
}

pub(super) async fn drift(session: &mut Session<'_>, range: &str, exit_code: bool) -> Result<Ended, Failure> {
    let drift: Drift = session.client.get(&path(range, "/drift")).await?;
    session.print(&drift, |paint| tables::drift(&drift, paint))?;
    Ok(if exit_code && !drift.items.is_empty() { Ended::Differs } else { Ended::Done })
}

/// The range, if it exists.
pub(super) async fn found(session: &Session<'_>, range: &str) -> Result<Option<Range>, Failure> {
    match session.client.get(&path(range, "")).await {
        Ok(range) => Ok(Some(range)),
        Err(failure) if failure.is(ProblemCode::UnknownRange) => Ok(None),
        Err(failure) => Err(failure),
    }
}

//! Ranges of this API, as they were sent.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use engine::StoredDocument;
use model::{RangeState, StoredRange};
use serde_json::Value;

use super::{
    error_reply::ErrorReply,
    scope::{PREFIX, id_of, name_of, platform},
};
use crate::http::api::Api;

/// How many ranges are read at once.
const PAGE: u32 = 500;

/// A range of this API.
pub(super) struct Found {
    pub(super) range: StoredRange,
    pub(super) graph: Value,
    status: &'static str,
    reason: Option<String>,
}

/// The range of a client, unless it was deleted.
pub(super) async fn found(api: &Api, id: &str) -> Result<Option<Found>, ErrorReply> {
    match api.engine.ranges().find(&name_of(id)).await {
        Ok(range) => described(api, range).await,
        Err(engine::RangeError::Unknown(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn described(api: &Api, range: StoredRange) -> Result<Option<Found>, ErrorReply> {
    let StoredDocument { origin: Some(graph), .. } = api.engine.ranges().document(&range)? else {
        return Ok(None);
    };
    let (status, reason) = match range.state {
        RangeState::Changing => ("provisioning", None),
        RangeState::Ready => ("running", None),
        RangeState::Empty => return Ok(None),
        RangeState::Incomplete | RangeState::Left => {
            let last = api.engine.ranges().last_plan(&range).await?;
            let reason = match last {
                Some(last) => Some(api.engine.jobs().get(last.stored.job).await?.reason.message),
                None => None,
            };
            ("failed", reason)
        }
    };
    Ok(Some(Found { range, graph, status, reason }))
}

impl Found {
    fn shown(&self) -> api::ldo::Range {
        api::ldo::Range {
            metadata: self.graph["range_metadata"].clone(),
            nodes: self.graph["nodes"].clone(),
            links: self.graph["links"].clone(),
            status: self.status.to_owned(),
            reason: self.reason.clone(),
        }
    }
}

pub(super) async fn list(api: Data<Api>) -> Result<HttpResponse, ErrorReply> {
    platform(&api)?;
    let (mut shown, mut after) = (Vec::new(), None);
    loop {
        let page = api.engine.ranges().list(after, PAGE).await?;
        let is_full = u32::try_from(page.len()).is_ok_and(|found| found == PAGE);
        after = page.last().map(|range| (range.created_at, range.id));
        for range in page.into_iter().filter(|range| range.name.starts_with(PREFIX)) {
            shown.extend(described(&api, range).await?.map(|found| found.shown()));
        }
        if !is_full {
            return Ok(HttpResponse::Ok().json(shown));
        }
    }
}

pub(super) async fn show(api: Data<Api>, id: Path<String>) -> Result<HttpResponse, ErrorReply> {
    platform(&api)?;
    let found = found(&api, &id_of(&id)?).await?.ok_or_else(ErrorReply::not_found)?;
    Ok(HttpResponse::Ok().json(found.shown()))
}

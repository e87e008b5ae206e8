//! `/v1/platforms`: where the machines of ranges can exist.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use serde_json::{Value, json};

use super::{job::BAD_QUERY, query::Parameters, range_reply::RANGE_TAG};
use crate::http::{
    api::Api,
    endpoint::{Access, Doc, Endpoint, Parameter, Reply, Schemas, Verb},
    problem::{Problem, ProblemCode},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let name = Parameter::path("platform", |_| json!({"type": "string"}), "The name of the platform")
        .example("simulated");
    vec![
        Endpoint::new(
            Verb::Get,
            "/v1/platforms",
            Access::VIEWER,
            list,
            Doc::new("list_platforms", RANGE_TAG, "Lists the platforms of the settings.")
                .replies([Reply::json(200, "The platforms", Schemas::of::<api::Platforms>)])
                .problems([BAD_QUERY])
                .cannot_fail(),
        ),
        Endpoint::new(
            Verb::Get,
            "/v1/platforms/{platform}",
            Access::VIEWER,
            show,
            Doc::new("show_platform", RANGE_TAG, "Shows what a platform accepts and provides.")
                .parameters([name])
                .replies([Reply::json(200, "The platform", Schemas::of::<api::PlatformDetail>)])
                .problems([
                    (ProblemCode::UnknownPlatform, ""),
                    (ProblemCode::PlatformUnavailable, ""),
                    BAD_QUERY,
                ]),
        ),
    ]
}

async fn list(api: Data<Api>, query: Parameters) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let platform = |(name, entry): (&str, &engine::PlatformEntry)| api::Platform {
        name: name.to_owned(),
        kind: entry.kind.to_owned(),
    };
    let items = api.engine.ranges().platforms().iter().map(platform).collect();
    Ok(HttpResponse::Ok().json(api::Platforms { items }))
}

fn missing(missing: platform::Missing) -> api::MissingFeature {
    api::MissingFeature { what: missing.what, hint: missing.hint }
}

async fn show(api: Data<Api>, name: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let platforms = api.engine.ranges().platforms();
    let Some(entry) = platforms.get(&name) else {
        let known: Vec<String> = platforms.iter().map(|(name, _)| format!("`{name}`")).collect();
        let detail = format!("the settings have no platform `{}`", name.escape_debug());
        let hint = if known.is_empty() {
            "there is none".to_owned()
        } else {
            format!("use one of {}", known.join(", "))
        };
        return Err(Problem::new(ProblemCode::UnknownPlatform, detail).hint(hint));
    };
    let described = entry.platform.describe().await.map_err(|error| {
        let text = format!("platform `{}`: {error}", name.escape_debug());
        Problem::from_text(ProblemCode::PlatformUnavailable, &text)
    })?;
    let accepts = match serde_json::to_value(&described.rules) {
        Ok(Value::Object(accepts)) => accepts,
        Ok(_) | Err(_) => serde_json::Map::new(),
    };
    let shown = api::PlatformDetail {
        name: name.into_inner(),
        kind: entry.kind.to_owned(),
        version: described.version,
        snapshots: described.capabilities.snapshots,
        rules: described.capabilities.rules,
        uplink: described.capabilities.uplink,
        accepts,
        subnets_in_use: described.subnets_in_use.iter().map(ToString::to_string).collect(),
        missing: described.missing.into_iter().map(missing).collect(),
    };
    Ok(HttpResponse::Ok().json(shown))
}

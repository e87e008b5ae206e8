//! `/v1/jobs/{id}/log`: what Ansible printed, as plain text.

use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Bytes, Data, Path, ServiceConfig},
};
use futures_util::stream;

use super::jobs::job_id;
use crate::http::{Api, method::resource, problem::Problem};

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/jobs/{id}/log", "GET").route(web::get().to(text)));
}

/// Sent piece by piece: a log may be larger than memory.
async fn text(api: Data<Api>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = api.engine.job(job_id(&id)?).await?.id;
    let pieces = stream::try_unfold(0, move |after| {
        let engine = api.engine.clone();
        async move {
            let page = engine.log_page(id, after).await?;
            Ok::<_, engine::Error>(page.map(|page| (Bytes::from(page.text), page.after)))
        }
    });
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
        .streaming(pieces))
}

//! `/v1/jobs/{id}/artifacts`: files that the last attempt of a job produced.

use std::io::Read;

use actix_web::{
    HttpResponse,
    http::header,
    web::{Bytes, Data, Path},
};
use futures_util::stream;
use serde_json::json;
use tokio::task::spawn_blocking;

use super::{
    job::{BAD_QUERY, JOB_ID, TAG, UNKNOWN_JOB, job_id},
    query::Parameters,
    view,
};
use crate::http::{
    api::Api,
    endpoint::{Access, Doc, Endpoint, Parameter, Reply, Schemas, Verb},
    problem::{Problem, ProblemCode},
};

/// Maximum size of a chunk that is read from a file.
const PIECE_BYTES: u64 = 64 * 1024;

const PATH: Parameter =
    Parameter::path("path", |_| json!({"type": "string"}), "The path of the file, as the list has it")
        .example("reports/summary.txt");

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(
            Verb::Get,
            "/v1/jobs/{id}/artifacts",
            Access::VIEWER,
            list,
            Doc::new("list_artifacts", TAG, "Lists the files that a job left in its content.")
                .parameters([JOB_ID])
                .replies([Reply::json(
                    200,
                    "Of the last attempt; empty until it has finished",
                    Schemas::of::<api::Artifacts>,
                )])
                .problems([UNKNOWN_JOB, BAD_QUERY]),
        )
        .job("id"),
        Endpoint::new(
            Verb::Get,
            "/v1/jobs/{id}/artifacts/{path:.*}",
            Access::VIEWER,
            download,
            Doc::new("download_artifact", TAG, "Downloads a file that a job left.")
                .parameters([JOB_ID, PATH])
                .replies([Reply::text(200, "The file", "application/octet-stream")
                    .headers(&[("Content-Disposition", "`attachment`, with the name of the file")])])
                .problems([
                    (ProblemCode::UnknownJob, ""),
                    (ProblemCode::UnknownArtifact, ""),
                    (ProblemCode::ArtifactElsewhere, "another node has it"),
                    BAD_QUERY,
                ]),
        )
        .job("id"),
    ]
}

async fn list(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let found = api.engine.artifacts().list(job_id(&id)?).await?;
    Ok(HttpResponse::Ok().json(view::artifacts(found)))
}

/// Sent so that browsers download the file instead of displaying it, because its content is not trusted.
async fn download(
    api: Data<Api>,
    at: Path<(String, String)>,
    query: Parameters,
) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let (id, path) = at.into_inner();
    let (artifact, file) = api.engine.artifacts().open(job_id(&id)?, path).await?;
    let name = artifact.path.rsplit('/').next().unwrap_or_default();
    let pieces = stream::try_unfold(file, |mut file| async move {
        let read = spawn_blocking(move || {
            let mut piece = Vec::new();
            Read::by_ref(&mut file).take(PIECE_BYTES).read_to_end(&mut piece)?;
            Ok::<_, std::io::Error>((piece, file))
        });
        let (piece, file) = read.await.map_err(std::io::Error::other)??;
        Ok::<_, std::io::Error>((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
    });
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_DISPOSITION, disposition(name)))
        .insert_header((header::CONTENT_TYPE, "application/octet-stream"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .no_chunking(artifact.size)
        .streaming(pieces))
}

/// A `Content-Disposition` value (RFC 6266), with the name in the encoding of RFC 5987.
fn disposition(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let encoded: String = name
        .bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    let plain: String =
        name.chars().map(|c| if c.is_ascii() && is_plain(c as u8) { c } else { '_' }).collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::disposition;

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(
            disposition("a\"\r\nb ü.txt"),
            "attachment; filename=\"a___b__.txt\"; filename*=UTF-8''a%22%0D%0Ab%20%C3%BC.txt"
        );
    }
}

//! Static responses: prepared once, sent without copying, and not sent again to clients that have a cached copy.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::Write,
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderValue},
    },
    web::Bytes,
};
use flate2::{Compression, write::GzEncoder};

const HTML: &str = "text/html; charset=utf-8";

/// A static response.
pub(super) struct Prepared {
    media: &'static str,
    /// The content security policy of a page.
    policy: Option<&'static str>,
    plain: Form,
    /// The compressed form, if it was prepared.
    gzip: Option<Form>,
}

/// A form of the response with its own `ETag`, because a cache must not mix up the forms.
struct Form {
    content: Bytes,
    tag: HeaderValue,
}

impl Form {
    fn new(content: Bytes) -> Self {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let tag = format!("\"{:016x}\"", hasher.finish());
        // Quoted hexadecimal digits are a valid header value.
        Self { content, tag: HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\"")) }
    }
}

impl Prepared {
    pub(super) fn new(media: &'static str, content: Bytes) -> Self {
        Self { media, policy: None, plain: Form::new(content), gzip: None }
    }

    /// A page with a content security policy.
    pub(super) fn page(content: Bytes, policy: &'static str) -> Self {
        Self { policy: Some(policy), ..Self::new(HTML, content) }
    }

    /// Adds a compressed form.
    pub(super) fn compressed(self) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        // Writing to a vector cannot fail.
        let written = encoder.write_all(&self.plain.content).and_then(|()| encoder.finish());
        Self { gzip: written.ok().map(|content| Form::new(content.into())), ..self }
    }

    /// The size of the compressed form; of the plain one, if there is no compressed form.
    #[cfg(test)]
    pub(super) fn compressed_size(&self) -> usize {
        self.gzip.as_ref().unwrap_or(&self.plain).content.len()
    }

    pub(super) fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let gzip = self.gzip.as_ref().filter(|_| takes_gzip(request.headers()));
        let form = gzip.unwrap_or(&self.plain);
        let is_known = is_known(request.headers(), &form.tag);
        let mut response =
            HttpResponse::build(if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
        response
            .insert_header((header::ETAG, form.tag.clone()))
            .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache")))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")));
        if let Some(policy) = self.policy {
            response.insert_header((header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)));
        }
        if self.gzip.is_some() {
            response.insert_header((header::VARY, HeaderValue::from_static("Accept-Encoding")));
        }
        if is_known {
            return response.finish();
        }
        if gzip.is_some() {
            response.insert_header((header::CONTENT_ENCODING, HeaderValue::from_static("gzip")));
        }
        response
            .insert_header((header::CONTENT_TYPE, HeaderValue::from_static(self.media)))
            .body(form.content.clone())
    }
}

fn is_known(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let tag = tag.to_str().unwrap_or_default();
    let known = asked.get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    known.flat_map(|value| value.split(',')).any(|known| known.trim().trim_start_matches("W/") == tag)
}

/// Whether the client accepts `gzip`. A weight of 0 means that it does not.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let lists = asked.get_all(header::ACCEPT_ENCODING).filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.unwrap_or(1.0) > 0.0
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use actix_web::{body::MessageBody, test::TestRequest};
    use flate2::read::GzDecoder;

    use super::*;

    fn answer(prepared: &Prepared, headers: &[(&str, &str)]) -> HttpResponse {
        let mut request = TestRequest::get();
        for &(name, value) in headers {
            request = request.insert_header((name, value));
        }
        prepared.answer(&request.to_http_request())
    }

    #[test]
    fn clients_that_accept_gzip_get_the_same_compressed() {
        let text = "the same again and again ".repeat(100);
        let prepared = Prepared::new("text/plain", text.clone().into()).compressed();
        for (takes, is_compressed) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5, br", true),
            ("gzip;q=0", false),
            ("x-gzip", false),
            ("identity", false),
        ] {
            let response = answer(&prepared, &[("accept-encoding", takes)]);
            let encoding = response.headers().get(header::CONTENT_ENCODING).is_some();
            assert_eq!(encoding, is_compressed, "{takes}");
            let body = response.into_body().try_into_bytes().expect("whole");
            let mut plain = String::new();
            match is_compressed {
                true => GzDecoder::new(&body[..]).read_to_string(&mut plain).map(drop).expect("gzip"),
                false => plain = String::from_utf8(body.to_vec()).expect("text"),
            }
            assert_eq!(plain, text);
        }
    }

    #[test]
    fn a_client_with_the_current_representation_gets_304() {
        let prepared = Prepared::new("text/plain", "x".repeat(100).into()).compressed();
        let tag = |takes: &str| {
            let response = answer(&prepared, &[("accept-encoding", takes)]);
            let tag = response.headers().get(header::ETAG).expect("a tag");
            tag.to_str().expect("text").to_owned()
        };
        let (plain, gzip) = (tag("identity"), tag("gzip"));
        assert_ne!(plain, gzip);
        for (takes, known, status) in [
            ("gzip", gzip.clone(), 304),
            ("gzip", format!("\"1\", W/{gzip}"), 304),
            ("gzip", plain.clone(), 200),
            ("identity", plain, 304),
        ] {
            let response = answer(&prepared, &[("accept-encoding", takes), ("if-none-match", &known)]);
            assert_eq!(response.status().as_u16(), status, "{takes} {known}");
        }
    }
}

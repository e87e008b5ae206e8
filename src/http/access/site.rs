//! Detects requests for resources that a page of another origin embeds, such as an image, a script, or a frame. A
//! browser sends them without `Origin` and without a preflight. No response of the API is meant to be embedded, and
//! such a request can cost an inspection or a stream. Browsers indicate the purpose in fetch metadata headers, at
//! least for services on the same machine and behind TLS.
//!
//! Other clients send no such headers. Links that a user opens are accepted from any site.

use actix_web::http::header::{self, HeaderMap};

/// Whether the request is for an embedded element of a page of another origin.
pub(super) fn is_embedded_elsewhere(headers: &HeaderMap) -> bool {
    let is = |name: &str, values: &[&str]| {
        headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| values.contains(&value))
    };
    let is_opened = is("sec-fetch-mode", &["navigate"]) && is("sec-fetch-dest", &["document"]);
    // Requests with an `Origin` header are handled by the CORS rules.
    is("sec-fetch-site", &["cross-site", "same-site"]) && !is_opened && !headers.contains_key(header::ORIGIN)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn is_embedded(pairs: &[(&'static str, &'static str)]) -> bool {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        is_embedded_elsewhere(&pairs.iter().map(pair).collect())
    }

    #[test]
    fn embedded_requests_of_another_origin_are_distinguished_from_links_programs_and_own_pages() {
        let (site, mode, dest) = ("sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest");
        for embedded in [
            &[(site, "cross-site"), (mode, "no-cors"), (dest, "image")][..],
            &[(site, "same-site"), (mode, "no-cors"), (dest, "script")],
            &[(site, "cross-site"), (mode, "navigate"), (dest, "iframe")],
            &[(site, "cross-site")],
        ] {
            assert!(is_embedded(embedded), "{embedded:?}");
        }
        for other in [
            &[][..],
            &[(site, "none"), (mode, "navigate"), (dest, "document")],
            &[(site, "cross-site"), (mode, "navigate"), (dest, "document")],
            &[(site, "same-origin"), (mode, "no-cors"), (dest, "script")],
            &[(site, "cross-site"), (mode, "cors"), (dest, "empty"), ("origin", "http://localhost:5173")],
        ] {
            assert!(!is_embedded(other), "{other:?}");
        }
    }
}

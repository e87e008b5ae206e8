//! Does a page of another origin embed what is requested? A browser sends such a request without `Origin` and without asking
//! first: an image, a script, a frame. No reply of the API is meant for that, and a request for one can cost an inspection or
//! a stream. Browsers say so in their fetch metadata, at least to services on this machine and to those behind TLS.
//!
//! Programs send no such headers. Links and addresses that a user opens are not refused, wherever they stand.

use actix_web::http::header::{self, HeaderMap};

/// Whether it is for an element of a page of another origin.
pub(super) fn is_embedded_elsewhere(headers: &HeaderMap) -> bool {
    let is = |name: &str, values: &[&str]| {
        headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| values.contains(&value))
    };
    let is_opened = is("sec-fetch-mode", &["navigate"]) && is("sec-fetch-dest", &["document"]);
    // With an origin, the rules about origins decide.
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
    fn what_a_page_of_another_origin_embeds_is_told_from_links_programs_and_own_pages() {
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

//! Recognizes requests of the page that the service itself serves. Its origin is that of the service, whatever name the
//! service has, so `server.cors_origin_regex` doesn't have to contain it.

use actix_web::http::header::{self, HeaderMap};

/// Whether a page of the service sent the request. A browser reports so, and no page can change what it reports; without
/// such a report, the origin of the page must be the host of the request. Hosts are checked before.
pub(super) fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let mut origins = headers.get_all(header::ORIGIN);
    let (Some(origin), None) = (origins.next().and_then(|origin| origin.to_str().ok()), origins.next())
    else {
        return false;
    };
    match text("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => origin.split_once("://").is_some_and(|(_, host)| text("host") == Some(host)),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn only_the_page_of_the_same_host_is_the_services_own() {
        let (host, origin, site) = ("host", "origin", "sec-fetch-site");
        for (pairs, is_own) in [
            (&[(host, "lab.test:8000"), (origin, "http://lab.test:8000")][..], true),
            (&[(host, "upstream"), (origin, "https://lab.test"), (site, "same-origin")], true),
            (&[(host, "lab.test:8000"), (origin, "http://lab.test:8000"), (site, "cross-site")], false),
            (&[(host, "lab.test:8000"), (origin, "http://lab.test:5173")], false),
            (&[(host, "lab.test"), (origin, "https://attacker.test")], false),
            (&[(host, "lab.test"), (origin, "null")], false),
            (&[(host, "lab.test"), (site, "same-origin")], false),
        ] {
            let mut headers = HeaderMap::new();
            for &(name, value) in pairs {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(is_own_page(&headers), is_own, "{pairs:?}");
        }
    }
}

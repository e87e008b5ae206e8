//! Protection against DNS rebinding. A web page can make its own host name resolve to this machine. The browser
//! then treats the service as part of the page's site, and same-origin rules do not apply. The name is in the
//! `Host` header, so requests with an unknown name are rejected.
//!
//! Requests without `Host` are accepted: browsers always send it, but health checks of proxies may not.

use std::net::IpAddr;

use actix_web::http::header::{self, HeaderMap};

/// The host names that requests can use.
#[derive(Debug, Clone, Default)]
pub struct Hosts(Option<Vec<String>>);

impl Hosts {
    /// Accepts any name.
    #[must_use]
    pub const fn any() -> Self {
        Self(None)
    }

    /// Accepts local names and addresses, and the given names, which contain no port.
    #[must_use]
    pub const fn own_and(names: Vec<String>) -> Self {
        Self(Some(names))
    }

    /// Whether every host name of the request is accepted. `target` is the authority of the request target, if any.
    pub(super) fn allow(&self, headers: &HeaderMap, target: Option<&str>) -> bool {
        let Some(names) = &self.0 else { return true };
        let given = headers.get_all(header::HOST).map(|value| value.to_str().unwrap_or_default());
        given.chain(target).all(|authority| name(authority).is_some_and(|name| is_ours(name, names)))
    }
}

/// The host in `name`, `name:port`, or `[address]:port`.
fn name(authority: &str) -> Option<&str> {
    let (name, rest) = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
    is_whole.then(|| name.trim_end_matches('.'))
}

fn is_ours(name: &str, names: &[String]) -> bool {
    if let Ok(address) = name.parse::<IpAddr>().map(|address| address.to_canonical()) {
        let is_it =
            |listed: &String| listed.parse().is_ok_and(|listed: IpAddr| listed.to_canonical() == address);
        return address.is_loopback() || names.iter().any(is_it);
    }
    // Subdomains of `localhost` always resolve to the loopback address (RFC 6761).
    let last = name.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("localhost")
        || names.iter().any(|listed| listed.trim_end_matches('.').eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn allows(hosts: &Hosts, given: &[&'static str], target: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        given.iter().for_each(|host| headers.append(header::HOST, HeaderValue::from_static(host)));
        hosts.allow(&headers, target)
    }

    #[test]
    fn names_of_this_machine_and_listed_ones_are_accepted() {
        let hosts = Hosts::own_and(vec![
            "range.example".to_owned(),
            "192.0.2.7".to_owned(),
            "2001:db8::7".to_owned(),
        ]);
        for host in [
            "localhost",
            "LocalHost:8000",
            "localhost.",
            "api.localhost:8000",
            "127.0.0.1",
            "127.1.2.3:8000",
            "[::1]",
            "[::1]:8000",
            "[::ffff:127.0.0.1]:80",
            "range.example",
            "Range.Example.:443",
            "192.0.2.7:8000",
            "[2001:db8::7]:8000",
        ] {
            assert!(allows(&hosts, &[host], None), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "xlocalhost",
            "127.0.0.1.evil.example",
            "127.0.0.1@evil.example",
            "127.0.0.1:8000@evil.example",
            "sub.range.example",
            "192.0.2.8",
            "0.0.0.0:8000",
            "[::1",
            "[::1]evil.example",
            "[::2]:8000",
            "localhost:x",
        ] {
            assert!(!allows(&hosts, &[host], None), "{host}");
        }
    }

    #[test]
    fn every_name_of_a_call_counts_and_none_at_all_is_no_browser() {
        let hosts = Hosts::own_and(Vec::new());
        assert!(allows(&hosts, &[], None));
        assert!(allows(&hosts, &["localhost"], Some("127.0.0.1:8000")));
        assert!(!allows(&hosts, &["localhost", "evil.example"], None));
        assert!(!allows(&hosts, &["localhost"], Some("evil.example")));
        assert!(allows(&Hosts::any(), &["evil.example"], None));
    }
}

//! From the host of an inventory and the parts of a path to an address. Nothing is ever pasted.

use std::net::IpAddr;

use reqwest::Url;

use super::error::Error;

/// The API of one host.
#[derive(Debug, Clone)]
pub(super) struct Address(Url);

impl Address {
    /// Reads `host` or `host:port`.
    pub(super) fn parse(api_host: &str) -> Result<Self, Error> {
        let bad = || Error::BadHost(api_host.to_owned());
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if api_host.is_empty() || !api_host.chars().all(plain) {
            return Err(bad());
        }
        Url::parse(&format!("https://{api_host}/api2/json")).map(Self).map_err(|_| bad())
    }

    /// Whether it is a loopback address: then no machine-in-the-middle attack is possible.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    /// The address of a call.
    pub(super) fn of(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, Error> {
        let climbs = |part: &&str| matches!(*part, "" | "." | "..");
        if path.iter().any(climbs) {
            return Err(Error::BadPath(path.join("/")));
        }
        let mut url = self.0.clone();
        match url.path_segments_mut() {
            Ok(mut parts) => parts.extend(path),
            Err(()) => return Err(Error::BadPath(path.join("/"))),
        };
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_host_and_nothing_else() {
        for host in ["pve.lab", "pve.lab:8006", "10.0.0.1", "[::1]:8006", "127.0.0.1:18007"] {
            assert!(Address::parse(host).is_ok(), "{host}");
        }
        for host in
            ["", "a/b", "user@pve", "pve?x", "pve#x", "pve\\x", "pve lab", "pve:port", "http://pve", "[::1"]
        {
            assert!(matches!(Address::parse(host), Err(Error::BadHost(_))), "{host}");
        }
    }

    #[test]
    fn parts_of_a_path_stay_parts() {
        let address = Address::parse("pve:8006").unwrap();
        let url = |path: &[&str], query: &[(&str, &str)]| address.of(path, query).map(String::from);
        assert_eq!(url(&["version"], &[]).unwrap(), "https://pve:8006/api2/json/version");
        assert_eq!(
            url(&["nodes", "a/../b?x#y%2e", "qemu"], &[("type", "vm&x=1")]).unwrap(),
            "https://pve:8006/api2/json/nodes/a%2F..%2Fb%3Fx%23y%252e/qemu?type=vm%26x%3D1"
        );
        for path in [&["nodes", ".."][..], &["nodes", ""], &[".", "x"]] {
            assert!(matches!(url(path, &[]), Err(Error::BadPath(_))), "{path:?}");
        }
    }

    #[test]
    fn this_machine_is_known() {
        for (host, loopback) in [
            ("localhost:18007", true),
            ("127.0.0.1", true),
            ("127.8.9.1:1", true),
            ("[::1]:8006", true),
            ("10.0.0.1", false),
            ("localhost.example.org", false),
            ("[2001:db8::1]", false),
        ] {
            assert_eq!(Address::parse(host).unwrap().is_loopback(), loopback, "{host}");
        }
    }
}

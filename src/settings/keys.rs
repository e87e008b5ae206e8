//! The table of all keys and their allowed values. Meanings and defaults are in `config/default.toml`.

use std::net::IpAddr;

use super::{
    IsolationLevel, access, ansible, isolation,
    kind::{Key, Kind, Rule},
    log, paths, proxmox, ranges, runs, server, store,
};

const fn required(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, optional: false }
}

const fn optional(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, optional: true }
}

const fn integer(min: i64, max: i64) -> Kind {
    Kind::Integer { min, max }
}

const GIBIBYTE: i64 = 1 << 30;
const WEEK_S: i64 = 7 * 24 * 3600;

/// Every key, in the order of `config/default.toml`.
pub(super) const KEYS: &[Key] = &[
    required("server.host", Kind::Text(Rule { allowed: "an IP address or a host name", accepts: is_host })),
    required("server.port", integer(0, 65_535)),
    required("server.workers", integer(0, 1024)),
    required("server.body_limit_bytes", integer(1024, GIBIBYTE)),
    required("server.cors_origin_regex", Kind::Text(server::ORIGIN_RULE)),
    required("server.wait_max_s", integer(0, 86_400)),
    required("server.cancel_on_disconnect", Kind::Switch),
    required("server.shutdown_grace_s", integer(0, 3600)),
    required("access.modes", Kind::List(access::MODE_RULE)),
    required("access.allow_unauthenticated", Kind::Switch),
    optional(
        "access.hosts",
        Kind::List(Rule { allowed: "IP addresses or host names, without a port", accepts: is_host }),
    ),
    optional("access.gateway_secret_file", Kind::Path),
    required("access.gateway_secret_header", Kind::Text(access::HEADER_RULE)),
    optional("access.gateway_addresses", Kind::List(access::NETWORK_RULE)),
    optional("access.viewer_groups", Kind::List(access::GROUP_RULE)),
    optional("access.operator_groups", Kind::List(access::GROUP_RULE)),
    optional("access.admin_groups", Kind::List(access::GROUP_RULE)),
    optional("access.default_role", Kind::Word(access::ROLES)),
    optional("access.jwt_keys", Kind::Text(access::KEYS_RULE)),
    optional("access.jwt_issuer", Kind::Text(access::CLAIM_RULE)),
    optional("access.jwt_audience", Kind::Text(access::CLAIM_RULE)),
    required("access.jwt_role_claim", Kind::Text(access::CLAIM_RULE)),
    required("access.jwt_name_claim", Kind::Text(access::CLAIM_RULE)),
    required("access.jwt_leeway_s", integer(0, 600)),
    required("access.jwt_refresh_s", integer(5, 86_400)),
    required("access.allow_unauthenticated_metrics", Kind::Switch),
    required("limits.reads_per_minute", integer(0, 100_000_000)),
    required("limits.reads_burst", integer(1, 1_000_000)),
    required("limits.writes_per_minute", integer(0, 100_000_000)),
    required("limits.writes_burst", integer(1, 1_000_000)),
    required("limits.watchers_per_client", integer(0, 100_000)),
    required("limits.watchers", integer(0, 1_000_000)),
    required("limits.unread_timeout_s", integer(1, 3600)),
    required("limits.unread_bytes_per_client", integer(0, 1_000 * GIBIBYTE)),
    required("limits.unread_bytes", integer(0, 1_000 * GIBIBYTE)),
    required("limits.queued_per_client", integer(0, 1_000_000)),
    required("limits.queued", integer(0, 1_000_000)),
    required("paths.project_root", Kind::Path),
    required("paths.playbooks", Kind::Path),
    optional("paths.public_playbooks", Kind::Path),
    required("paths.inventory", Kind::Path),
    optional("paths.link_targets", Kind::SearchPath),
    optional("paths.persistent", Kind::List(paths::PERSISTENT_RULE)),
    required("paths.state", Kind::Path),
    optional("paths.runtime", Kind::Path),
    required("ansible.executor", Kind::Word(ansible::EXECUTORS)),
    optional("ansible.bin_dir", Kind::Path),
    required("ansible.default_inventory", Kind::OneOrMore(ansible::INVENTORY_RULE)),
    optional(
        "ansible.inventory_scripts",
        Kind::List(Rule { allowed: "patterns for paths, such as `cloud/*.py`", accepts: is_pattern }),
    ),
    optional("ansible.roles_path", Kind::SearchPath),
    optional("ansible.collections_path", Kind::SearchPath),
    optional("ansible.library", Kind::SearchPath),
    optional("ansible.filter_plugins", Kind::SearchPath),
    optional("ansible.config", Kind::Path),
    required("ansible.forks", integer(0, 1000)),
    optional("ansible.strategy", Kind::Text(ansible::STRATEGY_RULE)),
    required("ansible.pipelining", Kind::Switch),
    required("ansible.compiled_modules", Kind::Switch),
    required("ansible.fact_caching_s", integer(0, 31_536_000)),
    optional("ansible.pass_environment", Kind::List(ansible::PASS_RULE)),
    required("ansible.environment", Kind::Variables),
    optional("vault.password_file", Kind::Path),
    optional("vault.password", Kind::Secret(Rule { allowed: "a string", accepts: |_| true })),
    optional("vault.file", Kind::Path),
    optional("secrets.key_file", Kind::Path),
    required("proxmox.verify_tls", Kind::Switch),
    optional("proxmox.ca_file", Kind::Path),
    optional("proxmox.api_hosts", Kind::List(proxmox::API_HOST_RULE)),
    required("proxmox.timeout_s", integer(1, 600)),
    required("proxmox.poll_interval_s", integer(1, 3600)),
    required("proxmox.direct_reads", Kind::Word(proxmox::DirectReads::WORDS)),
    optional("ranges.service", Kind::Text(ranges::SERVICE_RULE)),
    required("ranges.max_concurrent_steps", integer(1, 1000)),
    required("ranges.tries", integer(1, 100)),
    required("ranges.settle_s", integer(0, 3600)),
    required("ranges.ready_within_s", integer(1, 86_400)),
    required("ranges.check_interval_s", integer(1, 86_400)),
    required("ranges.ldo_enabled", Kind::Switch),
    required(
        "ranges.ldo_platform",
        Kind::Text(Rule { allowed: "the name of a platform", accepts: |name| !name.is_empty() }),
    ),
    required("runs.max_concurrent", integer(0, 1024)),
    required("runs.timeout_s", integer(1, WEEK_S)),
    required("runs.idle_timeout_s", integer(0, WEEK_S)),
    required("runs.inspection_timeout_s", integer(1, 3600)),
    required("runs.kill_grace_s", integer(0, 600)),
    required("runs.drain_s", integer(0, WEEK_S)),
    required("runs.lease_s", integer(3, 3600)),
    required("runs.event_max_bytes", integer(65_536, GIBIBYTE)),
    required("runs.output_max_bytes", integer(0, i64::MAX)),
    required("runs.content", Kind::Word(runs::CONTENT)),
    required("runs.artifacts_max_bytes", integer(0, i64::MAX)),
    required("runs.in_memory_max_bytes", integer(0, GIBIBYTE)),
    optional("runs.exclude", Kind::List(Rule { allowed: "names without `/`", accepts: is_file_name })),
    required("runs.allow_connection_vars", Kind::Switch),
    optional(
        "runs.protected_vars",
        Kind::List(Rule { allowed: "names of variables", accepts: isolation::is_variable }),
    ),
    required("runs.isolation", Kind::Word(IsolationLevel::WORDS)),
    required("runs.sandbox_network", Kind::Switch),
    required("runs.sandbox_ssh_keys", Kind::Word(isolation::SshKeys::WORDS)),
    optional("runs.sandbox_readable", Kind::SearchPath),
    optional("runs.sandbox_writable", Kind::SearchPath),
    required("runs.private_home", Kind::Switch),
    required("runs.no_new_privileges", Kind::Switch),
    required("runs.memory_max_bytes", integer(0, i64::MAX)),
    required("runs.processes_max", integer(0, 4_194_304)),
    required("runs.open_files_max", integer(0, 1_048_576)),
    required("runs.file_max_bytes", integer(0, i64::MAX)),
    optional("store.url", Kind::Secret(store::URL_RULE)),
    required("store.max_connections", integer(1, 1000)),
    required("history.keep_days", integer(0, 36_500)),
    required("history.keep_jobs", integer(0, 1_000_000_000)),
    required("history.keep_bytes", integer(0, 1_000_000 * GIBIBYTE)),
    required("history.keep_artifacts_days", integer(0, 36_500)),
    required("history.keep_artifacts_bytes", integer(0, 1_000_000 * GIBIBYTE)),
    required("history.keep_audit_days", integer(0, 36_500)),
    required("history.keep_audit_entries", integer(0, 1_000_000_000)),
    required("log.filter", Kind::Text(log::FILTER_RULE)),
    required("log.format", Kind::Word(log::FORMATS)),
];

/// The key of that name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

fn is_host(text: &str) -> bool {
    let is_name = text.trim_end_matches('.').split('.').all(|label| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    });
    text.parse::<IpAddr>().is_ok() || is_name
}

fn is_pattern(text: &str) -> bool {
    text.parse::<::content::catalog::Glob>().is_ok()
}

fn is_file_name(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.contains(['/', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_an_address_or_a_name() {
        for host in ["127.0.0.1", "::", "::1", "0.0.0.0", "localhost", "api-1.example.org", "backend_api"] {
            assert!(is_host(host), "{host}");
        }
        for host in ["", "a b", "http://x", "[::1]", "host:80", "a..b", "a/b"] {
            assert!(!is_host(host), "{host}");
        }
    }

    #[test]
    fn excluded_names_are_single_segments() {
        assert!(is_file_name(".git"));
        for name in ["", ".", "..", "a/b"] {
            assert!(!is_file_name(name), "{name}");
        }
    }
}

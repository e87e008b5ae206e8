//! The list of all endpoints, for registration, access control, and the documents. Each endpoint is declared next
//! to its handler.

use std::sync::LazyLock;

use super::{documents::serve, endpoint::Endpoint, health, ldo, metrics, page, v0, v1, ws};

/// All endpoints, in the order of the documents.
pub fn endpoints() -> &'static [Endpoint] {
    static ALL: LazyLock<Vec<Endpoint>> = LazyLock::new(|| {
        let groups = [
            v0::endpoints(),
            v1::endpoints(),
            ws::endpoints(),
            v1::catalog_endpoints(),
            page::endpoints(),
            ldo::endpoints(),
            health::endpoints(),
            vec![metrics::endpoint()],
            serve::endpoints(),
        ];
        groups.into_iter().flatten().collect()
    });
    &ALL
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::endpoint::{Access, Dialect, Effect, Location, Origins, Reply, Schemas, Verb};

    #[test]
    fn no_two_endpoints_have_one_name_or_one_method_and_path() {
        let (mut names, mut paths) = (BTreeSet::new(), BTreeSet::new());
        for endpoint in endpoints() {
            let name = endpoint.doc.operation.as_ref();
            assert!(names.insert(name), "{name} twice");
            assert!(paths.insert((endpoint.verb, endpoint.path.as_str())), "{endpoint:?} twice");
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            assert!(name.bytes().all(is_plain), "{name}");
        }
    }

    #[test]
    fn only_calls_that_change_nothing_are_for_viewers_and_only_get_is_open() {
        for endpoint in endpoints() {
            let is_read = endpoint.effect != Effect::Change;
            assert!(is_read || endpoint.access.role() > Some(model::Role::Viewer), "{endpoint:?}");
            assert!(endpoint.access != Access::Open || endpoint.verb == Verb::Get, "{endpoint:?}");
            assert!(endpoint.verb != Verb::Get || is_read, "{endpoint:?}");
        }
    }

    #[test]
    fn endpoints_of_one_path_treat_pages_of_other_origins_alike() {
        for one in endpoints() {
            let same = endpoints().iter().filter(|other| other.path == one.path);
            assert!(same.clone().all(|other| other.origins == one.origins), "{one:?}");
            assert!(same.count() == 1 || !one.is_hidden_without_upgrade, "{one:?}");
            let is_v1 = one.path.starts_with("/v1/");
            assert!(!is_v1 || one.origins == Origins::Configured && one.dialect() == Dialect::V1, "{one:?}");
        }
    }

    #[test]
    fn the_parameters_of_a_path_are_documented_and_one_of_them_is_the_job() {
        for endpoint in endpoints() {
            let in_path: Vec<_> =
                endpoint.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
            let documented: Vec<_> = endpoint.doc.names(Location::Path).collect();
            assert_eq!(in_path, documented, "{endpoint:?}");
            assert!(endpoint.job.is_none_or(|job| in_path.contains(&job)), "{endpoint:?}");
            let is_of_a_job = endpoint.path.starts_with("/v1/jobs/") || endpoint.path == "/ws/{job_id}";
            assert_eq!(endpoint.job.is_some(), is_of_a_job, "{endpoint:?}");
        }
    }

    #[test]
    fn every_endpoint_says_what_it_replies_and_what_it_takes() {
        let mut schemas = Schemas::default();
        for endpoint in endpoints() {
            assert!(!endpoint.doc.replies.is_empty(), "{endpoint:?}");
            for parameter in &endpoint.doc.parameters {
                assert!((parameter.schema)(&mut schemas).is_object(), "{endpoint:?} {}", parameter.name);
            }
            if let Some(body) = &endpoint.doc.body {
                assert!(
                    (body.schema)(&mut schemas).is_object() && (body.example)().is_object(),
                    "{endpoint:?}"
                );
            }
            let is_shared = |reply: &Reply| matches!(reply, Reply::Shared(..));
            assert_eq!(endpoint.doc.replies.iter().all(is_shared), endpoint.path.starts_with("/v0/"));
        }
    }
}

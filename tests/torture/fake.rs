//! Services whose ansible-runner is the fake one, and requests for it.

use serde_json::{Value, json};
use testkit::Setup;

/// A service with the fake runner.
pub(crate) fn setup() -> Setup {
    Setup::without_ansible()
}

/// A request whose variables configure the fake runner. The playbook that it names does not matter.
pub(crate) fn request(variables: &Value) -> Value {
    json!({"bundle": "ping", "limit": "localhost", "extra_vars": variables})
}

//! A fake Proxmox of one test: `tests/lab/pve.py`.

use std::process::{Child, Command, Stdio};

use serde_json::{Map, Value, json};

use crate::{
    http::Endpoint,
    processes::spawn_until_ready,
    surroundings::{bin_dir, repository},
};

/// A call of a control path: method, path, body.
pub type Control = (String, String, Value);

/// A running fake; it ends with its test.
pub struct Pve {
    /// The fake ends when this process's standard input is closed, however the test ends.
    process: Child,
    endpoint: Endpoint,
}

impl Pve {
    /// Starts it on a free port.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        let mut command = Command::new(bin_dir().join("python"));
        command.arg("-B").arg(repository("tests/lab/pve.py")).arg("--while-stdin-is-open");
        let (process, line) = spawn_until_ready(command.stdin(Stdio::piped()));
        let address = line.strip_prefix("pve ready https://");
        let address = address.unwrap_or_else(|| panic!("the fake Proxmox did not start: {line}"));
        Self { endpoint: Endpoint::new(address), process }
    }

    /// `host:port`
    #[must_use]
    pub fn host(&self) -> &str {
        &self.endpoint.address
    }

    /// Calls a control path.
    ///
    /// # Panics
    ///
    /// If it is rejected.
    pub fn control(&self, (method, path, body): &Control) -> Value {
        let body = (!body.is_null()).then(|| body.to_string());
        let answer =
            self.endpoint.send(method, path, &Map::new(), body.as_deref()).expect("the fake answers");
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
        answer.json()
    }

    /// Back to the beginning, then these changes.
    pub fn prepare(&self, changes: &[Control]) {
        self.control(&("POST".into(), "/__reset".into(), json!({})));
        for change in changes {
            self.control(change);
        }
    }

    /// Forgets the calls.
    pub fn forget_calls(&self) {
        self.control(&("DELETE".into(), "/__log".into(), Value::Null));
    }

    /// All calls of the API, as the cases have them: method, path and, if there is one, a body of texts.
    ///
    /// # Panics
    ///
    /// If it has no list of calls.
    #[must_use]
    pub fn calls(&self) -> Vec<Value> {
        let calls = self.control(&("GET".into(), "/__log".into(), Value::Null));
        let calls = calls.as_array().expect("a list").iter().map(|call| {
            let mut shown = json!({"method": call["method"], "path": call["path"]});
            if let Some(body) = call["body"].as_str().filter(|body| !body.is_empty()) {
                shown["body"] = fields(body);
            }
            shown
        });
        calls.collect()
    }
}

impl Drop for Pve {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Proxmox takes JSON and forms: both are an object of texts.
fn fields(body: &str) -> Value {
    let fields: Map<String, Value> = match serde_json::from_str(body) {
        Ok(fields) => fields,
        Err(_) => form(body),
    };
    let texts = fields.into_iter().map(|(name, value)| match value {
        Value::String(text) => (name, Value::from(text)),
        other => (name, Value::from(other.to_string())),
    });
    Value::Object(texts.collect())
}

fn form(body: &str) -> Map<String, Value> {
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), Value::from(decoded(value)))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digits = || [rest.clone().next(), rest.clone().nth(1)].map(|digit| (digit? as char).to_digit(16));
        match (byte, (byte == b'%').then(digits)) {
            (_, Some([Some(high), Some(low)])) => {
                bytes.extend(u8::try_from(high * 16 + low));
                rest.nth(1);
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::fields;

    #[test]
    fn forms_and_json_are_one_to_proxmox() {
        assert_eq!(fields("a=1&b=x+%26%C3%A9&c=100%"), json!({"a": "1", "b": "x &é", "c": "100%"}));
        assert_eq!(
            fields(r#"{"a": 1, "b": "x &é", "c": true}"#),
            json!({"a": "1", "b": "x &é", "c": "true"})
        );
    }
}

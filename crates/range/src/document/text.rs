//! From YAML or JSON text to a value, with limits: size, depth, number of nodes, and what aliases may expand to.
//!
//! A key that appears twice in a mapping is a fault: both readers would silently keep one of the two.

use std::{cell::RefCell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::fault::{At, FaultCode, Faults};

/// The largest document, in bytes.
pub const MAX_BYTES: usize = 10 * 1024 * 1024;
/// The deepest nesting.
pub const MAX_DEPTH: usize = 32;
/// The most values in a document, those that aliases repeat included.
pub const MAX_VALUES: usize = 1_000_000;
/// The most aliases in a YAML document.
pub const MAX_ALIASES: usize = 10_000;
/// The most parts of a YAML document that aliases may repeat, all together.
const MAX_REPEATED: usize = 100_000;

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML 1.2. JSON is YAML, too.
    Yaml,
    /// JSON.
    Json,
}

/// Reads a text as a value.
///
/// # Errors
/// If it is malformed, exceeds a limit, or repeats a key.
pub fn parse(text: &str, format: Format) -> Result<Value, Faults> {
    let mut faults = Faults::default();
    if text.len() > MAX_BYTES {
        let message = format!("the document has {} bytes", text.len());
        faults
            .add(&At::Root, FaultCode::TooLarge, message)
            .hint(format!("at most {MAX_BYTES} bytes are allowed"));
        return Err(faults);
    }
    let state = RefCell::new(State { faults, values: 0, limit: None });
    let seed = Seed { state: &state, at: &At::Root, depth: 0 };
    let read = match format {
        Format::Json => {
            let mut reader = serde_json::Deserializer::from_str(text);
            seed.deserialize(&mut reader)
                .and_then(|value| reader.end().map(|()| value))
                .map_err(|error| error.to_string())
        }
        Format::Yaml => serde_saphyr::with_deserializer_from_str_with_options(text, options(), |reader| {
            seed.deserialize(reader)
        })
        .map_err(|error| error.to_string()),
    };
    let State { mut faults, limit, .. } = state.into_inner();
    match (read, limit) {
        (Ok(value), _) => return faults.result(value),
        (Err(_), Some(limit)) => drop(faults.add(&At::Root, FaultCode::TooLarge, limit)),
        (Err(error), None) => {
            let name = if format == Format::Json { "JSON" } else { "YAML" };
            // The first line: further ones of the YAML reader explain its options.
            let reason = error.lines().next().unwrap_or_default().to_owned();
            faults.add(
                &At::Root,
                FaultCode::Malformed,
                format!("the document is not valid {name}: {reason}"),
            );
        }
    }
    Err(faults)
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        // Found by the visitor, all of them.
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
        // `on`, `off`, `yes` and `no` are words, as YAML 1.2 has it: `on` is a field of tasks.
        strict_booleans: true,
        with_snippet: false,
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_REPEATED,
        },
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH + 8,
            max_nodes: MAX_VALUES,
            max_events: 2 * MAX_VALUES,
            max_aliases: MAX_ALIASES,
            max_anchors: MAX_ALIASES,
            max_documents: 1,
            max_total_scalar_bytes: MAX_BYTES,
        },
    }
}

struct State {
    faults: Faults,
    values: usize,
    /// The limit that ended the reading.
    limit: Option<String>,
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    state: &'a RefCell<State>,
    at: &'a At<'a>,
    depth: usize,
}

impl Seed<'_> {
    /// One more value; an error once there are too many, or it lies too deep.
    fn count<E: serde::de::Error>(&self) -> Result<(), E> {
        let mut state = self.state.borrow_mut();
        state.values += 1;
        let limit = if state.values > MAX_VALUES {
            format!("the document has more than {MAX_VALUES} values")
        } else if self.depth > MAX_DEPTH {
            format!("the document is nested deeper than {MAX_DEPTH} levels at `{}`", self.at)
        } else {
            return Ok(());
        };
        let error = E::custom(&limit);
        state.limit = Some(limit);
        Err(error)
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let at = self.at.item(items.len());
            let seed = Seed { state: self.state, at: &at, depth: self.depth + 1 };
            let Some(item) = access.next_element_seed(seed)? else { return Ok(items.into()) };
            items.push(item);
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries = Map::new();
        let keys = Seed { state: self.state, at: self.at, depth: self.depth + 1 };
        while let Some(key) = access.next_key_seed(keys)? {
            let key = match key {
                Value::String(key) => key,
                // YAML: `22: ssh` has a number as its key, where a name is meant.
                Value::Number(key) => key.to_string(),
                Value::Bool(key) => key.to_string(),
                _ => return Err(A::Error::custom("a key must be a string")),
            };
            let at = self.at.field(&key);
            let seed = Seed { state: self.state, at: &at, depth: self.depth + 1 };
            let value = access.next_value_seed(seed)?;
            if entries.contains_key(&key) {
                let message = format!("the key `{}` appears twice", crate::fault::quote(&key));
                self.state.borrow_mut().faults.add(&at, FaultCode::Duplicate, message);
            }
            entries.insert(key, value);
        }
        Ok(entries.into())
    }
}

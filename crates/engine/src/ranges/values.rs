//! Values of the variables of a range: secret ones are separated from the others, and a fingerprint takes their place.
//!
//! A fingerprint is random and stays as long as the value does, so a plan shows that a secret has changed, and nothing about it.

use model::SecretValue;
use range::{Document, Values, document::VariableType};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::secrets::RangeSecrets;

/// The values of a request, without the secret ones.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Separated {
    /// Values with fingerprints in place of secrets.
    pub(super) values: Values,
    /// The secret values, in the form that [`RangeSecrets`] has.
    pub(super) secrets: SecretValue,
}

/// What is stored of an earlier request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Former<'a> {
    pub(super) values: &'a Values,
    pub(super) secrets: &'a RangeSecrets,
}

/// Separates the secret values.
pub(super) fn separate(document: &Document, given: &Values, former: Option<Former<'_>>) -> Separated {
    let (all, secret_all) = of_place(document, &given.all, |name| {
        let former = former?;
        Some((stored(former.secrets, None)?.get(name)?, former.values.all.get(name)?))
    });
    let mut instances = std::collections::BTreeMap::new();
    let mut secret_instances = Map::new();
    for (instance, given) in &given.instances {
        let (values, secrets) = of_place(document, given, |name| {
            let former = former?;
            let value = stored(former.secrets, Some(instance))?.get(name)?;
            Some((value, former.values.instances.get(instance)?.get(name)?))
        });
        instances.insert(instance.clone(), values);
        if !secrets.is_empty() {
            secret_instances.insert(instance.clone(), Value::Object(secrets));
        }
    }
    Separated {
        values: Values { all, instances },
        secrets: SecretValue::new(json!({ "all": secret_all, "instances": secret_instances })),
    }
}

fn stored<'a>(secrets: &'a RangeSecrets, instance: Option<&str>) -> Option<&'a Value> {
    let values = secrets.values().expose();
    match instance {
        None => values.get("all"),
        Some(instance) => values.get("instances")?.get(instance),
    }
}

/// The values of one place, and the secret ones among them. `former` returns a stored secret and its fingerprint.
fn of_place<'a>(
    document: &Document,
    given: &Map<String, Value>,
    former: impl Fn(&str) -> Option<(&'a Value, &'a Value)>,
) -> (Map<String, Value>, Map<String, Value>) {
    let (mut values, mut secrets) = (Map::new(), Map::new());
    for (name, value) in given {
        let is_secret = document
            .variables
            .get(name.as_str())
            .is_some_and(|variable| variable.r#type == VariableType::Secret);
        if !is_secret {
            values.insert(name.clone(), value.clone());
            continue;
        }
        let same =
            former(name).filter(|(stored, _)| *stored == value).map(|(_, fingerprint)| fingerprint.clone());
        values.insert(name.clone(), same.unwrap_or_else(|| Uuid::now_v7().to_string().into()));
        secrets.insert(name.clone(), value.clone());
    }
    (values, secrets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        let document = json!({
            "name": "r", "platform": "simulated", "machines": {"a": {"kind": "namespace"}},
            "variables": {"domain": {"type": "string", "default": "x"}, "password": {"type": "secret"}},
        });
        Document::from_value(&document).expect("a document")
    }

    fn given(password: &str) -> Values {
        let all = json!({"domain": "range.test", "password": password});
        serde_json::from_value(json!({"all": all, "instances": {}})).expect("values")
    }

    #[test]
    fn a_fingerprint_stays_as_long_as_the_secret_and_shows_nothing_of_it() {
        let document = document();
        let first = separate(&document, &given("canary-1"), None);
        assert_eq!(first.values.all["domain"], "range.test");
        assert!(!format!("{:?}", first.values).contains("canary"));
        assert_eq!(*first.secrets.expose(), json!({"all": {"password": "canary-1"}, "instances": {}}));

        let secrets = RangeSecrets::generate(crate::clock::new_range_id(), first.secrets).expect("a key");
        let former = Former { values: &first.values, secrets: &secrets };
        let again = separate(&document, &given("canary-1"), Some(former));
        assert_eq!(again.values, first.values);
        let other = separate(&document, &given("canary-2"), Some(former));
        assert_ne!(other.values, first.values);
    }
}

//! Values of variables: from the request for one instance, else for all, else the default of the document.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::spec::VariableValue;
use crate::{
    Faults,
    document::{Document, VariableType},
    fault::{At, FaultCode, known_names},
};

/// The values that a request supplies.
///
/// In place of a secret stands a fingerprint: a text that changes when the secret does, such as a keyed hash. Secrets themselves are not
/// passed to this crate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Values {
    /// For all instances.
    pub all: Map<String, Value>,
    /// For single instances, by their names.
    pub instances: BTreeMap<String, Map<String, Value>>,
}

const ROOT: At<'_> = At::Root;

/// The variables of every instance.
pub(super) fn of_instances(
    document: &Document,
    names: &[String],
    values: &Values,
    faults: &mut Faults,
) -> Vec<Arc<BTreeMap<String, VariableValue>>> {
    let known = || document.variables.keys().map(|name| name.as_str());
    let places = [("all", &values.all)].into_iter();
    let places = places.chain(values.instances.iter().map(|(name, values)| (name.as_str(), values)));
    for (place, values) in places {
        for name in values.keys().filter(|name| !document.variables.contains_key(name.as_str())) {
            let (root, message) =
                (ROOT.field("values"), format!("unknown variable `{}`", crate::fault::quote(name)));
            faults
                .add(&root.field(place).field(name), FaultCode::UnknownName, message)
                .hint(known_names(name, known()));
        }
    }
    for name in values.instances.keys().filter(|name| !names.contains(name)) {
        let message = format!("unknown instance `{}`", crate::fault::quote(name));
        let hint = known_names(name, names.iter().map(String::as_str));
        faults.add(&ROOT.field("values").field(name), FaultCode::UnknownName, message).hint(hint);
    }
    let mut common = None;
    let own = |name: &String| match values.instances.get(name) {
        None => {
            Arc::clone(common.get_or_insert_with(|| Arc::new(of_instance(document, None, values, faults))))
        }
        Some(_) => Arc::new(of_instance(document, Some(name), values, faults)),
    };
    names.iter().map(own).collect()
}

fn of_instance(
    document: &Document,
    instance: Option<&String>,
    values: &Values,
    faults: &mut Faults,
) -> BTreeMap<String, VariableValue> {
    let own = instance.and_then(|name| values.instances.get(name));
    let mut found = BTreeMap::new();
    for (name, variable) in &document.variables {
        let text = name.as_str();
        let given = own.and_then(|own| own.get(text)).or_else(|| values.all.get(text));
        let (root, place) = (ROOT.field("values"), instance.map_or("all", String::as_str));
        let parent = root.field(place);
        let at = parent.field(text);
        let Some(value) = given.or(variable.default.as_ref().map(|default| &default.0)) else {
            let message = format!("the variable `{text}` has no value and no default");
            faults.add(&at, FaultCode::Missing, message).hint("supply a value with the request");
            continue;
        };
        if !variable.r#type.accepts(value) {
            let (wanted, kind) = (variable.r#type, crate::read::kind_of(value));
            let message = format!("the value of `{text}` is {kind}, the variable is of type {wanted}");
            faults.add(&at, FaultCode::WrongType, message);
            continue;
        }
        let value = match (variable.r#type, value) {
            (VariableType::Secret, Value::String(fingerprint)) => VariableValue::Secret(fingerprint.clone()),
            (_, value) => VariableValue::Value(value.clone()),
        };
        found.insert(text.to_owned(), value);
    }
    found
}

//! Bodies of ranges: a document, or a request that contains one.

use std::convert::Infallible;

use range::{Values, document::text::MAX_BYTES};
use serde_json::{Map, Value};

use super::{fields::Fields, range_faults::invalid_document};
use crate::http::{
    body::BadBody,
    document_body::{DocumentBody, Unreadable},
    problem::{FaultCode, Problem, fault},
};

/// The fields of a request that contains a document.
const FIELDS: [&str; 5] = ["document", "values", "secret_values", "digest", "confirm"];

/// A document, and how it's to be applied.
#[derive(Default)]
pub(super) struct Requested {
    pub(super) document: Value,
    /// The values of variables, secret ones included.
    pub(super) values: Option<Values>,
    pub(super) digest: Option<String>,
    pub(super) confirm: Vec<String>,
}

/// The value of a body.
fn value(body: DocumentBody) -> Result<Option<Value>, Problem> {
    body.0.map_err(|unreadable| match unreadable {
        Unreadable::Body(error @ BadBody::ContentType { .. }) => Problem::from(error)
            .hint("with curl: `-H 'content-type: application/yaml' --data-binary @range.yaml`"),
        Unreadable::Body(error @ BadBody::TooLong { .. }) => {
            Problem::from(error).hint(format!("a range document has at most {MAX_BYTES} bytes"))
        }
        Unreadable::Body(error) => error.into(),
        Unreadable::Text(faults) => invalid_document(&faults),
    })
}

/// The document of a body. A body without a field `document` is the document itself.
pub(super) fn document(body: DocumentBody) -> Result<Requested, Problem> {
    match value(body)? {
        Some(Value::Object(fields)) if fields.contains_key("document") => wrapped(fields),
        Some(document @ Value::Object(_)) => Ok(Requested { document, ..Requested::default() }),
        Some(_) => Err(not_a_mapping("the body is not a mapping: send a range document")),
        None => Err(not_a_mapping("the body is empty: send a range document")),
    }
}

/// The fields of an action; an empty body has none.
pub(super) fn fields(body: DocumentBody) -> Result<Fields, Problem> {
    Fields::of_body(value(body)?.filter(|value| !value.is_null()))
}

fn not_a_mapping(message: &str) -> Problem {
    Problem::invalid(vec![fault("", FaultCode::WrongType, message)])
}

fn wrapped(fields: Map<String, Value>) -> Result<Requested, Problem> {
    let mut fields = Fields::of_body(Some(Value::Object(fields)))?;
    let document = match fields.take("document") {
        Some(document @ Value::Object(_)) => document,
        Some(other) => fields.wrong_type("document", "a mapping", &other).unwrap_or_default(),
        None => {
            let message = "the document is missing".to_owned();
            fields.fault("document", FaultCode::Missing, message).unwrap_or_default()
        }
    };
    let values = [values(&mut fields, "values"), values(&mut fields, "secret_values")];
    let digest = fields.text("digest", |text| Ok::<_, Infallible>(text.to_owned()));
    let confirm = names(&mut fields, "confirm").unwrap_or_default();
    fields.finish(&FIELDS.map(str::to_owned))?;
    Ok(Requested { document, values: values.into_iter().flatten().reduce(together), digest, confirm })
}

/// The values of both.
fn together(mut values: Values, more: Values) -> Values {
    values.all.extend(more.all);
    for (instance, more) in more.instances {
        values.instances.entry(instance).or_default().extend(more);
    }
    values
}

/// `{"all": {...}, "instances": {"team01": {...}}}`
fn values(fields: &mut Fields, name: &str) -> Option<Values> {
    let value = fields.take(name)?;
    let form = || "use `{\"all\": {NAME: VALUE}, \"instances\": {INSTANCE: {NAME: VALUE}}}`".to_owned();
    // The error of the reader could quote a secret.
    serde_json::from_value(value).ok().or_else(|| fields.fault(name, FaultCode::InvalidValue, form()))
}

/// A list of names; `None` if there is no such field.
pub(super) fn names(fields: &mut Fields, name: &str) -> Option<Vec<String>> {
    let value = fields.take(name)?;
    match serde_json::from_value(value.clone()) {
        Ok(names) => Some(names),
        Err(_) => fields.wrong_type(name, "a list of names", &value),
    }
}

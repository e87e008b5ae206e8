//! Bodies of ranges: a document as YAML or JSON, or a request that contains one.

use std::{convert::Infallible, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use range::{
    Faults, Values,
    document::text::{self, Format, MAX_BYTES},
};
use serde_json::{Map, Value};

use super::{fields::Fields, range_faults::invalid_document};
use crate::http::{
    body::{BadBody, ContentTypes, is_json, received},
    problem::{FaultCode, Problem, fault},
};

/// The content types of a document. Those that a page can send to other origins without a preflight aren't accepted.
const TYPES: ContentTypes<Format> =
    ContentTypes { names: "`application/yaml` or `application/json`", accepts: format, usual: Format::Yaml };

fn format(essence: &str) -> Option<Format> {
    match essence {
        "application/yaml" | "application/x-yaml" | "text/yaml" | "text/x-yaml" => Some(Format::Yaml),
        _ => is_json(essence).map(|()| Format::Json),
    }
}

/// The fields of a request that contains a document.
const FIELDS: [&str; 5] = ["document", "values", "secret_values", "digest", "confirm"];

/// A body as a value; `None` if it's empty.
#[derive(Debug)]
pub(super) struct RangeBody(Result<Option<Value>, Unreadable>);

#[derive(Debug)]
enum Unreadable {
    Body(BadBody),
    Text(Faults),
}

impl FromRequest for RangeBody {
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Infallible>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let received = received(request, payload, MAX_BYTES, &TYPES);
        Box::pin(async move {
            let (bytes, format) = match received.await {
                Ok(received) => received,
                Err(error) => return Ok(Self(Err(Unreadable::Body(error)))),
            };
            let Ok(text) = std::str::from_utf8(&bytes) else {
                return Ok(Self(Err(Unreadable::Body(BadBody::NotUtf8))));
            };
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            if text.is_empty() {
                return Ok(Self(Ok(None)));
            }
            Ok(Self(text::parse(text, format).map(Some).map_err(Unreadable::Text)))
        })
    }
}

/// A document, and how it's to be applied.
#[derive(Default)]
pub(super) struct Requested {
    pub(super) document: Value,
    /// The values of variables, secret ones included.
    pub(super) values: Option<Values>,
    pub(super) digest: Option<String>,
    pub(super) confirm: Vec<String>,
}

impl RangeBody {
    /// The value of the body.
    fn value(self) -> Result<Option<Value>, Problem> {
        self.0.map_err(|unreadable| match unreadable {
            Unreadable::Body(error) => match error {
                BadBody::ContentType { .. } => Problem::from(error)
                    .hint("with curl: `-H 'content-type: application/yaml' --data-binary @range.yaml`"),
                BadBody::TooLong { limit } => {
                    Problem::from(error).hint(format!("a range document has at most {limit} bytes"))
                }
                error => error.into(),
            },
            Unreadable::Text(faults) => invalid_document(&faults),
        })
    }

    /// The document of the body. A body without a field `document` is the document itself.
    pub(super) fn document(self) -> Result<Requested, Problem> {
        match self.value()? {
            Some(Value::Object(fields)) if fields.contains_key("document") => wrapped(fields),
            Some(document @ Value::Object(_)) => Ok(Requested { document, ..Requested::default() }),
            Some(_) => Err(not_a_mapping("the body is not a mapping: send a range document")),
            None => Err(not_a_mapping("the body is empty: send a range document")),
        }
    }

    /// The fields of an action; an empty body has none.
    pub(super) fn fields(self) -> Result<Fields, Problem> {
        Fields::of_body(self.value()?)
    }
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
            fields.fault("document", FaultCode::Missing, "the document is missing".into()).unwrap_or_default()
        }
    };
    let values = [values(&mut fields, "values"), values(&mut fields, "secret_values")];
    let digest = fields.text("digest", |text| Ok::<_, Infallible>(text.to_owned()));
    let confirm = names(&mut fields, "confirm");
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

/// A list of names.
pub(super) fn names(fields: &mut Fields, name: &str) -> Vec<String> {
    let Some(value) = fields.take(name) else { return Vec::new() };
    match serde_json::from_value(value.clone()) {
        Ok(names) => names,
        Err(_) => fields.wrong_type(name, "a list of names", &value).unwrap_or_default(),
    }
}

//! The documentation of an endpoint, for OpenAPI, the gateway configuration, and tables.

use std::{borrow::Cow, fmt, sync::Arc};

pub use api::Schemas;
use api::{ContentName, ProblemCode};
use serde_json::Value;

/// Generates a JSON Schema.
pub type MakeSchema = fn(&mut Schemas) -> Value;

/// The description of an endpoint.
#[derive(Debug, Clone)]
pub struct Doc {
    /// A unique identifier: the `operationId` of OpenAPI.
    pub operation: Cow<'static, str>,
    /// The group that it belongs to.
    pub tag: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// More sentences, or none.
    pub about: Cow<'static, str>,
    /// Parameters of the path, the query, and headers. v1 rejects query parameters that aren't listed here.
    pub parameters: Vec<Parameter>,
    /// The JSON body that it takes.
    pub body: Option<Body>,
    /// Replies, except for problems.
    pub replies: Vec<Reply>,
    /// Problems of the endpoint: codes with their specific meaning, which can be empty.
    pub problems: Vec<(ProblemCode, &'static str)>,
    /// Whether it can fail with `internal_error`.
    pub can_fail: bool,
    /// Whether the response is streamed. If so, a gateway must not buffer it.
    pub streams: bool,
}

impl Doc {
    /// A description without parameters, bodies, and responses.
    pub(crate) fn new(
        operation: impl Into<Cow<'static, str>>,
        tag: &'static str,
        summary: &'static str,
    ) -> Self {
        Self {
            operation: operation.into(),
            tag,
            summary,
            about: Cow::Borrowed(""),
            parameters: Vec::new(),
            body: None,
            replies: Vec::new(),
            problems: Vec::new(),
            can_fail: true,
            streams: false,
        }
    }

    pub(crate) fn about(mut self, about: impl Into<Cow<'static, str>>) -> Self {
        self.about = about.into();
        self
    }

    /// Adds parameters.
    pub(crate) fn parameters(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    pub(crate) fn body(mut self, body: Body) -> Self {
        self.body = Some(body);
        self
    }

    /// Adds replies.
    pub(crate) fn replies(mut self, replies: impl IntoIterator<Item = Reply>) -> Self {
        self.replies.extend(replies);
        self
    }

    /// Adds problems.
    pub(crate) fn problems(
        mut self,
        problems: impl IntoIterator<Item = (ProblemCode, &'static str)>,
    ) -> Self {
        self.problems.extend(problems);
        self
    }

    /// Declares that the endpoint can't fail with `internal_error`.
    pub(crate) fn cannot_fail(mut self) -> Self {
        self.can_fail = false;
        self
    }

    /// Declares that the response is streamed.
    pub(crate) fn streams(mut self) -> Self {
        self.streams = true;
        self
    }

    /// The names of the parameters in one location, in order.
    pub(crate) fn names(&self, location: Location) -> impl Iterator<Item = &'static str> + '_ {
        self.parameters
            .iter()
            .filter(move |parameter| parameter.location == location)
            .map(|parameter| parameter.name)
    }
}

/// The location of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// A header.
    Header,
}

impl Location {
    /// The name of the location in OpenAPI.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
        }
    }
}

/// A parameter of the path, the query, or a header.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its location.
    pub location: Location,
    /// Its name.
    pub name: &'static str,
    /// The schema of its value.
    pub schema: MakeSchema,
    /// A description.
    pub about: Cow<'static, str>,
    /// An example value, if the schema has none.
    pub example: Option<&'static str>,
}

impl Parameter {
    /// A parameter of the path.
    pub(crate) const fn path(name: &'static str, schema: MakeSchema, about: &'static str) -> Self {
        Self { location: Location::Path, name, schema, about: Cow::Borrowed(about), example: None }
    }

    /// An optional parameter of the query.
    pub(crate) const fn query(name: &'static str, schema: MakeSchema, about: &'static str) -> Self {
        Self { location: Location::Query, name, schema, about: Cow::Borrowed(about), example: None }
    }

    /// An optional header.
    pub(crate) const fn header(name: &'static str, schema: MakeSchema, about: &'static str) -> Self {
        Self { location: Location::Header, name, schema, about: Cow::Borrowed(about), example: None }
    }

    /// The name of content in a path.
    pub(crate) fn content_name(content: &str) -> Self {
        let about = format!(
            "The name of a {content}. It may have several segments, and their slashes stand as they are: \
             `linux/install/docker`. OpenAPI has no way to say so; a client that escapes them (`%2F`) is understood, too."
        );
        Self { about: about.into(), ..Self::path("name", Schemas::of::<ContentName>, "") }.example("ping")
    }

    pub(crate) const fn example(mut self, example: &'static str) -> Self {
        self.example = Some(example);
        self
    }
}

/// The body of an endpoint. Schema and example are generated when a document needs them.
#[derive(Clone)]
pub struct Body {
    /// Whether it can be YAML as well as JSON.
    pub yaml: bool,
    /// Generates its schema.
    pub schema: Arc<dyn Fn(&mut Schemas) -> Value + Send + Sync>,
    /// Generates a valid example.
    pub example: Arc<dyn Fn() -> Value + Send + Sync>,
}

impl Body {
    pub(crate) fn new(
        schema: impl Fn(&mut Schemas) -> Value + Send + Sync + 'static,
        example: impl Fn() -> Value + Send + Sync + 'static,
    ) -> Self {
        Self { yaml: false, schema: Arc::new(schema), example: Arc::new(example) }
    }

    /// Declares that the body can be YAML as well.
    pub(crate) fn or_yaml(self) -> Self {
        Self { yaml: true, ..self }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Body").field(&(self.example)()).finish()
    }
}

/// A reply.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A response that many endpoints share, and its name in the OpenAPI document.
    Shared(u16, &'static str),
    /// A response of this endpoint.
    Own {
        /// The status.
        status: u16,
        /// A description.
        about: &'static str,
        /// Media types with their schemas; text has none.
        bodies: Vec<(&'static str, Option<MakeSchema>)>,
        /// Headers with their descriptions.
        headers: &'static [(&'static str, &'static str)],
    },
}

impl Reply {
    /// A reply without a body.
    pub(crate) const fn empty(status: u16, about: &'static str) -> Self {
        Self::Own { status, about, bodies: Vec::new(), headers: &[] }
    }

    /// A JSON response.
    pub(crate) fn json(status: u16, about: &'static str, schema: MakeSchema) -> Self {
        Self::empty(status, about).body("application/json", Some(schema))
    }

    /// A reply of another media type.
    pub(crate) fn text(status: u16, about: &'static str, media: &'static str) -> Self {
        Self::empty(status, about).body(media, None)
    }

    /// Adds an alternative body.
    pub(crate) fn body(mut self, media: &'static str, schema: Option<MakeSchema>) -> Self {
        if let Self::Own { bodies, .. } = &mut self {
            bodies.push((media, schema));
        }
        self
    }

    /// Sets the headers.
    pub(crate) fn headers(mut self, wanted: &'static [(&'static str, &'static str)]) -> Self {
        if let Self::Own { headers, .. } = &mut self {
            *headers = wanted;
        }
        self
    }
}

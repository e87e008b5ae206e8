//! Query parameters.

use std::{collections::HashMap, future::Ready, str::FromStr, time::Duration};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, web::Query};

use crate::http::{
    api::Api,
    endpoint::{Endpoint, Location},
    problem::{FaultCode, Problem, fault},
};

/// The query of a request, and the parameters that its endpoint supports.
#[derive(Debug)]
pub(super) struct Parameters {
    given: HashMap<String, String>,
    known: Vec<&'static str>,
}

impl Parameters {
    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&String> {
        self.given.get(name)
    }

    /// Rejects unknown parameters, because a misspelled filter would have no effect.
    pub(super) fn only_known(&self) -> Result<(), Problem> {
        let mut unknown: Vec<&String> =
            self.given.keys().filter(|name| !self.known.contains(&name.as_str())).collect();
        unknown.sort();
        let fault = |name: &String| {
            let message = match self.known.as_slice() {
                [] => "unknown parameter: this resource has none".to_owned(),
                known => format!("unknown parameter: the parameters are {}", known.join(", ")),
            };
            fault(name.escape_debug().to_string(), FaultCode::UnknownParameter, message)
        };
        match unknown.is_empty() {
            true => Ok(()),
            false => Err(Problem::invalid(unknown.into_iter().map(fault).collect())),
        }
    }
}

impl FromRequest for Parameters {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let known = request
            .extensions()
            .get::<&'static Endpoint>()
            .map(|endpoint| endpoint.doc.names(Location::Query));
        let known = known.map_or_else(Vec::new, Iterator::collect);
        let given = Query::from_query(request.query_string()).map(Query::into_inner);
        std::future::ready(given.map(|given| Self { given, known }).map_err(Into::into))
    }
}

/// Parses a number within a range.
pub(super) fn number<T>(
    query: &Parameters,
    name: &str,
    range: std::ops::RangeInclusive<T>,
) -> Result<Option<T>, Problem>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    let Some(text) = query.get(name) else { return Ok(None) };
    match text.parse().ok().filter(|number| range.contains(number)) {
        Some(number) => Ok(Some(number)),
        None => {
            let message = format!(
                "`{}` is not a number from {} to {}",
                text.escape_debug(),
                range.start(),
                range.end()
            );
            Err(Problem::invalid(vec![fault(name, FaultCode::InvalidValue, message)]))
        }
    }
}

/// Reads `?wait=SECONDS`, the maximum time to wait for the end of a job.
pub(super) fn wait(query: &Parameters, api: &Api) -> Result<Option<Duration>, Problem> {
    let seconds = number(query, "wait", 0.0..=api.options.wait_max.as_secs_f64())?;
    Ok(seconds.map(Duration::from_secs_f64))
}

/// Reads a parameter that has a fixed set of values.
pub(super) fn word<'a>(
    query: &'a Parameters,
    name: &str,
    words: &[&str],
) -> Result<Option<&'a str>, Problem> {
    let Some(text) = query.get(name) else { return Ok(None) };
    if words.contains(&text.as_str()) {
        return Ok(Some(text));
    }
    let message = format!("`{}` is invalid: use one of {}", text.escape_debug(), words.join(", "));
    Err(Problem::invalid(vec![fault(name, FaultCode::InvalidValue, message)]))
}

/// Reads a boolean; a parameter without a value is `true`.
pub(super) fn flag(query: &Parameters, name: &str) -> Result<Option<bool>, Problem> {
    Ok(word(query, name, &["", "true", "false", "1", "0"])?.map(|text| !matches!(text, "false" | "0")))
}

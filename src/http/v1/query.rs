//! Parameters of queries.

use std::{collections::HashMap, str::FromStr, time::Duration};

use actix_web::web::Query;

use crate::http::{
    Api,
    problem::{Fault, Problem},
};

/// A query as it came.
pub(super) type Parameters = Query<HashMap<String, String>>;

/// Refuses parameters that nobody looks at: a misspelt filter would filter nothing.
pub(super) fn only(query: &Parameters, known: &[&str]) -> Result<(), Problem> {
    let mut unknown: Vec<&String> = query.keys().filter(|name| !known.contains(&name.as_str())).collect();
    unknown.sort();
    let fault = |name: &String| {
        let message = match known {
            [] => "unknown parameter: this resource has none".to_owned(),
            known => format!("unknown parameter: the parameters are {}", known.join(", ")),
        };
        Fault::new(name.escape_debug().to_string(), "unknown_parameter", message)
    };
    if unknown.is_empty() { Ok(()) } else { Err(Problem::invalid(unknown.into_iter().map(fault).collect())) }
}

/// A number within a range.
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
            let message =
                format!("`{}` is no number from {} to {}", text.escape_debug(), range.start(), range.end());
            Err(Problem::invalid(vec![Fault::new(name, "invalid_value", message)]))
        }
    }
}

/// `?wait=SECONDS`: how long the answer may wait for the job to end.
pub(super) fn wait(query: &Parameters, api: &Api) -> Result<Option<Duration>, Problem> {
    let seconds = number(query, "wait", 0.0..=api.options.wait_max.as_secs_f64())?;
    Ok(seconds.map(Duration::from_secs_f64))
}

/// One of a few words.
pub(super) fn word<'a>(
    query: &'a Parameters,
    name: &str,
    words: &[&str],
) -> Result<Option<&'a str>, Problem> {
    let Some(text) = query.get(name) else { return Ok(None) };
    if words.contains(&text.as_str()) {
        return Ok(Some(text));
    }
    let message = format!("`{}` is none of {}", text.escape_debug(), words.join(", "));
    Err(Problem::invalid(vec![Fault::new(name, "invalid_value", message)]))
}

/// `true` or `false`; a parameter without a value is `true`.
pub(super) fn flag(query: &Parameters, name: &str) -> Result<Option<bool>, Problem> {
    Ok(word(query, name, &["", "true", "false", "1", "0"])?.map(|text| !matches!(text, "false" | "0")))
}

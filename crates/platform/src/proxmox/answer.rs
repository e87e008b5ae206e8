//! From an HTTP answer to what the API says.

use hyper::ext::ReasonPhrase;
use reqwest::Response;
use serde_json::{Map, Value};

use super::error::Error;

/// The longest answer: ten thousand machines take 5 MiB.
const ANSWER_BYTES: usize = 32 << 20;

/// The members of an answer; there is always `data`.
pub(super) async fn read(response: Response, host: &str) -> Result<Map<String, Value>, Error> {
    let status = response.status();
    let reason = response.extensions().get::<ReasonPhrase>().map(|reason| reason.as_bytes().to_vec());
    let body = body(response, host).await?;
    let parsed: Result<Value, _> = serde_json::from_slice(&body);
    if !status.is_success() {
        let reason = reason.map(|reason| String::from_utf8_lossy(&reason).into_owned());
        let known = status.canonical_reason().map(str::to_owned);
        let message = parsed.ok().and_then(|body| message(&body)).or(reason).or(known).unwrap_or_default();
        return Err(Error::Refused { host: host.to_owned(), status: status.as_u16(), message });
    }
    let unreadable = |why: String| Error::Unreadable { host: host.to_owned(), why };
    match parsed.map_err(|error| unreadable(error.to_string()))? {
        Value::Object(answer) if answer.contains_key("data") => Ok(answer),
        Value::Object(_) => Err(unreadable("there is no `data` in it".to_owned())),
        _ => Err(unreadable("it is no object".to_owned())),
    }
}

async fn body(mut response: Response, host: &str) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| failed(error, host))? {
        if body.len() + part.len() > ANSWER_BYTES {
            let why = format!("it is longer than {ANSWER_BYTES} bytes");
            return Err(Error::Unreadable { host: host.to_owned(), why });
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// What a refusal says: its message, then what is wrong with which parameter. Proxmox before the end of 2024 puts the
/// message into the status line only.
fn message(body: &Value) -> Option<String> {
    let mut text = body["message"].as_str().unwrap_or_default().trim().to_owned();
    for (parameter, why) in body["errors"].as_object().into_iter().flatten() {
        let why = why.as_str().map_or_else(|| why.to_string(), |why| why.trim().to_owned());
        if !text.is_empty() {
            text.push(' ');
        }
        text += &format!("{parameter}: {why}");
    }
    Some(text).filter(|text| !text.is_empty())
}

/// What became of a call that got no answer.
pub(super) fn failed(error: reqwest::Error, host: &str) -> Error {
    if error.is_timeout() {
        Error::TimedOut { host: host.to_owned() }
    } else {
        Error::Unreachable { host: host.to_owned(), source: error.without_url() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_has_the_message_of_proxmox() {
        let body = json!({
            "data": null, "message": "Parameter verification failed.\n",
            "errors": { "vmid": "type check ('integer') failed\n" },
        });
        assert_eq!(
            message(&body).unwrap(),
            "Parameter verification failed. vmid: type check ('integer') failed"
        );
        assert_eq!(message(&json!({ "data": null })), None);
    }
}

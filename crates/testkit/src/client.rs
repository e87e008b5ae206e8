//! Requests to a service.

use std::sync::{Arc, PoisonError, RwLock};

use reqwest::{Method, Response};
use serde_json::Value;

/// Sends requests to one service. Clones follow it to its next address when it is started again.
#[derive(Clone, Default)]
pub struct Client(Arc<RwLock<Connection>>);

#[derive(Default, Clone)]
struct Connection {
    address: String,
    http: reqwest::Client,
}

impl Client {
    fn connection(&self) -> Connection {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on requests go to this address, on new connections.
    pub(crate) fn connect(&self, address: &str) {
        let connection = Connection { address: address.to_owned(), http: reqwest::Client::new() };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = connection;
    }

    /// Sends a request; `path` begins with a slash and is sent as it is.
    ///
    /// # Panics
    ///
    /// If the service does not reply.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let Connection { address, http } = self.connection();
        let mut request = http.request(method, format!("{address}{path}"));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        request.send().await.expect("the service replies")
    }

    /// Sends GET and returns the JSON of the reply, which must have this status.
    ///
    /// # Panics
    ///
    /// If the reply has another status or is no JSON.
    pub async fn get(&self, path: &str, status: u16) -> Value {
        json_of(self.send(Method::GET, path, None).await, status).await
    }

    /// Sends POST and returns the JSON of the reply, which must have this status.
    ///
    /// # Panics
    ///
    /// If the reply has another status or is no JSON.
    pub async fn post(&self, path: &str, body: &Value, status: u16) -> Value {
        json_of(self.send(Method::POST, path, Some(body)).await, status).await
    }
}

async fn json_of(response: Response, status: u16) -> Value {
    let found = response.status();
    let text = response.text().await.expect("text");
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

//! Requests to a service over HTTP. The token comes from the environment or a file, never from an argument, which other users
//! of the machine could read.

use std::{env, fs, path::PathBuf, time::Duration};

use clap::Args;
use reqwest::{Method, RequestBuilder, Response, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};

use super::failure::Failure;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a reply may take, in addition to the time for which the service was asked to wait.
const REPLY: Duration = Duration::from_secs(120);
/// The longest piece of an unexpected reply that is shown, in characters.
const SHOWN: usize = 500;
/// The variable with the token.
const TOKEN: &str = "RANGEHAND_TOKEN";

/// Which service, and the credentials for it.
#[derive(Debug, Default, Args)]
pub(super) struct Connection {
    /// URL of the service [default: the address in the settings]
    #[arg(long, global = true, env = "RANGEHAND_URL", value_name = "URL")]
    url: Option<String>,
    /// File with the API token [default: the environment variable RANGEHAND_TOKEN]
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// A service.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<SecretString>,
}

impl Connection {
    /// The client for this service.
    ///
    /// # Errors
    /// The URL is invalid, or the file with the token cannot be read.
    pub(super) fn open(&self, usual: impl FnOnce() -> String) -> Result<Client, Failure> {
        platform::install_provider();
        let url = self.url.clone().unwrap_or_else(usual).trim_end_matches('/').to_owned();
        let parsed = reqwest::Url::parse(&url).ok().filter(|url| url.has_host());
        let Some(parsed) = parsed.filter(|url| matches!(url.scheme(), "http" | "https")) else {
            return Err(Failure::Url(url));
        };
        let mut builder = reqwest::Client::builder().connect_timeout(CONNECT);
        // A proxy cannot reach this machine's loopback address.
        if matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|source| Failure::Unreachable { url: url.clone(), source })?;
        Ok(Client { http, url, token: self.token()? })
    }

    fn token(&self) -> Result<Option<SecretString>, Failure> {
        let Some(path) = &self.token_file else {
            return Ok(env::var(TOKEN).ok().filter(|token| !token.is_empty()).map(SecretString::from));
        };
        let read = fs::read_to_string(path);
        let text = read.map_err(|source| Failure::Read { path: path.display().to_string(), source })?;
        Ok(Some(SecretString::from(text.trim().to_owned())))
    }
}

impl Client {
    /// GET of JSON.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.json(self.request(Method::GET, path)).await
    }

    /// GET of text.
    pub(super) async fn text(&self, path: &str) -> Result<String, Failure> {
        let response = self.send(self.request(Method::GET, path)).await?;
        response.text().await.map_err(|source| self.unreachable(source))
    }

    /// A request with a JSON body.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Failure> {
        self.json(self.request(method, path).json(body)).await
    }

    /// DELETE with parameters.
    pub(super) async fn delete<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, Failure> {
        self.json(self.request(Method::DELETE, path).query(query)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url)).timeout(REPLY);
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let response = self.send(request).await?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(|source| self.unreachable(source))?;
        serde_json::from_str(&text).map_err(|error| self.unexpected(status, &error.to_string()))
    }

    /// Sends a request; a status of 400 and above is a failure.
    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let request = request.header(header::ACCEPT, "application/json, */*;q=0.5");
        let response = request.send().await.map_err(|source| self.unreachable(source))?;
        let status = response.status();
        if !status.is_client_error() && !status.is_server_error() {
            return Ok(response);
        }
        let text = response.text().await.map_err(|source| self.unreachable(source))?;
        Err(match serde_json::from_str(&text) {
            Ok(problem) => Failure::Rejected(Box::new(problem)),
            Err(_) => self.unexpected(status.as_u16(), &text),
        })
    }

    fn unreachable(&self, source: reqwest::Error) -> Failure {
        Failure::Unreachable { url: self.url.clone(), source: source.without_url() }
    }

    fn unexpected(&self, status: u16, text: &str) -> Failure {
        Failure::Unexpected { url: self.url.clone(), status, text: text.chars().take(SHOWN).collect() }
    }
}

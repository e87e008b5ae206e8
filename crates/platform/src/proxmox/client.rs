//! One call to an API.

use std::{path::PathBuf, sync::OnceLock, time::Duration};

use reqwest::{
    Certificate, ClientBuilder, Method, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
    redirect::Policy,
};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use super::{address::Address, answer, credentials::Credentials, error::Error};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How many connections to one host are kept for the next call, and for how long.
const IDLE: (usize, Duration) = (4, Duration::from_secs(60));

/// The options of a client.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether certificates are verified. Those of loopback addresses never are, because no machine can be in between.
    pub verify_tls: bool,
    /// Certificate authorities beside those of the system, in PEM.
    pub ca_file: Option<PathBuf>,
    /// How long a call may take.
    pub timeout: Duration,
}

/// Calls APIs of any number of hosts; connections are kept for a minute.
#[derive(Debug)]
pub struct Client {
    options: Options,
    checking: OnceLock<reqwest::Client>,
    unchecking: OnceLock<reqwest::Client>,
}

impl Client {
    /// A client; nothing is read or called before the first call.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, checking: OnceLock::new(), unchecking: OnceLock::new() }
    }

    /// Reads a path below `/api2/json`; the parts of the path are percent-encoded. Returns `data`.
    ///
    /// # Errors
    /// Why there is no answer, or what Proxmox answered instead.
    pub async fn get(
        &self,
        credentials: &Credentials,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Value, Error> {
        let mut answer = self.send(Method::GET, credentials, path, query).await?;
        Ok(answer.remove("data").unwrap_or_default())
    }

    /// Makes a call, and returns the whole answer, which has `data`. Parameters of `GET` and `DELETE` are sent in the query, and
    /// others as a form: Proxmox rejects a body of a `DELETE`.
    ///
    /// # Errors
    /// Why there is no answer, or what Proxmox answered instead.
    pub(super) async fn send(
        &self,
        method: Method,
        credentials: &Credentials,
        path: &[&str],
        parameters: &[(&str, &str)],
    ) -> Result<Map<String, Value>, Error> {
        let address = Address::parse(&credentials.api_host)?;
        let host = &credentials.api_host;
        let has_form = method == Method::POST || method == Method::PUT;
        let url = address.of(path, if has_form { &[] } else { parameters })?;
        let form = has_form.then(|| form(&url, parameters));
        let request = self.client_for(&address)?.request(method, url);
        let mut request = request.header(AUTHORIZATION, authorization(credentials)?);
        if let Some(form) = form {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        }
        let response = request.send().await.map_err(|error| answer::failed(error, host))?;
        answer::read(response, host).await
    }

    /// Reads the certificate authorities now and not at the first call.
    ///
    /// # Errors
    /// They cannot be read, or there are none.
    pub fn prepare(&self) -> Result<(), Error> {
        self.checking_client().map(drop)
    }

    fn client_for(&self, address: &Address) -> Result<&reqwest::Client, Error> {
        if self.options.verify_tls && !address.is_loopback() {
            return self.checking_client();
        }
        // A proxy could sit in between.
        built(&self.unchecking, || Ok(self.builder().tls_danger_accept_invalid_certs(true).no_proxy()))
    }

    fn checking_client(&self) -> Result<&reqwest::Client, Error> {
        built(&self.checking, || self.with_authorities(self.builder()))
    }

    fn builder(&self) -> ClientBuilder {
        crate::install_provider();
        reqwest::Client::builder()
            .https_only(true)
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .timeout(self.options.timeout)
            .pool_max_idle_per_host(IDLE.0)
            .pool_idle_timeout(IDLE.1)
            .user_agent(concat!("rangehand/", env!("CARGO_PKG_VERSION")))
    }

    fn with_authorities(&self, builder: ClientBuilder) -> Result<ClientBuilder, Error> {
        let Some(path) = &self.options.ca_file else { return Ok(builder) };
        let failed = |source| Error::CaFile { path: path.clone(), source };
        let pem = std::fs::read(path).map_err(failed)?;
        let certificates =
            Certificate::from_pem_bundle(&pem).map_err(|error| failed(std::io::Error::other(error)))?;
        if certificates.is_empty() {
            return Err(failed(std::io::Error::other("there is no certificate in it")));
        }
        Ok(builder.tls_certs_merge(certificates))
    }
}

fn built(
    cell: &OnceLock<reqwest::Client>,
    builder: impl FnOnce() -> Result<ClientBuilder, Error>,
) -> Result<&reqwest::Client, Error> {
    if let Some(client) = cell.get() {
        return Ok(client);
    }
    let client = builder()?.build().map_err(Error::Client)?;
    Ok(cell.get_or_init(|| client))
}

/// Parameters as a form. A query has the same encoding.
fn form(url: &Url, parameters: &[(&str, &str)]) -> String {
    let mut url = url.clone();
    url.set_query(None);
    if !parameters.is_empty() {
        url.query_pairs_mut().extend_pairs(parameters);
    }
    url.query().unwrap_or_default().to_owned()
}

fn authorization(credentials: &Credentials) -> Result<HeaderValue, Error> {
    let mut header =
        HeaderValue::from_str(credentials.authorization().expose_secret()).map_err(|_| Error::BadToken)?;
    header.set_sensitive(true);
    Ok(header)
}

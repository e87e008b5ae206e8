//! actix-web with one fixed reply: `./bench.sh` compares the service with it.
//!
//! `bare_web STATUS FILE [HEADER: VALUE]...` prints its address and serves until it is terminated.

#![expect(clippy::print_stdout, reason = "the address is printed for the caller")]

use std::{env, error::Error, fs};

use actix_web::{
    App, HttpResponse, HttpServer,
    http::{StatusCode, header::HeaderName},
    web::{self, Bytes},
};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let status = StatusCode::from_bytes(words.next().ok_or("a status is missing")?.as_bytes())?;
    let content = Bytes::from(fs::read(words.next().ok_or("a file is missing")?)?);
    let headers: Vec<(HeaderName, String)> = words
        .filter_map(|header| {
            let (name, value) = header.split_once(": ")?;
            Some((name.parse().ok()?, value.to_owned()))
        })
        .collect();
    let factory = move || {
        let (content, headers) = (content.clone(), headers.clone());
        // Bodies are read, as in the service: the library closes connections with unread bodies.
        App::new().default_service(web::to(move |_body: Bytes| {
            let (content, headers) = (content.clone(), headers.clone());
            async move {
                let mut response = HttpResponse::build(status);
                headers.iter().for_each(|(name, value)| {
                    response.insert_header((name.clone(), value.as_str()));
                });
                response.body(content)
            }
        }))
    };
    let server = HttpServer::new(factory).disable_signals().bind("127.0.0.1:0")?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    Ok(server.run().await?)
}

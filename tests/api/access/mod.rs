//! Authentication and authorization, where tests need Ansible, a browser, or a database server. See also the binary `http`.

mod browser;
mod changes;
mod jwt;
mod readers;
mod stores;
mod streams;

//! Who is authenticated, what each caller is authorized for, how often, and what the audit log records.

mod audit;
mod floods;
mod gateway;
mod hosts;
mod limits;
mod modes;
mod routes;
mod tokens;

//! Authentication, authorization, rate limits, and the audit log.

mod audit;
mod floods;
mod gateway;
mod hosts;
mod limits;
mod modes;
mod routes;
mod tokens;

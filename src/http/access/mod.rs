//! Authentication and authorization middleware. Every request passes it before it reaches its handler.
//!
//! ```text
//!  path too long? --> 414   unknown host name? [host] --> 421
//!  authenticated? [decide] --no--> 401, or 429 after too many attempts
//!  within the rate limit? [limiter] --no--> 429
//!  embedded in a page of another origin? [site] --> 403
//!  sent by a page of an unknown origin, without a preflight? --> 403
//!  authorized for the endpoint? [places] --not listed--> 403   --role too low--> 403, audited
//!  a change? [audit] --intent cannot be stored--> 503
//!  the handler --> the result goes into the audit log
//! ```
//! The CORS middleware runs before this one, so that pages can read rejections, too. It answers preflight requests
//! itself.

mod audit;
mod authenticate;
mod caller;
mod change;
mod decide;
mod gateway;
mod groups;
mod guard;
mod held;
mod host;
mod jwt;
mod limiter;
mod middleware;
mod options;
mod places;
mod rejected;
mod reply;
mod site;
#[cfg(test)]
mod tests;
mod unread;
mod watchers;

pub(crate) use self::{
    caller::Caller,
    change::{Change, ForeignOrigin},
    held::Reservation,
    rejected::{Rejected, shortened},
    watchers::WatcherSlot,
};
pub use self::{
    gateway::Gateway,
    groups::Groups,
    guard::Guard,
    held::Quota,
    host::Hosts,
    jwt::{Error as JwtError, KeyLocation, Options as JwtOptions, Rules as JwtRules},
    limiter::Rate,
    middleware::guard,
    options::{Mode, Options},
    unread::Unread,
};

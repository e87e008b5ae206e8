//! `[platforms.NAME]`: where the machines of ranges exist.

mod check;
mod keys;
mod options;
mod platform;

pub use self::platform::{Platform, PlatformKind, TasksWithoutMachine};
pub(super) use self::{
    check::{check, complete},
    keys::{TABLES, TOKEN_SECRET_KEY as TOKEN_SECRET},
};

//! Values to columns and back: both databases hold only `TEXT`, `BIGINT` and `NULL`.

use std::{borrow::Cow, fmt::Write as _, str::FromStr};

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row, any::AnyRow};

use crate::Error;

/// Why a stored text or number is no value of its type.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A text without characters that PostgreSQL cannot store.
pub(crate) fn to_text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a `String` does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A value as JSON. Its NULs are escaped by JSON itself.
pub(crate) fn to_json<T: Serialize>(column: &'static str, value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|e| Error::Unstorable { column, source: e.into() })
}

pub(crate) fn to_json_or_null<T: Serialize>(
    column: &'static str,
    value: Option<&T>,
) -> Result<Option<String>, Error> {
    value.map(|value| to_json(column, value)).transpose()
}

/// A number to be kept.
pub(crate) fn to_number(column: &'static str, number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|e| Error::Unstorable { column, source: e.into() })
}

/// A number to compare with: past the end of the column's range is as good as at its end.
pub(crate) fn to_bound(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn text(row: &AnyRow, column: &'static str) -> Result<String, Error> {
    Ok(row.try_get(column)?)
}

pub(crate) fn text_or_null(row: &AnyRow, column: &'static str) -> Result<Option<String>, Error> {
    Ok(row.try_get(column)?)
}

/// A word, name or identifier that reads itself from text.
pub(crate) fn parsed<T: FromStr<Err: Into<Cause>>>(row: &AnyRow, column: &'static str) -> Result<T, Error> {
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|e: T::Err| Error::Unreadable { column, source: e.into() })
}

pub(crate) fn parsed_or_null<T: FromStr<Err: Into<Cause>>>(
    row: &AnyRow,
    column: &'static str,
) -> Result<Option<T>, Error> {
    let text: Option<&str> = row.try_get(column)?;
    text.is_some().then(|| parsed(row, column)).transpose()
}

pub(crate) fn json<T: DeserializeOwned>(row: &AnyRow, column: &'static str) -> Result<T, Error> {
    let text: &str = row.try_get(column)?;
    serde_json::from_str(text).map_err(|e| Error::Unreadable { column, source: e.into() })
}

pub(crate) fn json_or_null<T: DeserializeOwned>(
    row: &AnyRow,
    column: &'static str,
) -> Result<Option<T>, Error> {
    let text: Option<&str> = row.try_get(column)?;
    text.is_some().then(|| json(row, column)).transpose()
}

pub(crate) fn number<T: TryFrom<i64, Error: Into<Cause>>>(
    row: &AnyRow,
    column: &'static str,
) -> Result<T, Error> {
    let number: i64 = row.try_get(column)?;
    T::try_from(number).map_err(|e| Error::Unreadable { column, source: e.into() })
}

pub(crate) fn number_or_null<T: TryFrom<i64, Error: Into<Cause>>>(
    row: &AnyRow,
    column: &'static str,
) -> Result<Option<T>, Error> {
    let value: Option<i64> = row.try_get(column)?;
    value.is_some().then(|| number(row, column)).transpose()
}

pub(crate) fn time(row: &AnyRow, column: &'static str) -> Result<Timestamp, Error> {
    let milliseconds: i64 = row.try_get(column)?;
    Timestamp::from_millisecond(milliseconds).map_err(|e| Error::Unreadable { column, source: e.into() })
}

pub(crate) fn time_or_null(row: &AnyRow, column: &'static str) -> Result<Option<Timestamp>, Error> {
    let milliseconds: Option<i64> = row.try_get(column)?;
    milliseconds.is_some().then(|| time(row, column)).transpose()
}

//! A `SELECT` whose conditions depend on the query.
//!
//! Its text is put together from constants and from the numbers of its parameters; values are only ever bound.

use std::fmt::Write as _;

use sqlx::{
    Any, AnyPool, Arguments, AssertSqlSafe, Encode, Type,
    any::{AnyArguments, AnyRow},
};

use crate::Error;

/// The statement as far as it is written.
pub(crate) struct Select {
    sql: String,
    arguments: AnyArguments,
}

impl Select {
    /// Begins with this text.
    pub(crate) fn new(sql: &'static str) -> Self {
        Self { sql: sql.to_owned(), arguments: AnyArguments::default() }
    }

    /// Appends this text.
    pub(crate) fn text(&mut self, sql: &'static str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Appends a parameter with this value.
    ///
    /// # Errors
    /// When the value cannot be bound.
    pub(crate) fn value<'t, T: Encode<'t, Any> + Type<Any>>(&mut self, value: T) -> Result<&mut Self, Error> {
        self.arguments.add(value).map_err(|source| Error::Unstorable { column: "parameter", source })?;
        // Writing to a `String` does not fail.
        let _ = write!(self.sql, "${}", self.arguments.len());
        Ok(self)
    }

    /// The text so far, to be explained.
    #[cfg(test)]
    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    pub(crate) async fn fetch_all(self, pool: &AnyPool) -> Result<Vec<AnyRow>, Error> {
        let query = sqlx::query_with(AssertSqlSafe(self.sql), self.arguments);
        Ok(query.fetch_all(pool).await?)
    }
}

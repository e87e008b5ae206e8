//! Other formats, read as range documents.

pub mod ldo;

//! The ID of the request that is being answered, for everything that is called by its handler.

tokio::task_local! {
    /// The ID of this request; set by `request_id.rs`.
    pub(super) static CURRENT: String;
}

/// The ID of the request that is being answered.
pub(crate) fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

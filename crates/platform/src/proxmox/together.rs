//! Calls that are made at the same time, a limited number of them.

use std::future::Future;

use tokio::task::JoinSet;

use crate::error::Error;

/// How many calls are made at the same time. A node has few workers for its API, three by default.
const AT_ONCE: usize = 8;

/// The results of all calls in their order, or the first error.
pub(super) async fn together<T, F>(calls: impl IntoIterator<Item = F>) -> Result<Vec<T>, Error>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let (mut calls, mut running) = (calls.into_iter().enumerate(), JoinSet::new());
    let mut results = Vec::new();
    loop {
        while running.len() < AT_ONCE
            && let Some((at, call)) = calls.next()
        {
            running.spawn(async move { (at, call.await) });
        }
        match running.join_next().await {
            None => break,
            Some(Ok((at, result))) => results.push((at, result?)),
            Some(Err(error)) => return Err(Error::retry(format!("a call to Proxmox ended early: {error}"))),
        }
    }
    results.sort_by_key(|(at, _)| *at);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

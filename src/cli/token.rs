//! `rangehand token`: creates, lists, and revokes API tokens in the store of the service, also while it runs.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use clap::Subcommand;
use engine::{Audit, TokenError, Tokens};
use jiff::Timestamp;
use model::{Role, Token, access::is_caller_name};
use secrecy::ExposeSecret;
use serde_json::json;

use super::stored;
use crate::settings::Inputs;

/// Subcommands of `rangehand token`.
#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Create a token and print it; it can't be shown again
    Create {
        /// Token name, shown in the service log and the audit log
        #[arg(long)]
        name: String,
        /// Role of the token: viewer, operator, or admin
        #[arg(long)]
        role: Role,
        /// Lifetime, such as 90d, 12h, 30m, or 45s [default: no expiry]
        #[arg(long, value_name = "TIME", value_parser = lifetime)]
        expires_in: Option<Duration>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List all tokens, without their secrets
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token immediately
    Revoke {
        /// Token ID: the 12 digits between the underscores
        id: String,
    },
}

/// Runs the subcommand.
///
/// # Errors
/// Invalid settings, a database failure, or an unknown token.
pub(super) fn run(inputs: &Inputs, what: What, out: &mut dyn Write) -> Result<ExitCode, Box<dyn Error>> {
    stored::with_store(inputs, async |store, _| {
        let (tokens, audit) = (Tokens::new(store.clone()), Audit::new(store));
        match what {
            What::Create { name, role, expires_in, json } => {
                if !is_caller_name(&name) {
                    return Err(TokenError::Name.into());
                }
                // A change that cannot be written to the audit log is not made.
                audit.append(stored::command("token create", &name)).await?;
                let (token, text) = tokens.make(&name, role, expires_in).await?;
                created(&token, text.expose_secret(), json, out)?;
            }
            What::List { json } => listed(&tokens.list().await?, json, out)?,
            What::Revoke { id } => {
                // Users may paste the whole token.
                let id = engine::token_id(&id).unwrap_or(&id);
                let none = || format!("there is no active token `{}`", id.escape_debug());
                tokens.find(id).await?.filter(|token| token.revoked_at.is_none()).ok_or_else(none)?;
                audit.append(stored::command("token revoke", id)).await?;
                if !tokens.revoke(id).await? {
                    return Err(none().into());
                }
                writeln!(out, "revoked {id}")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Prints only the token to standard output, for use in scripts.
fn created(token: &Token, text: &str, json: bool, out: &mut dyn Write) -> io::Result<()> {
    if json {
        let mut view = json!(token);
        view["token"] = json!(text);
        return writeln!(out, "{view:#}");
    }
    writeln!(io::stderr(), "token {} for {}, {}: it is not shown again", token.id, token.name, token.role)?;
    writeln!(out, "{text}")
}

fn listed(tokens: &[Token], json: bool, out: &mut dyn Write) -> io::Result<()> {
    if json {
        return writeln!(out, "{:#}", json!(tokens));
    }
    let names = tokens.iter().map(|token| token.name.chars().count()).max().unwrap_or(0).max(4);
    writeln!(out, "{:12}  {:names$}  {:8}  {:20}  {:20}  state", "id", "name", "role", "created", "used")?;
    let now = Timestamp::now();
    for token in tokens {
        let used = token.used_at.map_or_else(|| "never".to_owned(), |at| format!("{at:.0}"));
        let state = match (token.fault(now), token.expires_at) {
            (Some(fault), _) => fault.to_owned(),
            (None, Some(end)) => format!("valid until {end:.0}"),
            (None, None) => "valid".to_owned(),
        };
        let Token { id, name, role, created_at, .. } = token;
        writeln!(out, "{id:12}  {name:names$}  {role:8}  {created_at:<20.0}  {used:20}  {state}")?;
    }
    Ok(())
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let units = [("d", 24 * 3600), ("h", 3600), ("m", 60), ("s", 1)];
    let seconds = units.iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(*seconds)
    });
    match seconds {
        Some(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err("use a number and a unit: 90d, 12h, 30m or 45s".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_has_a_unit() {
        assert_eq!(lifetime("90d"), Ok(Duration::from_secs(90 * 24 * 3600)));
        assert_eq!(lifetime("45s"), Ok(Duration::from_secs(45)));
        for text in ["", "d", "0d", "-1d", "1", "1.5h", "99999999999999999999d", "1w"] {
            assert!(lifetime(text).is_err(), "{text}");
        }
    }
}

//! One TLS for all: rustls with ring, which the store's connections to PostgreSQL use, too.

use std::sync::Once;

/// Makes ring the provider of this process; called again it does nothing. `reqwest` panics without one.
pub fn install_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // An error means that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

//! TLS for the servers and clients of tests.

use std::{fs, net::IpAddr, process::Command};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// Makes one implementation of cryptography that of this process: HTTP clients panic without it.
pub(crate) fn install_provider() {
    // It fails when it was installed before.
    let _ = ring::default_provider().install_default();
}

/// A server with a certificate for this address, and the authority that signed it, in PEM.
///
/// # Panics
///
/// If there is no openssl.
#[must_use]
pub fn tls(ip: IpAddr) -> (ServerConfig, String) {
    install_provider();
    let directory = tempfile::tempdir().expect("a directory");
    let make = |name: &str, more: &[&str]| {
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
        let files = [format!("{name}.key"), format!("{name}.pem")];
        let made = Command::new("openssl")
            .current_dir(&directory)
            .args(["req", "-x509", "-subj", &format!("/CN={name}"), "-keyout", &files[0], "-out", &files[1]])
            .args(key)
            .args(more)
            .output()
            .expect("there is an openssl");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        files.map(|file| directory.path().join(file))
    };
    let [_, authority] = make("authority", &[]);
    let name = format!("subjectAltName=IP:{ip}");
    let signed = ["-CA", "authority.pem", "-CAkey", "authority.key", "-addext", "basicConstraints=CA:FALSE"];
    let [key, certificate] = make("node", &[&signed[..], &["-addext", &name]].concat());
    let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let tls = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
    (tls.expect("they fit"), fs::read_to_string(authority).expect("readable"))
}

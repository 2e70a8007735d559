//! One network stack: proxies and certificates apply to every service, including the clone and STS.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use forge::{Fault, FaultKind, Service};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::support::*;
use crate::shop::{LEDGER_BLOCKED, PROJECT};

/// The first lines of all requests that a server got.
type Seen = Arc<Mutex<BTreeSet<String>>>;

/// Handles each connection's first request with `answer`, which gets the connection.
fn serve(answer: impl Fn(TcpStream, &Seen) + Send + Sync + 'static) -> (u16, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let (log, answer) = (seen.clone(), Arc::new(answer));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (log, answer) = (log.clone(), answer.clone());
            thread::spawn(move || answer(stream, &log));
        }
    });
    (port, seen)
}

const REFUSAL: &str = "HTTP/1.1 418 X\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno";

/// Records the first line of a request and responds.
fn note(mut stream: impl Read + Write, seen: &Seen, answer: &str) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => request.push(byte[0]),
            _ => return,
        }
    }
    let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
    seen.lock().unwrap().insert(line);
    let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.flush());
}

/// Runs that use every service, each at `https://HOST` with its own host.
fn runs(world: &World, host: &dyn Fn(&str) -> String) -> Vec<Sapm> {
    let at = |service: &str| format!("https://{}", host(service));
    let folder = world.path("checkout");
    let plan = || world.sapm("plan").env("SAPM_APP_INTERFACE", &folder).without("SAPM_GITLAB_URL");
    let no_keys = |run: Sapm| run.without("AWS_ACCESS_KEY_ID").without("AWS_SECRET_ACCESS_KEY");
    let token = world.path("token");
    std::fs::write(&token, "a.b.c").unwrap();
    let gitlab = world
        .sapm("plan")
        .env("SAPM_GITLAB_URL", at("gitlab"))
        .env("SAPM_APP_INTERFACE", format!("{}/{PROJECT}.git", at("gitlab")));
    let sts = no_keys(plan())
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/sapm")
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", token)
        .env("AWS_ENDPOINT_URL_STS", at("sts"));
    let s3 = plan().env("AWS_ENDPOINT_URL_S3", at("s3"));
    let github = plan().env("SAPM_GITHUB_URL", at("github"));
    let allowed = |run: Sapm| {
        let hosts = ["prometheus", "git"].map(host);
        run.env("SAPM_ALLOWED_HOSTS", format!("127.0.0.1,{}", hosts.join(",")))
    };
    [gitlab, sts, s3, github, plan()].into_iter().map(allowed).collect()
}

/// Creates a checkout whose Prometheus and git host are at these addresses.
fn point_datafiles(world: &World, host: &dyn Fn(&str) -> String) {
    world.forge().set_git_ref("payments-ledger", "main", LEDGER_BLOCKED);
    let git = format!("https://{}/git/payments-ledger", host("git"));
    let old = "- name: payments-ledger\n  url: https://github.com/example-shop/payments-ledger\n";
    world.edit(PAYMENTS_FILE, old, &format!("- name: payments-ledger\n  url: {git}\n"));
    let folder = world.checkout();
    for cluster in ["stage01", "prod01"] {
        let file = folder.join(format!("data/openshift/{cluster}/cluster.yml"));
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text
            .replace(&world.forge().prometheus_url(), &format!("https://{}", host("prometheus")));
        std::fs::write(file, text).unwrap();
    }
}

const SERVICES: [&str; 6] = ["gitlab", "sts", "s3", "github", "prometheus", "git"];

#[test]
fn every_service_uses_the_proxy_from_the_environment_except_no_proxy() {
    let world = World::start();
    let (port, seen) = serve(|stream, seen| note(stream, seen, REFUSAL));
    let host = |service: &str| format!("{service}.invalid");
    point_datafiles(&world, &host);
    for run in runs(&world, &host) {
        run.env("HTTPS_PROXY", format!("http://127.0.0.1:{port}")).run();
    }
    // S3 may add a prefix or suffix to its host.
    let asked = std::mem::take(&mut *seen.lock().unwrap());
    for service in SERVICES {
        let found = asked.iter().any(|line| {
            line.starts_with("CONNECT ") && line.contains(&format!("{service}.invalid:443"))
        });
        assert!(found, "{service}: {asked:?}");
    }
    for run in runs(&world, &host) {
        run.env("HTTPS_PROXY", format!("http://127.0.0.1:{port}"))
            .env("NO_PROXY", ".invalid")
            .run();
    }
    assert!(seen.lock().unwrap().is_empty(), "{seen:?}");
}

/// A server of a company: its CA's certificate, and the requests it got.
fn of_a_company(answer: String) -> (String, u16, Seen) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned()];
    let own = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let (port, seen) = serve(move |stream, seen| {
        let tls = ServerConnection::new(config.clone()).unwrap();
        note(StreamOwned::new(tls, stream), seen, &answer);
    });
    (authority.pem(), port, seen)
}

#[test]
fn every_client_trusts_a_company_ca_and_names_an_unknown_one() {
    let world = World::start();
    let (authority, port, seen) = of_a_company(REFUSAL.to_owned());
    let file = world.path("ca.pem");
    std::fs::write(&file, authority).unwrap();
    let host = |_: &str| format!("127.0.0.1:{port}");
    point_datafiles(&world, &host);
    for run in runs(&world, &host) {
        let ran = run.run();
        let said = format!("{}{}", ran.out, ran.err);
        assert!(said.contains("unknown authority") && said.contains("SSL_CERT_FILE"), "{said}");
    }
    assert!(seen.lock().unwrap().is_empty(), "{seen:?}");
    for variable in ["SSL_CERT_FILE", "CI_SERVER_TLS_CA_FILE"] {
        for run in runs(&world, &host) {
            run.env(variable, &file).run();
        }
        let asked = std::mem::take(&mut *seen.lock().unwrap());
        for part in [
            ".git/info/refs",
            "/api/v4/projects/",
            "POST / ",
            "/shop-state/state/",
            "/repos/example-shop/",
            "/api/v1/query",
            "/git/payments-ledger/info/refs",
        ] {
            assert!(asked.iter().any(|line| line.contains(part)), "{variable}: {part}: {asked:?}");
        }
    }
}

/// A machine without any CA certificates: that matters only for https.
#[test]
fn without_certificates_plain_http_works() {
    let world = World::start();
    let none = world.path("none.pem");
    std::fs::write(&none, "").unwrap();
    let run = world.sapm("plan").env("SSL_CERT_FILE", &none).env("SSL_CERT_DIR", world.path("tmp"));
    run.expect(0);
}

#[test]
fn no_redirect_from_https_to_http_is_followed() {
    let world = World::start();
    let (plain, seen) = serve(|stream, seen| note(stream, seen, REFUSAL));
    let moved = format!(
        "HTTP/1.1 302 X\r\nlocation: http://127.0.0.1:{plain}/x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    let (authority, port, asked) = of_a_company(moved);
    let file = world.path("ca.pem");
    std::fs::write(&file, authority).unwrap();
    let host = |_: &str| format!("127.0.0.1:{port}");
    point_datafiles(&world, &host);
    for run in runs(&world, &host) {
        run.env("SSL_CERT_FILE", &file).run();
    }
    assert!(asked.lock().unwrap().len() >= 6, "{asked:?}");
    assert!(seen.lock().unwrap().is_empty(), "{seen:?}");
}

#[test]
fn a_git_hosts_requested_pause_is_respected() {
    let world = World::start();
    world.forge().set_git_ref("payments-ledger", "main", LEDGER_BLOCKED);
    let url = world.forge().git_url("payments-ledger");
    let old = "- name: payments-ledger\n  url: https://github.com/example-shop/payments-ledger\n";
    world.edit(PAYMENTS_FILE, old, &format!("- name: payments-ledger\n  url: {url}\n"));
    let later = |status| {
        let wait = vec![("retry-after".to_owned(), "2".to_owned())];
        Fault::new(FaultKind::Status(status, "later".to_owned(), wait))
    };
    for status in [429, 503] {
        // A lookup of a ref, and the clone.
        world.forge().clear_faults();
        world.forge().fault(later(status).on(Service::Git).nth(1));
        world.forge().fault(later(status).on(Service::GitLab).path(".git/").nth(1));
        world.sapm("plan").expect(0);
        assert_eq!(world.forge().faults_played(), 2, "{status}");
    }
}

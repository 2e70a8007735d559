//! How the bucket's client is made.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::endpoint::{DefaultResolver, EndpointFuture, Params, ResolveEndpoint};
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    Builder, Credentials, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_smithy_http_client::tls;
use secrecy::{ExposeSecret, SecretString};

use super::counter::Counter;

/// What the AWS SDK is not left to find by itself. Has no `Debug`, as it may hold a secret.
#[derive(Clone)]
pub struct S3Settings {
    /// Region of the bucket; else the SDK's, else `us-east-1`.
    pub region: Option<String>,
    /// Key id and secret; else the SDK's credentials.
    pub access_key: Option<(String, SecretString)>,
    /// Another store's address; else the SDK's (`AWS_ENDPOINT_URL_S3`).
    pub endpoint: Option<String>,
    /// How often a request is sent at most.
    pub attempts: u32,
    /// How long to wait for a connection.
    pub connect: Duration,
    /// How long to wait for one attempt's answer.
    pub attempt: Duration,
    /// How long all attempts together may take.
    pub operation: Duration,
}

impl Default for S3Settings {
    /// Nothing set; three attempts, 5 s, 10 s and 30 s.
    fn default() -> Self {
        Self {
            region: None,
            access_key: None,
            endpoint: None,
            attempts: 3,
            connect: Duration::from_secs(5),
            attempt: Duration::from_secs(10),
            operation: Duration::from_secs(30),
        }
    }
}

/// The region when nothing names one; other stores do not care.
const DEFAULT_REGION: &str = "us-east-1";

/// The client, and the region that it signs for.
pub(super) async fn client(
    bucket: &str,
    settings: &S3Settings,
    counter: Counter,
) -> (Client, String) {
    let sdk = sdk_config(settings).await;
    let region = sdk.region().map_or(DEFAULT_REGION, Region::as_ref).to_owned();
    let config = Builder::from(&sdk)
        .region(Region::new(region.clone()))
        // A dot in the bucket's name would not fit the certificate.
        .force_path_style(bucket.contains('.'))
        .endpoint_resolver(PathStyle { resolver: DefaultResolver::new(), counter: counter.clone() })
        // SigV4 covers the body; other stores often know no more checksums.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .interceptor(counter)
        .build();
    (Client::from_conf(config), region)
}

async fn sdk_config(settings: &S3Settings) -> SdkConfig {
    let tls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc);
    let times = TimeoutConfig::builder()
        .connect_timeout(settings.connect)
        .operation_attempt_timeout(settings.attempt)
        .operation_timeout(settings.operation)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().tls_provider(tls).build_https())
        .timeout_config(times)
        .retry_config(RetryConfig::standard().with_max_attempts(settings.attempts.max(1)));
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &settings.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some((id, secret)) = &settings.access_key {
        loader = loader.credentials_provider(Credentials::new(
            id,
            secret.expose_secret(),
            None,
            None,
            "settings",
        ));
    }
    loader.load().await
}

/// Path style (`host/bucket/key`) wherever an endpoint is set, by whatever
/// means: other stores have no host name per bucket.
#[derive(Debug)]
struct PathStyle {
    resolver: DefaultResolver,
    counter: Counter,
}

impl ResolveEndpoint for PathStyle {
    fn resolve_endpoint<'a>(&'a self, params: &'a Params) -> EndpointFuture<'a> {
        let Some(endpoint) = params.endpoint() else {
            return self.resolver.resolve_endpoint(params);
        };
        self.counter.note_endpoint(endpoint);
        let text = |value: Option<&str>| value.map(str::to_owned);
        let changed = Params::builder()
            .set_bucket(text(params.bucket()))
            .set_region(text(params.region()))
            .set_use_fips(params.use_fips())
            .set_use_dual_stack(params.use_dual_stack())
            .set_endpoint(Some(endpoint.to_owned()))
            .set_force_path_style(Some(true))
            .set_key(text(params.key()))
            .set_prefix(text(params.prefix()))
            .set_disable_s3_express_session_auth(params.disable_s3_express_session_auth())
            .build();
        EndpointFuture::new(async move { self.resolver.resolve_endpoint(&changed?).await })
    }
}

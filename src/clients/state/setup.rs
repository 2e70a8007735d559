//! Creates the bucket's client.

use std::sync::{Arc, OnceLock};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::endpoint::{DefaultResolver, EndpointFuture, Params, ResolveEndpoint};
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    Builder, Credentials, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig,
};
use secrecy::{ExposeSecret, SecretString};

use super::transport;
use crate::clients::http::ServiceClient;

/// Settings that override the AWS SDK's. Has no `Debug`, because it may contain a secret.
#[derive(Clone, Default)]
pub struct S3Settings {
    /// Region of the bucket; by default the SDK's, else `us-east-1`.
    pub region: Option<String>,
    /// Key id and secret; by default the SDK's credentials.
    pub access_key: Option<(String, SecretString)>,
    /// URL of another store; by default the SDK's (`AWS_ENDPOINT_URL_S3`).
    pub endpoint: Option<String>,
}

/// The default region. Other stores ignore it.
const DEFAULT_REGION: &str = "us-east-1";

/// The client, and the region that it signs requests for.
pub(super) async fn client(
    bucket: &str,
    settings: &S3Settings,
    endpoint: Arc<OnceLock<String>>,
    service: ServiceClient,
) -> (Client, String) {
    let sdk = sdk_config(settings, service).await;
    let region = sdk.region().map_or(DEFAULT_REGION, Region::as_ref).to_owned();
    let config = Builder::from(&sdk)
        .region(Region::new(region.clone()))
        // A bucket name with a dot would not match the certificate.
        .force_path_style(bucket.contains('.'))
        .endpoint_resolver(PathStyle { resolver: DefaultResolver::new(), endpoint })
        // SigV4 covers the body. Other stores often support no further checksums.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .build();
    (Client::from_conf(config), region)
}

async fn sdk_config(settings: &S3Settings, service: ServiceClient) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(transport::http_client(service))
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .retry_config(RetryConfig::disabled());
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

/// Path style (`host/bucket/key`) whenever an endpoint is set, by whatever
/// means: other stores have no host name per bucket.
#[derive(Debug)]
struct PathStyle {
    resolver: DefaultResolver,
    /// The configured endpoint, for messages.
    endpoint: Arc<OnceLock<String>>,
}

impl ResolveEndpoint for PathStyle {
    fn resolve_endpoint<'a>(&'a self, params: &'a Params) -> EndpointFuture<'a> {
        let Some(endpoint) = params.endpoint() else {
            return self.resolver.resolve_endpoint(params);
        };
        self.endpoint.get_or_init(|| endpoint.to_owned());
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

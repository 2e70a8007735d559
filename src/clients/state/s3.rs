//! The state in an S3 bucket, on AWS or another store.

mod listing;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use chrono::{DateTime, Utc};
use tokio::sync::OnceCell;

use super::check_key;
use super::failure::{self, Trouble};
use super::setup::{self, S3Settings};
use crate::clients::http::{ServiceClient, one_line};
use crate::ports::{StateError, StateStore, StoredObject};
use crate::report::EXPORT_KEY;

/// After this many reads in a row that fail or get no response, the bucket is given up as a
/// whole.
const MAX_FAILED: u32 = 3;

/// When a key is written.
#[derive(Clone, Copy)]
enum Only<'a> {
    Always,
    IfMissing,
    /// If it still has this ETag.
    IfVersion(&'a str),
}

/// A bucket. The caller limits the number of concurrent requests.
pub struct S3State {
    client: Client,
    service: ServiceClient,
    bucket: String,
    prefix: String,
    region: String,
    /// The variable that sets the region.
    region_variable: &'static str,
    /// The configured endpoint; none for AWS itself.
    endpoint: Arc<OnceLock<String>>,
    /// Has the bucket responded to a read yet (including "no such key")?
    readable: AtomicBool,
    /// Reads in a row that failed for another reason than their key.
    failed: AtomicU32,
    /// Did a check show that the bucket does not exist?
    missing: OnceCell<bool>,
}

impl S3State {
    /// Creates the client without accessing the bucket. `prefix` is prepended to every
    /// key; slashes at its ends are ignored.
    pub async fn new(
        bucket: &str,
        prefix: &str,
        settings: S3Settings,
        service: ServiceClient,
    ) -> Self {
        if let Some((_, secret)) = &settings.access_key {
            service.redactor().learn(secret);
        }
        let region_variable = match &settings.region {
            Some(_) => "APP_INTERFACE_STATE_BUCKET_REGION",
            None => "AWS_REGION",
        };
        let endpoint = Arc::default();
        let (client, region) =
            setup::client(bucket, &settings, Arc::clone(&endpoint), service.clone()).await;
        Self {
            client,
            service,
            bucket: bucket.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
            region,
            region_variable,
            endpoint,
            readable: AtomicBool::new(false),
            failed: AtomicU32::new(0),
            missing: OnceCell::new(),
        }
    }

    fn full_key(&self, key: &str) -> String {
        if self.prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", self.prefix) }
    }

    async fn read(&self, key: &str) -> Result<StoredObject, Trouble> {
        let answer =
            self.client.get_object().bucket(&self.bucket).key(self.full_key(key)).send().await;
        let answer = answer.map_err(|error| failure::sort(&error))?;
        let version = answer.e_tag;
        // It is in memory: the transport has read it, up to the limit.
        let bytes = answer.body.collect().await;
        let bytes = bytes.map_err(|error| Trouble::Other(one_line(&error.to_string())))?.to_vec();
        let bytes = if key == EXPORT_KEY { bytes } else { self.without_secrets(bytes) };
        Ok(StoredObject { bytes, version })
    }

    /// Redacts secrets in a record, which appears in reports: it may be a proxy's response that repeats the request.
    fn without_secrets(&self, bytes: Vec<u8>) -> Vec<u8> {
        match String::from_utf8(bytes) {
            Ok(text) => self.service.redactor().redact(&text).into_bytes(),
            Err(error) => {
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let shown = self.service.redactor().redact(&text);
                if shown == text { error.into_bytes() } else { shown.into_bytes() }
            }
        }
    }

    async fn write(&self, key: &str, bytes: Vec<u8>, only: Only<'_>) -> Result<(), Trouble> {
        let request = self.client.put_object().bucket(&self.bucket).key(self.full_key(key));
        let request = match only {
            Only::Always => request,
            Only::IfMissing => request.if_none_match("*"),
            Only::IfVersion(version) => request.if_match(version),
        };
        let answer = request.body(ByteStream::from(bytes)).send().await;
        answer.map(drop).map_err(|error| failure::sort(&error))
    }

    /// Reads a key, and remembers whether the bucket can be read.
    async fn get_object(&self, key: &str) -> Result<StoredObject, Trouble> {
        let answer = self.read(key).await;
        if !matches!(answer, Err(Trouble::Unreachable(_) | Trouble::Server(_))) {
            self.failed.store(0, Ordering::Relaxed);
        }
        match answer {
            Err(Trouble::NoKey)
                if !self.readable.load(Ordering::Relaxed) && self.is_missing().await =>
            {
                Err(Trouble::NoBucket)
            }
            Ok(_) | Err(Trouble::NoKey) => {
                self.readable.store(true, Ordering::Relaxed);
                answer
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// May we list the bucket?
    async fn may_list(&self) -> bool {
        let request =
            self.client.list_objects_v2().bucket(&self.bucket).prefix(self.full_key("state/"));
        request.max_keys(1).send().await.is_ok()
    }

    /// Is the bucket missing? Checked once, if a key is missing before any was
    /// found: some stores return "no such key" for a missing bucket, too.
    async fn is_missing(&self) -> bool {
        *self
            .missing
            .get_or_init(|| async {
                let answer = self.client.head_bucket().bucket(&self.bucket).send().await;
                let status = answer
                    .err()
                    .and_then(|error| error.raw_response().map(|raw| raw.status().as_u16()));
                status == Some(404)
            })
            .await
    }

    /// Decides whether the failure concerns the whole bucket or the key.
    async fn judge(&self, doing: &str, key: &str, trouble: Trouble) -> StateError {
        let bucket = self.describe();
        let readable = self.readable.load(Ordering::Relaxed);
        let redacted = |text: String| self.service.redactor().redact(&text);
        let of_key = |reason: &str| {
            StateError::Key(redacted(format!("cannot {doing} {key} of {bucket}: {reason}")))
        };
        let whole =
            |reason: &str| StateError::Whole(redacted(format!("cannot use {bucket}: {reason}")));
        if let Some(reason) = self.whole_reason(&trouble) {
            return whole(&reason);
        }
        match trouble {
            // Possibly a proxy that rejects this URL.
            Trouble::NotS3(reason) if readable || self.may_list().await => {
                of_key(&format!("the response is not from an S3 server ({reason})"))
            }
            Trouble::NotS3(reason) => whole(&format!(
                "the response is not from an S3 server ({reason}): check the \
                                endpoint"
            )),
            Trouble::NoDecryption(reason) => StateError::Shared(redacted(format!(
                "cannot {doing} objects of {bucket}: the AWS KMS key that encrypts them cannot be \
                 used ({reason}): grant kms:Decrypt for reading and kms:GenerateDataKey for writing"
            ))),
            Trouble::Denied(reason) if doing != "read" => {
                of_key(&format!("{reason}: grant s3:PutObject on that key"))
            }
            Trouble::Denied(reason) if !readable && !self.may_list().await => {
                whole(&format!("access denied ({reason}): grant s3:GetObject and s3:ListBucket"))
            }
            Trouble::Unreachable(reason) | Trouble::Server(reason)
                if readable && self.failed.fetch_add(1, Ordering::Relaxed) + 1 < MAX_FAILED =>
            {
                of_key(&reason)
            }
            Trouble::Unreachable(reason) => whole(&format!("cannot be reached: {reason}")),
            Trouble::Server(reason) if readable || !self.may_list().await => {
                whole(&format!("it fails: {reason}"))
            }
            Trouble::NoKey => of_key("no such key"),
            Trouble::NotConditional => of_key("the store does not support it"),
            Trouble::MayNotList => of_key(
                "access denied; without s3:ListBucket, that is also the response for a missing \
                 key: grant it",
            ),
            Trouble::Denied(reason) | Trouble::Server(reason) | Trouble::Other(reason) => {
                of_key(&reason)
            }
            // Handled above.
            _ => whole("it cannot be used"),
        }
    }

    /// The reason, if it affects every other request too, whatever its key.
    fn whole_reason(&self, trouble: &Trouble) -> Option<String> {
        let (region, variable) = (&self.region, self.region_variable);
        Some(match trouble {
            Trouble::NoBucket => {
                "there is no such bucket: check its name and the endpoint".to_owned()
            }
            Trouble::OtherRegion(Some(other)) => format!(
                "it is in region {other}, but requests are signed for {region}: set \
                 {variable}={other}"
            ),
            Trouble::OtherRegion(None) => format!("it is not in region {region}: set {variable}"),
            Trouble::NoCredentials(reason) => {
                format!("no credentials (environment, web identity, profile): {reason}")
            }
            Trouble::BadCredentials(reason) => format!("it refuses the credentials: {reason}"),
            Trouble::WrongClock(reason) => {
                format!(
                    "the clock of this machine differs from the bucket's: correct it ({reason})"
                )
            }
            Trouble::Busy(reason) => format!("it refuses requests: {reason}"),
            _ => return None,
        })
    }

    fn describe(&self) -> String {
        match self.endpoint.get() {
            Some(endpoint) => format!(
                "bucket {} at {}",
                self.bucket,
                crate::clients::git::without_userinfo(endpoint)
            ),
            None => format!("bucket {} of AWS", self.bucket),
        }
    }
}

#[async_trait]
impl StateStore for S3State {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        check_key(key, &self.location())?;
        match self.get_object(key).await {
            Ok(object) => Ok(Some(object.bytes)),
            Err(Trouble::NoKey) => Ok(None),
            Err(trouble) => Err(self.judge("read", key, trouble).await),
        }
    }

    async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), StateError> {
        check_key(key, &self.location())?;
        match self.write(key, bytes, Only::Always).await {
            Ok(()) => Ok(()),
            Err(trouble) => Err(self.judge("write", key, trouble).await),
        }
    }

    async fn get_to_replace(&self, key: &str) -> Result<Option<StoredObject>, StateError> {
        check_key(key, &self.location())?;
        match self.get_object(key).await {
            Ok(object) => Ok(Some(object)),
            // If it were there, AWS would name s3:GetObject. The write is refused if it is there after all.
            Err(Trouble::NoKey | Trouble::MayNotList) => Ok(None),
            Err(trouble) => Err(self.judge("read", key, trouble).await),
        }
    }

    async fn replace(
        &self,
        key: &str,
        bytes: Vec<u8>,
        old: Option<&StoredObject>,
    ) -> Result<bool, StateError> {
        check_key(key, &self.location())?;
        let only = match old {
            None => Only::IfMissing,
            Some(object) => object.version.as_deref().map_or(Only::Always, Only::IfVersion),
        };
        let written = match self.write(key, bytes.clone(), only).await {
            Err(Trouble::NotConditional) => self.write(key, bytes, Only::Always).await,
            written => written,
        };
        match written {
            Ok(()) => Ok(true),
            // A version of a key that is gone is another one, too.
            Err(Trouble::Changed | Trouble::NoKey) => Ok(false),
            Err(trouble) => Err(self.judge("write", key, trouble).await),
        }
    }

    fn location(&self) -> String {
        if self.prefix.is_empty() {
            format!("s3://{}", self.bucket)
        } else {
            format!("s3://{}/{}", self.bucket, self.prefix)
        }
    }

    async fn modified_at(&self, key: &str) -> Result<Option<DateTime<Utc>>, StateError> {
        self.when_modified(key).await
    }

    async fn keys(&self, start: &str, at_most: usize) -> Result<Vec<String>, StateError> {
        self.listed(start, at_most).await
    }

    async fn other_prefixes(&self, start: &str) -> Result<Vec<String>, StateError> {
        self.prefixes_with(start).await
    }
}

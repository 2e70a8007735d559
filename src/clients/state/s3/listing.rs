//! What is in the bucket, for questions before a cut-over: when a key was written, which keys there are.

use aws_sdk_s3::primitives::DateTime as SdkTime;
use chrono::{DateTime, Utc};

use super::super::failure::{self, Trouble};
use super::S3State;
use crate::ports::StateError;

/// Folders at the top of the bucket that are looked into.
const MAX_PREFIXES: usize = 20;

impl S3State {
    /// When a key was written last.
    pub(super) async fn when_modified(
        &self,
        key: &str,
    ) -> Result<Option<DateTime<Utc>>, StateError> {
        let answer =
            self.client.head_object().bucket(&self.bucket).key(self.full_key(key)).send().await;
        match answer {
            Ok(head) => Ok(head.last_modified().and_then(utc)),
            Err(error) => {
                let status = error.raw_response().map(|raw| raw.status().as_u16());
                if status == Some(404) {
                    return Ok(None);
                }
                Err(self.judge("look at", key, failure::sort(&error)).await)
            }
        }
    }

    /// Keys that begin with `start`, without the prefix of the state.
    pub(super) async fn listed(
        &self,
        start: &str,
        at_most: usize,
    ) -> Result<Vec<String>, StateError> {
        let listed = self.list(&self.full_key(start), at_most).await;
        let keys = match listed {
            Ok(keys) => keys,
            Err(trouble) => return Err(self.judge("list", start, trouble).await),
        };
        let own = self.full_key("");
        Ok(keys.into_iter().map(|key| key.strip_prefix(&own).unwrap_or(&key).to_owned()).collect())
    }

    /// Folders at the top of the bucket below which keys begin with `start`.
    pub(super) async fn prefixes_with(&self, start: &str) -> Result<Vec<String>, StateError> {
        let answer = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .delimiter("/")
            .max_keys(i32::try_from(MAX_PREFIXES).unwrap_or(i32::MAX))
            .send()
            .await;
        let folders = match answer {
            Ok(answer) => answer.common_prefixes.unwrap_or_default(),
            Err(error) => return Err(self.judge("list", "", failure::sort(&error)).await),
        };
        let mut found = Vec::new();
        let names = folders.into_iter().filter_map(|folder| folder.prefix).take(MAX_PREFIXES);
        for folder in [String::new()].into_iter().chain(names) {
            let is_own = folder.trim_matches('/') == self.prefix;
            let there = self.list(&format!("{folder}{start}"), 1).await;
            if !is_own && there.is_ok_and(|keys| !keys.is_empty()) {
                found.push(folder.trim_matches('/').to_owned());
            }
        }
        Ok(found)
    }

    async fn list(&self, start: &str, at_most: usize) -> Result<Vec<String>, Trouble> {
        let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(start);
        let answer = request.max_keys(i32::try_from(at_most).unwrap_or(i32::MAX)).send().await;
        let answer = answer.map_err(|error| failure::sort(&error))?;
        Ok(answer.contents.unwrap_or_default().into_iter().filter_map(|each| each.key).collect())
    }
}

fn utc(time: &SdkTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}

//! JSON Schemas of the public formats, generated from the Rust types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use super::{
    DifferenceReport, Explanation, FindingsReport, Overview, PlanReport, PreflightReport,
    RecordReport, ShadowReport,
};
use crate::snapshot::Snapshot;

/// The schema of each format (JSON Schema, draft 2020-12), with its file name.
pub fn schemas() -> [(&'static str, Schema); 9] {
    [
        ("plan-v1.json", schema_of::<PlanReport>()),
        ("explanation-v1.json", schema_of::<Explanation>()),
        ("overview-v1.json", schema_of::<Overview>()),
        ("difference-v1.json", schema_of::<DifferenceReport>()),
        ("findings-v1.json", schema_of::<FindingsReport>()),
        ("preflight-v1.json", schema_of::<PreflightReport>()),
        ("record-v1.json", schema_of::<RecordReport>()),
        ("shadow-v1.json", schema_of::<ShadowReport>()),
        ("snapshot-v1.json", schema_of::<Snapshot>()),
    ]
}

/// The schema of the output: fields that are always written are required, and additional fields are allowed.
fn schema_of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

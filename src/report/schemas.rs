//! JSON Schemas of the public formats, made from the types that are written.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use super::{Explanation, FindingsReport, PlanReport, PreflightReport, ShadowReport};
use crate::snapshot::Snapshot;

/// The schema of each format (JSON Schema, draft 2020-12), with the name of its file.
pub fn schemas() -> [(&'static str, Schema); 6] {
    [
        ("plan-v1.json", schema_of::<PlanReport>()),
        ("explanation-v1.json", schema_of::<Explanation>()),
        ("findings-v1.json", schema_of::<FindingsReport>()),
        ("preflight-v1.json", schema_of::<PreflightReport>()),
        ("shadow-v1.json", schema_of::<ShadowReport>()),
        ("snapshot-v1.json", schema_of::<Snapshot>()),
    ]
}

/// As the program writes it: what it always writes is required, more may come beside it.
fn schema_of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

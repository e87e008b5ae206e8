/** Short names of the generated types. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Job = Schemas["Job"];
export type JobSummary = Schemas["JobSummary"];
export type JobState = Schemas["State"];
export type JobEvent = Schemas["Event"];
export type JobRequest = Schemas["Request"];
export type Result = Schemas["Result"];
export type Queue = Schemas["Queue"];
export type ResumePreview = Schemas["ResumePreview"];
export type Range = Schemas["Range"];
export type RangeState = Schemas["RangeState"];
export type RangeChange = Schemas["RangeChange"];
export type Plan = Schemas["Plan"];
export type PlanStep = Schemas["PlanStep"];
export type Graph = Schemas["Graph"];
export type GraphNode = Schemas["GraphNode"];
export type RangeMachine = Schemas["RangeMachine"];
export type Content = Schemas["Content"];
export type CatalogEntry = Schemas["CatalogEntry"];
export type NewJob = Schemas["NewJob"];

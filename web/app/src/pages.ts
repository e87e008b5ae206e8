/** The pages that are loaded when they are needed, together. */
export { default as JobPlan } from "./ranges/JobPlan";
export { default as NewRangePage } from "./ranges/NewRangePage";
export { default as RangePage } from "./ranges/RangePage";
export { default as RangesPage } from "./ranges/RangesPage";
export { default as CatalogPage } from "./run/CatalogPage";
export { default as RunPage } from "./run/RunPage";
export { default as PlatformsPage } from "./system/PlatformsPage";
export { default as SystemPage } from "./system/SystemPage";

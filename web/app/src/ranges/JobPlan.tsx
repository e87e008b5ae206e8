/** The plan that a job carries out. */
import type { Job } from "../api/types";
import { isFinished } from "../jobs/title";
import { t } from "../text";
import { Empty, Loading, ProblemView } from "../ui/basics";
import { PlanView } from "./PlanView";
import { usePlan, useSteps } from "./useRange";

export default function JobPlan({ job }: { job: Job }) {
  const range = job.request.range_id ?? job.request.range ?? "";
  const plan = usePlan(range);
  const live = useSteps(job.id, range);
  if (plan.data === undefined) return plan.error === null ? <Loading /> : <ProblemView error={plan.error} />;
  if (plan.data.id !== job.request.plan) return <Empty title={t.plan.replaced} />;
  return <PlanView plan={plan.data} live={live} isRunning={!isFinished(job.state)} />;
}

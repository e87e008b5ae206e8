/** One range: map, plan, machines, reachability, drift, and document. */
import { lazy, Suspense } from "react";
import { asProblem } from "../api/problem";
import type { Range } from "../api/types";
import { useParam } from "../lib/route";
import { clock, duration, secondsBetween, useNow } from "../lib/time";
import { t } from "../text";
import { Empty, Facts, Header, Link, Loading, ProblemView, Tabs } from "../ui/basics";
import { State } from "../ui/State";
import { toYaml } from "../lib/yaml";
import { DriftView } from "./DriftView";
import { Editor } from "./Editor";
import { MachinesView } from "./MachinesView";
import { PlanView } from "./PlanView";
import { RangeActions } from "./RangeActions";
import { ReachView } from "./ReachView";
import { usePlan, useRange, useSteps } from "./useRange";

const GraphView = lazy(() => import("./GraphView"));

export default function RangePage({ id }: { id: string }) {
  const range = useRange(id);
  const plan = usePlan(id);
  const isChanging = range.data?.state === "changing";
  const live = useSteps(plan.data?.job, id);
  const [tab, setTab] = useParam("tab", "map");
  const now = useNow(range.data?.expires_at !== null);
  if (range.data !== undefined && range.error !== null && asProblem(range.error).status === 404) {
    return (
      <>
        <Header title={range.data.name} />
        <Empty title={t.range.gone}>
          <Link to={["ranges"]}>{t.nav.ranges}</Link>
        </Empty>
      </>
    );
  }
  if (range.data === undefined) return range.error === null ? <Loading /> : <ProblemView error={range.error} />;
  const data = range.data;
  const tabs = [
    { id: "map", label: t.range.tabs.map },
    { id: "plan", label: t.range.tabs.plan },
    { id: "machines", label: t.range.tabs.machines, count: data.machines },
    { id: "reach", label: t.range.tabs.reach },
    { id: "drift", label: t.range.tabs.drift },
    { id: "document", label: t.range.tabs.document },
  ];
  return (
    <>
      <Header title={data.name} actions={<RangeActions range={data} />}>
        <State state={data.state} label={t.ranges.states[data.state]} />
        {data.job !== undefined && isChanging && <Link to={["jobs", data.job]}>{t.range.job}</Link>}
      </Header>
      {isChanging && plan.data !== undefined && <Done done={[...live.values()].filter((step) => step.state === "done").length} all={plan.data.steps.length} />}
      <Facts
        facts={[
          [t.range.platform, data.platform],
          [t.range.version, data.version],
          [t.range.changed, clock(data.updated_at)],
          [t.range.expires, data.expires_at === null ? null : duration(secondsBetween(new Date(now).toISOString(), data.expires_at))],
          [t.range.about, data.description ?? null],
        ]}
      />
      <Tabs label={t.range.tabs.label} tabs={tabs} current={tab} onSelect={setTab} />
      <div role="tabpanel" aria-label={tabs.find((one) => one.id === tab)?.label} className="tab-panel">
        {tab === "map" && (
          <Suspense fallback={<Loading />}>
            <GraphView range={id} />
          </Suspense>
        )}
        {tab === "plan" &&
          (plan.data === undefined ? <Empty title={plan.error === null ? t.loading : t.plan.none} /> : <PlanView plan={plan.data} live={live} isRunning={isChanging} />)}
        {tab === "machines" && <MachinesView range={data} />}
        {tab === "reach" && <ReachView range={id} />}
        {tab === "drift" && <DriftView range={data} />}
        {tab === "document" && <Document range={data} />}
      </div>
    </>
  );
}

function Document({ range }: { range: Range }) {
  return <Editor key={range.version} initial={toYaml(range.document ?? {})} range={range} />;
}

function Done({ done, all }: { done: number; all: number }) {
  const percent = all === 0 ? 0 : Math.floor((done / all) * 100);
  return (
    <div className="progress">
      <div className="progress-track" role="progressbar" aria-label={t.job.progress} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent}>
        <div className="progress-bar" style={{ width: `${percent}%` }} />
      </div>
      <p className="dim">{t.range.steps(done, all)}</p>
    </div>
  );
}

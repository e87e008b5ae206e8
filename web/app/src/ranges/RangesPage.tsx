/** All ranges. */
import { useQuery } from "@tanstack/react-query";
import { api, body } from "../api/client";
import type { Range } from "../api/types";
import { useCan } from "../caller";
import { href, useParam } from "../lib/route";
import { ago, duration, secondsBetween, useNow } from "../lib/time";
import { t } from "../text";
import { Empty, Header, Loading, ProblemView, Search } from "../ui/basics";
import { Icon } from "../ui/Icon";
import { State } from "../ui/State";

/** Every page of the list. */
async function allRanges(): Promise<Range[]> {
  const all: Range[] = [];
  let after: string | undefined;
  do {
    const page = await body(api.GET("/v1/ranges", { params: { query: { limit: 500, after } } }));
    all.push(...(page.items as Range[]));
    after = page.next ?? undefined;
  } while (after !== undefined);
  return all;
}

export default function RangesPage() {
  const ranges = useQuery({ queryKey: ["ranges"], queryFn: allRanges });
  const [text, setText] = useParam("q");
  const canChange = useCan("operator");
  const now = useNow(true);
  if (ranges.data === undefined) return ranges.error === null ? <Loading /> : <ProblemView error={ranges.error} />;
  const shown = ranges.data.filter((range) => `${range.name} ${range.platform} ${range.state}`.toLowerCase().includes(text.toLowerCase()));
  const create = canChange && <a className="button button-primary" href="#/ranges/new"><Icon name="plus" />{t.ranges.create}</a>;
  return (
    <>
      <Header title={t.nav.ranges} actions={create} />
      <div className="filters">
        <Search value={text} onChange={setText} label={t.ranges.search} />
      </div>
      {shown.length === 0 ? (
        <Empty title={ranges.data.length === 0 ? t.ranges.none : t.jobs.noMatch} />
      ) : (
        <ul className="cards">
          {shown.map((range) => (
            <li key={range.id}>
              <a className="card" href={href(["ranges", range.name])}>
                <span className="card-head">
                  <strong>{range.name}</strong>
                  <State state={range.state} label={t.ranges.states[range.state]} />
                </span>
                {range.description !== undefined && <span className="dim">{range.description}</span>}
                <span className="card-facts">
                  <span><Icon name="machine" /> {t.ranges.machines(range.machines)}</span>
                  <span><Icon name="network" /> {t.ranges.networks(range.networks)}</span>
                </span>
                <span className="card-foot dim">
                  <span>{range.platform}</span>
                  <span>{t.ranges.changed(ago(range.updated_at, now))}</span>
                  {range.expires_at !== null && <span>{t.ranges.expires(duration(secondsBetween(new Date(now).toISOString(), range.expires_at)))}</span>}
                </span>
              </a>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
